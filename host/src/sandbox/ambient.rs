//! What WASI shows a guest beside its imports: clocks and random numbers, and otherwise nothing.

use super::chance::Chance;
use super::clocks::Shown;
use crate::clock::Clock;
use rand_core::Rng as _;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

/// WASI with nothing in it.
pub fn empty_wasi(random_bytes: u64) -> WasiCtx {
    inert_builder(random_bytes).build()
}

/// The same for one call of a taped run: the run's clock, and random numbers that depend on seed and call alone.
pub fn taped_wasi(random_bytes: u64, clock: &Clock, seed: &[u8; 32], call: &str) -> WasiCtx {
    inert_builder(random_bytes)
        .wall_clock(Shown(clock.clone()))
        .monotonic_clock(Shown(clock.clone()))
        .secure_random(Chance::of_call(seed, call, "secure"))
        .insecure_random(Chance::of_call(seed, call, "insecure"))
        .insecure_random_seed(Chance::of_call(seed, call, "seed").next_u64().into())
        .build()
}

/// The same with constant clocks and random numbers, so that `describe` is a pure function.
pub fn constant_wasi(random_bytes: u64) -> WasiCtx {
    inert_builder(random_bytes)
        .wall_clock(Stopped)
        .monotonic_clock(Stopped)
        .secure_random(wasmtime_wasi::Deterministic::new(vec![0]))
        .insecure_random(wasmtime_wasi::Deterministic::new(vec![0]))
        .insecure_random_seed(0)
        .build()
}

fn inert_builder(random_bytes: u64) -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .max_random_size(random_bytes)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .socket_addr_check(|_, _| Box::pin(async { false }));
    builder
}

struct Stopped;

impl wasmtime_wasi::HostWallClock for Stopped {
    fn resolution(&self) -> std::time::Duration {
        std::time::Duration::from_secs(1)
    }

    fn now(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

impl wasmtime_wasi::HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
