//! A plan for people. Pure: it makes lines, others print them.

use super::colour::{Paint, paint};
use super::table::Table;
use crate::roster::{Change, Departure, Field, Hire, Plan, Skipped};
use crate::text::{count, neutral, shorten};
use std::collections::HashMap;

/// Entries of a section, reasons, and names of a reason that somebody is shown at a terminal; a file has all of them.
const SHOWN: usize = 50;
/// Bytes of a value that people are shown.
const VALUE_BYTES: usize = 200;

/// How the page is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// With colours.
    pub coloured: bool,
    /// Long lists cut.
    pub cut: bool,
}

impl Look {
    fn shown(self) -> usize {
        if self.cut { SHOWN } else { usize::MAX }
    }

    /// What was not shown, if anything.
    fn more(self, of: usize, indent: &str) -> Option<String> {
        let more = of.saturating_sub(self.shown());
        (more > 0).then(|| format!("{indent}… and {more} more (-o plan.json has them)"))
    }

    fn heading(self, title: &str, entries: usize) -> String {
        paint(self.coloured, Paint::Bold, &format!("{title} ({entries})"))
    }
}

/// The page.
pub fn lines(plan: &Plan, look: Look) -> Vec<String> {
    let (from, to) = (&plan.from, &plan.to);
    let title = format!("{} (run {}) → {} (run {})", from.connection, from.run, to.connection, to.run);
    let mut out = vec![paint(look.coloured, Paint::Bold, &neutral(&title))];
    hires(&plan.hires, look, &mut out);
    changes("Changes", &plan.changes, look, &mut out);
    changes("Moves", &plan.moves, look, &mut out);
    departures(&plan.departures, look, &mut out);
    skipped(&plan.skipped, look, &mut out);
    out.push(totals(plan));
    out
}

fn hires(hires: &[Hire], look: Look, out: &mut Vec<String>) {
    if hires.is_empty() {
        return;
    }
    out.push(look.heading("Hires", hires.len()));
    let mut table = Table::new(&["NAME", "EMAIL", "TITLE", "DEPARTMENT", "MANAGER", "START"]);
    let mut lines = Vec::new();
    for hire in hires.iter().take(look.shown()) {
        let field = |field| hire.fields.get(&field).map_or_else(|| "-".to_owned(), |text| shorten(text, VALUE_BYTES));
        let mut cells = vec![shorten(&hire.name, VALUE_BYTES), shorten(&hire.email, VALUE_BYTES)];
        cells.extend([Field::Title, Field::Department, Field::Manager, Field::StartDate].map(field));
        lines.extend(table.row(cells));
    }
    lines.extend(table.finish());
    // The header first; it stands above what is new.
    for (at, line) in lines.iter().enumerate() {
        out.push(match at {
            0 => format!("    {line}"),
            _ => paint(look.coloured, Paint::Green, &format!("  + {line}")),
        });
    }
    out.extend(look.more(hires.len(), "  "));
}

fn changes(title: &str, changes: &[Change], look: Look, out: &mut Vec<String>) {
    if changes.is_empty() {
        return;
    }
    out.push(look.heading(title, changes.len()));
    for change in changes.iter().take(look.shown()) {
        let who = who(&change.name, change.email.as_deref(), &change.id);
        out.push(paint(look.coloured, Paint::Yellow, &format!("  ~ {who}")));
        for field in &change.fields {
            let old = field.old.as_deref().map_or_else(|| "(none)".to_owned(), |old| shorten(old, VALUE_BYTES));
            let line = format!("      {}: {old} → {}", field.field, shorten(&field.new, VALUE_BYTES));
            out.push(neutral(&line).into_owned());
        }
    }
    out.extend(look.more(changes.len(), "  "));
}

fn departures(departures: &[Departure], look: Look, out: &mut Vec<String>) {
    if departures.is_empty() {
        return;
    }
    out.push(look.heading("Departures", departures.len()));
    for departure in departures.iter().take(look.shown()) {
        let who = who(&departure.name, departure.email.as_deref(), &departure.id);
        let place = if departure.backfill { ", an open place stays" } else { "" };
        let line = format!("  - {who}: last day {}{place}", neutral(&departure.date));
        out.push(paint(look.coloured, Paint::Red, &line));
    }
    out.extend(look.more(departures.len(), "  "));
}

fn who(name: &str, email: Option<&str>, id: &str) -> String {
    let email = email.map(|email| format!("{email}, ")).unwrap_or_default();
    neutral(&format!("{} ({email}{id})", shorten(name, VALUE_BYTES))).into_owned()
}

/// By reason, in the order in which the reasons come.
fn skipped(skipped: &[Skipped], look: Look, out: &mut Vec<String>) {
    if skipped.is_empty() {
        return;
    }
    out.push(look.heading("Skipped", skipped.len()));
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for entry in skipped {
        let place = *places.entry(&entry.reason).or_insert_with(|| {
            groups.push((&entry.reason, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, names)) = groups.get_mut(place) {
            names.push(&entry.who);
        }
    }
    for (reason, names) in groups.iter().take(look.shown()) {
        out.push(neutral(&format!("  {reason} ({})", names.len())).into_owned());
        let shown = names.iter().take(look.shown());
        out.extend(shown.map(|name| neutral(&format!("      {}", shorten(name, VALUE_BYTES))).into_owned()));
        out.extend(look.more(names.len(), "      "));
    }
    let more = groups.len().saturating_sub(look.shown());
    if more > 0 {
        out.push(format!("  … and {} more (-o plan.json has them)", count(more as u64, "reason")));
    }
}

fn totals(plan: &Plan) -> String {
    let counts = plan.counts();
    let of = |n: usize, what: &str| count(n as u64, what);
    let skipped = match counts.skipped {
        0 => String::new(),
        n => format!("; {n} skipped"),
    };
    match plan.is_empty() {
        true => format!("nothing to do{skipped}"),
        false => format!(
            "{}, {}, {}, {}{skipped}",
            of(counts.hires, "hire"),
            of(counts.changes, "change"),
            of(counts.moves, "move"),
            of(counts.departures, "departure")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::{FieldChange, Options, Snapshot, VERSION};

    const PLAIN: Look = Look { coloured: false, cut: false };

    fn empty() -> Plan {
        let snapshot = |name: &str, run| Snapshot { connection: name.into(), run };
        Plan {
            plan: VERSION,
            from: snapshot("justworks", 3),
            to: snapshot("charthop", 5),
            options: Options::default(),
            hires: vec![],
            changes: vec![],
            moves: vec![],
            departures: vec![],
            skipped: vec![],
        }
    }

    fn skipped(who: &str, reason: &str) -> Skipped {
        Skipped { who: who.into(), reason: reason.into() }
    }

    fn full() -> Plan {
        let hire = |name: &str, email: &str, title: Option<&str>| Hire {
            name: name.into(),
            email: email.into(),
            fields: title.map(|title| (Field::Title, title.to_owned())).into_iter().collect(),
        };
        let field =
            |field, old: Option<&str>, new: &str| FieldChange { field, old: old.map(Into::into), new: new.into() };
        let change =
            |fields| Change { id: "person:2".into(), email: Some("bo@acme.test".into()), name: "Bo".into(), fields };
        Plan {
            hires: vec![hire("Ann\u{1b}[2J", "ann@acme.test", Some("Engineer")), hire("李 Ito", "i@acme.test", None)],
            changes: vec![change(vec![
                field(Field::Title, None, "A\u{202e}B"),
                field(Field::GivenName, Some("Bob"), "Bo"),
            ])],
            moves: vec![Change { email: None, ..change(vec![field(Field::Location, Some("Bonn"), "Boston")]) }],
            departures: vec![Departure {
                id: "person:3".into(),
                email: None,
                name: "Cy".into(),
                date: "2026-10-31".into(),
                backfill: true,
            }],
            skipped: vec![
                skipped("Di", "is a contractor"),
                skipped("Eve", "has no email"),
                skipped("Fay", "is a contractor"),
            ],
            ..empty()
        }
    }

    #[test]
    fn a_page_has_a_section_for_what_there_is() {
        let expected = "\
justworks (run 3) → charthop (run 5)
Hires (2)
    NAME          EMAIL          TITLE     DEPARTMENT  MANAGER  START
  + Ann\\u{1b}[2J  ann@acme.test  Engineer  -           -        -
  + 李 Ito        i@acme.test    -         -           -        -
Changes (1)
  ~ Bo (bo@acme.test, person:2)
      title: (none) → A\\u{202e}B
      given_name: Bob → Bo
Moves (1)
  ~ Bo (person:2)
      location: Bonn → Boston
Departures (1)
  - Cy (person:3): last day 2026-10-31, an open place stays
Skipped (3)
  is a contractor (2)
      Di
      Fay
  has no email (1)
      Eve
2 hires, 1 change, 1 move, 1 departure; 3 skipped";
        assert_eq!(lines(&full(), PLAIN).join("\n"), expected);
        assert_eq!(lines(&empty(), PLAIN), ["justworks (run 3) → charthop (run 5)", "nothing to do"]);
        let only = Plan { skipped: vec![skipped("Di", "x")], ..empty() };
        assert_eq!(lines(&only, PLAIN).last().map(String::as_str), Some("nothing to do; 1 skipped"));
    }

    #[test]
    fn what_is_new_other_and_gone_has_its_colour() {
        let lines = lines(&full(), Look { coloured: true, cut: true });
        let starts = |with: &str| lines.iter().filter(|line| line.starts_with(with)).count();
        assert_eq!((starts("\u{1b}[32m  + "), starts("\u{1b}[33m  ~ "), starts("\u{1b}[31m  - ")), (2, 2, 1));
        assert_eq!(starts("\u{1b}[1m"), 6, "headings");
    }

    #[test]
    fn long_lists_are_cut_where_somebody_is_looking() {
        let mut plan = full();
        plan.departures = vec![plan.departures[0].clone(); SHOWN + 7];
        plan.hires = vec![plan.hires[0].clone(); 2000];
        plan.skipped = (0..SHOWN + 1).map(|n| skipped("Di", &format!("reason {n}"))).collect();
        plan.skipped.extend(vec![skipped("Eve", "reason 0"); SHOWN + 2]);
        let cut = lines(&plan, Look { coloured: false, cut: true });
        let more = |text: &str| cut.iter().filter(|line| **line == format!("{text} (-o plan.json has them)")).count();
        assert_eq!(
            (more("  … and 7 more"), more("  … and 1950 more"), more("  … and 1 reason more")),
            (1, 1, 1),
            "{cut:#?}"
        );
        assert_eq!(more("      … and 3 more"), 1);
        let whole = lines(&plan, PLAIN);
        assert!(whole.len() > 2000 + 2 * SHOWN && !whole.iter().any(|line| line.contains("plan.json")));
    }
}
