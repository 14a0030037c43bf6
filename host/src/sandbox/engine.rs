//! The engine: one a process, with the thread that makes time pass for guests.

use crate::limits::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::{Config, Engine};

/// How often a running guest is interrupted to yield and to have its processor time looked at. Short enough
/// that sixteen busy guests share two cores fairly, long enough to cost nothing measurable.
const TICK: Duration = Duration::from_millis(10);

/// Settings that decide how code is compiled. The child that compiles and the host that loads use the same.
///
/// # Errors
/// Wasmtime refuses the configuration on this machine.
pub fn engine(limits: &Limits) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.guest_stack_bytes);
    config.async_stack_size(limits.fiber_stack_bytes);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    Engine::new(&config)
}

/// An engine whose epoch advances while this lives.
pub struct Clocked {
    /// The engine.
    pub engine: Engine,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clocked {
    /// Starts the clock.
    ///
    /// # Errors
    /// The engine or its thread cannot be made.
    pub fn new(limits: &Limits) -> wasmtime::Result<Clocked> {
        let engine = engine(limits)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (ticking, stopped) = (engine.clone(), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while !stopped.load(Relaxed) {
                std::thread::park_timeout(TICK);
                ticking.increment_epoch();
            }
        })?;
        Ok(Clocked { engine, stop, thread: Some(thread) })
    }
}

impl Drop for Clocked {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
