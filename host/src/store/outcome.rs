//! A run as the store sees it: how it begins, what its tasks come to, how it ends, where it stands.

use crate::held::Share;
use crate::model::{ResourceId, Task};
use crate::packed::Packed;
use serde::Serialize;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In progress, or its process died.
    Running,
    /// Its snapshot is the connection's current state.
    Published,
    /// Complete, but the removal guard wants somebody to look.
    Held,
    /// A task failed, or it was stopped.
    Incomplete,
    /// Stopped before its first task.
    Failed,
}

impl Status {
    /// The stable label.
    pub fn label(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Published => "published",
            Status::Held => "held",
            Status::Incomplete => "incomplete",
            Status::Failed => "failed",
        }
    }
}

/// Stands in the place of a run's settings where it was replayed from a tape: nobody goes on with it.
pub const OF_TAPE: &str = "tape";
/// Likewise where it reads only a part again.
pub const OF_PART: &str = "part";

/// A run that is about to begin.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The connection's name.
    pub connection: String,
    /// When, as RFC 3339.
    pub started: String,
    /// The connector's name.
    pub connector: String,
    /// The connector's version.
    pub version: String,
    /// The component's digest.
    pub digest: String,
    /// The contract it was built for.
    pub contract: String,
    /// What tells the connection's settings from others, without a secret; [`OF_TAPE`] or [`OF_PART`] for a run that is
    /// never resumed. Made empty when what it has read is outdated by a change.
    pub settings: String,
    /// Whether one that was interrupted may go on instead.
    pub resume: Resume,
    /// Only this is read again, and only this may vanish; none: everything.
    pub scope: Option<Scope>,
}

/// What a run that is not whole says something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Who has what of one resource.
    GrantsOf(ResourceId),
    /// The resources of a type.
    ResourcesOf(String),
}

/// Whether an interrupted run may go on.
#[derive(Clone, Debug)]
pub struct Resume {
    /// It has to have begun then or later, as RFC 3339.
    pub since: String,
    /// Why not at all, as half a sentence.
    pub never: Option<String>,
}

/// A run that has begun, or goes on.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its number, store-wide.
    pub run: i64,
    /// What it goes on from.
    pub resumed: Option<Resumed>,
    /// An earlier run that was interrupted and cannot go on, and why, as half a sentence; its draft was discarded.
    pub abandoned: Option<(i64, String)>,
    /// The run that is published now.
    pub published: Option<i64>,
}

impl Begun {
    /// What the operator is told of the run that was given up, if one was.
    pub fn given_up(&self, connection: &str) -> Option<String> {
        let (run, why) = self.abandoned.as_ref()?;
        Some(format!("{connection}: run {run} was not finished and is given up, because {why}"))
    }
}

/// What a run goes on from.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// When it began, as RFC 3339: its day is the run's.
    pub started: String,
    /// How often it was begun, this time included.
    pub attempts: u64,
    /// Its tasks, in the order of their numbers; those that are not done are to be done.
    pub tasks: Vec<StoredTask>,
    /// What its last attempt reported, if it came to that: JSON.
    pub report: serde_json::Value,
}

/// A task as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTask {
    /// Its number in the run; they count up from 0 without a gap.
    pub id: u32,
    /// The task it follows from.
    pub parent: Option<u32>,
    /// None for the first call of a run.
    pub task: Option<Task>,
    /// Its records and its follow-ups count.
    pub done: bool,
}

/// A task that follows from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Its number in the run.
    pub id: u32,
    /// What to do.
    pub task: Task,
}

/// A task that has succeeded: all of this counts, or nothing (rule R1).
#[derive(Debug)]
pub struct Done {
    /// Its number in the run.
    pub task: u32,
    /// How often it was called since it was last written.
    pub tries: u32,
    /// What it emitted.
    pub records: Packed,
    /// What follows from it.
    pub follow_ups: Vec<FollowUp>,
    /// Dropped when the records have been taken in: what they take of the host's memory.
    pub share: Option<Share>,
}

/// A task that was called and has not succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its number in the run.
    pub task: u32,
    /// How often since it was last written.
    pub tries: u32,
    /// Where it stands.
    pub state: TaskState,
    /// The label of the failure.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
}

/// How the tasks of a run stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    /// Their records and their follow-ups count.
    pub done: u64,
    /// To be done.
    pub waiting: u64,
    /// To be done again by the next sync.
    pub failed: u64,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// To be done.
    Waiting,
    /// Its records and its follow-ups count.
    Done,
    /// Not again in this attempt.
    Failed,
}

impl TaskState {
    /// The stable label.
    pub fn label(self) -> &'static str {
        match self {
            TaskState::Waiting => "waiting",
            TaskState::Done => "done",
            TaskState::Failed => "failed",
        }
    }
}

/// How a run ended, as the run engine sees it.
#[derive(Clone, Debug)]
pub struct Close {
    /// `Published` asks for it; the guard may hold it.
    pub status: Status,
    /// When, as RFC 3339.
    pub ended: String,
    /// See [`super::guard`].
    pub max_removals_percent: u8,
    /// What `runs show` prints beside the store's own findings: JSON.
    pub report: serde_json::Value,
}

/// How a run ended, as the store sees it.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The status that stands.
    pub status: Status,
    /// Resources of the snapshot or draft.
    pub resources: u64,
    /// Its entitlements.
    pub entitlements: u64,
    /// Its grants.
    pub grants: u64,
    /// New rows, over all kinds.
    pub added: u64,
    /// Rows with other content.
    pub changed: u64,
    /// Rows that are gone.
    pub removed: u64,
    /// Why it is held.
    pub objections: Vec<String>,
    /// The integrity report: kind and count.
    pub findings: Vec<(String, u64)>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run of a connection as most tests need one.
    pub(crate) fn new_run(connection: &str) -> NewRun {
        NewRun {
            connection: connection.into(),
            started: "2026-11-22T01:00:00Z".into(),
            connector: "demo".into(),
            version: "1.0.0".into(),
            digest: "d".into(),
            contract: "0.1.0".into(),
            settings: "s".into(),
            resume: Resume { since: "2026-11-21T19:00:00Z".into(), never: None },
            scope: None,
        }
    }
}
