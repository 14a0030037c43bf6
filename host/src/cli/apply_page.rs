//! What an apply comes to, as people and programs read it. Pure.

use crate::acting::Came;
use crate::notify::ApplyNote;
use crate::report::Summary;
use crate::roster::Plan;
use crate::run::apply::Ended;
use crate::text::{count, neutral};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Lines of one kind that people are shown; `muster audit` and `--json` have all.
const SHOWN: usize = 20;

/// The outcomes in the order in which they are counted.
const LABELS: [&str; 5] = ["applied", "already-so", "accepted", "refused", "unclear"];

/// What came of each change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    rows: Vec<(String, Option<Came>)>,
}

impl Outcomes {
    /// Of changes in their order; none: nobody knows yet.
    pub fn new(subjects: &[String], came: Vec<Option<Came>>) -> Outcomes {
        Outcomes { rows: subjects.iter().cloned().zip(came).collect() }
    }

    /// One of them, where it is known.
    pub fn row(&self, at: usize) -> Option<(usize, &str, &Came)> {
        let (subject, came) = self.rows.get(at)?;
        Some((at, subject, came.as_ref()?))
    }

    /// What the target only took, or did not tell, is applied where the target that was read again has nothing left to do
    /// for that person, by whatever it is known. Which of them. `keys`: as [`crate::roster::Changes`] has them.
    pub fn settle(&mut self, left: &Plan, keys: &[Vec<String>]) -> Vec<usize> {
        let hires = left.hires.iter().map(|h| h.email.to_lowercase());
        let changes = left.changes.iter().chain(&left.moves).map(|c| (&c.email, &c.id));
        let others = changes.chain(left.departures.iter().map(|d| (&d.email, &d.id)));
        let others = others.flat_map(|(email, id)| email.iter().map(|e| e.to_lowercase()).chain([id.to_string()]));
        let open: HashSet<String> = hires.chain(others).collect();
        let mut settled = Vec::new();
        for (at, ((_, came), keys)) in self.rows.iter_mut().zip(keys).enumerate() {
            let is_open = keys.iter().any(|key| open.contains(key));
            if matches!(came, Some(Came::Accepted | Came::Unclear(_))) && !is_open {
                *came = Some(Came::Applied);
                settled.push(at);
            }
        }
        settled
    }

    fn of(&self, label: &str) -> u64 {
        self.rows.iter().flat_map(|(_, came)| came).filter(|came| came.label() == label).count() as u64
    }

    fn unknown(&self) -> u64 {
        self.rows.iter().filter(|(_, came)| came.is_none()).count() as u64
    }

    /// Of all together: `applied`; `accepted` where nothing is worse than that; `refused` where all of it was; else `in-part`.
    pub fn label(&self) -> &'static str {
        let (all, done) = (self.rows.len() as u64, self.of("applied") + self.of("already-so"));
        match (self.of("accepted"), self.of("refused")) {
            (0, _) if done == all => "applied",
            (accepted, _) if done + accepted == all => "accepted",
            (_, refused) if refused == all => "refused",
            _ => "in-part",
        }
    }

    /// Whether none of them is done, as far as anybody knows.
    pub fn is_nothing(&self) -> bool {
        self.of("refused") + self.unknown() == self.rows.len() as u64
    }

    /// `3 applied, 1 refused`.
    pub fn counted(&self) -> String {
        let mut parts: Vec<String> =
            self.counts().into_iter().filter(|(_, n)| *n > 0).map(|(label, n)| format!("{n} {label}")).collect();
        if parts.is_empty() {
            parts.push("nothing".to_owned());
        }
        parts.join(", ")
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let words = |label: &str| label.replace("already-so", "already so");
        let mut out: Vec<(String, u64)> = LABELS.iter().map(|label| (words(label), self.of(label))).collect();
        out.push(("not done".to_owned(), self.unknown()));
        out
    }

    /// Who was refused or is unclear, and why.
    fn failed(&self) -> impl Iterator<Item = String> {
        self.rows.iter().filter_map(|(subject, came)| match came {
            Some(came @ (Came::Refused(why) | Came::Unclear(why))) => {
                Some(format!("{} {}: {}", came.label(), neutral(subject), neutral(why)))
            }
            _ => None,
        })
    }
}

/// `3 hires, 1 departure`.
pub fn counted(plan: &Plan) -> String {
    let n = plan.counts();
    let parts = [(n.hires, "hire"), (n.changes, "change"), (n.moves, "move"), (n.departures, "departure")];
    let parts: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n as u64, what)).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// What somebody is asked.
pub fn question(plan: &Plan, scenario: Option<&str>, goes_on: bool) -> String {
    let (from, to) = (&plan.from, &plan.to.connection);
    let into = scenario.map_or_else(String::new, |id| format!(" into the scenario {id}"));
    let verb = if goes_on { "go on with" } else { "apply" };
    format!("{to}: {verb} {} from {} (run {}){into}?", counted(plan), from.connection, from.run)
}

/// The lines for people. `left`: what is still to be done, and who is left alone by now.
pub fn lines(plan: &Plan, dry_run: bool, outcomes: &Outcomes, left: Option<(&Plan, &[String])>) -> Vec<String> {
    let to = &plan.to.connection;
    let would = if dry_run { " (a dry run: nothing was changed)" } else { "" };
    let mut out = vec![format!("{to}: {}{would}", outcomes.counted())];
    let failed: Vec<String> = outcomes.failed().collect();
    out.extend(failed.iter().take(SHOWN).map(|line| format!("  {line}")));
    if failed.len() > SHOWN {
        out.push(format!("  … and {} more (`muster audit` has them)", failed.len() - SHOWN));
    }
    match left {
        Some((left, [])) if left.is_empty() => {
            out.push(format!("  {to} was read again, and nothing of the plan is left to do"))
        }
        Some((left, skipped)) => {
            out.push(format!("  {to} was read again, and this is still left to do: {}", counted(left)));
            out.extend(remains(left).iter().take(SHOWN).map(|line| format!("    {line}")));
            out.extend(skipped.iter().take(SHOWN).map(|line| format!("    left alone now: {}", neutral(line))));
        }
        None => {}
    }
    out
}

fn remains(left: &Plan) -> Vec<String> {
    let hires = left.hires.iter().map(|h| format!("hire {}", neutral(&h.email)));
    let changes = left.changes.iter().chain(&left.moves).flat_map(|c| {
        let who = c.email.as_deref().unwrap_or(&c.id);
        c.fields.iter().map(move |f| {
            let old = f.old.as_deref().unwrap_or("nothing");
            format!("{}: {} {} → {}", neutral(who), f.field.name(), neutral(old), neutral(&f.new))
        })
    });
    let departures = left
        .departures
        .iter()
        .map(|d| format!("departure of {} on {}", neutral(d.email.as_deref().unwrap_or(&d.id)), d.date));
    hires.chain(changes).chain(departures).collect()
}

/// The object for programs.
pub fn json(
    plan: &Plan,
    act: Option<i64>,
    scenario: Option<&str>,
    status: &str,
    outcomes: &Outcomes,
    left: Option<&Plan>,
    run: Option<i64>,
) -> Value {
    let rows: Vec<Value> = outcomes
        .rows
        .iter()
        .map(|(subject, came)| {
            let label = came.as_ref().map_or("not-done", Came::label);
            json!({"subject": subject, "outcome": label, "words": came.as_ref().map_or("", Came::words)})
        })
        .collect();
    json!({
        "connection": plan.to.connection, "from": plan.from.connection, "act": act, "scenario": scenario,
        "status": status, "applied": outcomes.of("applied"), "already_so": outcomes.of("already-so"),
        "accepted": outcomes.of("accepted"), "refused": outcomes.of("refused"), "unclear": outcomes.of("unclear"),
        "not_done": outcomes.unknown(), "outcomes": rows, "run": run,
        "left": left.map(|left| json!({
            "hires": left.hires, "changes": left.changes, "moves": left.moves, "departures": left.departures,
        })),
    })
}

/// What is wrong with what the target shows by now, for somebody who does not see the terminal; nothing where it shows all.
pub fn seen(plan: &Plan, summary: &Summary, left: Option<(&Plan, &[String])>) -> Vec<String> {
    let (to, run) = (&plan.to.connection, summary.run.map_or_else(String::new, |run| format!(" (run {run})")));
    match left {
        Some((left, skipped)) => {
            let still = remains(left).into_iter().map(|line| format!("still left to do: {line}"));
            still.chain(skipped.iter().map(|line| format!("left alone now: {}", neutral(line)))).collect()
        }
        None => {
            let mut out = vec![format!(
                "{to} was read again and is {}{run}: what was written is not checked against the plan",
                summary.status
            )];
            out.extend(summary.objections.iter().map(|why| format!("held because {}", neutral(why))));
            let told = summary.failures.iter().filter(|failure| !failure.message.is_empty());
            out.extend(told.map(|failure| neutral(&failure.message).into_owned()));
            match (summary.status, summary.run) {
                ("held", Some(run)) => {
                    out.push(format!("look with `muster runs show {run}`, publish with `muster runs accept {run}`"))
                }
                _ => out.push(format!("`muster sync {to}` reads it again")),
            }
            out
        }
    }
}

/// What a mail tells of it. `seen`: see [`seen`].
pub fn note(plan: &Plan, outcomes: &Outcomes, ended: &Ended, seen: &[String]) -> ApplyNote {
    let made = outcomes.rows.iter().filter_map(|(subject, came)| match came {
        Some(came @ (Came::Applied | Came::Accepted)) => Some(format!("{}: {}", came.label(), neutral(subject))),
        _ => None,
    });
    // First what matters most: a long list is cut.
    let mut failed = seen.to_vec();
    if let Ended::Failed(failure) = ended {
        failed.push(format!("it is not finished: {}", neutral(&failure.message)));
    }
    failed.extend(outcomes.failed());
    ApplyNote {
        connection: plan.to.connection.clone(),
        from: plan.from.connection.clone(),
        counts: outcomes.counts(),
        lines: made.collect(),
        failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(came: &[Option<Came>]) -> Outcomes {
        let subjects: Vec<String> = (0..came.len()).map(|n| format!("p{n}@a.test")).collect();
        Outcomes::new(&subjects, came.to_vec())
    }

    #[test]
    fn what_was_only_accepted_is_settled_unless_that_person_has_something_left() {
        let left = |section: &str| {
            let entry = r#"{"id": "person:1", "email": "new@a.test", "name": "N", "fields": [
                {"field": "title", "old": null, "new": "Cook"}]}"#;
            let part = |name: &str| if name == section { entry } else { "" };
            let text = format!(
                r#"{{"plan": 1, "from": {{"connection": "a", "run": 1}}, "to": {{"connection": "b", "run": 2}}, "options": OPTIONS,
                "hires": [], "changes": [{}], "moves": [{}], "departures": [], "skipped": []}}"#,
                part("changes"),
                part("moves")
            );
            let options = serde_json::to_string(&crate::roster::Options::default()).unwrap();
            Plan::read(&text.replace("OPTIONS", &options)).unwrap()
        };
        let keys = [vec!["old@a.test".to_owned(), "person:1".to_owned()], vec!["other@a.test".to_owned()]];
        for (section, wanted) in [("changes", vec![1]), ("none", vec![0, 1])] {
            let mut both = outcomes(&[Some(Came::Unclear("?".into())), Some(Came::Accepted)]);
            assert_eq!(both.settle(&left(section), &keys), wanted, "{section}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_target_afterwards_is_told_to_whoever_sees_no_terminal() {
        let text = r#"{"plan": 1, "from": {"connection": "a", "run": 1}, "to": {"connection": "b", "run": 2}, "options": OPTIONS,
            "hires": [{"email": "h@a.test", "name": "H", "fields": {"email": "h@a.test"}}],
            "changes": [], "moves": [], "departures": [], "skipped": []}"#;
        let options = serde_json::to_string(&crate::roster::Options::default()).unwrap();
        let plan = Plan::read(&text.replace("OPTIONS", &options)).unwrap();
        let summary = Summary::refused("b", String::new(), Vec::new());
        let nothing = Plan { hires: Vec::new(), ..plan.clone() };
        assert_eq!(seen(&plan, &summary, Some((&nothing, &[]))), [] as [&str; 0]);
        let skipped = ["Di: why".to_owned()];
        let told = seen(&plan, &summary, Some((&plan, &skipped)));
        assert_eq!(told, ["still left to do: hire h@a.test", "left alone now: Di: why"]);
        let objections = vec!["9 of 9 are gone".to_owned()];
        let held = Summary { status: "held", run: Some(7), objections, ..summary };
        assert_eq!(
            seen(&plan, &held, None),
            [
                "b was read again and is held (run 7): what was written is not checked against the plan",
                "held because 9 of 9 are gone",
                "look with `muster runs show 7`, publish with `muster runs accept 7`",
            ]
        );
        let came = [Some(Came::Refused("no".into()))];
        let note = note(&plan, &outcomes(&came), &Ended::Done, &seen(&plan, &held, None));
        assert_eq!((note.failed.len(), note.failed[3].as_str()), (4, "refused p0@a.test: no"), "a long list is cut");
    }

    #[test]
    fn all_together_are_as_good_as_what_was_done() {
        let refused = || Some(Came::Refused("no".into()));
        let unclear = || Some(Came::Unclear("?".into()));
        let table: [(&[Option<Came>], &str); 9] = [
            (&[Some(Came::Applied), Some(Came::AlreadySo)], "applied"),
            (&[Some(Came::Applied), Some(Came::Accepted)], "accepted"),
            (&[Some(Came::Accepted), refused()], "in-part"),
            (&[Some(Came::Applied), refused()], "in-part"),
            (&[Some(Came::Applied), None], "in-part"),
            (&[refused(), refused()], "refused"),
            (&[None], "in-part"),
            (&[unclear(), refused()], "in-part"),
            (&[], "applied"),
        ];
        for (came, wanted) in table {
            assert_eq!(outcomes(came).label(), wanted, "{came:?}");
        }
        assert_eq!(outcomes(&[Some(Came::Applied), refused(), None]).counted(), "1 applied, 1 refused, 1 not done");
        assert_eq!(outcomes(&[]).counted(), "nothing");
    }
}
