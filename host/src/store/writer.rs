//! The one thread that writes, fed by a channel.
//!
//! Commands of all runs share its transactions: it commits when the queue runs dry, after 20,000 records, or
//! when somebody waits for an answer. A command that fails poisons its run and nothing else; its transaction is
//! rolled back, so what was published before stays as it was.

use super::draft::Tally;
use super::error::{StoreError, explain};
use super::outcome::{Begun, Close, Closed, NewRun, Status};
use super::record::Prepared;
use super::rows::{self, RunRows};
use super::{file, guard};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Records of one transaction: beyond this nothing is gained.
const RECORDS: u64 = 20_000;
/// How long an open transaction waits for more before it is committed; other processes wait meanwhile.
const LINGER: Duration = Duration::from_millis(20);

pub(super) enum Command {
    Begin(Box<NewRun>, oneshot::Sender<Result<Begun, StoreError>>),
    Records(i64, Vec<Prepared>),
    Close(i64, Box<Close>, oneshot::Sender<Result<Closed, StoreError>>),
    Accept(i64, oneshot::Sender<Result<Closed, StoreError>>),
}

pub(super) struct Writer {
    conn: Connection,
    path: PathBuf,
    runs: HashMap<i64, RunRows>,
    poisoned: HashMap<i64, StoreError>,
    open: bool,
    pending: u64,
    busy_us: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn new(path: PathBuf, busy_us: Arc<AtomicU64>) -> Result<Writer, StoreError> {
        let conn = file::open_for_writing(&path)?;
        Ok(Writer { conn, path, runs: HashMap::new(), poisoned: HashMap::new(), open: false, pending: 0, busy_us })
    }

    /// Serves commands until every sender is gone.
    pub(super) fn serve(mut self, runtime: &tokio::runtime::Handle, mut queue: mpsc::Receiver<Command>) {
        loop {
            let next = match self.open {
                false => runtime.block_on(queue.recv()),
                true => match runtime.block_on(async { tokio::time::timeout(LINGER, queue.recv()).await }) {
                    Ok(next) => next,
                    Err(_) => {
                        self.timed(Writer::commit_or_poison);
                        continue;
                    }
                },
            };
            let Some(command) = next else { break };
            self.timed(|w| w.handle(command));
        }
        self.commit_or_poison();
    }

    fn timed(&mut self, work: impl FnOnce(&mut Writer)) {
        let begun = Instant::now();
        work(self);
        self.busy_us.fetch_add(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Begin(new, reply) => drop(reply.send(self.begin(&new))),
            Command::Records(run, records) => self.records(run, &records),
            Command::Close(run, close, reply) => drop(reply.send(self.close(run, &close))),
            Command::Accept(run, reply) => drop(reply.send(self.accept(run))),
        }
    }

    fn explain(&self, error: &rusqlite::Error) -> StoreError {
        explain(&self.path, error)
    }

    fn open(&mut self) -> Result<(), StoreError> {
        if !self.open {
            self.conn.execute_batch("BEGIN IMMEDIATE").map_err(|e| self.explain(&e))?;
            self.open = true;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        self.pending = 0;
        self.conn.execute_batch("COMMIT").map_err(|e| {
            let error = self.explain(&e);
            self.roll_back(&error);
            error
        })
    }

    /// What was not committed is gone: every run that took part in it is lost, not only the one that failed.
    fn roll_back(&mut self, error: &StoreError) {
        let _ = self.conn.execute_batch("ROLLBACK");
        self.open = false;
        self.pending = 0;
        for (run, _) in self.runs.drain() {
            self.poisoned.insert(run, error.clone());
        }
    }

    fn commit_or_poison(&mut self) {
        // The runs concerned learn of it from their next command.
        let _ = self.commit();
    }

    fn begin(&mut self, new: &NewRun) -> Result<Begun, StoreError> {
        // A transaction of its own: an error here must not undo what others wrote.
        self.commit()?;
        self.open()?;
        let begun = self.begin_inside(new).map_err(|e| self.explain(&e));
        match begun {
            Ok((begun, rows)) => {
                self.commit()?;
                if let Some(rows) = rows {
                    self.runs.insert(begun.run, rows);
                }
                Ok(begun)
            }
            Err(error) => {
                let _ = self.conn.execute_batch("ROLLBACK");
                self.open = false;
                Err(error)
            }
        }
    }

    fn begin_inside(&self, new: &NewRun) -> rusqlite::Result<(Begun, Option<RunRows>)> {
        let conn = &self.conn;
        let (connection, published) = rows::connection(conn, &new.connection)?;
        let mut drafts = conn.prepare("SELECT run, status FROM run WHERE connection = ? AND draft = 1 ORDER BY run")?;
        let drafts: Vec<(i64, String)> =
            drafts.query_map([connection], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut interrupted = None;
        for (run, status) in drafts {
            rows::discard(conn, connection, run)?;
            if status == Status::Running.label() {
                let sql = "UPDATE run SET status = ?, ended = ? WHERE run = ?";
                conn.execute(sql, params![Status::Incomplete.label(), new.started, run])?;
                interrupted = Some(run);
            }
        }
        conn.execute(
            "INSERT INTO run (connection, status, started, connector, version, digest, draft) VALUES (?, ?, ?, ?, ?, ?, 1)",
            params![connection, Status::Running.label(), new.started, new.connector, new.version, new.digest],
        )?;
        let run = conn.last_insert_rowid();
        let rows = RunRows::load(conn, connection, run, published)?;
        Ok((Begun { run, interrupted, published }, Some(rows)))
    }

    fn records(&mut self, run: i64, records: &[Prepared]) {
        if let Err(error) = self.records_inside(run, records) {
            tracing::debug!(run, %error, "writing failed");
            self.roll_back(&error);
            self.poisoned.insert(run, error);
        }
    }

    fn records_inside(&mut self, run: i64, records: &[Prepared]) -> Result<(), StoreError> {
        if !self.runs.contains_key(&run) {
            return Ok(());
        }
        self.open()?;
        if let Some(rows) = self.runs.get_mut(&run) {
            for record in records {
                rows.take(&self.conn, record).map_err(|e| explain(&self.path, &e))?;
            }
        }
        self.pending += records.len() as u64;
        if self.pending >= RECORDS {
            self.commit()?;
        }
        Ok(())
    }

    fn close(&mut self, run: i64, close: &Close) -> Result<Closed, StoreError> {
        if let Some(error) = self.poisoned.remove(&run) {
            return Err(error);
        }
        let Some(rows) = self.runs.remove(&run) else { return Err(StoreError::NoRun(run)) };
        self.open()?;
        let closed = self.close_inside(&rows, close).map_err(|e| self.explain(&e));
        let (closed, publish) = match closed {
            Ok(done) => done,
            Err(error) => {
                self.roll_back(&error);
                return Err(error);
            }
        };
        self.commit()?;
        if publish {
            self.publish(rows.connection, run)?;
        }
        Ok(closed)
    }

    fn close_inside(&self, rows: &RunRows, close: &Close) -> rusqlite::Result<(Closed, bool)> {
        let conn = &self.conn;
        let complete = close.status == Status::Published;
        if complete {
            rows.close_vanished(conn)?;
        }
        let mut tallies = rows.draft.resource_tallies();
        let resources = tallies.iter().fold(Tally::default(), |sum, (_, t)| sum.plus(*t));
        let entitlements = rows.draft.entitlement_tally();
        let grants = rows.draft.grant_tally();
        tallies.push(("grants".to_owned(), grants));
        let objections = match complete {
            true => guard::objections(&tallies, close.max_removals_percent),
            false => Vec::new(),
        };
        let status = if objections.is_empty() { close.status } else { Status::Held };
        let all = resources.plus(entitlements).plus(grants);
        // An incomplete run knows nothing about what is gone.
        let removed = if complete { all.removed } else { 0 };
        let (findings, finding_counts) = if complete { rows.draft.findings() } else { Default::default() };
        for f in &findings {
            conn.prepare_cached("INSERT INTO finding (run, kind, subject) VALUES (?, ?, ?)")?
                .execute(params![rows.run, f.kind, f.subject])?;
        }
        let finding_counts: Vec<(String, u64)> = finding_counts.into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
        let report = serde_json::json!({
            "objections": objections,
            "findings": finding_counts.iter().map(|(k, n)| serde_json::json!({"kind": k, "count": n})).collect::<Vec<_>>(),
            "run": close.report,
        });
        conn.execute(
            "UPDATE run SET status = ?, ended = ?, draft = ?, resources = ?, entitlements = ?, grants = ?, added = ?, \
             changed = ?, removed = ?, report = ? WHERE run = ?",
            params![
                if status == Status::Published { Status::Running.label() } else { status.label() },
                close.ended,
                status != Status::Failed && close.keep,
                resources.now,
                entitlements.now,
                grants.now,
                all.added,
                all.changed,
                removed,
                report.to_string(),
                rows.run
            ],
        )?;
        if status == Status::Failed || !close.keep {
            rows::discard(conn, rows.connection, rows.run)?;
        }
        let closed = Closed {
            status,
            resources: resources.now,
            entitlements: entitlements.now,
            grants: grants.now,
            added: all.added,
            changed: all.changed,
            removed,
            objections,
            findings: finding_counts,
        };
        Ok((closed, status == Status::Published))
    }

    /// The short transaction that readers notice; on the disk before it returns.
    fn publish(&mut self, connection: i64, run: i64) -> Result<(), StoreError> {
        let publish = |conn: &Connection| -> rusqlite::Result<()> {
            conn.pragma_update(None, "synchronous", "full")?;
            conn.execute_batch("BEGIN IMMEDIATE")?;
            conn.execute("UPDATE connection SET published = ? WHERE id = ?", [run, connection])?;
            let sql = "UPDATE run SET status = ?, draft = 0 WHERE run = ?";
            conn.execute(sql, params![Status::Published.label(), run])?;
            conn.execute_batch("COMMIT")
        };
        let result = publish(&self.conn).map_err(|e| self.explain(&e));
        if result.is_err() && !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        let _ = self.conn.pragma_update(None, "synchronous", "normal");
        result
    }

    fn accept(&mut self, run: i64) -> Result<Closed, StoreError> {
        self.commit()?;
        let sql = "SELECT r.connection, r.status, r.draft, c.name, (SELECT max(run) FROM run WHERE connection = c.id) \
                   FROM run r JOIN connection c ON c.id = r.connection WHERE r.run = ?";
        type Row = (i64, String, bool, String, i64);
        let found: Option<Row> = self
            .conn
            .query_row(sql, [run], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
            .optional()
            .map_err(|e| self.explain(&e))?;
        let Some((connection, status, draft, name, newest)) = found else { return Err(StoreError::NoRun(run)) };
        let refuse = |why: String| Err(StoreError::NotAcceptable { run, why });
        if status != Status::Held.label() && status != Status::Incomplete.label() {
            return refuse(format!("it is {status}, and only a held or an incomplete run can be"));
        }
        if newest == run && !draft {
            return refuse("it was stopped in the middle of a task, and nothing of it was kept".to_owned());
        }
        if newest != run {
            return refuse(format!("run {newest} of {name} has replaced it"));
        }
        self.publish(connection, run)?;
        self.counts(connection, run).map_err(|e| self.explain(&e))
    }

    /// Counts what is published now, and keeps the counts with the run.
    fn counts(&self, connection: i64, run: i64) -> rusqlite::Result<Closed> {
        let count = |table: &str| -> rusqlite::Result<u64> {
            let sql = format!(
                "SELECT count(*) FROM {table} WHERE connection = ?1 AND valid_from <= ?2 AND (valid_to IS NULL OR valid_to > ?2)"
            );
            self.conn.query_row(&sql, [connection, run], |r| r.get(0))
        };
        let (resources, entitlements, grants) = (count("resource")?, count("entitlement")?, count("grant_row")?);
        self.conn.execute(
            "UPDATE run SET resources = ?, entitlements = ?, grants = ? WHERE run = ?",
            params![resources, entitlements, grants, run],
        )?;
        let sql = "SELECT added, changed, removed FROM run WHERE run = ?";
        self.conn.query_row(sql, [run], |r| {
            Ok(Closed {
                status: Status::Published,
                resources,
                entitlements,
                grants,
                added: r.get(0)?,
                changed: r.get(1)?,
                removed: r.get(2)?,
                objections: Vec::new(),
                findings: Vec::new(),
            })
        })
    }
}
