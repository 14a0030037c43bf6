//! Every limit of the host, in one struct: unit, default and reason. Each is enforced, and shown by `inspect`.
//!
//! Rule: a guest can exhaust nothing. Reason: fuel and epochs do not bound a guest that waits in the host, and
//! a store's limits do not see what the host allocates for a guest: each needs a number of its own.
//! A limit that an operator may set for a connection has a ceiling: a number beyond it would be no limit.

use std::time::Duration;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// The limits a connection runs under.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a component's file.
    pub component_bytes: u64,
    /// Compiling one component, in a child process.
    pub compile_time: Duration,
    /// Address space of that child, bytes.
    pub compile_bytes: u64,
    /// Components compiled at once by this process.
    pub compilers: usize,
    /// Linear memory of an instance, summed over its memories, bytes.
    pub memory_bytes: usize,
    /// Linear memory of all instances of a run, bytes.
    pub run_memory_bytes: usize,
    /// Linear memory of all instances of the process, bytes.
    pub host_memory_bytes: usize,
    /// Elements of an instance's tables, summed.
    pub table_elements: usize,
    /// Tables, core instances and linear memories of an instance: each costs host memory of its own.
    pub tables: usize,
    /// See `tables`.
    pub core_instances: usize,
    /// See `tables`.
    pub memories: usize,
    /// Stack of guest code, bytes.
    pub guest_stack_bytes: usize,
    /// Stack of the fiber a call runs on: the guest's, and what the host's functions need on top of it.
    pub fiber_stack_bytes: usize,
    /// Wall clock of a call.
    pub call_time: Duration,
    /// Wall clock of a run.
    pub run_time: Duration,
    /// Processor time of a call, measured while the guest is polled.
    pub call_cpu: Duration,
    /// Processor time of `describe`.
    pub describe_cpu: Duration,
    /// Bytes a guest may pass in one call of the host: it bounds an `emit` and a returned task list.
    pub hostcall_bytes: usize,
    /// Handles an instance may hold.
    pub handles: usize,
    /// Bytes of header fields a guest may make, as the host keeps them.
    pub field_bytes: usize,
    /// Bytes of one answer of `random`.
    pub random_bytes: u64,
    /// Calls of an instance before it is replaced.
    pub instance_calls: u32,
    /// Calls in progress at once in a run, each on an instance of its own.
    pub instances: usize,
    /// Calls in progress at once in the process.
    pub host_instances: usize,
    /// Exchanges in progress at once in a run.
    pub exchanges: usize,
    /// Exchanges in progress at once in the process.
    pub host_exchanges: usize,
    /// Requests a minute to an origin; none: as fast as the vendor answers.
    pub requests_per_minute: Option<u32>,
    /// Whole exchange, waiting included.
    pub exchange_time: Duration,
    /// Bytes of a request body.
    pub request_bytes: usize,
    /// Bytes of a response's head, and of what a connection holds of a body that is being read.
    pub response_head_bytes: usize,
    /// Fields of a response's head.
    pub response_fields: usize,
    /// Bytes of a response body, decoded.
    pub response_bytes: usize,
    /// Bytes of all bodies the host holds for a run: answers not read yet, requests not finished.
    pub held_bytes: usize,
    /// Records a run may emit.
    pub records: u64,
    /// Bytes a task may emit, which the host holds until the task succeeds.
    pub task_bytes: u64,
    /// Bytes of records of all tasks of a run that have not succeeded yet.
    pub held_records: usize,
    /// Bytes a run may emit.
    pub run_bytes: u64,
    /// Follow-up tasks of a call.
    pub follow_ups: usize,
    /// Tasks of a run.
    pub tasks: u64,
    /// Bytes of a task's payload.
    pub payload_bytes: usize,
    /// Bytes of all payloads of a run.
    pub payloads_bytes: u64,
    /// Log lines of a run.
    pub log_lines: u64,
    /// Log bytes of a run.
    pub log_bytes: u64,
    /// Waiting for a vendor in a run.
    pub max_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            component_bytes: 64 * MIB,
            compile_time: Duration::from_secs(60),
            compile_bytes: 2 * GIB,
            compilers: 2,
            memory_bytes: 256 << 20,
            run_memory_bytes: 1 << 30,
            host_memory_bytes: 4 << 30,
            table_elements: 100_000,
            // What a component of a language runtime needs, with room.
            tables: 64,
            core_instances: 64,
            memories: 16,
            guest_stack_bytes: 512 << 10,
            fiber_stack_bytes: (512 << 10) + (1 << 20),
            call_time: Duration::from_secs(300),
            run_time: Duration::from_secs(6 * 3600),
            call_cpu: Duration::from_secs(60),
            describe_cpu: Duration::from_secs(1),
            hostcall_bytes: 8 << 20,
            handles: 1000,
            field_bytes: 32 << 10,
            random_bytes: 64 * KIB,
            instance_calls: 1000,
            instances: 16,
            host_instances: 256,
            exchanges: 16,
            host_exchanges: 256,
            requests_per_minute: None,
            exchange_time: Duration::from_secs(60),
            request_bytes: 8 << 20,
            response_head_bytes: 128 << 10,
            response_fields: 256,
            response_bytes: 64 << 20,
            held_bytes: 256 << 20,
            records: 20_000_000,
            task_bytes: 128 * MIB,
            held_records: 256 << 20,
            run_bytes: 16 * GIB,
            follow_ups: 10_000,
            tasks: 1_000_000,
            payload_bytes: 64 << 10,
            payloads_bytes: 256 * MIB,
            log_lines: 1000,
            log_bytes: 256 * KIB,
            max_wait: Duration::from_secs(15 * 60),
        }
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Things of this name.
    Count(&'static str),
}

impl Unit {
    /// The name of the unit: `bytes`, `seconds`, `calls`.
    pub fn label(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Seconds => "seconds",
            Unit::Count(what) => what,
        }
    }

    /// The value as people write it: `64 MiB`, `5m`, `16 calls`.
    pub fn show(self, value: u64) -> String {
        let whole = |units: [(&'static str, u64); 3]| {
            units.into_iter().find(|(_, size)| value >= *size && value.is_multiple_of(*size))
        };
        match self {
            Unit::Bytes => match whole([("GiB", GIB), ("MiB", MIB), ("KiB", KIB)]) {
                Some((unit, size)) => format!("{} {unit}", value / size),
                None if value == 1 => "1 byte".to_owned(),
                None => format!("{value} bytes"),
            },
            Unit::Seconds => match whole([("h", 3600), ("m", 60), ("s", 1)]) {
                Some((unit, size)) => format!("{}{unit}", value / size),
                None => format!("{value}s"),
            },
            Unit::Count(what) => format!("{value} {what}"),
        }
    }
}

/// Sets a limit to a value in its unit.
pub type Set = fn(&mut Limits, u64);

/// One limit: how it is called, what it counts, and how to read and set it.
pub struct Spec {
    /// As `inspect` lists it and `[connection.limits]` takes it.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Its value; none where nothing is limited.
    pub get: fn(&Limits) -> Option<u64>,
    /// For what an operator may set: the ceiling, and how.
    pub set: Option<(u64, Set)>,
}

const fn host(name: &'static str, unit: Unit, get: fn(&Limits) -> Option<u64>) -> Spec {
    Spec { name, unit, get, set: None }
}

const fn own(
    name: &'static str,
    unit: Unit,
    get: fn(&Limits) -> Option<u64>,
    ceiling: u64,
    set: fn(&mut Limits, u64),
) -> Spec {
    Spec { name, unit, get, set: Some((ceiling, set)) }
}

const CALLS: Unit = Unit::Count("calls");
const DAY: u64 = 86_400;
/// What a 32-bit memory can hold.
const WASM32: u64 = 4 * GIB;

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Every limit, in the order people read them.
pub const SPECS: [Spec; 44] = [
    host("component-file", Unit::Bytes, |l| Some(l.component_bytes)),
    host("compile-time", Unit::Seconds, |l| Some(l.compile_time.as_secs())),
    host("compile-memory", Unit::Bytes, |l| Some(l.compile_bytes)),
    host("compilers", Unit::Count("processes"), |l| Some(l.compilers as u64)),
    own("memory", Unit::Bytes, |l| Some(l.memory_bytes as u64), WASM32, |l, v| l.memory_bytes = size(v)),
    own("run-memory", Unit::Bytes, |l| Some(l.run_memory_bytes as u64), WASM32, |l, v| l.run_memory_bytes = size(v)),
    host("host-memory", Unit::Bytes, |l| Some(l.host_memory_bytes as u64)),
    own(
        "table-elements",
        Unit::Count("elements"),
        |l| Some(l.table_elements as u64),
        10_000_000,
        |l, v| {
            l.table_elements = size(v);
        },
    ),
    host("tables", Unit::Count("tables"), |l| Some(l.tables as u64)),
    host("core-instances", Unit::Count("instances"), |l| Some(l.core_instances as u64)),
    host("memories", Unit::Count("memories"), |l| Some(l.memories as u64)),
    host("guest-stack", Unit::Bytes, |l| Some(l.guest_stack_bytes as u64)),
    host("fiber-stack", Unit::Bytes, |l| Some(l.fiber_stack_bytes as u64)),
    own("call-time", Unit::Seconds, |l| Some(l.call_time.as_secs()), DAY, |l, v| l.call_time = Duration::from_secs(v)),
    own("run-time", Unit::Seconds, |l| Some(l.run_time.as_secs()), 7 * DAY, |l, v| l.run_time = Duration::from_secs(v)),
    own("call-cpu", Unit::Seconds, |l| Some(l.call_cpu.as_secs()), DAY, |l, v| l.call_cpu = Duration::from_secs(v)),
    host("describe-cpu", Unit::Seconds, |l| Some(l.describe_cpu.as_secs())),
    own("host-call", Unit::Bytes, |l| Some(l.hostcall_bytes as u64), 256 * MIB, |l, v| l.hostcall_bytes = size(v)),
    own("handles", Unit::Count("handles"), |l| Some(l.handles as u64), 100_000, |l, v| l.handles = size(v)),
    own("header-fields", Unit::Bytes, |l| Some(l.field_bytes as u64), MIB, |l, v| l.field_bytes = size(v)),
    own("random", Unit::Bytes, |l| Some(l.random_bytes), MIB, |l, v| l.random_bytes = v),
    own(
        "instance-calls",
        CALLS,
        |l| Some(l.instance_calls.into()),
        1_000_000,
        |l, v| {
            l.instance_calls = u32::try_from(v).unwrap_or(u32::MAX);
        },
    ),
    host("at-once", CALLS, |l| Some(l.instances as u64)),
    host("host-calls", CALLS, |l| Some(l.host_instances as u64)),
    own(
        "exchanges-at-once",
        Unit::Count("exchanges"),
        |l| Some(l.exchanges as u64),
        64,
        |l, v| {
            l.exchanges = size(v);
        },
    ),
    host("host-exchanges", Unit::Count("exchanges"), |l| Some(l.host_exchanges as u64)),
    own(
        "requests-per-minute",
        Unit::Count("requests"),
        |l| l.requests_per_minute.map(u64::from),
        1_000_000,
        |l, v| {
            l.requests_per_minute = u32::try_from(v).ok();
        },
    ),
    own(
        "exchange-time",
        Unit::Seconds,
        |l| Some(l.exchange_time.as_secs()),
        3600,
        |l, v| {
            l.exchange_time = Duration::from_secs(v);
        },
    ),
    own("request-body", Unit::Bytes, |l| Some(l.request_bytes as u64), GIB, |l, v| l.request_bytes = size(v)),
    host("response-head", Unit::Bytes, |l| Some(l.response_head_bytes as u64)),
    host("response-fields", Unit::Count("fields"), |l| Some(l.response_fields as u64)),
    own("response-body", Unit::Bytes, |l| Some(l.response_bytes as u64), GIB, |l, v| l.response_bytes = size(v)),
    own("bodies-held", Unit::Bytes, |l| Some(l.held_bytes as u64), 4 * GIB, |l, v| l.held_bytes = size(v)),
    own("records", Unit::Count("records"), |l| Some(l.records), 1_000_000_000, |l, v| l.records = v),
    own("task-records", Unit::Bytes, |l| Some(l.task_bytes), 4 * GIB, |l, v| l.task_bytes = v),
    own("records-held", Unit::Bytes, |l| Some(l.held_records as u64), 16 * GIB, |l, v| l.held_records = size(v)),
    own("run-records", Unit::Bytes, |l| Some(l.run_bytes), 1024 * GIB, |l, v| l.run_bytes = v),
    own("follow-ups", Unit::Count("tasks"), |l| Some(l.follow_ups as u64), 1_000_000, |l, v| l.follow_ups = size(v)),
    own("tasks", Unit::Count("tasks"), |l| Some(l.tasks), 100_000_000, |l, v| l.tasks = v),
    own("task-payload", Unit::Bytes, |l| Some(l.payload_bytes as u64), MIB, |l, v| l.payload_bytes = size(v)),
    own("payloads", Unit::Bytes, |l| Some(l.payloads_bytes), 16 * GIB, |l, v| l.payloads_bytes = v),
    own("log-lines", Unit::Count("lines"), |l| Some(l.log_lines), 1_000_000, |l, v| l.log_lines = v),
    own("log-bytes", Unit::Bytes, |l| Some(l.log_bytes), GIB, |l, v| l.log_bytes = v),
    host("max-wait", Unit::Seconds, |l| Some(l.max_wait.as_secs())),
];

impl Limits {
    /// The limit of that name.
    pub fn spec(name: &str) -> Option<&'static Spec> {
        SPECS.iter().find(|s| s.name == name)
    }

    /// Sets what an operator may set. The name and the range were judged before.
    pub fn set(&mut self, name: &str, value: u64) {
        if let Some((ceiling, set)) = Self::spec(name).and_then(|s| s.set) {
            set(self, value.min(ceiling));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_that_can_be_set_reads_what_was_set() {
        for spec in &SPECS {
            let Some((ceiling, _)) = spec.set else { continue };
            for value in [1, ceiling] {
                let mut limits = Limits::default();
                limits.set(spec.name, value);
                assert_eq!((spec.get)(&limits), Some(value), "{}", spec.name);
            }
            let default = (spec.get)(&Limits::default());
            assert!(default.is_none_or(|d| (1..=ceiling).contains(&d)), "{}", spec.name);
        }
    }

    #[test]
    fn names_stand_once() {
        let mut names: Vec<&str> = SPECS.iter().map(|s| s.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SPECS.len());
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        let table = [
            (Unit::Bytes, 256 * MIB, "256 MiB"),
            (Unit::Bytes, 1000, "1000 bytes"),
            (Unit::Seconds, 300, "5m"),
            (Unit::Seconds, 90, "90s"),
            (Unit::Seconds, 21_600, "6h"),
            (Unit::Count("calls"), 16, "16 calls"),
        ];
        for (unit, value, shown) in table {
            assert_eq!(unit.show(value), shown);
        }
    }
}
