//! Processor time of a guest call, measured while its future is polled.
//!
//! Rule: CPU is measured, not guessed. Reason: the epoch callback fires at the first check after any wait, so
//! ticks count waiting as work. Attack: a guest that spins in short bursts between requests.

use rustix::time::{ClockId, clock_gettime};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

/// Microseconds of one call.
#[derive(Debug, Default)]
pub struct Meter {
    used: AtomicU64,
    /// Thread time at which the poll in progress began, plus one; 0 when none is.
    polled_at: AtomicU64,
}

impl Meter {
    /// Microseconds used so far, the poll in progress included. Call it on the polling thread.
    pub fn used_us(&self) -> u64 {
        let began = self.polled_at.load(Relaxed);
        let current = if began == 0 { 0 } else { thread_us().saturating_sub(began - 1) };
        self.used.load(Relaxed) + current
    }

    /// Forgets what was used: a new call begins.
    pub fn reset(&self) {
        self.used.store(0, Relaxed);
    }
}

fn thread_us() -> u64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1000
}

/// A future whose polls are measured.
pub struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<Meter>,
}

impl<F: Future> Metered<F> {
    /// Measures `inner` into `meter`.
    pub fn new(inner: F, meter: Arc<Meter>) -> Metered<F> {
        Metered { inner: Box::pin(inner), meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let began = thread_us();
        self.meter.polled_at.store(began + 1, Relaxed);
        let result = self.inner.as_mut().poll(cx);
        self.meter.polled_at.store(0, Relaxed);
        self.meter.used.fetch_add(thread_us().saturating_sub(began), Relaxed);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn working_counts_and_waiting_does_not() {
        let meter = Arc::new(Meter::default());
        Metered::new(tokio::time::sleep(Duration::from_millis(60)), Arc::clone(&meter)).await;
        let waited = meter.used_us();
        let work = async {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(60) {
                std::hint::spin_loop();
            }
        };
        Metered::new(work, Arc::clone(&meter)).await;
        let worked = meter.used_us() - waited;
        assert!(waited < worked, "waiting {waited} us, working {worked} us");
        meter.reset();
        assert_eq!(meter.used_us(), 0);
    }
}
