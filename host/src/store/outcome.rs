//! A run as the store sees it: how it begins, how it ends, where it stands.

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
}

/// A run that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its number, store-wide.
    pub run: i64,
    /// An earlier run that never ended; its draft was discarded.
    pub interrupted: Option<i64>,
    /// The run that is published now.
    pub published: Option<i64>,
}

/// How a run ended, as the run engine sees it.
#[derive(Clone, Debug)]
pub struct Close {
    /// `Published` asks for it; the guard may hold it.
    pub status: Status,
    /// When, as RFC 3339.
    pub ended: String,
    /// Whether what was written may be accepted later: not where a task may be in it by half.
    pub keep: bool,
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
