//! Taking a roster: many changes of people, step by step.

use crate::bindings::roster::exports::muster::connector::roster as wit;
use crate::{Connector, Context, Failure, Task};

pub use wit::{Departure, FieldChange, Outcome, Person, Progress, ResultOf, RosterChange, RosterOptions, Step, Update};

/// A connector that takes a roster. Name it in `connector!(Vendor, roster)`.
pub trait Roster: Connector {
    /// Does one step. The host keeps what it answers, synced to disk, and calls the step that it names; a step
    /// whose answer was lost is called again with `step.again`: look before writing. Wait for a target by
    /// [`Failure::NotReady`]: the host calls the same step again.
    fn apply(
        context: &Context<'_>,
        step: &Step,
        changes: &[RosterChange],
        options: &RosterOptions,
    ) -> Result<Progress, Failure>;
}

impl Progress {
    /// Nothing is left to do.
    pub fn done(outcomes: Vec<Outcome>) -> Self {
        Progress { outcomes, next: None }
    }

    /// With the step that comes next.
    pub fn then(outcomes: Vec<Outcome>, next: Task) -> Self {
        Progress { outcomes, next: Some(next) }
    }
}

impl Outcome {
    /// What came of the change at this place of the list.
    pub fn new(index: usize, result: ResultOf) -> Self {
        // A list of more than 4 billion changes does not fit into a component's memory.
        Outcome { index: u32::try_from(index).unwrap_or(u32::MAX), result }
    }
}
