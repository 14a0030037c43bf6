//! Writing a tape: a line for each exchange as it ends, and all of them in order at the end.
//!
//! A recording that is killed leaves a good tape up to there, in the order in which exchanges ended.

use super::error::TapeError;
use super::file;
use super::line::{Asked, Exchange, Head, Outcome, Run, VERSION};
use super::order;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A tape that is being written, by all connections of a sync.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    out: Mutex<Out>,
}

#[derive(Debug)]
struct Out {
    file: BufWriter<File>,
    exchanges: u64,
    lines: u64,
    /// Why no more is written: a tape with a hole would be a false one.
    broken: Option<String>,
}

impl Recorder {
    /// Creates the file.
    ///
    /// # Errors
    /// It exists, or cannot be created.
    pub fn create(path: &Path) -> Result<Recorder, TapeError> {
        let opened = file::create(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists(path.to_path_buf()),
            _ => TapeError::file(path, "written", &e),
        })?;
        let out = Out { file: BufWriter::new(opened), exchanges: 0, lines: 0, broken: None };
        Ok(Recorder { path: path.to_path_buf(), out: Mutex::new(out) })
    }

    /// One connection's part.
    pub fn of(self: &Arc<Self>, connection: &str) -> Recording {
        Recording { recorder: Arc::clone(self), connection: connection.to_owned(), seed: fresh_seed() }
    }

    /// Ends the recording: the lines are put in order. The answer is how many exchanges there are.
    ///
    /// # Errors
    /// Not everything is on the tape.
    pub fn finish(&self) -> Result<u64, TapeError> {
        let mut out = self.lock();
        let failed = |why: String| TapeError::File { path: self.path.clone(), what: "written", why };
        if let Some(why) = &out.broken {
            return Err(failed(why.clone()));
        }
        out.file.flush().and_then(|()| out.file.get_ref().sync_all()).map_err(|e| failed(crate::text::io_words(&e)))?;
        if out.lines == 0 {
            // No run began: an empty file would be no tape.
            std::fs::remove_file(&self.path).map_err(|e| failed(crate::text::io_words(&e)))?;
            return Ok(0);
        }
        order::sort(&self.path).map_err(|e| failed(crate::text::io_words(&e)))?;
        Ok(out.exchanges)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, line: &impl serde::Serialize, exchange: bool) -> Result<(), TapeError> {
        let mut out = self.lock();
        let failed = |why: String| TapeError::File { path: self.path.clone(), what: "written", why };
        if let Some(why) = &out.broken {
            return Err(failed(why.clone()));
        }
        let written = serde_json::to_writer(&mut out.file, line)
            .map_err(io::Error::from)
            .and_then(|()| out.file.write_all(b"\n"))
            // A line is on the tape before the guest sees its answer.
            .and_then(|()| out.file.flush());
        match written {
            Ok(()) => {
                out.exchanges += u64::from(exchange);
                out.lines += 1;
                Ok(())
            }
            Err(e) => {
                let why = crate::text::io_words(&e);
                out.broken = Some(why.clone());
                Err(failed(why))
            }
        }
    }
}

/// One connection's part of a tape that is being written.
#[derive(Debug)]
pub struct Recording {
    recorder: Arc<Recorder>,
    connection: String,
    seed: [u8; 32],
}

impl Recording {
    /// What the run's random numbers are made from.
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// The run begins.
    ///
    /// # Errors
    /// The tape cannot be written.
    pub fn begin(&self, run: Run) -> Result<(), TapeError> {
        let seed = data_encoding::HEXLOWER.encode(&self.seed);
        let head = Head { tape: VERSION, connection: self.connection.clone(), run: Run { seed, ..run } };
        self.recorder.write(&head, false)
    }

    /// An exchange ended.
    ///
    /// # Errors
    /// The tape cannot be written; nothing more will be.
    pub fn exchange(&self, asked: Asked, tries: Vec<String>, outcome: Outcome) -> Result<(), TapeError> {
        let line = Exchange { connection: self.connection.clone(), asked, tries, outcome };
        self.recorder.write(&line, true)
    }
}

/// From the system's random numbers; all zeros where it has none, which is as good for a replay.
fn fresh_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut seed);
    seed
}
