//! Every limit of the host, in one struct: unit, default and reason. Each is enforced, and shown by `inspect`.
//!
//! Rule: a guest can exhaust nothing. Reason: fuel and epochs do not bound a guest that waits in the host, and
//! a store's limits do not see what the host allocates for a guest: each needs a number of its own.

use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// The limits a connection runs under.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a component's file.
    pub component_bytes: u64,
    /// Compiling one component, in a child process.
    pub compile_time: Duration,
    /// Address space of that child, bytes.
    pub compile_bytes: u64,
    /// Linear memory of an instance, summed over its memories, bytes.
    pub memory_bytes: usize,
    /// Linear memory of all instances of the process, bytes.
    pub host_memory_bytes: usize,
    /// Elements of an instance's tables, summed.
    pub table_elements: usize,
    /// Stack of guest code, bytes.
    pub guest_stack_bytes: usize,
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
    /// Exchanges in progress at once in a run.
    pub exchanges: usize,
    /// Whole exchange, waiting included.
    pub exchange_time: Duration,
    /// Bytes of a request body.
    pub request_bytes: usize,
    /// Bytes of a response body, decoded.
    pub response_bytes: usize,
    /// Records a run may emit.
    pub records: u64,
    /// Bytes a task may emit, which the host holds until the task succeeds.
    pub task_bytes: u64,
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
            compile_bytes: 2048 * MIB,
            memory_bytes: 256 * 1024 * 1024,
            host_memory_bytes: 4 * 1024 * 1024 * 1024,
            table_elements: 100_000,
            guest_stack_bytes: 512 * 1024,
            call_time: Duration::from_secs(300),
            run_time: Duration::from_secs(6 * 3600),
            call_cpu: Duration::from_secs(60),
            describe_cpu: Duration::from_secs(1),
            hostcall_bytes: 8 * 1024 * 1024,
            handles: 1000,
            field_bytes: 32 * 1024,
            random_bytes: 64 * 1024,
            instance_calls: 1000,
            instances: 16,
            exchanges: 16,
            exchange_time: Duration::from_secs(60),
            request_bytes: 8 * 1024 * 1024,
            response_bytes: 64 * 1024 * 1024,
            records: 20_000_000,
            task_bytes: 128 * MIB,
            follow_ups: 10_000,
            tasks: 1_000_000,
            payload_bytes: 64 * 1024,
            payloads_bytes: 256 * MIB,
            log_lines: 1000,
            log_bytes: 256 * 1024,
            max_wait: Duration::from_secs(15 * 60),
        }
    }
}

impl Limits {
    /// Name, unit and value of each, in the order people read them.
    pub fn table(&self) -> Vec<(&'static str, &'static str, u64)> {
        let seconds = |d: Duration| d.as_secs();
        let size = |n: usize| n as u64;
        vec![
            ("component-file", "bytes", self.component_bytes),
            ("compile-time", "seconds", seconds(self.compile_time)),
            ("compile-memory", "bytes", self.compile_bytes),
            ("memory", "bytes", size(self.memory_bytes)),
            ("host-memory", "bytes", size(self.host_memory_bytes)),
            ("table-elements", "elements", size(self.table_elements)),
            ("guest-stack", "bytes", size(self.guest_stack_bytes)),
            ("call-time", "seconds", seconds(self.call_time)),
            ("run-time", "seconds", seconds(self.run_time)),
            ("call-cpu", "seconds", seconds(self.call_cpu)),
            ("describe-cpu", "seconds", seconds(self.describe_cpu)),
            ("host-call", "bytes", size(self.hostcall_bytes)),
            ("handles", "handles", size(self.handles)),
            ("header-fields", "bytes", size(self.field_bytes)),
            ("random", "bytes", self.random_bytes),
            ("instance-calls", "calls", self.instance_calls.into()),
            ("at-once", "calls", size(self.instances)),
            ("exchanges-at-once", "exchanges", size(self.exchanges)),
            ("exchange-time", "seconds", seconds(self.exchange_time)),
            ("request-body", "bytes", size(self.request_bytes)),
            ("response-body", "bytes", size(self.response_bytes)),
            ("records", "records", self.records),
            ("task-records", "bytes", self.task_bytes),
            ("follow-ups", "tasks", size(self.follow_ups)),
            ("tasks", "tasks", self.tasks),
            ("task-payload", "bytes", size(self.payload_bytes)),
            ("payloads", "bytes", self.payloads_bytes),
            ("log-lines", "lines", self.log_lines),
            ("log-bytes", "bytes", self.log_bytes),
            ("max-wait", "seconds", seconds(self.max_wait)),
        ]
    }
}
