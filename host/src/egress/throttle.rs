//! The pace of requests to an origin: a token bucket and a bound on exchanges at once.
//!
//! Rule: the slower of the manifest's pace and the operator's wins. Reason: a vendor that throttles an
//! address throttles everybody behind it. A `rate-limited` answer closes the bucket for all tasks.

use crate::manifest::Rate;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A pace: so many requests in so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Requests, at least 1.
    pub requests: u32,
    /// In this long.
    pub per: Duration,
}

impl Pace {
    /// The slower of what the manifest asks and what the operator allows a minute.
    pub fn slower(asked: Option<Rate>, per_minute: Option<u32>) -> Option<Pace> {
        let asked = asked
            .filter(|r| r.requests > 0 && r.per_seconds > 0)
            .map(|r| Pace { requests: r.requests, per: Duration::from_secs(r.per_seconds.into()) });
        let allowed = per_minute.map(|n| Pace { requests: n.max(1), per: Duration::from_secs(60) });
        match (asked, allowed) {
            (Some(a), Some(b)) => Some(if b.interval() > a.interval() { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    fn interval(self) -> Duration {
        self.per / self.requests
    }
}

/// A bucket that holds one period's requests and is full at the start.
#[derive(Debug)]
pub struct Bucket {
    pace: Option<Pace>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the bucket would be full again: the theoretical arrival time of GCRA.
    full_at: Instant,
    closed_until: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(pace: Option<Pace>, now: Instant) -> Bucket {
        Bucket { pace, state: Mutex::new(State { full_at: now, closed_until: now }) }
    }

    /// Takes one token; the answer is how long to wait before using it.
    pub fn take(&self, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let closed = state.closed_until.saturating_duration_since(now);
        let Some(pace) = self.pace else { return closed };
        let full_at = state.full_at.max(now) + pace.interval();
        state.full_at = full_at;
        full_at.saturating_duration_since(now).saturating_sub(pace.per).max(closed)
    }

    /// How long the bucket is still closed.
    pub fn closed_for(&self, now: Instant) -> Duration {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.closed_until.saturating_duration_since(now)
    }

    /// Closes the bucket for everybody until then.
    pub fn close(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.closed_until = state.closed_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_pace_wins() {
        let rate = Rate { requests: 3000, per_seconds: 60, at_once: 16 };
        let pace = |n| Some(Pace { requests: n, per: Duration::from_secs(60) });
        assert_eq!(Pace::slower(Some(rate), Some(600)), pace(600));
        assert_eq!(Pace::slower(Some(rate), Some(6000)), pace(3000));
        // The same pace in smaller pieces stays in smaller pieces: ten a second is no burst of six hundred.
        let rate = Rate { requests: 10, per_seconds: 1, at_once: 16 };
        assert_eq!(Pace::slower(Some(rate), Some(600)), Some(Pace { requests: 10, per: Duration::from_secs(1) }));
        assert_eq!(Pace::slower(None, None), None);
    }

    #[test]
    fn a_burst_of_one_period_is_free_and_the_next_request_waits() {
        let now = Instant::now();
        let bucket = Bucket::new(Some(Pace { requests: 4, per: Duration::from_secs(2) }), now);
        for _ in 0..4 {
            assert_eq!(bucket.take(now), Duration::ZERO);
        }
        assert_eq!(bucket.take(now), Duration::from_millis(500));
        assert_eq!(bucket.take(now + Duration::from_secs(60)), Duration::ZERO);
    }

    #[test]
    fn a_closed_bucket_holds_everybody() {
        let now = Instant::now();
        let bucket = Bucket::new(None, now);
        bucket.close(now + Duration::from_secs(9));
        assert_eq!(bucket.take(now), Duration::from_secs(9));
        assert_eq!(bucket.closed_for(now), Duration::from_secs(9));
        assert_eq!(bucket.take(now + Duration::from_secs(10)), Duration::ZERO);
    }
}
