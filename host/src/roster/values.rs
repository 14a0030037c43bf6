//! The values that the source wants somebody to have, and what of them differs from the target.
//!
//! Only what the source says is compared: an empty field never blanks one of the target. Texts are compared without the
//! blanks at their ends, addresses in any case, kinds of employment by their neutral words, managers as people. A value
//! with a control character could not be written and is not compared.

use super::chart::Manager;
use super::facts::{Facts, Fate, Skips};
use super::field::Field;
use super::options::{ChangeKind, MissingLocation, PersonFields};
use super::plan::FieldChange;
use super::texts::folded;
use super::word::Word;
use super::words;

/// The location of those who have none, where it is wanted.
pub(super) const REMOTE: &str = "Remote";

/// Whether somebody of the source is hired.
pub(super) type Hired<'h> = &'h dyn Fn(usize) -> bool;

/// Somebody's manager, as the target is to have it.
pub(super) struct Boss {
    /// The place in the target; none for somebody who is hired.
    there: Option<usize>,
    /// The address for work, once the plan is carried out.
    pub(super) address: Word,
}

impl<'a> Facts<'a> {
    /// What the source says of a field that is no manager: none where it says nothing that could be written.
    pub(super) fn wanted(&self, at: usize, field: Field) -> Option<&'a str> {
        let text = self.source(at).get(field);
        if !self.pair.texts.is_plain(text) {
            return None;
        }
        let text = self.text(text);
        match field {
            Field::EmploymentType => words::neutral(text),
            Field::Location if text.is_empty() && self.options.missing_location == MissingLocation::Remote => {
                Some(REMOTE)
            }
            _ => Some(text).filter(|text| !text.is_empty()),
        }
    }

    /// The change of a field of somebody known; managers apart.
    pub(super) fn difference(&self, at: usize, there: usize, field: Field) -> Option<FieldChange> {
        let new = self.wanted(at, field)?;
        let (they, we) = (self.target(there), self.source(at));
        let old = self.text(they.get(field));
        let fill = field.kind() == ChangeKind::Person && self.options.person_fields == PersonFields::Fill;
        let (same, old) = match field {
            Field::Email => (they.address == we.address, old),
            // What has no mapping is not compared, on either side.
            Field::EmploymentType if !old.is_empty() => match words::neutral(old) {
                Some(word) => (word == new, word),
                None => return None,
            },
            _ => (old == new, old),
        };
        let differs = !same && self.options.wants(field.kind()) && (!fill || old.is_empty());
        differs.then(|| {
            let old = Some(old).filter(|old| !old.is_empty()).map(|old| self.word(field, old));
            FieldChange { field, old, new: self.word(field, new) }
        })
    }

    /// What few people have in common is kept once; a name or a number is everybody's own.
    fn word(&self, field: Field, text: &'a str) -> Word {
        match field.kind() {
            ChangeKind::Person => Word::from(text),
            _ => self.words.word(text),
        }
    }

    /// Somebody of the source as a manager; else why that is not possible.
    pub(super) fn boss(&self, at: usize, hired: Hired<'_>) -> Result<Boss, String> {
        let person = self.source(at);
        let who = || self.who(at);
        // Whoever leaves by today is nobody's manager, whether the departure was carried out or not.
        if person.is_leaving(self.pair.texts, self.today) {
            let today = !person.departed && self.text(person.end_date) == self.today;
            return Err(format!("{} {}", who(), if today { "leaves today" } else { "has left" }));
        }
        match self.fate(at) {
            Fate::Alone => Err(format!("{} is left alone", who())),
            Fate::New if hired(at) => Ok(Boss { there: None, address: self.words.word(self.text(person.email)) }),
            Fate::New => Err(format!("{} is not hired", who())),
            Fate::Known(there) => {
                let changed = self.difference(at, there, Field::Email).map(|change| change.new);
                let email = Some(self.target(there).email).filter(|email| self.pair.texts.is_plain(*email));
                let old = email.map(|email| self.text(email)).filter(|email| !email.is_empty());
                match changed.or_else(|| old.map(|email| self.words.word(email))) {
                    Some(address) => Ok(Boss { there: Some(there), address }),
                    None => Err(format!("{} has no email in {}", who(), self.pair.names[1])),
                }
            }
        }
    }

    /// The manager of somebody of the source: none where there is none to compare, else why it cannot be.
    pub(super) fn boss_of(&self, at: usize, hired: Hired<'_>) -> Result<Option<Boss>, String> {
        if let Some(circle) = self.chart.circle_of(at) {
            return Err(circle.to_owned());
        }
        match self.chart.manager(at) {
            Manager::None => Ok(None),
            Manager::Unknown(key) => Err(format!("{} is not in {}", self.text(key), self.pair.names[0])),
            Manager::At(manager) => self.boss(manager, hired).map(Some),
        }
    }

    /// The change of the manager of somebody known.
    fn new_boss(&self, at: usize, there: usize, hired: Hired<'_>, skips: &mut Skips) -> Option<FieldChange> {
        let boss = match self.boss_of(at, hired) {
            Ok(boss) => boss?,
            Err(why) => {
                skips.add(at, format!("the manager is not compared: {why}"));
                return None;
            }
        };
        let key = self.target(there).manager;
        let now = self.pair.target.find(key);
        let texts = self.pair.texts;
        // The target may name the manager by an address that it does not list as one person's.
        let is_same = if now.is_some() { now == boss.there } else { texts.get(key) == folded(&boss.address) };
        if is_same {
            return None;
        }
        let old = now.map_or("", |at| self.text(self.target(at).email));
        let old = if old.is_empty() { self.text(key) } else { old };
        let old = Some(old).filter(|old| !old.is_empty()).map(|old| self.words.word(old));
        Some(FieldChange { field: Field::Manager, old, new: boss.address })
    }

    /// Everything that changes of somebody known: first what is no move.
    pub(super) fn differences(
        &self,
        at: usize,
        there: usize,
        hired: Hired<'_>,
        skips: &mut Skips,
    ) -> (Vec<FieldChange>, Vec<FieldChange>) {
        let mut change = |field: Field| match field {
            Field::Manager if !self.options.wants(ChangeKind::Managers) => None,
            Field::Manager => self.new_boss(at, there, hired, skips),
            field => self.difference(at, there, field),
        };
        let all: Vec<FieldChange> = Field::ALL.into_iter().filter_map(&mut change).collect();
        all.into_iter().partition(|change| !change.field.is_move())
    }
}
