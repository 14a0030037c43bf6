//! The time of a run: the machine's, or that of a tape, where waits take none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock of one run. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: Instant,
    /// The wall clock at `begun`, where it is a tape's.
    taped: Option<SystemTime>,
    /// Nanoseconds of waiting that were skipped.
    skipped: AtomicU64,
}

impl Clock {
    /// The machine's time.
    pub fn real() -> Clock {
        Clock::with(None)
    }

    /// Begins at this moment of a tape; then it goes on as the machine's, and jumps over waits.
    pub fn of_tape(start: SystemTime) -> Clock {
        Clock::with(Some(start))
    }

    fn with(taped: Option<SystemTime>) -> Clock {
        Clock(Arc::new(Inner { begun: Instant::now(), taped, skipped: AtomicU64::new(0) }))
    }

    /// Whether waits take no time.
    pub fn is_taped(&self) -> bool {
        self.0.taped.is_some()
    }

    /// Time since the clock began, skipped waits included.
    pub fn elapsed(&self) -> Duration {
        self.0.begun.elapsed() + Duration::from_nanos(self.0.skipped.load(Relaxed))
    }

    /// Now, for comparing.
    pub fn instant(&self) -> Instant {
        Instant::now() + Duration::from_nanos(self.0.skipped.load(Relaxed))
    }

    /// Now, for people.
    pub fn wall(&self) -> SystemTime {
        self.0.taped.map_or_else(SystemTime::now, |start| start + self.elapsed())
    }

    /// Now as `YYYY-MM-DDTHH:MM:SSZ`.
    pub fn text(&self) -> String {
        self.text_before(Duration::ZERO)
    }

    /// So much earlier than now, in the same form.
    pub fn text_before(&self, earlier: Duration) -> String {
        let wall = self.wall().checked_sub(earlier).unwrap_or(UNIX_EPOCH);
        let seconds = wall.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let stamp = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX)).unwrap_or_default();
        stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Waits until then; a tape's clock is there at once.
    pub async fn wait_until(&self, then: Instant) {
        match self.is_taped() {
            true => self.skip(then.saturating_duration_since(self.instant())),
            false => tokio::time::sleep_until(then.into()).await,
        }
    }

    /// Jumps over a wait. A guest says how long it is: time never goes back, and ends after some 584 years.
    pub fn skip(&self, wait: Duration) {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        let _ = self.0.skipped.fetch_update(Relaxed, Relaxed, |skipped| Some(skipped.saturating_add(wait)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tapes_clock_begins_where_the_tape_begins_and_jumps_over_waits() {
        let start = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let clock = Clock::of_tape(start);
        assert_eq!(clock.text(), "2023-11-14T22:13:20Z");
        let day = Duration::from_secs(86_400);
        let (before, real) = (clock.instant(), Instant::now());
        clock.wait_until(before + day).await;
        assert!(clock.instant() >= before + day && clock.wall() >= start + day);
        assert!(real.elapsed() < day, "it did not wait");
        assert_eq!(clock.clone().text().get(..10), Some("2023-11-15"), "clones show the same time");
    }

    #[test]
    fn waits_without_end_do_not_turn_time_back() {
        let clock = Clock::of_tape(UNIX_EPOCH);
        let mut before = clock.elapsed();
        for wait in [Duration::from_nanos(u64::MAX), Duration::from_nanos(u64::MAX), Duration::MAX] {
            clock.skip(wait);
            assert!(clock.elapsed() >= before && !clock.text().is_empty());
            before = clock.elapsed();
        }
    }

    #[test]
    fn otherwise_it_is_the_machines() {
        let clock = Clock::real();
        let (before, seen, after) = (SystemTime::now(), clock.wall(), SystemTime::now());
        assert!(before <= seen && seen <= after && !clock.is_taped());
    }
}
