//! `sync --record` and `--replay`: the tape of a command, and the part of each connection.

use super::args;
use super::error::CliError;
use crate::config::Connection;
use crate::store::queries::{Reader, RunRow};
use crate::tape::{Player, Recorder, Reel, Tape};
use crate::text::count;
use std::path::Path;
use std::sync::Arc;

/// What the command does with tapes.
pub enum Taping {
    /// Nothing.
    Off,
    /// Writes one.
    Record(Arc<Recorder>),
    /// Answers from one.
    Replay(Reel),
}

impl Taping {
    /// Opens the tape of the command; a recording creates its file.
    ///
    /// # Errors
    /// A tape that exists, cannot be read, or is none.
    pub fn open(options: &args::Sync) -> Result<Taping, CliError> {
        Ok(match (&options.record, &options.replay) {
            (Some(path), _) => Taping::Record(Arc::new(Recorder::create(path)?)),
            (None, Some(path)) => Taping::Replay(Reel::open(path)?),
            (None, None) => Taping::Off,
        })
    }

    /// The connections to run: where a tape is replayed and none are named, those that it holds.
    pub fn chosen(&self, connections: Vec<Connection>, named: bool) -> Vec<Connection> {
        let Taping::Replay(reel) = self else { return connections };
        let held: Vec<Connection> =
            connections.iter().filter(|c| !named && reel.of(&c.name, &c.connector).is_ok()).cloned().collect();
        // With none of them, each says what the tape holds instead.
        if held.is_empty() { connections } else { held }
    }

    /// The part of one connection.
    ///
    /// # Errors
    /// The tape holds no run of it.
    pub fn of(&self, connection: &Connection) -> Result<Tape, CliError> {
        Ok(match self {
            Taping::Off => Tape::Off,
            Taping::Record(recorder) => Tape::Record(Arc::new(recorder.of(&connection.name))),
            Taping::Replay(reel) => Tape::Replay(reel.of(&connection.name, &connection.connector)?),
        })
    }

    /// Ends a recording: a line for the operator.
    ///
    /// # Errors
    /// Not everything is on the tape.
    pub fn finish(&self) -> Result<Option<String>, CliError> {
        let Taping::Record(recorder) = self else { return Ok(None) };
        let exchanges = count(recorder.finish()?, "exchange");
        Ok(Some(format!("{exchanges} recorded in {}", recorder.path().display())))
    }
}

/// Refuses to publish a tape over something newer: what is old would stand as what is so now.
///
/// # Errors
/// The store has a newer run of the connection, or cannot be read.
pub fn judge(tape: &Tape, store: &Path, connection: &str) -> Result<(), CliError> {
    let Tape::Replay(player) = tape else { return Ok(()) };
    let mut newer = None;
    Reader::open(store)?.runs::<CliError>(Some(connection), &mut |run: RunRow| {
        if run.status == "published" && run.started > player.head().run.started {
            newer.get_or_insert(run);
        }
        Ok(())
    })?;
    match newer {
        Some(run) => Err(stale(&run, player)),
        None => Ok(()),
    }
}

fn stale(run: &RunRow, player: &Player) -> CliError {
    CliError::usage(format!(
        "the tape is of {} and run {} of {} is newer ({}): a replay would publish the past as the present",
        player.head().run.started,
        run.run,
        run.connection,
        run.started
    ))
    .with_help("replay into a store of its own: add --store replay.db")
}
