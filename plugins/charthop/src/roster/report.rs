//! What a process says of the rows of its file. Pure.
//!
//! No log of an import is documented. A row is told by its address, in the data or in the words; its number alone may count
//! the header or not, so that it stands for two rows, and what is said of two is not known of either.

use std::collections::{BTreeSet, HashMap};

use muster_sdk::roster::ResultOf;
use serde::Deserialize;
use serde_json::Value;

/// Characters of ChartHop's words that are kept.
const WORDS: usize = 200;

/// A process.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Process {
    pub(crate) id: Option<String>,
    pub(crate) status: Option<String>,
    message: Option<String>,
    #[serde(rename = "logDataList", default)]
    log: Option<Vec<Entry>>,
    #[serde(default)]
    pub(crate) options: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    level: Option<String>,
    message: Option<String>,
    data: Value,
}

impl Process {
    /// Whether it is still at work.
    pub(crate) fn works(&self) -> bool {
        matches!(self.status.as_deref(), Some("PENDING" | "RUNNING"))
    }

    /// The mark that its import was given.
    pub(crate) fn source(&self) -> Option<&str> {
        self.options.get("importSource").and_then(Value::as_str)
    }

    /// What came of each row, by the addresses in the order of the file; `counted`: the file had all of them.
    pub(crate) fn results(&self, emails: &[&str], counted: bool) -> Vec<ResultOf> {
        let all = |result: ResultOf| vec![result; emails.len()];
        let ended = self.status.as_deref().unwrap_or_default();
        let errors: Vec<&Entry> =
            self.log.iter().flatten().filter(|entry| entry.level.as_deref() == Some("ERROR")).collect();
        match ended {
            "ERROR" => {
                let first = errors.first().and_then(|entry| entry.message.as_deref());
                all(ResultOf::Refused(match (self.message.as_deref(), first) {
                    (Some(message), Some(first)) if message != first => words(&format!("{message} ({first})")),
                    (one, other) => words(one.or(other).unwrap_or("ChartHop's import failed without a word")),
                }))
            }
            "DONE" | "DONE_WITH_ERRORS" => {
                let mut results = all(ResultOf::Applied);
                let (said, mut vague) = told(&errors, emails, counted);
                if ended == "DONE_WITH_ERRORS" && errors.is_empty() {
                    vague =
                        Some(words(self.message.as_deref().unwrap_or("ChartHop tells errors and does not say which")));
                }
                if let Some(words) = vague.filter(|_| ended == "DONE_WITH_ERRORS") {
                    results = all(ResultOf::Unclear(words));
                }
                for (place, result) in said {
                    if let Some(known) = results.get_mut(place).filter(|known| !matches!(known, ResultOf::Refused(_))) {
                        *known = result;
                    }
                }
                results
            }
            other => all(ResultOf::Unclear(words(&format!("ChartHop's import ended as \"{other}\"")))),
        }
    }
}

/// What the errors say of which rows, and the words of one that names none.
fn told(errors: &[&Entry], emails: &[&str], counted: bool) -> (Vec<(usize, ResultOf)>, Option<String>) {
    let places: HashMap<String, usize> =
        emails.iter().enumerate().map(|(place, email)| (email.trim().to_lowercase(), place)).collect();
    let (mut said, mut vague) = (Vec::new(), None);
    for entry in errors {
        let message = entry.message.as_deref().unwrap_or("ChartHop refused this row without a word");
        // From 1 without the header, or with it.
        let number = number(&entry.data, message).filter(|_| counted);
        let both = number.map_or([None, None], |number| [number.checked_sub(1), number.checked_sub(2)]);
        let candidates: Vec<usize> = both.into_iter().flatten().filter(|place| *place < emails.len()).collect();
        let in_data = address_in(&entry.data).and_then(|email| places.get(&email).copied());
        // The one address in a message about a manager may be the manager's, and the row another one.
        let of_manager = message.to_lowercase().contains("manager") && addresses(message).count() == 1;
        let named = addresses(message).filter(|_| !of_manager);
        let named: BTreeSet<usize> = named.filter_map(|email| places.get(&email).copied()).collect();
        let named: Vec<usize> = named.into_iter().collect();
        // A message may name the manager, too: only the one in the row that it counts is meant.
        let fitting: Vec<usize> = named.iter().copied().filter(|place| candidates.contains(place)).collect();
        // One in brackets says whose row it is, a number may count other things.
        let bracketed = named.iter().copied().find(|place| {
            let email = emails.get(*place).map(|email| email.trim().to_lowercase()).unwrap_or_default();
            message.to_lowercase().contains(&format!("({email})"))
        });
        let row = in_data.or(match (fitting.as_slice(), bracketed.as_ref(), named.as_slice(), candidates.as_slice()) {
            ([place], ..) | (_, Some(place), [_], _) | (_, _, [place], []) => Some(*place),
            // Several addresses, of which none fits the number, or none at all.
            (_, _, [] | [_, _, ..], [place]) => Some(*place),
            _ => None,
        });
        // Where address and number contradict each other, both are in doubt.
        let contradicted = named.into_iter().filter(|_| row.is_none());
        let candidates: BTreeSet<usize> = match candidates.is_empty() {
            true => BTreeSet::new(),
            false => candidates.into_iter().chain(contradicted).collect(),
        };
        let candidates: Vec<usize> = candidates.into_iter().collect();
        match (row, candidates.as_slice()) {
            (Some(place), _) => said.push((place, ResultOf::Refused(words(message)))),
            (None, []) => vague = Some(words(message)),
            (None, two) => {
                let sentence = format!("one of several rows was refused, and ChartHop does not say which: {message}");
                said.extend(two.iter().map(|place| (*place, ResultOf::Unclear(words(&sentence)))));
            }
        }
    }
    (said, vague)
}

/// The number of the row that an entry speaks of.
fn number(data: &Value, message: &str) -> Option<usize> {
    let in_data = ["row", "rowNumber", "line"].iter().find_map(|key| data.get(key).and_then(Value::as_u64));
    if let Some(number) = in_data {
        return usize::try_from(number).ok();
    }
    let mut parts = message.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.by_ref().find(|part| part.eq_ignore_ascii_case("row") || part.eq_ignore_ascii_case("line"))?;
    parts.next()?.parse().ok()
}

/// The work address in an entry's data, written small.
fn address_in(data: &Value) -> Option<String> {
    let known = ["workEmail", "email", "contact.workEmail", "Work Email"];
    let text = known.iter().find_map(|key| data.get(key).and_then(Value::as_str))?;
    Some(text.trim().to_lowercase())
}

/// The addresses in a text, written small.
fn addresses(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| c.is_whitespace() || "()<>[]{}\"',;:".contains(c))
        .map(|part| part.trim_end_matches(['.', '!', '?']))
        .filter(|part| part.contains('@'))
        .map(str::to_lowercase)
}

/// Words of ChartHop, capped, on one line.
pub(crate) fn words(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    const EMAILS: [&str; 3] = ["a@x.test", "B@x.test", "c@x.test"];

    /// What came of the three rows, in short: `+` applied, `-` refused, `?` unclear.
    fn told_of(status: &str, log: Value) -> String {
        let process = json!({"id": "1", "status": status, "message": "so it is", "logDataList": log});
        let process: Process = serde_json::from_value(process).unwrap();
        let sign = |result: &ResultOf| match result {
            ResultOf::Applied => '+',
            ResultOf::Refused(_) => '-',
            ResultOf::Unclear(_) => '?',
            _ => '!',
        };
        process.results(&EMAILS, true).iter().map(sign).collect()
    }

    fn error(message: &str, data: Value) -> Value {
        json!([{"level": "INFO", "message": "Row 1: fine"}, {"level": "ERROR", "message": message, "data": data}])
    }

    #[test]
    fn a_row_is_known_by_its_address_before_its_number() {
        let table = [
            ("DONE", json!(null), "+++"),
            ("DONE", json!([]), "+++"),
            ("ERROR", json!([]), "---"),
            ("DONE_WITH_ERRORS", json!([]), "???"),
            ("CANCELLED", json!([]), "???"),
            ("DONE_WITH_ERRORS", error("Row 2: too long", json!({"row": 2, "workEmail": "b@X.test"})), "+-+"),
            ("DONE_WITH_ERRORS", error("Row 3 (b@x.test): too long", json!(null)), "+-+"),
            ("DONE_WITH_ERRORS", error("c@x.test is no address.", json!(null)), "++-"),
            // One address against the number.
            ("DONE_WITH_ERRORS", error("Row 1 (b@x.test): too long", json!(null)), "+-+"),
            ("DONE_WITH_ERRORS", error("Row 2 (c@x.test): too long", json!(null)), "++-"),
            ("DONE_WITH_ERRORS", error("Row 9 (c@x.test): too long", json!(null)), "++-"),
            ("DONE_WITH_ERRORS", error("too long: B@x.test", json!({"row": 1})), "??+"),
            ("DONE_WITH_ERRORS", error("Row 3: reports to a@x.test, who is not there", json!(null)), "???"),
            // Of several addresses the one that the number fits; the number, where none does.
            ("DONE_WITH_ERRORS", error("Row 1: neither b@x.test nor c@x.test", json!(null)), "-++"),
            // An address that is not in the file says nothing.
            ("DONE_WITH_ERRORS", error("Row 1 (z@x.test): too long", json!(null)), "-++"),
            // The number alone: with the header or without it.
            ("DONE_WITH_ERRORS", error("Row 2: too long", json!(null)), "??+"),
            ("DONE_WITH_ERRORS", error("too long", json!({"row": 1})), "-++"),
            ("DONE_WITH_ERRORS", error("line 4: too long", json!(null)), "++-"),
            // The manager is in the file, too.
            ("DONE_WITH_ERRORS", error("Row 3 (c@x.test): manager a@x.test not found", json!(null)), "++-"),
            ("DONE_WITH_ERRORS", error("Row 2: Manager a@x.test not found", json!(null)), "??+"),
            ("DONE_WITH_ERRORS", error("Manager a@x.test not found", json!(null)), "???"),
            ("DONE_WITH_ERRORS", error("b@x.test: Manager z@x.test not found", json!(null)), "+-+"),
            ("DONE_WITH_ERRORS", error("a@x.test or b@x.test is wrong", json!(null)), "???"),
            ("DONE_WITH_ERRORS", error("something is wrong", json!(null)), "???"),
            ("DONE_WITH_ERRORS", error("Row 9: too long", json!(null)), "???"),
        ];
        for (status, log, wanted) in table {
            assert_eq!(told_of(status, log.clone()), wanted, "{status} {log}");
        }
    }

    #[test]
    fn rows_of_a_file_that_was_shortened_are_not_counted() {
        let process = json!({"status": "DONE_WITH_ERRORS", "logDataList": error("Row 1: no", json!(null))});
        let process: Process = serde_json::from_value(process).unwrap();
        assert_eq!(process.results(&EMAILS, false), vec![ResultOf::Unclear("Row 1: no".to_owned()); 3]);
    }

    #[test]
    fn words_are_capped_and_stay_on_a_line() {
        assert_eq!(words("a\nb"), "a b");
        assert_eq!(words(&"ü".repeat(500)).chars().count(), WORDS + 1);
    }
}
