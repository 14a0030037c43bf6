//! What is wrong with a tape.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// A tape that cannot be used. Sentences for the operator.
#[derive(Debug, Error)]
pub enum TapeError {
    /// Nothing is overwritten.
    #[error("{0} exists already, and a recording overwrites nothing: remove it or name another file")]
    Exists(PathBuf),
    /// The file cannot be read or written.
    #[error("the tape {path} cannot be {what}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// `read`, `written`.
        what: &'static str,
        /// In plain words.
        why: String,
    },
    /// A line is none of a tape.
    #[error("line {line} of the tape {path} {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A connection that was not recorded.
    #[error("the tape {path} holds no run of {connection}; it holds {held}")]
    Connection {
        /// The file.
        path: PathBuf,
        /// The connection.
        connection: String,
        /// What it holds.
        held: String,
    },
}

impl TapeError {
    /// Of a file, in plain words.
    pub(super) fn file(path: &Path, what: &'static str, error: &std::io::Error) -> TapeError {
        TapeError::File { path: path.to_path_buf(), what, why: crate::text::io_words(error) }
    }
}
