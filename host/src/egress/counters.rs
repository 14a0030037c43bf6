//! What a run's egress did.

use super::policy::Denial;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Numbers of a run. Times are summed over concurrent exchanges.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests sent, repeated ones included.
    pub requests: AtomicU64,
    /// How many of them were repeats.
    pub retries: AtomicU64,
    /// Bytes of bodies received, decoded.
    pub received: AtomicU64,
    /// Secrets masked in answers.
    pub masked: AtomicU64,
    /// Microseconds from sending a request to the last byte of its answer.
    pub vendor_us: AtomicU64,
    /// Microseconds spent waiting for pace, backoff and one-time codes.
    pub waited_us: AtomicU64,
    denials: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    /// Counts a request that was refused.
    pub fn deny(&self, denial: &Denial) {
        *self.denials.lock().unwrap_or_else(PoisonError::into_inner).entry(denial.label).or_default() += 1;
    }

    /// Requests that were refused, by label.
    pub fn denials(&self) -> BTreeMap<&'static str, u64> {
        self.denials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a wait.
    pub fn waited(&self, wait: Duration) {
        self.waited_us.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}
