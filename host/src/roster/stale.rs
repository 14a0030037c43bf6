//! Whether a plan that was made before still holds, and what of it is left.
//!
//! It holds if a plan that is made now, with the same options, has every entry of it with the same content. Somebody may
//! have taken entries or fields out by hand: what is not in the plan is not asked about, except a hire or an address
//! that another entry needs.

use super::field::Field;
use super::make::Rosters;
use super::plan::{Change, FieldChange, Plan};
use super::shown::Shown;
use super::texts::folded;
use std::collections::{HashMap, HashSet};

/// Differences that are told; more are counted.
const TOLD: usize = 20;

/// Whether a plan holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be applied.
    Holds,
    /// Source or target have changed since.
    Stale {
        /// What would be planned otherwise now, a line each; the first of them.
        differences: Vec<String>,
        /// How many more there are.
        more: usize,
    },
}

/// Judges a plan by one that was made now, of the current snapshots with the options of the first.
pub fn verdict(plan: &Plan, now: &Plan) -> Verdict {
    let mut out = Vec::new();
    hires(plan, now, &mut out);
    changes("changes", &plan.changes, &now.changes, &mut out);
    changes("moves", &plan.moves, &now.moves, &mut out);
    departures(plan, now, &mut out);
    managers(plan, now, &mut out);
    told(out)
}

/// What is known of a plan that was applied in part.
#[derive(Clone, Copy, Debug)]
pub struct Halfway<'a> {
    /// The changes whose outcome is known, by their place in [`super::Changes`]: nobody makes them again.
    pub settled: &'a HashSet<usize>,
    /// The snapshots that `now` was made of.
    pub rosters: &'a Rosters,
}

/// Judges a plan that was applied in part: what is not to be done any more was done, or nobody does it; and what is to be
/// done otherwise now is of somebody else's making. An entry that the target does not show, and that nobody wants any more,
/// would be written against the source: it is a difference.
pub fn verdict_halfway(plan: &Plan, now: &Plan, halfway: &Halfway<'_>) -> Verdict {
    let shown = Shown::new(halfway.rosters);
    let mut left = plan.clone();
    // Places are given in this order, as `Changes` has them.
    let mut places = 0..;
    let mut open = || places.next().is_some_and(|place| !halfway.settled.contains(&place));
    still_open(&mut left.changes, &now.changes, &shown, &mut open);
    let hired: HashSet<String> = now.hires.iter().map(|hire| folded(&hire.email)).collect();
    left.hires.retain(|hire| {
        let open = open();
        hired.contains(&folded(&hire.email)) || (open && !shown.hired(hire))
    });
    still_open(&mut left.moves, &now.moves, &shown, &mut open);
    let leaving: HashSet<&str> = now.departures.iter().map(|d| d.id.as_str()).collect();
    left.departures.retain(|d| {
        let open = open();
        leaving.contains(d.id.as_str()) || (open && !shown.left(d))
    });
    let mut out = Vec::new();
    hires(&left, now, &mut out);
    changes("changes", &left.changes, &now.changes, &mut out);
    changes("moves", &left.moves, &now.moves, &mut out);
    departures(&left, now, &mut out);
    told(out)
}

/// Keeps the fields that are still to be changed, with the address that the person has by now, and those that nobody has
/// changed and nobody wants to.
fn still_open(left: &mut Vec<Change>, now: &[Change], shown: &Shown<'_>, open: &mut dyn FnMut() -> bool) {
    let current: HashMap<&str, &Change> = now.iter().map(|change| (change.id.as_str(), change)).collect();
    left.retain_mut(|change| {
        let open = open();
        let other = current.get(change.id.as_str());
        let of = change.clone();
        change.fields.retain(|field| {
            let wanted = other.is_some_and(|other| other.fields.iter().any(|f| f.field == field.field));
            wanted || (open && !shown.changed(&of, field))
        });
        if let Some(other) = other {
            change.email.clone_from(&other.email);
        }
        !change.fields.is_empty()
    });
}

fn told(mut out: Vec<String>) -> Verdict {
    if out.is_empty() {
        return Verdict::Holds;
    }
    let more = out.len().saturating_sub(TOLD);
    out.truncate(TOLD);
    Verdict::Stale { differences: out, more }
}

fn hires(plan: &Plan, now: &Plan, out: &mut Vec<String>) {
    let current: HashMap<String, _> = now.hires.iter().map(|hire| (folded(&hire.email), hire)).collect();
    for hire in &plan.hires {
        let Some(other) = current.get(&folded(&hire.email)) else {
            out.push(format!("hires: {}: is no longer to be hired", hire.email));
            continue;
        };
        for (field, value) in &hire.fields {
            match other.fields.get(field) {
                Some(new) if new == value => {}
                Some(new) => out.push(format!("hires: {}: {field} is {value} in the plan, and now {new}", hire.email)),
                None => out.push(format!("hires: {}: {field} is {value} in the plan, and now nothing", hire.email)),
            }
        }
    }
}

fn changes(section: &str, plan: &[Change], now: &[Change], out: &mut Vec<String>) {
    let current: HashMap<&str, &Change> = now.iter().map(|change| (change.id.as_str(), change)).collect();
    for change in plan {
        let other = current.get(change.id.as_str());
        // The address is how a target finds somebody.
        if let Some(other) = other.filter(|other| !same(&other.email, &change.email)) {
            let now = other.email.as_deref().unwrap_or("(none)");
            out.push(format!("{section}: {} ({}): the address is {now} now", change.id, change.name));
        }
        let fields = other.map(|change| change.fields.as_slice()).unwrap_or_default();
        for FieldChange { field, old, new } in &change.fields {
            let line = |now: &str| format!("{section}: {} ({}): {field}: {now}", change.id, change.name);
            let shown = |old: &Option<String>| old.clone().unwrap_or_else(|| "(none)".to_owned());
            match fields.iter().find(|other| other.field == *field) {
                Some(other) if other.new == *new && other.old == *old => {}
                Some(other) => out.push(line(&format!(
                    "{} → {new} in the plan, and now {} → {}",
                    shown(old),
                    shown(&other.old),
                    other.new
                ))),
                None => out.push(line(&format!("{} → {new} in the plan, and now no change", shown(old)))),
            }
        }
    }
}

fn departures(plan: &Plan, now: &Plan, out: &mut Vec<String>) {
    let current: HashMap<&str, _> = now.departures.iter().map(|d| (d.id.as_str(), d)).collect();
    for departure in &plan.departures {
        let line = |now: String| format!("departures: {} ({}): {now}", departure.id, departure.name);
        match current.get(departure.id.as_str()) {
            Some(other) if !same(&other.email, &departure.email) => {
                out.push(line(format!("the address is {} now", other.email.as_deref().unwrap_or("(none)"))));
            }
            Some(other) if other.date == departure.date && other.backfill == departure.backfill => {}
            Some(other) if other.date != departure.date => {
                out.push(line(format!("{} in the plan, and now {}", departure.date, other.date)));
            }
            Some(_) => out.push(line("the open place behind is another choice now".to_owned())),
            None => out.push(line("is no longer to leave".to_owned())),
        }
    }
}

fn same(one: &Option<String>, other: &Option<String>) -> bool {
    one.as_deref().map(folded) == other.as_deref().map(folded)
}

/// Managers who are not there before this plan, and whom it does not bring either, because somebody took them out.
fn managers(plan: &Plan, now: &Plan, out: &mut Vec<String>) {
    fn brought(plan: &Plan) -> HashSet<String> {
        let emails = plan.changes.iter().flat_map(|change| &change.fields).filter(|f| f.field == Field::Email);
        plan.hires.iter().map(|hire| &hire.email).chain(emails.map(|f| &f.new)).map(|email| folded(email)).collect()
    }
    let (ours, all) = (brought(plan), brought(now));
    let lost = |manager: &str| {
        let manager = folded(manager);
        all.contains(&manager) && !ours.contains(&manager)
    };
    for hire in &plan.hires {
        if let Some(manager) = hire.fields.get(&Field::Manager).filter(|manager| lost(manager)) {
            out.push(format!("hires: {}: its manager {manager} was taken out of the plan", hire.email));
        }
    }
    for change in &plan.moves {
        let manager = change.fields.iter().find(|f| f.field == Field::Manager && lost(&f.new));
        out.extend(manager.map(|f| format!("moves: {}: the manager {} was taken out of the plan", change.id, f.new)));
    }
}

/// What a plan that was made after another was applied still wants of the people of the first.
pub fn remaining(applied: &Plan, now: &Plan) -> Plan {
    let mut ids: HashSet<&str> = applied.departures.iter().map(|d| d.id.as_str()).collect();
    let mut emails: HashSet<String> = applied.hires.iter().map(|hire| folded(&hire.email)).collect();
    emails.extend(applied.departures.iter().filter_map(|d| d.email.as_deref()).map(folded));
    for change in applied.changes.iter().chain(&applied.moves) {
        ids.insert(&change.id);
        emails.extend(change.email.as_deref().map(folded));
        emails.extend(change.fields.iter().filter(|f| f.field == Field::Email).map(|f| folded(&f.new)));
    }
    let concerns = |id: Option<&str>, email: Option<&str>| {
        id.is_some_and(|id| ids.contains(id)) || email.is_some_and(|email| emails.contains(&folded(email)))
    };
    let mut left = now.clone();
    left.hires.retain(|hire| concerns(None, Some(&hire.email)));
    left.changes.retain(|change| concerns(Some(&change.id), change.email.as_deref()));
    left.moves.retain(|change| concerns(Some(&change.id), change.email.as_deref()));
    // Who was hired by the first with a last day to come leaves by a later plan.
    left.departures.retain(|d| ids.contains(d.id.as_str()));
    left.skipped.clear();
    left
}

/// Who is left alone by a plan that was made after another was applied, and was not by the first, or for another reason.
pub fn newly_skipped(applied: &Plan, now: &Plan) -> Vec<String> {
    let before: HashSet<(&str, &str)> = applied.skipped.iter().map(|s| (s.who.as_str(), s.reason.as_str())).collect();
    let new = now.skipped.iter().filter(|s| !before.contains(&(s.who.as_str(), s.reason.as_str())));
    new.map(|skipped| format!("{}: {}", skipped.who, skipped.reason)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::super::plan::{Departure, Hire, Snapshot, VERSION};
    use super::*;

    fn change(id: &str, fields: &[(Field, Option<&str>, &str)]) -> Change {
        let fields = fields.iter().map(|(field, old, new)| FieldChange {
            field: *field,
            old: old.map(str::to_owned),
            new: (*new).to_owned(),
        });
        Change { id: id.into(), email: Some(format!("{id}@acme.test")), name: id.into(), fields: fields.collect() }
    }

    fn hire(email: &str, manager: &str) -> Hire {
        let fields = [(Field::Email, email), (Field::Manager, manager)].map(|(f, text)| (f, text.to_owned()));
        Hire { email: email.into(), name: email.into(), fields: fields.into() }
    }

    fn plan() -> Plan {
        let snapshot = |name: &str| Snapshot { connection: name.into(), run: 1 };
        let date = "2026-01-31".to_owned();
        Plan {
            plan: VERSION,
            from: snapshot("hr"),
            to: snapshot("chart"),
            options: Options::default(),
            hires: vec![hire("boss@acme.test", "p:1@acme.test"), hire("new@acme.test", "boss@acme.test")],
            changes: vec![
                change("p:1", &[(Field::Title, Some("A"), "B"), (Field::GivenName, None, "Ann")]),
                change("p:3", &[(Field::Email, Some("p:3@acme.test"), "third@acme.test")]),
            ],
            moves: vec![change("p:2", &[(Field::Manager, None, "third@acme.test")])],
            departures: vec![Departure { id: "p:4".into(), email: None, name: "Cy".into(), date, backfill: false }],
            skipped: vec![],
        }
    }

    fn differences(plan: &Plan, now: &Plan) -> Vec<String> {
        match verdict(plan, now) {
            Verdict::Holds => vec![],
            Verdict::Stale { differences, .. } => differences,
        }
    }

    #[test]
    fn a_plan_holds_while_all_of_it_is_still_planned() {
        assert_eq!(verdict(&plan(), &plan()), Verdict::Holds);
        let mut more = plan();
        more.hires.push(hire("another@acme.test", "boss@acme.test"));
        more.to.run = 9;
        assert_eq!(verdict(&plan(), &more), Verdict::Holds, "what came to it is for the next plan");
        let mut less = plan();
        less.hires.pop();
        less.moves.clear();
        less.departures.clear();
        less.changes[0].fields.pop();
        assert_eq!(verdict(&less, &plan()), Verdict::Holds, "entries may be taken out");
    }

    #[test]
    fn each_difference_is_told() {
        type Edit = fn(&mut Plan);
        let table: [(&str, Edit); 9] = [
            ("hires: new@acme.test: is no longer to be hired", |p| drop(p.hires.pop())),
            ("hires: new@acme.test: manager is boss@acme.test in the plan, and now p:1@acme.test", |p| {
                p.hires[1] = hire("NEW@acme.test", "p:1@acme.test");
                p.hires[1].fields.insert(Field::Email, "new@acme.test".into());
            }),
            ("hires: new@acme.test: manager is boss@acme.test in the plan, and now nothing", |p| {
                p.hires[1].fields.remove(&Field::Manager);
            }),
            ("changes: p:1 (p:1): title: A → B in the plan, and now A → C", |p| {
                p.changes[0].fields[0].new = "C".into();
            }),
            ("changes: p:1 (p:1): given_name: (none) → Ann in the plan, and now Anne → Ann", |p| {
                p.changes[0].fields[1].old = Some("Anne".into());
            }),
            ("moves: p:2 (p:2): manager: (none) → third@acme.test in the plan, and now no change", |p| {
                p.moves.clear()
            }),
            ("departures: p:4 (Cy): 2026-01-31 in the plan, and now 2026-02-01", |p| {
                p.departures[0].date = "2026-02-01".into();
            }),
            ("departures: p:4 (Cy): is no longer to leave", |p| p.departures.clear()),
            ("departures: p:4 (Cy): the open place behind is another choice now", |p| p.departures[0].backfill = true),
        ];
        for (expected, edit) in table {
            let mut now = plan();
            edit(&mut now);
            assert_eq!(differences(&plan(), &now), [expected]);
        }
    }

    #[test]
    fn a_manager_whom_somebody_took_out_is_missed() {
        let mut without = plan();
        without.hires.remove(0);
        without.changes.pop();
        assert_eq!(
            differences(&without, &plan()),
            [
                "hires: new@acme.test: its manager boss@acme.test was taken out of the plan",
                "moves: p:2: the manager third@acme.test was taken out of the plan",
            ]
        );
    }

    #[test]
    fn many_differences_are_counted() {
        let mut long = plan();
        long.departures = (0..100).map(|n| Departure { id: format!("p:{n}"), ..long.departures[0].clone() }).collect();
        match verdict(&long, &plan()) {
            Verdict::Stale { differences, more } => assert_eq!((differences.len(), more), (TOLD, 99 - TOLD)),
            Verdict::Holds => panic!("it is stale"),
        }
    }

    #[test]
    fn what_remains_is_of_the_same_people() {
        let empty = Plan { hires: vec![], changes: vec![], moves: vec![], departures: vec![], ..plan() };
        let mut now = empty.clone();
        now.hires = vec![hire("BOSS@acme.test", "x"), hire("later@acme.test", "x")];
        let by_email = Change { email: Some("Third@acme.test".into()), ..change("p:77", &[(Field::Title, None, "X")]) };
        now.changes =
            vec![change("p:2", &[(Field::Title, None, "X")]), change("p:9", &[(Field::Title, None, "X")]), by_email];
        now.moves = vec![change("p:9", &[(Field::Location, None, "X")])];
        now.departures =
            vec![plan().departures[0].clone(), Departure { id: "p:9".into(), ..plan().departures[0].clone() }];
        let left = remaining(&plan(), &now);
        let ids: Vec<&str> = left.changes.iter().map(|c| c.id.as_str()).collect();
        assert_eq!((left.hires.len(), ids, left.moves.len(), left.departures.len()), (1, vec!["p:2", "p:77"], 0, 1));
        assert!(remaining(&empty, &now).is_empty());
    }
}
