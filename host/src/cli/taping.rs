//! `sync --record` and `--replay`: the tape of a command, and the part of each connection.

use super::args;
use super::error::CliError;
use crate::config::Connection;
use crate::store::queries::{Reader, RunRow};
use crate::tape::{Player, Recorder, Reel, Tape};
use crate::text::count;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the command does with tapes.
pub enum Taping {
    /// Nothing.
    Off,
    /// Writes one.
    Record(Arc<Recorder>),
    /// Answers from one, whose parts are given to connections.
    Replay(Reel, BTreeMap<String, Arc<Player>>),
}

impl Taping {
    /// Reads the tape to replay, if there is one, and chooses the connections: where none are named, those that it holds.
    ///
    /// # Errors
    /// A tape that cannot be read, or is none.
    pub fn open(options: &args::Sync, connections: &mut Vec<Connection>) -> Result<Taping, CliError> {
        let Some(path) = &options.replay else { return Ok(Taping::Off) };
        let reel = Reel::open(path)?;
        let names: Vec<(&str, &str)> = connections.iter().map(|c| (c.name.as_str(), c.connector.as_str())).collect();
        let cast = reel.cast(&names);
        // With none of them, each says what the tape holds instead.
        if options.targets.names.is_empty() && !cast.is_empty() {
            connections.retain(|connection| cast.contains_key(&connection.name));
        }
        Ok(Taping::Replay(reel, cast))
    }

    /// Creates the tape to record on, if there is to be one: when everything else is there.
    ///
    /// # Errors
    /// It exists, or cannot be created.
    pub fn begin(self, options: &args::Sync) -> Result<Taping, CliError> {
        Ok(match &options.record {
            Some(path) => Taping::Record(Arc::new(Recorder::create(path)?)),
            None => self,
        })
    }

    /// The part of one connection.
    ///
    /// # Errors
    /// The tape holds no run of it.
    pub fn of(&self, connection: &Connection) -> Result<Tape, CliError> {
        Ok(match self {
            Taping::Off => Tape::Off,
            Taping::Record(recorder) => Tape::Record(Arc::new(recorder.of(&connection.name))),
            Taping::Replay(reel, cast) => {
                let player = cast.get(&connection.name).ok_or_else(|| reel.no_part(&connection.name))?;
                Tape::Replay(Arc::clone(player))
            }
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
