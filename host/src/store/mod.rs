//! The store: one SQLite file with the records of every connection and their history.
//!
//! One writer fed by a channel, many readers. Nothing above this module knows SQL: a run begins or goes on, its tasks are
//! committed one by one, it is closed; readers stream rows. What a run needs of a store is the trait [`Ledger`]: another
//! store has to keep it, and `conformance` says what that means. `draft` and all it consists of, [`guard`] and `resume`
//! are pure.

pub mod acts;
mod begin;
mod close;
#[cfg(test)]
mod conformance;
pub mod diff;
mod draft;
mod error;
mod fence;
mod fields;
mod file;
pub mod guard;
#[cfg(test)]
mod history_tests;
pub mod keep;
mod ledger;
mod load;
pub mod lock;
mod marks;
mod moment;
mod outcome;
#[cfg(test)]
mod past;
pub mod people;
#[cfg(test)]
mod plain;
mod presence;
pub mod prune;
pub mod queries;
#[cfg(test)]
mod real;
mod resume;
mod rows;
mod schema;
mod shapes;
pub mod sql;
#[cfg(test)]
mod sql_tests;
pub mod steps;
mod stopwatch;
#[cfg(test)]
mod subject;
mod tasks;
mod views;
mod writer;

pub use error::{NoState, StoreError};
pub use fields::Field;
pub use ledger::Ledger;
pub use moment::Moment;
pub use outcome::{
    Begun, Close, Closed, Done, FollowUp, NewRun, OF_PART, OF_TAPE, Resume, Resumed, Scope, Status, StoredTask,
    TaskCounts, TaskState, Tried,
};
pub use schema::VERSION;
pub use stopwatch::Stopwatch;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use writer::{Command, Writer};

/// Tasks that may wait for the writer. What they take of the memory is bounded by what a run may hold.
const QUEUE: usize = 64;

/// Runs that can no longer be written, and why: whoever runs them learns of it before the end.
#[derive(Clone, Debug, Default)]
struct Broken(Arc<Mutex<HashMap<i64, StoreError>>>);

impl Broken {
    /// The first reason stands.
    fn insert(&self, run: i64, error: StoreError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(run).or_insert(error);
    }

    fn get(&self, run: i64) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }

    fn take(&self, run: i64) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&run)
    }
}

/// The writing side of a store. Clones share one writer; the last one to go ends it.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    queue: mpsc::Sender<Command>,
    busy_us: Arc<AtomicU64>,
    broken: Broken,
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
        let broken = Broken::default();
        let writer = Writer::new(path.to_path_buf(), Arc::clone(&busy_us), broken.clone())?;
        let (queue, commands) = mpsc::channel(QUEUE);
        let runtime = runtime.clone();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.serve(&runtime, commands))
            .map_err(|e| StoreError::Open { path: path.to_path_buf(), why: crate::text::io_words(&e) })?;
        Ok((WriterThread(Some(thread)), Store { path: path.to_path_buf(), queue, busy_us, broken }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn tell(&self, run: i64, command: Command) -> Result<(), StoreError> {
        match self.broken.get(run) {
            Some(error) => Err(error),
            None => self.queue.send(command).await.map_err(|_| StoreError::Closed),
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(command(reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)
    }
}

impl Ledger for Store {
    fn busy_us(&self) -> u64 {
        self.busy_us.load(Relaxed)
    }

    async fn begin(&self, new: NewRun) -> Result<Begun, StoreError> {
        self.ask(|reply| Command::Begin(Box::new(new), reply)).await?
    }

    async fn commit(&self, run: i64, done: Done) -> Result<(), StoreError> {
        self.tell(run, Command::Done(run, Box::new(done))).await
    }

    async fn tried(&self, run: i64, tried: Tried) -> Result<(), StoreError> {
        self.tell(run, Command::Tried(run, tried)).await
    }

    async fn close(&self, run: i64, close: Close) -> Result<Closed, StoreError> {
        self.ask(|reply| Command::Close(run, Box::new(close), reply)).await?
    }

    async fn accept(&self, run: i64) -> Result<Closed, StoreError> {
        self.ask(|reply| Command::Accept(run, reply)).await?
    }
}
