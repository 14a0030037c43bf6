//! The slow lane: calls that hog a processor go on at a lower priority.
//!
//! Rule: a guest that computes without end delays nobody but itself. Reason: sixteen spinning calls on two cores would
//! make every other run wait for its turn, for a minute each. Attack: a connector that spins in every task.
//! A call whose polls are long moves, once its run has used up its allowance, to threads that get what others leave:
//! all of an idle machine, next to nothing of a busy one. Short polls, as of every connector that asks and parses, are
//! not counted.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A poll up to this long is nobody's business: a page of a hundred records takes a tenth of a millisecond.
const SHORT: Duration = Duration::from_millis(2);
/// What a run may compute in long polls at full priority …
const ALLOWANCE: Duration = Duration::from_millis(15);
/// … and what it gets back: one part in this many of the time that passes.
const REFILL: u32 = 20;
/// What a record that was accepted earns: several times what parsing and emitting one takes. So a connector that reads a
/// list of fifty thousand stays where it is, and one that computes for nothing does not.
const EARNED: Duration = Duration::from_micros(20);
/// What can be saved up by earning.
const SAVED: Duration = Duration::from_millis(250);
/// The slow lane's niceness: against a thread at 0 it gets about a thirtieth of a processor.
const NICE: i32 = 15;

/// A run's allowance of long polls.
#[derive(Debug)]
pub struct Allowance(Mutex<(Duration, Instant)>);

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance(Mutex::new((ALLOWANCE, Instant::now())))
    }
}

impl Allowance {
    /// Books a poll; whether it was within the allowance.
    fn take(&self, polled: Duration, now: Instant) -> bool {
        if polled <= SHORT {
            return true;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = *state;
        let refilled = (left + now.saturating_duration_since(at) / REFILL).min(ALLOWANCE);
        let left = refilled.max(left);
        *state = (left.saturating_sub(polled), now);
        left > polled
    }

    /// Books records that were accepted.
    pub fn earn(&self, records: usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = *state;
        let earned = EARNED.saturating_mul(u32::try_from(records).unwrap_or(u32::MAX));
        *state = (left.saturating_add(earned).min(SAVED).max(left), at);
    }

    /// Whether nothing is left: then the run's next call begins in the slow lane.
    fn is_spent(&self, now: Instant) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = *state;
        left + now.saturating_duration_since(at) / REFILL <= SHORT
    }
}

/// Threads of low priority, started when they are first needed.
#[derive(Debug, Default)]
pub struct SlowLane(OnceLock<Option<Runtime>>);

impl SlowLane {
    fn runtime(&self) -> Option<&Runtime> {
        let start = || {
            let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads).thread_name("slow-lane").enable_all();
            builder.on_thread_start(|| {
                // On Linux this is the thread's own niceness. Where it is refused, the lane is as fast as the rest.
                let _ = rustix::process::nice(NICE);
            });
            builder.build().inspect_err(|error| tracing::warn!(%error, "no slow lane")).ok()
        };
        self.0.get_or_init(start).as_ref()
    }

    fn runtime_if(&self, wanted: bool) -> Option<&Runtime> {
        if wanted { self.runtime() } else { None }
    }

    /// The same future, which moves to the slow lane when its polls use up the allowance.
    pub fn watch<T: Send + 'static>(
        self: &Arc<Self>,
        allowance: Arc<Allowance>,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Watched<T> {
        let future: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(future);
        let place = match self.runtime_if(allowance.is_spent(Instant::now())) {
            Some(runtime) => Place::Slow(runtime.spawn(future)),
            None => Place::Fast(future),
        };
        Watched { lane: Arc::clone(self), allowance, place }
    }
}

impl Drop for SlowLane {
    fn drop(&mut self) {
        // Not waited for: a guest that spins ends with the process at the latest.
        if let Some(Some(runtime)) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

enum Place<T> {
    Fast(Pin<Box<dyn Future<Output = T> + Send>>),
    Slow(JoinHandle<T>),
    Gone,
}

/// A future that may move to the slow lane.
pub struct Watched<T> {
    lane: Arc<SlowLane>,
    allowance: Arc<Allowance>,
    place: Place<T>,
}

impl<T: Send + 'static> Future for Watched<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        if let Place::Fast(future) = &mut this.place {
            let begun = Instant::now();
            let polled = future.as_mut().poll(cx);
            let now = Instant::now();
            // The last poll counts, too: many short calls are as bad as a long one.
            let within = this.allowance.take(now.saturating_duration_since(begun), now);
            if polled.is_ready() || within {
                return polled;
            }
            let Some(runtime) = this.lane.runtime() else { return polled };
            if let Place::Fast(future) = std::mem::replace(&mut this.place, Place::Gone) {
                this.place = Place::Slow(runtime.spawn(future));
            }
        }
        match &mut this.place {
            Place::Slow(handle) => match std::task::ready!(Pin::new(handle).poll(cx)) {
                Ok(value) => Poll::Ready(value),
                // A panic goes on where somebody waits for the value; a lane that was shut down has no value.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Poll::Pending,
                },
            },
            Place::Fast(_) | Place::Gone => Poll::Pending,
        }
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        if let Place::Slow(handle) = &self.place {
            handle.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_polls_use_the_allowance_up_and_short_ones_never() {
        let allowance = Allowance::default();
        let (now, ms) = (Instant::now(), Duration::from_millis);
        assert!((0..1_000_000).all(|_| allowance.take(ms(2), now)));
        let long = (0..100).take_while(|_| allowance.take(ms(10), now)).count();
        assert!((1..=4).contains(&long), "{long}");
        assert!(!allowance.take(ms(10), now + ms(100)), "a tenth of a second gives back five milliseconds");
        assert!(allowance.take(ms(10), now + ms(1000)));
    }

    #[test]
    fn records_that_are_accepted_earn_time_and_only_so_much_is_saved() {
        let allowance = Allowance::default();
        let (now, ms) = (Instant::now(), Duration::from_millis);
        for _ in 0..100 {
            allowance.earn(1000);
            assert!(allowance.take(ms(10), now));
        }
        allowance.earn(10_000_000);
        let long = (0..1000).take_while(|_| allowance.take(ms(10), now)).count();
        assert!((20..=25).contains(&long), "{long}");
    }

    async fn spin(polls: u32) -> Option<String> {
        for _ in 0..polls {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(10) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
        std::thread::current().name().map(str::to_owned)
    }

    #[tokio::test]
    async fn a_call_that_spins_moves_and_a_short_one_stays() {
        let lane = Arc::new(SlowLane::default());
        assert_eq!(lane.watch(Arc::default(), spin(20)).await.as_deref(), Some("slow-lane"));
        assert_ne!(lane.watch(Arc::default(), spin(0)).await.as_deref(), Some("slow-lane"));
    }

    #[tokio::test]
    async fn calls_that_are_short_by_themselves_are_counted_together() {
        let lane = Arc::new(SlowLane::default());
        let allowance: Arc<Allowance> = Arc::default();
        let mut names = Vec::new();
        for _ in 0..4 {
            names.push(lane.watch(Arc::clone(&allowance), spin(1)).await.unwrap_or_default());
        }
        assert_eq!(names.last().map(String::as_str), Some("slow-lane"), "{names:?}");
    }

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_any_more_ends_in_the_slow_lane_too() {
        struct Told(Option<tokio::sync::oneshot::Sender<()>>);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.take().map(|told| told.send(()));
            }
        }
        let lane = Arc::new(SlowLane::default());
        let (tell, gone) = tokio::sync::oneshot::channel();
        let told = Told(Some(tell));
        let endless = lane.watch(Arc::default(), async move {
            let _told = told;
            spin(u32::MAX).await
        });
        assert!(tokio::time::timeout(Duration::from_millis(300), endless).await.is_err());
        gone.await.expect("it was dropped");
    }
}
