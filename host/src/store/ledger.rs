//! What a run needs of a store.
//!
//! A second store is planned, where many machines share the tasks of many runs; what is written here is all that the run
//! engine knows of one. Reading is [`super::queries`]'s.

use super::error::StoreError;
use super::outcome::{Begun, Close, Closed, Done, NewRun, Tried};

/// The writing side of a store, as the runs of a process share it.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Begins a run, or goes on with one that was interrupted. The caller holds the connection's lead. The draft of an earlier
    /// run that does not go on is discarded.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn begin(&self, new: NewRun) -> impl Future<Output = Result<Begun, StoreError>> + Send;

    /// A task has succeeded: its records and its follow-ups count together, or not at all (rule R1), and not before those
    /// of the tasks that were committed earlier. It may return before it is written; waits while too much is in hand.
    ///
    /// # Errors
    /// The run can no longer be written; closing it says why, too.
    fn commit(&self, run: i64, done: Done) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A task was called, and failed or has to wait.
    ///
    /// # Errors
    /// As for [`Ledger::commit`].
    fn tried(&self, run: i64, tried: Tried) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends an attempt, and publishes the run where it may be. An incomplete one may go on later.
    ///
    /// # Errors
    /// See [`StoreError`]; what was published before is unharmed.
    fn close(&self, run: i64, close: Close) -> impl Future<Output = Result<Closed, StoreError>> + Send;

    /// Publishes a held run as it is; of an incomplete one what is new or changed.
    ///
    /// # Errors
    /// No such run, or it cannot be accepted.
    fn accept(&self, run: i64) -> impl Future<Output = Result<Closed, StoreError>> + Send;

    /// Microseconds the store has worked for the runs of this process.
    fn busy_us(&self) -> u64;
}
