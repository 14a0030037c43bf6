//! The time the store has worked on a query: not the time in which whoever reads its rows was thinking.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts while it is running. Another thread may look at it.
#[derive(Debug)]
pub struct Stopwatch {
    base: Instant,
    /// Microseconds of the turns that are over.
    spent: AtomicU64,
    /// Microseconds after `base` when this turn began, plus one; 0 between turns.
    began: AtomicU64,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Stopwatch { base: Instant::now(), spent: AtomicU64::new(0), began: AtomicU64::new(0) }
    }
}

impl Stopwatch {
    /// Runs for the time of one piece of work.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        self.began.store(self.now() + 1, Relaxed);
        let out = work();
        let began = self.began.swap(0, Relaxed);
        self.spent.fetch_add((self.now() + 1).saturating_sub(began), Relaxed);
        out
    }

    /// What it shows.
    pub fn elapsed(&self) -> Duration {
        let turn = match self.began.load(Relaxed) {
            0 => 0,
            began => (self.now() + 1).saturating_sub(began),
        };
        Duration::from_micros(self.spent.load(Relaxed) + turn)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_micros()).unwrap_or(u64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_only_while_there_is_work() {
        let watch = Stopwatch::default();
        let pause = || std::thread::sleep(Duration::from_millis(3));
        pause();
        assert_eq!(watch.elapsed(), Duration::ZERO);
        let inside = watch.time(|| {
            pause();
            watch.elapsed()
        });
        let after = watch.elapsed();
        assert!(inside >= Duration::from_millis(3) && after >= inside, "{inside:?} {after:?}");
        pause();
        assert_eq!(watch.elapsed(), after);
    }
}
