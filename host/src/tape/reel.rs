//! Reading a tape: judged whole before anything runs, then answered from, line by line from the file.

use super::error::TapeError;
use super::line::{self, Answered, Asked, Head, Line, Refusal};
use super::nearest::{self, Known};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of a line: the largest answer the host takes, every byte of it escaped.
const LINE: u64 = 512 * 1024 * 1024;
/// Requests that are not on the tape and are told the nearest one: each costs a look at all of it.
const EXPLAINED: usize = 20;

/// A tape, read.
#[derive(Debug)]
pub struct Reel {
    path: PathBuf,
    players: BTreeMap<String, Arc<Player>>,
}

/// One connection's part of a tape.
#[derive(Debug)]
pub struct Player {
    head: Head,
    file: Arc<File>,
    started: SystemTime,
    seed: [u8; 32],
    sequences: HashMap<u128, Sequence>,
    known: Vec<Known>,
    explained: AtomicUsize,
}

/// Answers to one request, in the order in which they came.
#[derive(Debug, Default)]
struct Sequence {
    /// Offset and length of each line.
    lines: Vec<(u64, usize)>,
    given: Mutex<usize>,
}

/// What the tape says to a request.
#[derive(Debug)]
pub enum Played {
    /// The answer.
    Answer(Answered),
    /// No answer came: why.
    Error(String),
    /// The host refused it.
    Denied(Refusal),
}

/// An exchange from the tape.
#[derive(Debug)]
pub struct Replayed {
    /// How many tries the host made before it.
    pub tries: usize,
    /// What came of it.
    pub played: Played,
}

#[derive(Default)]
struct Part {
    head: Option<Head>,
    sequences: HashMap<u128, Sequence>,
    known: BTreeSet<Known>,
}

impl Reel {
    /// Reads and judges a whole tape.
    ///
    /// # Errors
    /// The file cannot be read, or a line is none of a tape.
    pub fn open(path: &Path) -> Result<Reel, TapeError> {
        let wrong = |e: &io::Error| TapeError::file(path, "read", e);
        let file = File::open(path).map_err(|e| wrong(&e))?;
        if !file.metadata().map_err(|e| wrong(&e))?.is_file() {
            let why = "it is no regular file".to_owned();
            return Err(TapeError::File { path: path.to_path_buf(), what: "read", why });
        }
        let parts = parts(path, &file)?;
        let file = Arc::new(file);
        let players =
            parts.into_iter().filter_map(|(name, part)| Some((name, Arc::new(player(part, &file)?)))).collect();
        Ok(Reel { path: path.to_path_buf(), players })
    }

    /// Who is played by which part: a connection of the tape's by its name; another one by the part that is left of its
    /// connector, where there is just one of both. Two connections never share a part: each would take the other's answers.
    pub fn cast(&self, connections: &[(&str, &str)]) -> BTreeMap<String, Arc<Player>> {
        let by_name = connections.iter().filter_map(|(name, _)| Some(((*name).to_owned(), self.players.get(*name)?)));
        let mut cast: BTreeMap<String, Arc<Player>> = by_name.map(|(name, part)| (name, Arc::clone(part))).collect();
        let left: Vec<_> = connections.iter().filter(|(name, _)| !cast.contains_key(*name)).collect();
        for (name, connector) in &left {
            let free = |(part, player): &(&String, &Arc<Player>)| {
                player.head.run.connector == *connector && !connections.iter().any(|(name, _)| name == part)
            };
            let mut parts = self.players.iter().filter(free);
            let alone = left.iter().filter(|(_, other)| other == connector).count() == 1;
            if let (true, Some((_, player)), None) = (alone, parts.next(), parts.next()) {
                cast.insert((*name).to_owned(), Arc::clone(player));
            }
        }
        cast
    }

    /// The error for a connection that it does not hold.
    pub fn no_part(&self, connection: &str) -> TapeError {
        let held = self.players.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        TapeError::Connection { path: self.path.clone(), connection: connection.to_owned(), held }
    }
}

fn parts(path: &Path, file: &File) -> Result<BTreeMap<String, Part>, TapeError> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut parts, mut offset, mut number, mut text) = (BTreeMap::<String, Part>::new(), 0, 0, Vec::new());
    loop {
        text.clear();
        let length =
            reader.by_ref().take(LINE).read_until(b'\n', &mut text).map_err(|e| TapeError::file(path, "read", &e))?;
        number += 1;
        let wrong = |why: String| TapeError::Line { path: path.to_path_buf(), line: number, why };
        if length == 0 {
            break;
        }
        if text.last() != Some(&b'\n') {
            let why = match length as u64 >= LINE {
                true => format!("is longer than {LINE} bytes"),
                false => "breaks off: the recording was interrupted; delete that line to use the rest".to_owned(),
            };
            return Err(wrong(why));
        }
        match line::read(&text).map_err(wrong)? {
            Line::Head(head) => {
                let part = parts.entry(head.connection.clone()).or_default();
                if part.head.is_some() {
                    return Err(wrong(format!("is a second head of {}", head.connection)));
                }
                part.head = Some(*head);
            }
            Line::Exchange(exchange) => {
                let Some(part) = parts.get_mut(&exchange.connection) else {
                    return Err(wrong(format!("belongs to {}, whose head has to come before it", exchange.connection)));
                };
                let key = exchange.asked.key(&exchange.connection);
                part.sequences.entry(key).or_default().lines.push((offset, length));
                part.known.insert(Known { method: exchange.asked.method, url: exchange.asked.url });
            }
        }
        offset += length as u64;
    }
    match parts.is_empty() {
        true => {
            Err(TapeError::Line { path: path.to_path_buf(), line: 1, why: "is missing: the file is empty".to_owned() })
        }
        false => Ok(parts),
    }
}

/// `None` for a part without a head, which [`parts`] does not make.
fn player(part: Part, file: &Arc<File>) -> Option<Player> {
    let head = part.head?;
    Some(Player {
        started: line::time(&head.run.started).ok()?,
        seed: line::seed(&head.run.seed).ok()?,
        head,
        file: Arc::clone(file),
        sequences: part.sequences,
        known: part.known.into_iter().collect(),
        explained: AtomicUsize::new(0),
    })
}

impl Player {
    /// What the run was.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// When it began.
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// What its random numbers are made from.
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// The next recorded exchange of this request.
    ///
    /// # Errors
    /// The tape holds none (any more), or its file changed: a sentence.
    pub fn play(&self, asked: &Asked) -> Result<Replayed, String> {
        let sequence = self.sequences.get(&asked.key(&self.head.connection));
        let answers = sequence.map_or(0, |s| s.lines.len());
        match sequence.and_then(Sequence::next) {
            Some((offset, length)) => self.at(offset, length),
            None if self.explained.fetch_add(1, Relaxed) < EXPLAINED => {
                Err(nearest::sentence(asked, answers, &self.known))
            }
            None => Err("the tape does not hold a request; the first ones of these say more".to_owned()),
        }
    }

    fn at(&self, offset: u64, length: usize) -> Result<Replayed, String> {
        let changed = |_| "the tape's file changed while it was replayed".to_owned();
        let mut text = vec![0; length];
        self.file.read_exact_at(&mut text, offset).map_err(|e| changed(e.to_string()))?;
        let Line::Exchange(exchange) = line::read(&text).map_err(changed)? else { return Err(changed(String::new())) };
        let (tries, mut outcome) = (exchange.tries.len(), exchange.outcome);
        let (error, denied) = (outcome.error.take(), outcome.denied.take());
        let played = match (denied, error) {
            (Some(refusal), _) => Played::Denied(refusal),
            (None, Some(error)) => Played::Error(error),
            (None, None) => match outcome.answered().map_err(changed)? {
                Some(answer) => Played::Answer(answer),
                None => return Err(changed(String::new())),
            },
        };
        Ok(Replayed { tries, played })
    }
}

impl Sequence {
    fn next(&self) -> Option<(u64, usize)> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let line = self.lines.get(*given).copied()?;
        *given += 1;
        Some(line)
    }
}
