//! Instances and their calls: one deadline around each, and what went wrong as a failure.
//!
//! Rule: a store is never used again after a trap or a timeout. Reason: nobody knows what state the guest is
//! in. Attack: a guest that traps in one call to leave a surprise for the next.

use super::ambient;
use super::bindings::exports::muster::connector::{provisioning, roster, source};
use super::call::Call;
use super::convert;
use super::guest::{Guest, Shared};
use super::http::Way;
use super::linker;
use super::meter::{Meter, Metered};
use crate::egress::exchange::Egress;
use crate::egress::target::Origin;
use crate::failure::{Failure, Reason};
use crate::held::Share;
use crate::limits::{Limits, Unit};
use crate::manifest::Manifest;
use crate::model::{Account, Task};
use crate::packed::Packed;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

/// A component linked once; instances come from it.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    pre: InstancePre<Guest>,
    source: source::GuestIndices,
    /// Where it changes access.
    provisioning: Option<provisioning::GuestIndices>,
    /// Where it takes a roster.
    roster: Option<roster::GuestIndices>,
}

impl Program {
    /// Links a compiled component.
    ///
    /// # Errors
    /// An import that is not offered, or an export of another type.
    pub fn new(engine: &Engine, component: &Component) -> wasmtime::Result<Program> {
        let pre = linker::linker(engine)?.instantiate_pre(component)?;
        // An interface that is there has to be of the contract's type; one that is not there is a capability less.
        let has = |name: &str| component.get_export_index(None, name).is_some();
        let provisioning = has(PROVISIONING).then(|| provisioning::GuestIndices::new(&pre)).transpose()?;
        let roster = has(ROSTER).then(|| roster::GuestIndices::new(&pre)).transpose()?;
        Ok(Program { engine: engine.clone(), source: source::GuestIndices::new(&pre)?, provisioning, roster, pre })
    }

    /// An instance for the calls of a run.
    ///
    /// # Errors
    /// It cannot be instantiated within its limits.
    pub async fn instance(&self, shared: &Arc<Shared>, egress: &Arc<Egress>) -> Result<Instance, Failure> {
        let wasi = ambient::empty_wasi(shared.limits.random_bytes);
        let mut guest = Guest::new(Arc::clone(shared), wasi, Way::new(Some(Arc::clone(egress))));
        guest.reseed("start");
        self.start(guest, shared.limits.call_cpu, shared.limits.call_time).await
    }

    /// Asks a component for its manifest, without network and with time standing still.
    ///
    /// # Errors
    /// A trap, or a limit.
    pub async fn describe(&self, shared: &Arc<Shared>) -> Result<Manifest, Failure> {
        let wasi = ambient::constant_wasi(shared.limits.random_bytes);
        let guest = Guest::new(Arc::clone(shared), wasi, Way::new(None));
        // Wall clock is bounded too: a guest that waits for a clock that stands still waits for ever.
        let time = shared.limits.describe_cpu.saturating_mul(5);
        let mut instance = self.start(guest, shared.limits.describe_cpu, time).await?;
        instance.describe().await
    }

    async fn start(&self, guest: Guest, cpu: Duration, time: Duration) -> Result<Instance, Failure> {
        let hostcall_bytes = guest.limits().hostcall_bytes;
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|g| &mut g.allowance);
        store.set_hostcall_fuel(hostcall_bytes);
        let meter = Arc::new(Meter::default());
        let (watched, cpu_us) = (Arc::clone(&meter), u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            Ok(match watched.used_us() > cpu_us {
                true => UpdateDeadline::Interrupt,
                false => UpdateDeadline::Yield(1),
            })
        });
        let mut boundary = Boundary { store, meter, cpu, time, dead: false };
        let program = self.clone();
        let load = async move |store: &mut Store<Guest>| {
            let instance = program.pre.instantiate_async(&mut *store).await?;
            let source = program.source.load(&mut *store, &instance)?;
            let provisioning = program.provisioning.map(|indices| indices.load(&mut *store, &instance)).transpose()?;
            let roster = program.roster.map(|indices| indices.load(&mut *store, &instance)).transpose()?;
            Ok(Exports { source, provisioning, roster })
        };
        let exports = boundary.run(Call::Describe, load).await?;
        Ok(Instance { boundary, exports, calls: 0, cpu_us: 0 })
    }
}

/// The exports beside `source`, as a component's type names them.
const PROVISIONING: &str = "muster:connector/provisioning@0.1.0";
const ROSTER: &str = "muster:connector/roster@0.1.0";

/// What an instance exports.
pub(super) struct Exports {
    source: source::Guest,
    pub(super) provisioning: Option<provisioning::Guest>,
    pub(super) roster: Option<roster::Guest>,
}

/// A store and what bounds the calls on it.
pub(super) struct Boundary {
    pub(super) store: Store<Guest>,
    meter: Arc<Meter>,
    cpu: Duration,
    time: Duration,
    dead: bool,
}

impl Boundary {
    /// One call under its deadline; a trap or a timeout ends the store.
    pub(super) async fn run<T, F>(&mut self, call: Call, body: F) -> Result<T, Failure>
    where
        F: AsyncFnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
    {
        self.meter.reset();
        self.store.data_mut().begin(call);
        self.dead = true;
        let work = Metered::new(body(&mut self.store), Arc::clone(&self.meter));
        match tokio::time::timeout(self.time, work).await {
            Ok(Ok(value)) => {
                self.dead = false;
                Ok(value)
            }
            Ok(Err(error)) => Err(self.trapped(&error)),
            Err(_) => {
                Err(Failure::new(Reason::Deadline, format!("the call took longer than {} s", self.time.as_secs())))
            }
        }
    }

    fn trapped(&self, error: &wasmtime::Error) -> Failure {
        tracing::debug!(%error, "trap");
        let guest = self.store.data();
        if let Some(broken) = guest.broken() {
            return broken.clone();
        }
        if let Some(limit) = guest.allowance.refused {
            return too_much_memory(limit, guest.limits());
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Failure::limit(
                "call-cpu",
                format!("the call used more than {} s of processor time", self.cpu.as_secs()),
            ),
            Some(Trap::StackOverflow) => Failure::new(Reason::Limit, "the connector's stack overflowed"),
            Some(trap) => Failure::new(Reason::Trap, format!("the connector crashed: {trap}")),
            None if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() => {
                Failure::new(Reason::Trap, "the connector called exit")
            }
            None => {
                let cause = error.root_cause().to_string();
                let limits = guest.limits();
                let size = |bytes: usize| Unit::Bytes.show(bytes as u64);
                // Wasmtime has no types for these, only words: each is looked at by a test with a hostile guest.
                if cause.contains("fuel allocated for hostcalls") {
                    let limit = size(limits.hostcall_bytes);
                    return Failure::limit(
                        "host-call",
                        format!("more than {limit} passed between connector and host in one call"),
                    );
                }
                if cause.contains("resource table has no free keys") {
                    return Failure::limit(
                        "handles",
                        format!("the connector holds more than {} handles", limits.handles),
                    );
                }
                if cause.contains("total size of fields exceeds limit") {
                    let limit = size(limits.field_bytes);
                    return Failure::limit(
                        "header-fields",
                        format!("the connector made more than {limit} of header fields"),
                    );
                }
                if cause.contains("requested len") && cause.contains("exceeds limit") {
                    let limit = size(usize::try_from(limits.random_bytes).unwrap_or(usize::MAX));
                    return Failure::limit(
                        "random",
                        format!("the connector asked for more than {limit} of random bytes at once"),
                    );
                }
                let cause = crate::text::shorten(&cause, 300);
                Failure::new(Reason::Trap, format!("the connector's call was ended: {cause}"))
            }
        }
    }
}

fn too_much_memory(limit: &'static str, limits: &Limits) -> Failure {
    let bytes = |n: usize| Unit::Bytes.show(n as u64);
    match limit {
        "memory" => Failure::limit(
            limit,
            format!("the connector wanted more than {} of memory in one instance", bytes(limits.memory_bytes)),
        ),
        "run-memory" => Failure::limit(
            limit,
            format!("the connector wanted more than {} of memory in one run", bytes(limits.run_memory_bytes)),
        ),
        "table-elements" => Failure::limit(
            limit,
            format!("the connector wanted tables of more than {} elements", limits.table_elements),
        ),
        _ => Failure::new(
            Reason::Limit,
            format!("all connectors together wanted more than {} of memory", bytes(limits.host_memory_bytes)),
        )
        .with_help("run fewer connections at once, or later"),
    }
}

/// An instance, for one call at a time.
pub struct Instance {
    pub(super) boundary: Boundary,
    pub(super) exports: Exports,
    calls: u32,
    /// Microseconds of processor time of all its calls.
    cpu_us: u64,
}

/// What a task came to.
#[derive(Debug)]
pub struct Yielded {
    /// Its records, checked, in the order of their keys.
    pub records: Packed,
    /// Their part of what the host holds: given back when they are stored.
    pub share: Share,
    /// The tasks that follow.
    pub follow_ups: Vec<Task>,
}

/// A call that failed, and where its last request went.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub failure: Failure,
    /// For closing the origin's bucket.
    pub origin: Option<Origin>,
    /// Whether something may have been changed at the vendor before it failed.
    pub wrote: bool,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed { failure, origin: None, wrote: false }
    }
}

impl Instance {
    /// Whether it may serve another call.
    pub fn is_fit(&self) -> bool {
        !self.boundary.dead && self.calls < self.boundary.store.data().limits().instance_calls
    }

    /// Takes the processor time used since the last time this was asked, in microseconds.
    pub fn take_cpu_us(&mut self) -> u64 {
        std::mem::take(&mut self.cpu_us)
    }

    async fn describe(&mut self) -> Result<Manifest, Failure> {
        let source = &self.exports.source;
        let result = self.boundary.run(Call::Describe, async |store| source.call_describe(store).await).await;
        self.settle(result.map(|d| Ok(convert::manifest(d)))).map_err(|f| f.failure)
    }

    /// Proves settings and credentials.
    ///
    /// # Errors
    /// The guest's failure, or the host's.
    pub async fn check(&mut self) -> Result<Account, Failed> {
        self.boundary.store.data_mut().reseed("check");
        let source = &self.exports.source;
        let result = self.boundary.run(Call::Check, async |store| source.call_check(store).await).await;
        let account = self.settle(result.map(|r| r.map_err(convert::failure)))?;
        convert::account(account).map_err(|why| Failure::new(Reason::Contract, why).into())
    }

    /// Does one task.
    ///
    /// # Errors
    /// The guest's failure, or the host's; nothing of the task counts then.
    pub async fn sync(&mut self, task: Option<&Task>, session: Option<&str>) -> Result<Yielded, Failed> {
        let call = task.map_or_else(|| "sync".to_owned(), |task| format!("sync {} {}", task.kind, task.payload));
        self.boundary.store.data_mut().reseed(&call);
        let task = task.map(convert::task_out);
        let source = &self.exports.source;
        let result =
            self.boundary.run(Call::Sync, async |store| source.call_sync(store, task.as_ref(), session).await).await;
        let follow_ups = self.settle(result.map(|r| r.map_err(convert::failure)))?;
        let limits = self.boundary.store.data().limits();
        if follow_ups.len() > limits.follow_ups {
            let message =
                format!("the connector named {} follow-up tasks, more than {}", follow_ups.len(), limits.follow_ups);
            return Err(Failure::limit("follow-ups", message).into());
        }
        let follow_ups = follow_ups
            .into_iter()
            .map(|t| convert::task(t, limits.payload_bytes))
            .collect::<Result<_, _>>()
            .map_err(|why| Failure::new(Reason::Contract, why))?;
        let (mut records, share) = self.boundary.store.data_mut().take_records();
        records.sort();
        Ok(Yielded { records, share, follow_ups })
    }

    /// Books the call and turns what happened during it into the failure it really was.
    pub(super) fn settle<T>(&mut self, result: Result<Result<T, Failure>, Failure>) -> Result<T, Failed> {
        self.calls += 1;
        self.cpu_us += self.boundary.meter.used_us();
        let guest = self.boundary.store.data();
        let way = guest.way();
        let outcome = match result {
            // A batch that was refused fails the task, whatever the connector made of it.
            Ok(_) if guest.broken().is_some() => Err(guest.broken().cloned()),
            // So does a request that was refused: what it would have told is missing from what was read.
            Ok(Ok(_)) if way.refused().is_some() => Err(way.refused()),
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) | Err(failure) => Err(Some(failure)),
        };
        outcome.map_err(|failure| {
            let mut failure = failure.unwrap_or_else(|| Failure::new(Reason::Contract, "the connector broke a rule"));
            if let Some(refused) = way.refused() {
                failure = refused;
            }
            failure.message = way.mask(&failure.message);
            Failed { failure, origin: way.last_origin(), wrote: way.wrote() }
        })
    }
}
