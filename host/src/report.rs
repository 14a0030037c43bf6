//! What a run came to, for people and for programs.

use crate::failure::{Failure, Reason};
use serde::Serialize;

/// A task that failed.
#[derive(Clone, Debug, Serialize)]
pub struct TaskFailure {
    /// The task, as text; `check` for the check, `sync` for the call without a task.
    pub task: String,
    /// The label.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
    /// Lines that help.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

impl TaskFailure {
    /// Of a task.
    pub fn new(task: impl Into<String>, failure: Failure) -> TaskFailure {
        TaskFailure { task: task.into(), reason: failure.reason.label(), message: failure.message, help: failure.help }
    }
}

/// The summary of one connection's run: one line of `sync --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The connection.
    pub connection: String,
    /// Its number; null where none was begun.
    pub run: Option<i64>,
    /// Whether it went on with what an earlier attempt had done.
    pub resumed: bool,
    /// `published`, `held`, `incomplete`, `failed`.
    pub status: &'static str,
    /// Of the snapshot.
    pub resources: u64,
    /// Of the snapshot.
    pub entitlements: u64,
    /// Of the snapshot.
    pub grants: u64,
    /// Over all three kinds.
    pub added: u64,
    /// Likewise.
    pub changed: u64,
    /// Likewise.
    pub removed: u64,
    /// Requests sent, repeats included.
    pub requests: u64,
    /// How many of them were repeats.
    pub retries: u64,
    /// Wall clock.
    pub elapsed_ms: u64,
    /// Why it is held.
    pub objections: Vec<String>,
    /// The integrity report: kind and count.
    pub findings: Vec<(String, u64)>,
    /// What the vendor or the connector wants the operator to know.
    pub warnings: Vec<String>,
    /// Where the time went.
    pub times: Times,
    /// What failed.
    pub failures: Vec<TaskFailure>,
    /// The run was stopped by the operator.
    #[serde(skip)]
    pub stopped: bool,
    /// The host itself judged it, before anybody was called.
    #[serde(skip)]
    pub refused: bool,
}

/// Where the time of a run went, in milliseconds. Work that ran at once is summed, so the parts may exceed
/// the whole.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Times {
    /// Waiting for the vendor's answers.
    pub vendor_ms: u64,
    /// Processor time of guest calls, what the host does for them in the call included.
    pub guest_ms: u64,
    /// The writer's work.
    pub store_ms: u64,
    /// Waiting because of pace and backoff.
    pub waited_ms: u64,
}

impl Summary {
    /// A connection that could not be run at all.
    pub fn failed(connection: &str, failure: TaskFailure) -> Summary {
        Summary {
            connection: connection.to_owned(),
            run: None,
            resumed: false,
            status: "failed",
            resources: 0,
            entitlements: 0,
            grants: 0,
            added: 0,
            changed: 0,
            removed: 0,
            requests: 0,
            retries: 0,
            elapsed_ms: 0,
            objections: Vec::new(),
            findings: Vec::new(),
            warnings: Vec::new(),
            times: Times::default(),
            failures: vec![failure],
            stopped: false,
            refused: false,
        }
    }

    /// The same, judged by the host before anybody was called: exit code 2.
    pub fn refused(connection: &str, message: String, help: Vec<String>) -> Summary {
        let failure = Failure { help, ..Failure::new(Reason::InvalidSettings, message) };
        Summary { refused: true, ..Summary::failed(connection, TaskFailure::new("configuration", failure)) }
    }
}
