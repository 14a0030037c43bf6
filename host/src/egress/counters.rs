//! What a run's egress did.

use super::policy::Denial;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    /// When the pauses in progress end: no more than there are exchanges at once.
    pauses: Mutex<Vec<Instant>>,
}

/// A pause in progress; dropping it ends it.
#[derive(Debug)]
pub struct Pause<'a> {
    counters: &'a Counters,
    until: Instant,
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut pauses = self.counters.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = pauses.iter().position(|until| *until == self.until) {
            pauses.swap_remove(at);
        }
    }
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

    /// Counts a wait that begins now, and remembers it while the answer lives.
    pub fn pause(&self, wait: Duration) -> Pause<'_> {
        self.waited(wait);
        let until = Instant::now() + wait;
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).push(until);
        Pause { counters: self, until }
    }

    /// How many exchanges pause, and when the first of them goes on.
    pub fn paused(&self) -> (u64, Option<Instant>) {
        let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        (pauses.len() as u64, pauses.iter().min().copied())
    }

    /// Counts a wait.
    pub fn waited(&self, wait: Duration) {
        self.waited_us.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_seen_until_it_is_over_or_given_up() {
        let counters = Counters::default();
        assert_eq!(counters.paused(), (0, None));
        let long = counters.pause(Duration::from_secs(9));
        let short = counters.pause(Duration::from_secs(2));
        assert_eq!(counters.paused(), (2, Some(short.until)));
        drop(short);
        assert_eq!(counters.paused(), (1, Some(long.until)));
        drop(long);
        assert_eq!(counters.paused(), (0, None));
        assert_eq!(counters.waited_us.load(Relaxed), 11_000_000);
    }
}
