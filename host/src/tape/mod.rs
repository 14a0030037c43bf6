//! Tapes: the exchanges of a run, recorded once and replayed without network.
//!
//! A tape is text, one JSON object a line: for each connection a head, then what was asked and what the connector
//! saw. Rule: a tape holds what a guest could see, never what the host attaches. Reason: tapes are mailed and
//! committed. Attack: a vendor that echoes the token into a body that ends up in a public repository.
//!
//! Deliberately absent: times of exchanges (two recordings of an unchanged vendor are the same but for their heads),
//! and tries that the host repeated by itself, of which only the outcome is told: no guest saw them.

mod error;
mod file;
mod line;
mod nearest;
mod order;
mod recorder;
mod reel;

pub use error::TapeError;
pub use line::{Answered, Asked, Head, Outcome, Refusal, Run};
pub use recorder::{Recorder, Recording};
pub use reel::{Played, Player, Reel, Replayed};

use std::sync::Arc;

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
