//! How far a run is: numbers that the run writes and whoever is interested reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Numbers of a run in progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Tasks done.
    pub done: AtomicU64,
    /// Tasks known.
    pub total: AtomicU64,
    /// Records of the tasks that are done.
    pub records: AtomicU64,
    /// Requests sent.
    pub requests: AtomicU64,
    /// Seconds the vendor asked to wait, counted down by nobody: 0 when nothing waits.
    pub waiting_s: AtomicU64,
}

impl Progress {
    /// Done, known, records, requests, seconds to wait.
    pub fn read(&self) -> [u64; 5] {
        [&self.done, &self.total, &self.records, &self.requests, &self.waiting_s].map(|n| n.load(Relaxed))
    }
}
