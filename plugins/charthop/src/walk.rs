//! A walk through the list of persons: what one page's task hands to the next. Pure.

use muster_sdk::{Failure, Task};
use serde::{Deserialize, Serialize};

use crate::census::{Count, Tally};
use crate::fields::Fields;
use crate::page::Cursor;

/// The kind of the tasks.
pub(crate) const PERSONS: &str = "persons";

/// Where a walk is. It travels as a task's payload: the last page's task has to know how many there were, and no task
/// knows of another.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Walk {
    /// 1, or 2 where the list moved in the first one.
    round: u8,
    #[serde(flatten)]
    pub(crate) cursor: Cursor,
    /// What ChartHop counted before the first page.
    pub(crate) before: Count,
    /// What was read so far.
    pub(crate) read: Tally,
    /// What ChartHop is asked for.
    #[serde(default, skip_serializing_if = "Fields::are_all")]
    pub(crate) fields: Fields,
}

impl Walk {
    /// The first one.
    pub(crate) fn first(before: Count) -> Self {
        Walk { round: 1, cursor: Cursor::first(), before, read: Tally::default(), fields: Fields::All }
    }

    /// Once more from the start; none after the second time.
    pub(crate) fn again(&self, before: Count) -> Option<Walk> {
        (self.round == 1).then(|| Walk { round: 2, fields: self.fields, ..Walk::first(before) })
    }

    /// On another page.
    pub(crate) fn at(self, cursor: Cursor) -> Self {
        Walk { cursor, ..self }
    }

    /// With one page more, which had these fields.
    pub(crate) fn counting(mut self, page: &Tally, fields: Fields) -> Self {
        self.read.add(page);
        self.fields = fields;
        self
    }

    /// The walk that a task's payload holds.
    pub(crate) fn of(payload: &str) -> Result<Self, Failure> {
        let wrong = |error| Failure::Unexpected(format!("the payload of a task {PERSONS} cannot be read: {error}"));
        serde_json::from_str(payload).map_err(wrong)
    }

    /// The task that goes on with it.
    pub(crate) fn task(&self) -> Result<Task, Failure> {
        let wrong = |error| Failure::Unexpected(format!("the payload of a task {PERSONS} cannot be written: {error}"));
        serde_json::to_string(self).map(|payload| Task::new(PERSONS, payload)).map_err(wrong)
    }
}
