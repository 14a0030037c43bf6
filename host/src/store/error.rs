//! What can go wrong with the store, each as a sentence that says what to change.

use rusqlite::ErrorCode;
use std::path::PathBuf;
use thiserror::Error;

/// An error of the store. Cloneable, because a failed write fails every later command of its run.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// A command that only reads found no file.
    #[error("there is no store at {0}; run `muster sync` first, or name another file with --store")]
    Missing(PathBuf),
    /// Not SQLite, or damaged.
    #[error("{0} is not a Muster store, or is damaged; move it away or name another file with --store")]
    NotAStore(PathBuf),
    /// Written by a newer version.
    #[error(
        "{path} was written by a newer version of Muster (its schema is {found}, this one knows {known}); update Muster"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// No space, or a quota.
    #[error("the disk is full: nothing more can be written to {0}; what was published before is unharmed")]
    Full(PathBuf),
    /// No right to write.
    #[error("{0} cannot be written; check the rights of the file and of its folder, and whether the disk is read-only")]
    ReadOnly(PathBuf),
    /// Another process kept the file locked for too long.
    #[error("{0} is locked by another process; try again when it is done")]
    Busy(PathBuf),
    /// Somebody took the file away while it was written to.
    #[error("{0} was removed or replaced while it was in use; nothing more is written: run `muster sync` again")]
    Gone(PathBuf),
    /// The file cannot be opened or created.
    #[error("cannot open {path}: {why}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No run of that number.
    #[error("there is no run {0}")]
    NoRun(i64),
    /// What an interrupted run has seen cannot be read.
    #[error("run {0} cannot go on: what it has seen cannot be read; run `muster sync --fresh`")]
    Unresumable(i64),
    /// The run cannot be accepted.
    #[error("run {run} cannot be accepted: {why}")]
    NotAcceptable {
        /// Its number.
        run: i64,
        /// Why, as half a sentence.
        why: String,
    },
    /// Part of a snapshot cannot be read again beside a draft of all of it.
    #[error(
        "run {run} of {connection} is held, and a part is not read beside it: look with `muster runs show {run}`; \
         `muster sync {connection}` reads all of it anew"
    )]
    Unfinished {
        /// Its number.
        run: i64,
        /// Its connection.
        connection: String,
    },
    /// The state asked for is not there.
    #[error(transparent)]
    State(NoState),
    /// Anything else SQLite says.
    #[error("the store {path} failed: {why}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        why: String,
    },
    /// The thread that writes is gone.
    #[error("the store was closed")]
    Closed,
}

/// Why a state cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoState {
    /// There was one.
    #[error("run {0} is no longer there: it was pruned, or the connection was removed")]
    Pruned(i64),
    /// There was one before it.
    #[error("what was true before run {run} of {connection} was pruned; say what to compare with: --from RUN")]
    PrunedBefore {
        /// Its number.
        run: i64,
        /// Its connection.
        connection: String,
    },
    /// Of another connection.
    #[error("run {run} is a run of {of}, not of {asked}")]
    Other {
        /// Its number.
        run: i64,
        /// The connection asked for.
        asked: String,
        /// Its connection.
        of: String,
    },
    /// It has a draft that nobody accepted.
    #[error(
        "run {run} of {connection} was never published: it is {status}; `muster diff {connection} --to {run}` shows what accepting it would change"
    )]
    Draft {
        /// Its number.
        run: i64,
        /// Its connection.
        connection: String,
        /// `held` or `incomplete`.
        status: String,
    },
    /// It is not known yet what it will come to.
    #[error("run {run} of {connection} has not ended; `muster runs --connection {connection}` shows where it stands")]
    Running {
        /// Its number.
        run: i64,
        /// Its connection.
        connection: String,
    },
    /// It has no rows.
    #[error("run {run} of {connection} was never published: it is {status}, and no rows of it were kept")]
    Nothing {
        /// Its number.
        run: i64,
        /// Its connection.
        connection: String,
        /// How it ended.
        status: String,
    },
    /// No run of a connection was published.
    #[error(
        "nothing of {0} was published yet: `muster sync {0}` reads it, and `muster runs --connection {0}` lists its runs"
    )]
    Never(String),
}

/// A sentence for an error of SQLite.
pub(super) fn explain(path: &std::path::Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::NotAStore(path),
        Some(ErrorCode::DiskFull) => StoreError::Full(path),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly(path),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(path),
        Some(ErrorCode::CannotOpen) => StoreError::ReadOnly(path),
        _ => StoreError::Sql { path, why: error.to_string() },
    }
}
