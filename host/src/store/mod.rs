//! The store: one SQLite file with the records of every connection and their history.
//!
//! One writer fed by a channel, many readers. Nothing above this module knows SQL: a run begins, hands over
//! records and is closed; readers stream rows. [`draft`], [`guard`] and [`record`] are pure.

pub mod diff;
pub mod draft;
mod error;
mod fence;
mod fields;
mod file;
pub mod guard;
#[cfg(test)]
mod history_tests;
pub mod keep;
pub mod lock;
mod marks;
mod moment;
mod outcome;
#[cfg(test)]
mod past;
pub mod prune;
pub mod queries;
pub mod record;
mod rows;
mod schema;
mod shapes;
pub mod sql;
pub mod steps;
mod stopwatch;
#[cfg(test)]
mod tests;
mod views;
mod writer;

pub use error::{NoState, StoreError};
pub use fields::Field;
pub use moment::Moment;
pub use outcome::{Begun, Close, Closed, NewRun, Status};
pub use record::Prepared;
pub use schema::VERSION;
pub use stopwatch::Stopwatch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::{mpsc, oneshot};
use writer::{Command, Writer};

/// Batches of about a thousand records that may wait for the writer: more would only be memory.
const QUEUE: usize = 8;

/// The writing side of a store. Clones share one writer; the last one to go ends it.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    queue: mpsc::Sender<Command>,
    busy_us: Arc<AtomicU64>,
}

/// Waits for the writer to end, so that nothing is half-written when the process leaves.
#[derive(Debug)]
pub struct WriterThread(Option<std::thread::JoinHandle<()>>);

impl Drop for WriterThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens the store for writing, and creates it where it does not exist. The first part waits for the writer
    /// when it is dropped, which ends when every clone of the second is gone: bind them in this order, and an
    /// early return drops them in the right one.
    ///
    /// # Errors
    /// The file cannot be used; see [`StoreError`].
    pub fn open(path: &Path, runtime: &tokio::runtime::Handle) -> Result<(WriterThread, Store), StoreError> {
        let busy_us = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(path.to_path_buf(), Arc::clone(&busy_us))?;
        let (queue, commands) = mpsc::channel(QUEUE);
        let runtime = runtime.clone();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.serve(&runtime, commands))
            .map_err(|e| StoreError::Open { path: path.to_path_buf(), why: crate::text::io_words(&e) })?;
        Ok((WriterThread(Some(thread)), Store { path: path.to_path_buf(), queue, busy_us }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Microseconds the writer has worked.
    pub fn busy_us(&self) -> u64 {
        self.busy_us.load(Relaxed)
    }

    /// Begins a run; discards the draft of an earlier one. The caller holds the connection's [`lock::lead`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn begin(&self, new: NewRun) -> Result<Begun, StoreError> {
        self.ask(|reply| Command::Begin(Box::new(new), reply)).await?
    }

    /// Hands over the records of a task that succeeded. An error of writing shows when the run is closed.
    ///
    /// # Errors
    /// The writer is gone.
    pub async fn records(&self, run: i64, records: Vec<Prepared>) -> Result<(), StoreError> {
        self.queue.send(Command::Records(run, records)).await.map_err(|_| StoreError::Closed)
    }

    /// Ends a run, and publishes it where it may be.
    ///
    /// # Errors
    /// See [`StoreError`]; what was published before is unharmed.
    pub async fn close(&self, run: i64, close: Close) -> Result<Closed, StoreError> {
        self.ask(|reply| Command::Close(run, Box::new(close), reply)).await?
    }

    /// Publishes a held run as it is; of an incomplete one what is new or changed.
    ///
    /// # Errors
    /// No such run, or it cannot be accepted.
    pub async fn accept(&self, run: i64) -> Result<Closed, StoreError> {
        self.ask(|reply| Command::Accept(run, reply)).await?
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(command(reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)
    }
}
