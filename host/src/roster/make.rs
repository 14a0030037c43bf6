//! Making a plan: what is to be done so that the target says of its people what the source says.
//!
//! One way only. Who is in the target alone is never touched. Whoever cannot be told for certain is left alone, and the
//! plan says why.
//!
//! Why the plan is empty once it was applied. A hire is in the target then with the address it was hired with, so it is
//! matched by it; what was written is what the source says, and is compared by the same rules. What the source does
//! not say, what has no mapping, and what is not wanted is neither planned nor compared. Managers are compared as
//! people, so a changed address is no change of the manager. A last day that was written is the target's own; that of
//! somebody hired just now, who is going to leave, is planned next. Whoever is
//! skipped is skipped again: nothing about the person was written, and nothing that is written of others makes anybody
//! clear or unclear.

use super::facts::{Facts, Fate, NoPlan, Skips};
use super::field::Field;
use super::hiring::Hiring;
use super::matching::Pair;
use super::options::{ChangeKind, Departures, Options};
use super::people::People;
use super::plan::{Change, Departure, Plan, Skipped, Snapshot, VERSION};
use super::texts::Texts;

/// Two published snapshots, read.
#[derive(Debug)]
pub struct Rosters {
    /// The texts of both.
    pub texts: Texts,
    /// Who is right.
    pub source: People,
    /// Who is to become like it.
    pub target: People,
    /// Where the source is from.
    pub from: Snapshot,
    /// Where the target is from.
    pub to: Snapshot,
    /// The day of the source's run, UTC.
    pub today: String,
}

/// A plan, and what the operator has to know beside it.
#[derive(Debug)]
pub struct Made {
    /// The plan.
    pub plan: Plan,
    /// Sentences.
    pub warnings: Vec<String>,
}

/// Makes a plan.
///
/// # Errors
/// The org head is nobody, or several people.
pub fn make(rosters: &Rosters, options: &Options) -> Result<Made, NoPlan> {
    let options = options.clone().in_form();
    let pair = Pair {
        source: &rosters.source,
        target: &rosters.target,
        texts: &rosters.texts,
        names: [&rosters.from.connection, &rosters.to.connection],
    };
    let (mut skips, mut warnings) = (Skips::default(), Vec::new());
    let facts = Facts::new(pair, &options, &rosters.today, &mut skips, &mut warnings)?;
    let hiring = Hiring::new(&facts, &mut skips);
    let (mut changes, mut moves, mut departures) = (Vec::new(), Vec::new(), Vec::new());
    for (at, person) in rosters.source.iter().enumerate() {
        let Fate::Known(there) = facts.fate(at) else { continue };
        let leaving = person.is_leaving(&rosters.texts, &rosters.today);
        if leaving || person.will_leave(&rosters.texts, &rosters.today) {
            departures.extend(departure(&facts, at, there, &mut skips));
        }
        if leaving {
            continue;
        }
        let (changed, moved) = facts.differences(at, there, &|at| hiring.is_hired(at), &mut skips);
        for (fields, to) in [(changed, &mut changes), (moved, &mut moves)] {
            if !fields.is_empty() {
                let (id, email, name) = known(&facts, there);
                to.push(Change { id, email, name, fields });
            }
        }
    }
    skips.0.sort_by_key(|(at, _)| *at);
    let skipped = skips.0.into_iter().map(|(at, reason)| Skipped { who: facts.who(at), reason }).collect();
    let hires = hiring.hires(&facts);
    drop(facts);
    let (from, to) = (rosters.from.clone(), rosters.to.clone());
    let plan = Plan { plan: VERSION, from, to, options, hires, changes, moves, departures, skipped };
    Ok(Made { plan, warnings })
}

/// Key, address and name of somebody of the target.
fn known(facts: &Facts<'_>, there: usize) -> (String, Option<String>, String) {
    let (they, texts) = (facts.target(there), facts.pair.texts);
    (facts.text(they.key).to_owned(), texts.owned(they.email), facts.text(they.name).to_owned())
}

/// The departure of somebody who works at the target.
fn departure(facts: &Facts<'_>, at: usize, there: usize, skips: &mut Skips) -> Option<Departure> {
    let (person, they) = (facts.source(at), facts.target(there));
    if !facts.options.wants(ChangeKind::Departures) || person.end_date == they.end_date && !person.end_date.is_none() {
        return None;
    }
    let last = facts.text(person.end_date);
    let leaving = person.is_leaving(facts.pair.texts, facts.today);
    // The first day of the target is to become that of the source.
    let moved = !leaving && facts.difference(at, there, Field::StartDate).is_some();
    let first = facts.text(person.start_date);
    let first = if moved { first } else { first.max(facts.text(they.start_date)) };
    if last.is_empty() {
        // The target knows one: there is nothing to add.
        if they.end_date.is_none() {
            skips.add(at, "has left, and no last day is known");
        }
        return None;
    }
    if last < first {
        let what = if leaving { "has left" } else { "is going to leave" };
        skips.add(at, format!("{what}, and the last day is before the first one"));
        return None;
    }
    if facts.is_history(person.end_date) {
        let days = facts.options.history_days.unwrap_or_default();
        skips.add(at, format!("left more than {days} days ago (--history-days)"));
        return None;
    }
    let (id, email, name) = known(facts, there);
    let backfill = facts.options.departures == Departures::Backfill;
    Some(Departure { id, email, name, date: last.to_owned(), backfill })
}
