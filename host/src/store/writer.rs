//! The one thread that writes, fed by a channel.
//!
//! Commands of all runs share its transactions: it commits when the queue has run dry, after 100 ms or 100,000 records, or when
//! somebody waits for an answer, and never in the middle of a task (rule R1). A write that fails rolls the transaction back and
//! breaks the runs that have a part in it; what was committed stays, and the next sync goes on from there.
//!
//! Durability: a killed process loses what was not committed, a power cut perhaps the last commits, too: the log is cut at
//! a commit, so what is left is what the store was a moment earlier. Publishing waits for the disk (`synchronous = FULL`).

use super::error::{StoreError, explain};
use super::outcome::{Begun, Close, Closed, Done, NewRun, Status, Tried};
use super::presence::Presence;
use super::rows::{self, RunRows};
use super::{Broken, begin, close, file, load, tasks};
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Records of one transaction. Grants that come in no order are written in order within it: 100,000 take a third less
/// time than 20,000, and other processes wait no more than some 200 ms.
const RECORDS: usize = 100_000;
/// How long a transaction waits for more where the queue has run dry: without it a run that is as fast as the writer
/// would commit after every task, and write each page many times.
const LINGER: Duration = Duration::from_millis(5);
/// How long a transaction is open at most, where the queue never runs dry; other processes wait meanwhile.
const MOST: Duration = Duration::from_millis(100);
/// How long others may take the lock where the queue never runs dry.
const TURN: Duration = Duration::from_millis(3);
/// Rows that are closed or deleted in one transaction: other processes wait meanwhile, for some 50 ms.
const ROWS: usize = 20_000;
/// Pages that are given back in one transaction, 8 KiB each.
const PAGES: usize = 1000;

pub(super) enum Command {
    Begin(Box<NewRun>, oneshot::Sender<Result<Begun, StoreError>>),
    Done(i64, Box<Done>),
    Tried(i64, Tried),
    Close(i64, Box<Close>, oneshot::Sender<Result<Closed, StoreError>>),
    Accept(i64, oneshot::Sender<Result<Closed, StoreError>>),
}

pub(super) struct Writer {
    conn: Connection,
    path: PathBuf,
    presence: Presence,
    runs: HashMap<i64, RunRows>,
    broken: Broken,
    open: bool,
    pending: usize,
    busy_us: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn new(path: PathBuf, busy_us: Arc<AtomicU64>, broken: Broken) -> Result<Writer, StoreError> {
        let conn = file::open_for_writing(&path)?;
        let presence = Presence::of(&path)?;
        Ok(Writer { conn, path, presence, runs: HashMap::new(), broken, open: false, pending: 0, busy_us })
    }

    /// Serves commands until every sender is gone.
    pub(super) fn serve(mut self, runtime: &tokio::runtime::Handle, mut queue: mpsc::Receiver<Command>) {
        let mut opened = Instant::now();
        loop {
            let age = if self.open { opened.elapsed() } else { Duration::ZERO };
            let next = match queue.try_recv() {
                Ok(command) if age < MOST => Some(command),
                Err(_) if self.open && age < LINGER => {
                    let wait = async { tokio::time::timeout(LINGER - age, queue.recv()).await };
                    // Nothing came: it is old enough the next time.
                    let Ok(next) = runtime.block_on(wait) else { continue };
                    next
                }
                waiting => {
                    if self.open {
                        self.timed(Writer::commit_or_break);
                        // Whoever waits for the lock looks every millisecond; between two transactions there is none otherwise.
                        if waiting.is_ok() {
                            std::thread::sleep(TURN);
                        }
                    }
                    match waiting {
                        Ok(command) => Some(command),
                        Err(_) => runtime.block_on(queue.recv()),
                    }
                }
            };
            if !self.open {
                opened = Instant::now();
            }
            let Some(command) = next else { break };
            self.timed(|w| w.handle(command));
        }
        self.commit_or_break();
        // So that closing has nothing left to do while readers wait for it.
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }

    fn timed(&mut self, work: impl FnOnce(&mut Writer)) {
        let begun = Instant::now();
        work(self);
        self.busy_us.fetch_add(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Begin(new, reply) => {
                let begun = self.begin(&new);
                let known = begun.as_ref().ok().cloned();
                // Whoever runs it asks the vendor meanwhile.
                drop(reply.send(begun));
                if let Some(begun) = known {
                    self.load(&new, &begun);
                }
            }
            Command::Done(run, done) => self.write(run, done.records.len(), |rows, conn| {
                rows.take(conn, done.task, &done.records)?;
                tasks::done(conn, run, done.task, done.tries, &done.follow_ups)
            }),
            Command::Tried(run, tried) => self.write(run, 0, |_, conn| tasks::tried(conn, run, &tried)),
            Command::Close(run, close, reply) => drop(reply.send(self.close(run, &close))),
            Command::Accept(run, reply) => drop(reply.send(self.accept(run))),
        }
    }

    fn explain(&self, error: &rusqlite::Error) -> StoreError {
        explain(&self.path, error)
    }

    fn open(&mut self) -> Result<(), StoreError> {
        if !self.open {
            self.presence.check(&self.conn)?;
            self.conn.execute_batch("BEGIN IMMEDIATE").map_err(|e| self.explain(&e))?;
            self.open = true;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if !self.open {
            return Ok(());
        }
        let flushed = self.runs.values_mut().try_for_each(|rows| rows.flush(&self.conn));
        let committed = flushed
            .map_err(|e| self.explain(&e))
            .and_then(|()| self.presence.check(&self.conn))
            .and_then(|()| self.conn.execute_batch("COMMIT").map_err(|e| self.explain(&e)));
        match committed {
            Ok(()) => {
                self.open = false;
                self.pending = 0;
                Ok(())
            }
            Err(error) => {
                self.roll_back(&error);
                Err(error)
            }
        }
    }

    /// What was not committed is gone: every run that took part in it is broken, not only the one that failed.
    fn roll_back(&mut self, error: &StoreError) {
        let _ = self.conn.execute_batch("ROLLBACK");
        self.open = false;
        self.pending = 0;
        for (run, _) in self.runs.drain() {
            self.broken.insert(run, error.clone());
        }
    }

    fn commit_or_break(&mut self) {
        // The runs concerned learn of it from their next command.
        let _ = self.commit();
    }

    /// Does one thing in a transaction of its own, on the disk before it returns. Nothing else may be open.
    fn for_good<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.presence.check(&self.conn)?;
        let inside = |conn: &Connection| {
            conn.pragma_update(None, "synchronous", "full")?;
            conn.execute_batch("BEGIN IMMEDIATE")?;
            let done = work(conn)?;
            conn.execute_batch("COMMIT")?;
            Ok(done)
        };
        let done = inside(&self.conn).map_err(|e| self.explain(&e));
        if done.is_err() && !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        let _ = self.conn.pragma_update(None, "synchronous", "normal");
        // Once more: what is on the disk has to be where people look for it.
        self.presence.check(&self.conn)?;
        done
    }

    fn begin(&mut self, new: &NewRun) -> Result<Begun, StoreError> {
        // A transaction of its own: an error here must not undo what others wrote.
        self.commit()?;
        self.open()?;
        let outdated = match new.scope {
            Some(_) => begin::discard_outdated(&self.conn, &new.connection).map_err(|e| self.explain(&e))?,
            None => None,
        };
        if new.scope.is_some()
            && let Some(run) = begin::draft(&self.conn, &new.connection).map_err(|e| self.explain(&e))?
        {
            self.commit()?;
            return Err(StoreError::Unfinished { run, connection: new.connection.clone() });
        }
        let begun = begin::begin(&self.conn, new).map_err(|e| self.explain(&e));
        match begun {
            Ok(begun) => {
                self.commit()?;
                Ok(Begun { abandoned: begun.abandoned.or(outdated), ..begun })
            }
            Err(error) => {
                let _ = self.conn.execute_batch("ROLLBACK");
                self.open = false;
                Err(error)
            }
        }
    }

    /// Reads what the run is compared with.
    fn load(&mut self, new: &NewRun, begun: &Begun) {
        let run = begun.run;
        let load = |conn: &Connection| -> rusqlite::Result<RunRows> {
            let (connection, published) = rows::connection(conn, &new.connection)?;
            let mut draft = load::published(conn, connection, published)?;
            if begun.resumed.is_some() {
                load::attempts(conn, connection, run, &mut draft)?;
            }
            if let (Some(scope), Some(published)) = (&new.scope, published) {
                draft.see_outside(scope);
                load::links(conn, connection, published, &mut draft)?;
            }
            Ok(RunRows::new(connection, run, draft))
        };
        match load(&self.conn) {
            Ok(rows) => drop(self.runs.insert(run, rows)),
            Err(rusqlite::Error::InvalidQuery) => self.broken.insert(run, StoreError::Unresumable(run)),
            Err(error) => self.broken.insert(run, self.explain(&error)),
        }
    }

    /// Writes what a task came to: all of it in one transaction, which others may share.
    fn write(
        &mut self,
        run: i64,
        records: usize,
        work: impl FnOnce(&mut RunRows, &Connection) -> rusqlite::Result<()>,
    ) {
        if !self.runs.contains_key(&run) {
            return;
        }
        let written = self.open().and_then(|()| match self.runs.get_mut(&run) {
            Some(rows) => work(rows, &self.conn).map_err(|e| explain(&self.path, &e)),
            None => Ok(()),
        });
        self.pending += records + 1;
        let written = written.and_then(|()| if self.pending >= RECORDS { self.commit() } else { Ok(()) });
        if let Err(error) = written {
            tracing::debug!(run, %error, "writing failed");
            self.roll_back(&error);
            self.broken.insert(run, error);
        }
    }

    fn close(&mut self, run: i64, close: &Close) -> Result<Closed, StoreError> {
        if let Some(error) = self.broken.take(run) {
            return Err(error);
        }
        // While it is among the runs: what waits for the end of the transaction is written, too.
        self.commit()?;
        let Some(mut rows) = self.runs.remove(&run) else { return Err(StoreError::NoRun(run)) };
        if close.status == Status::Published {
            rows.draft.settle();
            self.close_vanished(&rows)?;
        }
        let closed = self.for_good(|conn| close::close(conn, &rows, close))?;
        if closed.status != Status::Incomplete {
            self.forget(run);
        }
        Ok(closed)
    }

    /// Nobody sees what this closes before the run is published.
    fn close_vanished(&mut self, rows: &RunRows) -> Result<(), StoreError> {
        self.open()?;
        let (conn, mut closed) = (&self.conn, 0);
        let mut each = || {
            closed += 1;
            match closed % ROWS {
                0 => conn.execute_batch("COMMIT; BEGIN IMMEDIATE"),
                _ => Ok(()),
            }
        };
        let done = rows.close_vanished(conn, &mut each).map_err(|e| self.explain(&e));
        match done {
            Ok(()) => self.commit(),
            Err(error) => {
                self.roll_back(&error);
                Err(error)
            }
        }
    }

    /// Deletes the tasks of a run that is finished, and gives the room back. It stands whether this succeeds or not:
    /// what is left is deleted when the next run begins.
    fn forget(&mut self, run: i64) {
        let forget = |conn: &Connection| -> rusqlite::Result<()> {
            while tasks::forget(conn, run, ROWS)? {}
            give_back(conn)
        };
        if let Err(error) = forget(&self.conn) {
            tracing::debug!(run, %error, "the tasks of a finished run are still there");
        }
    }

    fn accept(&mut self, run: i64) -> Result<Closed, StoreError> {
        self.commit()?;
        let sql = "SELECT r.connection, r.status, r.draft, c.name, (SELECT max(run) FROM run WHERE connection = c.id), \
                   r.settings = '' AND r.contract <> '' AND r.status = 'incomplete' \
                   FROM run r JOIN connection c ON c.id = r.connection WHERE r.run = ?";
        type Row = (i64, String, bool, String, i64, bool);
        let found: Option<Row> = self
            .conn
            .query_row(sql, [run], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)))
            .optional()
            .map_err(|e| self.explain(&e))?;
        let Some((connection, status, draft, name, newest, outdated)) = found else {
            return Err(StoreError::NoRun(run));
        };
        let refuse = |why: String| Err(StoreError::NotAcceptable { run, why });
        if status != Status::Held.label() && status != Status::Incomplete.label() {
            return refuse(format!("it is {status}, and only a held or an incomplete run can be"));
        }
        if newest != run {
            return refuse(format!("run {newest} of {name} has replaced it"));
        }
        if !draft {
            return refuse("nothing of it was kept".to_owned());
        }
        if outdated {
            return refuse("something was changed since, and what it has read is of the time before".to_owned());
        }
        let closed = self.for_good(|conn| {
            // It was not so before somebody said so.
            conn.execute("UPDATE run SET ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE run = ?", [run])?;
            close::publish(conn, connection, run)?;
            close::counts(conn, connection, run)
        })?;
        self.forget(run);
        Ok(closed)
    }
}

/// Gives the pages nobody uses back to the disk, where the file was made for that.
fn give_back(conn: &Connection) -> rusqlite::Result<()> {
    let free = || conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, usize>(0));
    let mut before = free()?;
    while before > 0 {
        let mut step = conn.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut rows = step.query([])?;
        while rows.next()?.is_some() {}
        let left = free()?;
        if left >= before {
            break;
        }
        before = left;
    }
    Ok(())
}
