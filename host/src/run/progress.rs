//! How far a run is: the run says how its tasks stand, its egress counts what it sends, and whoever is interested
//! reads both, at any time.

use crate::egress::exchange::Egress;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How the tasks of a run stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Tasks named so far, the first call included.
    pub total: u64,
    /// Of them, those that are being done.
    pub running: u64,
    /// Those that wait for their turn, or for a vendor.
    pub waiting: u64,
    /// Those that failed.
    pub failed: u64,
    /// Whether the check is in progress.
    pub checking: bool,
    /// When the next task that waits for a vendor is due, where nothing else could be done meanwhile.
    pub due: Option<Instant>,
}

/// Numbers of a run in progress.
#[derive(Default)]
pub struct Progress {
    standing: Mutex<Standing>,
    /// Records of the tasks that are done.
    pub records: AtomicU64,
    egress: OnceLock<Arc<Egress>>,
}

/// What there is to see at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Tasks done.
    pub done: u64,
    /// Tasks that are being done.
    pub running: u64,
    /// Tasks that wait.
    pub waiting: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Whether the check is in progress.
    pub checking: bool,
    /// Records of the tasks that are done.
    pub records: u64,
    /// Requests sent, repeats included.
    pub requests: u64,
    /// How many of them were repeats.
    pub retries: u64,
    /// How long nothing will happen: everything in progress waits for a pace or for a vendor.
    pub wait: Option<Duration>,
}

impl Reading {
    /// Tasks named so far.
    pub fn total(&self) -> u64 {
        self.done + self.running + self.waiting + self.failed
    }
}

impl Progress {
    /// How the tasks stand now, and whose requests to count.
    pub fn stands(&self, standing: Standing, egress: &Arc<Egress>) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        self.egress.get_or_init(|| Arc::clone(egress));
    }

    /// How far it is.
    pub fn read(&self, now: Instant) -> Reading {
        let s = *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = self.egress.get().map(|e| e.counters());
        let calls = s.running + u64::from(s.checking);
        let until = match counters.map(|c| c.paused()) {
            // What is in progress has nothing to do before the first of the pauses is over.
            Some((paused, first)) if calls > 0 && paused >= calls => first,
            _ => s.due.filter(|_| calls == 0),
        };
        Reading {
            done: s.total.saturating_sub(s.running + s.waiting + s.failed),
            running: s.running,
            waiting: s.waiting,
            failed: s.failed,
            checking: s.checking,
            records: self.records.load(Relaxed),
            requests: counters.map_or(0, |c| c.requests.load(Relaxed)),
            retries: counters.map_or(0, |c| c.retries.load(Relaxed)),
            wait: until.map(|u| u.saturating_duration_since(now)).filter(|w| !w.is_zero()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_open_nor_failed_is_done() {
        let progress = Progress::default();
        let now = Instant::now();
        let due = Some(now + Duration::from_secs(12));
        let standing = Standing { total: 20, running: 4, waiting: 9, failed: 2, checking: false, due };
        *progress.standing.lock().expect("lock") = standing;
        let reading = progress.read(now);
        assert_eq!((reading.done, reading.total()), (5, 20));
        assert_eq!(reading.wait, None, "four are being done");
        *progress.standing.lock().expect("lock") = Standing { running: 0, waiting: 13, ..standing };
        assert_eq!(progress.read(now).wait, Some(Duration::from_secs(12)));
        assert_eq!(progress.read(now + Duration::from_secs(5)).wait, Some(Duration::from_secs(7)), "it counts down");
        assert_eq!(progress.read(now + Duration::from_secs(12)).wait, None);
        *progress.standing.lock().expect("lock") = Standing { total: 1, running: 2, ..Standing::default() };
        assert_eq!(progress.read(now).done, 0, "never below nothing");
    }
}
