//! What a guest's imports reach: the records of its call, its settings, its log lines, and nothing else.

use super::ambient;
use super::bindings::muster::connector::{
    collector, log as wit_log, manifest as wit_manifest, settings as wit_settings, types as w,
};
use super::call::Call;
use super::clocks::View;
use super::convert;
use super::http::Way;
use super::memory::{Allowance, RunMemory};
use crate::clock::Clock;
use crate::failure::{Failure, Reason};
use crate::held::{Held, Share};
use crate::lane;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::packed::Packed;
use crate::settings::Settings;
use crate::text;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// What all instances of a run share.
pub struct Shared {
    /// The manifest, for what may be emitted.
    pub manifest: Arc<Manifest>,
    /// Values a guest may ask for, `run-date` among them; never a secret.
    pub settings: BTreeMap<String, String>,
    /// The limits of the connection.
    pub limits: Limits,
    /// For log lines.
    pub connection: String,
    /// Lines and bytes logged so far, and lines dropped.
    pub log: LogBudget,
    /// Records emitted so far in the run.
    pub records: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Of them, those of tasks that have not succeeded yet.
    pub held: Arc<Held>,
    /// The linear memory of its instances.
    pub memory: Arc<RunMemory>,
    /// What its calls may compute at full priority.
    pub computing: Arc<lane::Allowance>,
    /// The run's time.
    pub clock: Clock,
    /// What random numbers are made from, where the run is taped.
    pub seed: Option<[u8; 32]>,
}

impl Shared {
    /// What the guests of one run may know.
    pub fn new(
        connection: &str,
        manifest: Arc<Manifest>,
        settings: &Settings,
        run_date: &str,
        limits: &Limits,
    ) -> Shared {
        let mut values: BTreeMap<String, String> =
            settings.values.iter().map(|(n, v)| (n.clone(), v.text.clone())).collect();
        values.insert("run-date".to_owned(), run_date.to_owned());
        Shared {
            manifest,
            settings: values,
            limits: limits.clone(),
            connection: connection.to_owned(),
            log: LogBudget::default(),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            held: Held::new(limits.held_records),
            memory: Arc::new(RunMemory::new(limits.run_memory_bytes, limits.host_memory_bytes)),
            computing: Arc::default(),
            clock: Clock::real(),
            seed: None,
        }
    }

    /// With the time of a taped run, and the seed of its random numbers.
    #[must_use]
    pub fn taped(mut self, clock: Clock, seed: Option<[u8; 32]>) -> Shared {
        (self.clock, self.seed) = (clock, seed);
        self
    }
}

/// What was logged in a run.
#[derive(Debug, Default)]
pub struct LogBudget {
    lines: AtomicU64,
    bytes: AtomicU64,
    /// Lines that were dropped.
    pub dropped: AtomicU64,
}

impl LogBudget {
    /// Whether another line of so many bytes may be written.
    fn take(&self, bytes: u64, limits: &Limits) -> bool {
        let lines = self.lines.fetch_add(1, Relaxed);
        let before = self.bytes.fetch_add(bytes, Relaxed);
        let fits = lines < limits.log_lines && before + bytes <= limits.log_bytes;
        if !fits {
            self.dropped.fetch_add(1, Relaxed);
        }
        fits
    }
}

/// Bytes of one log line.
const LOG_LINE: usize = 4096;

/// The data of one instance's store.
pub struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    way: Way,
    /// Memory and tables.
    pub allowance: Allowance,
    shared: Arc<Shared>,
    call: Call,
    records: Packed,
    /// The records' part of what the host holds.
    share: Share,
    emitted_bytes: u64,
    /// A rule the guest broke in this call: the call's result does not matter any more.
    broken: Option<Failure>,
}

impl Guest {
    /// The data of a new instance.
    pub fn new(shared: Arc<Shared>, wasi: WasiCtx, way: Way) -> Guest {
        let limits = &shared.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        // The number counts the host's structures too, which take about three times the text.
        http.set_field_size_limit(limits.field_bytes.saturating_mul(3));
        Guest {
            table,
            wasi,
            http,
            way,
            allowance: Allowance::new(limits.memory_bytes, limits.table_elements, Arc::clone(&shared.memory))
                .with_counts(limits.tables, limits.core_instances, limits.memories),
            call: Call::Describe,
            records: Packed::default(),
            share: Share::of(&shared.held),
            emitted_bytes: 0,
            broken: None,
            shared,
        }
    }

    /// The limits of the connection.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The call that comes next, where its random numbers depend on it.
    pub fn reseed(&mut self, call: &str) {
        if let Some(seed) = &self.shared.seed {
            self.wasi = ambient::taped_wasi(self.shared.limits.random_bytes, &self.shared.clock, seed, call);
        }
    }

    /// What its monotonic clock works on.
    pub fn monotonic(&mut self) -> View<'_> {
        let busy = self.way.busy();
        let inner = WasiClocksCtxView { ctx: self.wasi.clocks(), table: &mut self.table };
        View { inner, clock: &self.shared.clock, busy }
    }

    /// A new call begins.
    pub fn begin(&mut self, call: Call) {
        self.call = call;
        self.records = Packed::default();
        self.share = Share::of(&self.shared.held);
        self.emitted_bytes = 0;
        self.broken = None;
        self.way.begin(call);
    }

    /// The call's requests: what was refused, and where the last one went.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Takes what the call emitted, with its part of what the host holds.
    pub fn take_records(&mut self) -> (Packed, Share) {
        let empty = Share::of(&self.shared.held);
        (std::mem::take(&mut self.records), std::mem::replace(&mut self.share, empty))
    }

    /// A rule the guest broke in this call.
    pub fn broken(&self) -> Option<&Failure> {
        self.broken.as_ref()
    }

    fn refuse(&mut self, failure: Failure) -> String {
        let message = failure.message.clone();
        self.broken.get_or_insert(failure);
        message
    }

    fn take_items(&mut self, items: Vec<w::Item>) -> Result<(), String> {
        if self.call != Call::Sync {
            let message = "the connector emitted records outside of sync";
            return Err(self.refuse(Failure::new(Reason::Contract, message)));
        }
        let limits = &self.shared.limits;
        let before = self.shared.records.fetch_add(items.len() as u64, Relaxed);
        if before + items.len() as u64 > limits.records {
            let message = format!("the connector emitted more than {} records in a run", limits.records);
            return Err(self.refuse(Failure::limit("records", message)));
        }
        // What a batch costs the host is what it was charged for passing the boundary: count the texts.
        let weight = items.iter().map(weight).sum::<u64>();
        self.emitted_bytes += weight;
        if self.emitted_bytes > limits.task_bytes {
            let message = format!("the connector emitted more than {} bytes in one task", limits.task_bytes);
            return Err(self.refuse(Failure::limit("task-records", message)));
        }
        if !self.share.grow(usize::try_from(weight).unwrap_or(usize::MAX)) {
            let message =
                format!("the tasks in progress emitted more than {} bytes together", self.shared.limits.held_records);
            return Err(self.refuse(Failure::limit("records-held", message)));
        }
        if self.shared.bytes.fetch_add(weight, Relaxed).saturating_add(weight) > limits.run_bytes {
            let message = format!("the connector emitted more than {} bytes in a run", limits.run_bytes);
            return Err(self.refuse(Failure::limit("run-records", message)));
        }
        let count = items.len();
        for item in items {
            let record = match convert::record(item, &self.shared.manifest) {
                Ok(record) => record,
                Err(why) => return Err(self.refuse(Failure::new(Reason::Contract, why))),
            };
            if self.records.push(&record).is_err() {
                let message = "the connector emitted more than 4 GiB in one task";
                return Err(self.refuse(Failure::limit("task-records", message)));
            }
        }
        self.shared.computing.earn(count);
        Ok(())
    }
}

/// About how many bytes the host holds for a record.
fn weight(item: &w::Item) -> u64 {
    let option = |t: &Option<String>| t.as_ref().map_or(0, String::len);
    let id = |i: &w::ResourceId| i.resource_type.len() + i.id.len();
    let list = |l: &[String]| l.iter().map(|t| 24 + t.len()).sum::<usize>();
    // The base is what the record's own structure takes.
    let bytes = match item {
        w::Item::Grant(g) => 200 + id(&g.resource) + g.slug.len() + id(&g.principal),
        w::Item::Entitlement(e) => {
            200 + id(&e.resource) + e.slug.len() + e.name.len() + e.description.len() + list(&e.grantable_to)
        }
        w::Item::Resource(r) => {
            let user = match &r.details {
                w::Details::User(u) => {
                    let job = u.employment.as_ref().map_or(0, |e| {
                        let texts = [&e.employee_id, &e.title, &e.department, &e.location, &e.employment_type];
                        let dates = option(&e.start_date) + option(&e.end_date);
                        300 + texts.into_iter().map(option).sum::<usize>() + dates + e.manager.as_ref().map_or(0, id)
                    });
                    let texts = [&u.email, &u.login, &u.status_detail, &u.given_name, &u.family_name];
                    texts.into_iter().map(option).sum::<usize>() + list(&u.other_emails) + job
                }
                w::Details::Group | w::Details::Other => 0,
            };
            400 + id(&r.id) + r.name.len() + r.profile.len() + r.parent.as_ref().map_or(0, id) + user
        }
    };
    bytes as u64
}

impl collector::Host for Guest {
    fn emit(&mut self, items: Vec<w::Item>) -> wasmtime::Result<Result<(), String>> {
        // What a broken call emits is not even looked at.
        if let Some(broken) = &self.broken {
            return Ok(Err(broken.message.clone()));
        }
        Ok(self.take_items(items))
    }
}

impl wit_settings::Host for Guest {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(match self.call {
            Call::Describe => None,
            Call::Check | Call::Sync | Call::Look | Call::Apply => self.shared.settings.get(&name).cloned(),
        })
    }
}

impl wit_log::Host for Guest {
    fn write(&mut self, level: wit_log::Level, message: String) -> wasmtime::Result<()> {
        // Masked whole, so that no secret is cut in two; counted as it is written, because neutral text is longer.
        let message = text::shorten(&message, 4 * LOG_LINE);
        let message = text::shorten(&text::neutral(&self.way.mask(&message)), LOG_LINE);
        if !self.shared.log.take(message.len() as u64, &self.shared.limits) {
            return Ok(());
        }
        let connection = self.shared.connection.as_str();
        match level {
            wit_log::Level::Debug => tracing::debug!(target: "connector", connection, "{message}"),
            wit_log::Level::Info => tracing::info!(target: "connector", connection, "{message}"),
            wit_log::Level::Warn => tracing::warn!(target: "connector", connection, "{message}"),
            wit_log::Level::Error => tracing::error!(target: "connector", connection, "{message}"),
        }
        Ok(())
    }
}

impl w::Host for Guest {}
impl wit_manifest::Host for Guest {}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.way, table: &mut self.table, ctx: &mut self.http }
    }
}
