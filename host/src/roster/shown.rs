//! What a target shows by now of what a plan wanted: whether an entry that is no longer to be done was done.

use super::field::Field;
use super::make::Rosters;
use super::people::Person;
use super::plan::{Change, Departure, FieldChange, Hire};
use super::texts::folded;
use super::words;
use std::collections::HashSet;

/// A target as it is published now.
#[derive(Debug)]
pub(super) struct Shown<'r> {
    rosters: &'r Rosters,
    /// Addresses of those who work there.
    at_work: HashSet<&'r str>,
}

impl<'r> Shown<'r> {
    /// Of the target of these.
    pub(super) fn new(rosters: &'r Rosters) -> Shown<'r> {
        let at_work = rosters.target.iter().filter(|person| !person.departed);
        let at_work = at_work.map(|person| rosters.texts.get(person.address)).filter(|address| !address.is_empty());
        Shown { rosters, at_work: at_work.collect() }
    }

    fn person(&self, key: &str) -> Option<&'r Person> {
        let found = self.rosters.texts.find(key).and_then(|key| self.rosters.target.find(key))?;
        self.rosters.target.get(found)
    }

    /// Somebody works there with the address.
    pub(super) fn hired(&self, hire: &Hire) -> bool {
        self.at_work.contains(folded(&hire.email).as_str())
    }

    /// The person has the new value.
    pub(super) fn changed(&self, change: &Change, field: &FieldChange) -> bool {
        let Some(person) = self.person(&change.id) else { return false };
        let texts = &self.rosters.texts;
        let (now, new) = (texts.get(person.get(field.field)), field.new.trim());
        match field.field {
            Field::Email => texts.get(person.address) == folded(new),
            Field::EmploymentType => words::neutral(now) == Some(new),
            Field::Manager => {
                let manager = self.rosters.target.find(person.manager).and_then(|at| self.rosters.target.get(at));
                manager.map_or(now, |manager| texts.get(manager.address)) == folded(new)
            }
            _ => now == new,
        }
    }

    /// The person has left, or has the last day.
    pub(super) fn left(&self, departure: &Departure) -> bool {
        let texts = &self.rosters.texts;
        self.person(&departure.id)
            .is_some_and(|person| person.departed || texts.get(person.end_date) == departure.date.trim())
    }
}
