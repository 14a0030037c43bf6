//! The plan: one document, written by the planner, read by people, perhaps shortened by hand, and applied.
//!
//! It is deterministic: the same two snapshots with the same options give the same bytes, so it holds no time of its own.

use super::field::Field;
use super::options::Options;
use super::word::Word;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The version of the document.
pub const VERSION: u32 = 1;

/// What is to be done at the target, and what is left alone and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of the document.
    pub plan: u32,
    /// The snapshot that is right.
    pub from: Snapshot,
    /// The snapshot that is to become like it.
    pub to: Snapshot,
    /// How it was made.
    pub options: Options,
    /// Who is new or comes back; managers before those who report to them.
    pub hires: Vec<Hire>,
    /// What of known people changes, but managers, departments and locations.
    pub changes: Vec<Change>,
    /// Managers, departments and locations of known people that change.
    pub moves: Vec<Change>,
    /// Who has left or is going to.
    pub departures: Vec<Departure>,
    /// Who or what is left alone.
    pub skipped: Vec<Skipped>,
}

/// A published state of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The connection.
    pub connection: String,
    /// The run that published it.
    pub run: i64,
}

/// Somebody new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hire {
    /// Address for work.
    pub email: String,
    /// For people.
    pub name: String,
    /// What is known; the manager is an address for work.
    pub fields: BTreeMap<Field, String>,
}

/// What changes of somebody the target knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// `type:id` of the target.
    pub id: Word,
    /// The target's address for work.
    pub email: Option<Word>,
    /// For people.
    pub name: Word,
    /// Field by field.
    pub fields: Vec<FieldChange>,
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Which.
    pub field: Field,
    /// What the target has; null for nothing.
    pub old: Option<Word>,
    /// What it is to have.
    pub new: Word,
}

/// Somebody who has left or is going to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Departure {
    /// `type:id` of the target.
    pub id: Word,
    /// The target's address for work.
    pub email: Option<Word>,
    /// For people.
    pub name: Word,
    /// The last day.
    pub date: String,
    /// Whether an open place stays behind.
    pub backfill: bool,
}

/// Somebody or something of somebody that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Name and `type:id` of the source.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// What a plan comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// People.
    pub hires: usize,
    /// People.
    pub changes: usize,
    /// People.
    pub moves: usize,
    /// People.
    pub departures: usize,
    /// Entries.
    pub skipped: usize,
}

impl Plan {
    /// Nothing is to be done; people may have been skipped.
    pub fn is_empty(&self) -> bool {
        self.hires.is_empty() && self.changes.is_empty() && self.moves.is_empty() && self.departures.is_empty()
    }

    /// How much it is.
    pub fn counts(&self) -> Counts {
        Counts {
            hires: self.hires.len(),
            changes: self.changes.len(),
            moves: self.moves.len(),
            departures: self.departures.len(),
            skipped: self.skipped.len(),
        }
    }

    /// SHA-256 of the document in its one form, in hexadecimal digits: blanks and the order of keys do not matter.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        data_encoding::HEXLOWER.encode(&Sha256::digest(text))
    }
}
