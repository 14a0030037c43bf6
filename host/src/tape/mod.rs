//! Tapes: the exchanges of a run, recorded once and replayed without network.
//!
//! A tape is text, one JSON object a line: for each connection a head, then what was asked and what the connector
//! saw. Rule: a tape holds what a guest could see, never what the host attaches. Reason: tapes are mailed and
//! committed. Attack: a vendor that echoes the token into a body that ends up in a public repository.
//!
//! Deliberately absent: times of exchanges (two recordings of an unchanged vendor are the same but for their heads),
//! and tries that the host repeated by itself, of which only the outcome is told: no guest saw them.

mod line;
mod nearest;
mod order;
mod recorder;
mod reel;

pub use line::{Answered, Asked, Head, Outcome, Refusal, Run};
pub use recorder::{Recorder, Recording};
pub use reel::{Played, Player, Reel, Replayed};

use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// What a run does with tapes.
#[derive(Clone, Debug, Default)]
pub enum Tape {
    /// Nothing.
    #[default]
    Off,
    /// Writes one.
    Record(Arc<Recording>),
    /// Answers from one.
    Replay(Arc<Player>),
}

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
    fn file(path: &std::path::Path, what: &'static str, error: &std::io::Error) -> TapeError {
        TapeError::File { path: path.to_path_buf(), what, why: crate::text::io_words(error) }
    }
}
