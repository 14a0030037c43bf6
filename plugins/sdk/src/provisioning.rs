//! Changing access, one change at a time.

use crate::bindings::provisioning::exports::muster::connector::provisioning as wit;
use crate::{Connector, Context, Failure, Task};

pub use wit::{Change, NewAccount, Outcome, ResultOf};

/// A connector that can change access. Name it in `connector!(Vendor, provisioning)`.
pub trait Provisioning: Connector {
    /// Makes one change, idempotently: what is so already is [`ResultOf::AlreadySo`]. With `dry_run` nothing may be
    /// changed (the host lets no write out): say what would come of it, as far as reading tells.
    ///
    /// What the vendor refuses is an outcome, [`ResultOf::Refused`]. An error means that nothing is known to have
    /// changed.
    fn apply(context: &Context<'_>, change: &Change, dry_run: bool) -> Result<Outcome, Failure>;
}

impl Outcome {
    /// It was made.
    pub fn applied() -> Self {
        Outcome::of(ResultOf::Applied)
    }

    /// It was so before.
    pub fn already_so() -> Self {
        Outcome::of(ResultOf::AlreadySo)
    }

    /// The vendor refused; in words for the operator.
    pub fn refused(words: impl Into<String>) -> Self {
        Outcome::of(ResultOf::Refused(words.into()))
    }

    /// The task that reads again what the change touched.
    pub fn rereading(mut self, task: Task) -> Self {
        self.reread = Some(task);
        self
    }

    fn of(result: ResultOf) -> Self {
        Outcome { result, reread: None }
    }
}
