//! A guest's clocks: the run's. Where a tape is played, a guest's own wait takes no time either.

use super::http::Traffic;
use crate::clock::Clock;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::watch;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// From the end of an exchange until the guest's own future is told of it: a moment between two tasks of the runtime,
/// microseconds in truth. A wait beside it is not to be seen first.
const HANDED_OVER: Duration = Duration::from_millis(50);

/// For the linker.
pub struct Clocks;

impl HasData for Clocks {
    type Data<'a> = View<'a>;
}

/// What the monotonic clock works on.
pub struct View<'a> {
    /// The library's own.
    pub inner: WasiClocksCtxView<'a>,
    /// The run's.
    pub clock: &'a Clock,
    /// Exchanges of this instance.
    pub busy: watch::Receiver<Traffic>,
}

impl View<'_> {
    fn wait(&mut self, wait: Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let until = self.clock.elapsed().saturating_add(wait);
        let wait = Skipped { clock: self.clock.clone(), until, busy: self.busy.clone() };
        let wait = self.inner.table.push(wait)?;
        subscribe(self.inner.table, wait)
    }
}

impl monotonic_clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        monotonic_clock::Host::now(&mut self.inner)
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        monotonic_clock::Host::resolution(&mut self.inner)
    }

    fn subscribe_instant(&mut self, when: monotonic_clock::Instant) -> wasmtime::Result<Resource<DynPollable>> {
        if !self.clock.is_taped() {
            return monotonic_clock::Host::subscribe_instant(&mut self.inner, when);
        }
        let now = monotonic_clock::Host::now(&mut self.inner)?;
        self.wait(Duration::from_nanos(when.saturating_sub(now)))
    }

    fn subscribe_duration(&mut self, wait: monotonic_clock::Duration) -> wasmtime::Result<Resource<DynPollable>> {
        match self.clock.is_taped() {
            true => self.wait(Duration::from_nanos(wait)),
            false => monotonic_clock::Host::subscribe_duration(&mut self.inner, wait),
        }
    }
}

/// A wait that is jumped over, when nothing else can come before it: an answer from the tape is always earlier.
struct Skipped {
    clock: Clock,
    until: Duration,
    busy: watch::Receiver<Traffic>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Skipped {
    async fn ready(&mut self) {
        let ended = match self.busy.wait_for(|traffic| traffic.in_progress == 0).await {
            Ok(traffic) => traffic.ended,
            Err(_) => None,
        };
        if let Some(ended) = ended {
            tokio::time::sleep_until((ended + HANDED_OVER).into()).await;
        }
        self.clock.skip(self.until.saturating_sub(self.clock.elapsed()));
    }
}

/// The run's clock as the library wants it.
pub struct Shown(pub Clock);

impl wasmtime_wasi::HostWallClock for Shown {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        self.0.wall().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl wasmtime_wasi::HostMonotonicClock for Shown {
    fn resolution(&self) -> u64 {
        1_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
