//! Calls that change something at the scripted vendor.

use super::Script;
use crate::provisioning::{Change, Outcome, Provisioning};
use crate::roster::{Progress, Roster, RosterChange, RosterOptions, Step};
use crate::{Context, Failure, Task};

/// A roster that takes more steps than this does not end.
const MOST_STEPS: usize = 1_000;

impl<C> Script<C> {
    fn writing<T>(&self, writing: bool, call: impl FnOnce(&Context<'_>) -> T) -> T {
        let session = self.session.borrow().clone();
        self.writing.set(writing);
        let answer = call(&Context::new(self, session));
        self.writing.set(false);
        answer
    }
}

impl<C: Provisioning> Script<C> {
    /// Makes one change.
    pub fn change(&self, change: &Change) -> Result<Outcome, Failure> {
        self.writing(true, |context| C::apply(context, change, false))
    }

    /// Asks what would come of a change. A writing request fails the test, as the host would deny it.
    pub fn dry_run(&self, change: &Change) -> Result<Outcome, Failure> {
        self.writing(false, |context| C::apply(context, change, true))
    }
}

impl<C: Roster> Script<C> {
    /// Does one step; none: the first.
    pub fn step(
        &self,
        task: Option<&Task>,
        again: bool,
        changes: &[RosterChange],
        options: &RosterOptions,
    ) -> Result<Progress, Failure> {
        let step = Step { task: task.cloned(), again };
        self.writing(true, |context| C::apply(context, &step, changes, options))
    }

    /// Every step, each once, until none is left; the outcomes in their order. A `not-ready` is asked again.
    pub fn roster(
        &self,
        changes: &[RosterChange],
        options: &RosterOptions,
    ) -> Result<Vec<crate::roster::Outcome>, Failure> {
        let (mut task, mut again, mut outcomes) = (None, false, Vec::new());
        for _ in 0..MOST_STEPS {
            let progress = match self.step(task.as_ref(), again, changes, options) {
                Err(Failure::NotReady(_)) => {
                    again = true;
                    continue;
                }
                answer => answer?,
            };
            outcomes.extend(progress.outcomes);
            again = false;
            match progress.next {
                None => return Ok(outcomes),
                next => task = next,
            }
        }
        panic!("the roster is not done after {MOST_STEPS} steps");
    }
}
