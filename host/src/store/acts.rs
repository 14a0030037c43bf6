//! What was changed at vendors, or agreed to: who, when, what, from which plan, and what came of it.
//!
//! Rule: that a step is begun is on the disk before the vendor is asked, and what came of it before the next step is begun
//! (`synchronous = FULL`). Reason: after a crash nothing may be applied twice, and nobody may have changed access without
//! a trace. It has a connection to the file of its own: an act waits for no batch of records.
//!
//! Rows of an act are never deleted, by no `prune` either.

use super::error::{StoreError, explain};
use super::file;
use super::outcome::{OF_PART, OF_TAPE};
use crate::acting::Came;
use crate::model::Task;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The outcome of an act that has not ended.
pub const BEGUN: &str = "begun";

/// Something that is about to be done.
#[derive(Clone, Debug, Default)]
pub struct NewAct {
    /// When, as RFC 3339.
    pub at: String,
    /// The system's user.
    pub who: String,
    /// `apply`, `grant`, `revoke`, `accept` and so on.
    pub action: String,
    /// Of which connection.
    pub connection: String,
    /// What, in words that name the principal, the entitlement or the plan.
    pub what: String,
    /// Digest of the plan it comes from.
    pub plan: Option<String>,
    /// The target's scenario that it is written into.
    pub scenario: Option<String>,
    /// The run it is about.
    pub run: Option<i64>,
    /// How it is done, in words; what comes of it takes its place.
    pub detail: String,
    /// The connector and a mark of its settings, in words: who goes on with it has to be the same.
    pub made_by: String,
}

/// Something that was done. Serialised with these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActRow {
    /// Its number, store-wide.
    pub act: i64,
    /// When it began, as RFC 3339.
    pub at: String,
    /// When it ended; none: it was interrupted, or goes on.
    pub ended: Option<String>,
    /// The system's user.
    pub who: String,
    /// `apply`, `grant`, `revoke`, `accept` and so on.
    pub action: String,
    /// Of which connection.
    pub connection: String,
    /// What.
    pub what: String,
    /// Digest of the plan it comes from.
    pub plan: Option<String>,
    /// The target's scenario.
    pub scenario: Option<String>,
    /// The run it is about, or that showed it afterwards.
    pub run: Option<i64>,
    /// What came of it, as a label.
    pub outcome: String,
    /// In words.
    pub detail: String,
    /// The connector that made it, and a mark of its settings; empty: not known.
    pub made_by: String,
}

/// An apply that did not come to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenAct {
    /// Its number.
    pub act: i64,
    /// When it began.
    pub at: String,
    /// How it was begun, in words.
    pub detail: String,
    /// The connector that began it, and a mark of its settings; empty: not known.
    pub made_by: String,
    /// The number of the step that was begun last.
    pub number: u32,
    /// That step; none: the first.
    pub step: Option<Task>,
    /// Whether it may have been called: what came of it is not known.
    pub begun: bool,
    /// Outcomes known so far, by the change's place.
    pub outcomes: Vec<(usize, Came)>,
}

/// What came of one change. Serialised with these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutcomeRow {
    /// Of whom.
    pub subject: String,
    /// The label.
    pub outcome: String,
    /// The vendor's words, or nothing.
    pub words: String,
}

/// The acts of a store. Every call blocks, for as long as the disk takes.
#[derive(Debug)]
pub struct Acts {
    conn: Connection,
    path: PathBuf,
}

impl Acts {
    /// Opens the store for writing.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path) -> Result<Acts, StoreError> {
        let conn = file::open_for_writing(path)?;
        let full = conn.pragma_update(None, "synchronous", "full");
        full.map_err(|e| explain(path, &e))?;
        Ok(Acts { conn, path: path.to_path_buf() })
    }

    /// Something is about to be done. Its number.
    ///
    /// # Errors
    /// See [`StoreError`]; then it must not be done.
    pub fn begin(&mut self, new: &NewAct) -> Result<i64, StoreError> {
        let sql = "INSERT INTO act (at, who, action, connection, what, plan, scenario, run, detail, outcome, made_by) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let NewAct { at, who, action, connection, what, plan, scenario, run, detail, made_by } = new;
        let row = params![at, who, action, connection, what, plan, scenario, run, detail, BEGUN, made_by];
        let inserted = self.conn.execute(sql, row);
        inserted.map_err(|e| explain(&self.path, &e))?;
        Ok(self.conn.last_insert_rowid())
    }

    /// What came of it. `run` is the one that showed it, where there is one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn end(&mut self, act: i64, at: &str, outcome: &str, detail: &str, run: Option<i64>) -> Result<(), StoreError> {
        let sql = "UPDATE act SET ended = ?, outcome = ?, detail = ?, run = coalesce(?, run) WHERE id = ?";
        let updated = self.conn.execute(sql, params![at, outcome, detail, run, act]);
        updated.map(drop).map_err(|e| explain(&self.path, &e))
    }

    /// Something was changed: what runs that are not finished have read of this connection is of the time before, and
    /// nobody goes on with them. What is held stays as it is, for somebody to look at.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn outdate(&mut self, connection: &str) -> Result<(), StoreError> {
        let sql = "UPDATE run SET settings = '' WHERE draft = 1 AND status IN ('running', 'incomplete') \
                   AND settings NOT IN (?2, ?3) AND connection = (SELECT id FROM connection WHERE name = ?1)";
        // A part, and what is from a tape, are gone on with by nobody anyway.
        self.conn.execute(sql, [connection, OF_PART, OF_TAPE]).map(drop).map_err(|e| explain(&self.path, &e))
    }

    /// The apply of this plan to this scenario that has not ended, or none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open_apply(
        &self,
        plan: &str,
        connection: &str,
        scenario: Option<&str>,
    ) -> Result<Option<OpenAct>, StoreError> {
        let read = || -> rusqlite::Result<Option<OpenAct>> {
            let sql = "SELECT id, at, detail, made_by FROM act WHERE plan = ? AND connection = ? AND scenario IS ? AND action = 'apply' \
                       AND ended IS NULL ORDER BY id DESC LIMIT 1";
            let found = self.conn.query_row(sql, params![plan, connection, scenario], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
            });
            let Some((act, at, detail, made_by)) = found.optional()? else { return Ok(None) };
            let sql = "SELECT number, kind, payload FROM act_step WHERE act = ? ORDER BY number DESC LIMIT 1";
            let step = |r: &Row| -> rusqlite::Result<(u32, Option<Task>)> {
                let kind: Option<String> = r.get(1)?;
                let payload: Option<String> = r.get(2)?;
                Ok((r.get(0)?, kind.map(|kind| Task { kind, payload: payload.unwrap_or_default() })))
            };
            let last = self.conn.query_row(sql, [act], step).optional()?;
            let begun = last.is_some();
            let (number, step) = last.unwrap_or_default();
            let mut rows = self.conn.prepare("SELECT change, outcome, words FROM act_outcome WHERE act = ?")?;
            let outcome =
                |r: &Row| -> rusqlite::Result<(usize, String, String)> { Ok((r.get(0)?, r.get(1)?, r.get(2)?)) };
            let outcomes: Vec<(usize, String, String)> =
                rows.query_map([act], outcome)?.collect::<rusqlite::Result<_>>()?;
            let outcomes = outcomes.iter().filter_map(|(at, label, words)| Some((*at, Came::of(label, words)?)));
            Ok(Some(OpenAct { act, at, detail, made_by, number, step, begun, outcomes: outcomes.collect() }))
        };
        read().map_err(|e| explain(&self.path, &e))
    }

    /// The apply of this plan to this scenario that has ended last, or none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn ended_apply(
        &self,
        plan: &str,
        connection: &str,
        scenario: Option<&str>,
    ) -> Result<Option<ActRow>, StoreError> {
        let sql = "SELECT * FROM audit WHERE plan = ? AND connection = ? AND scenario IS ? AND action = 'apply' \
                   AND ended IS NOT NULL ORDER BY act DESC LIMIT 1";
        let found = self.conn.query_row(sql, params![plan, connection, scenario], act_row).optional();
        found.map_err(|e| explain(&self.path, &e))
    }

    /// The newest act that may have written to a connection and was not read since: no run of the whole connection that
    /// began after it is published. `but`: that one does not count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn unread(&self, connection: &str, but: Option<i64>) -> Result<Option<ActRow>, StoreError> {
        let sql = "SELECT * FROM audit WHERE act = (SELECT max(a.id) FROM act a WHERE a.connection = ?1 AND a.scenario IS NULL \
                   AND a.action = 'apply' AND a.id IS NOT ?2 AND a.basis >= (SELECT coalesce(max(r.run), 0) FROM run r \
                   JOIN connection c ON c.id = r.connection WHERE c.name = ?1 AND r.status = 'published' \
                   AND json_extract(r.report, '$.run.scope') IS NULL))";
        let found = self.conn.query_row(sql, params![connection, but], act_row).optional();
        found.map_err(|e| explain(&self.path, &e))
    }

    /// A step is about to be done; none: the first. What is published of the connection by runs until now does not know of it.
    ///
    /// # Errors
    /// See [`StoreError`]; then it must not be done.
    pub fn begin_step(&mut self, act: i64, number: u32, step: Option<&Task>) -> Result<(), StoreError> {
        let (kind, payload) = (step.map(|s| &s.kind), step.map(|s| &s.payload));
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let tx = self.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let sql = "INSERT INTO act_step (act, number, kind, payload) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![act, number, kind, payload])?;
            let sql = "UPDATE act SET basis = (SELECT coalesce(max(r.run), 0) FROM run r \
                       JOIN connection c ON c.id = r.connection WHERE c.name = act.connection) WHERE id = ?";
            tx.execute(sql, [act])?;
            tx.commit()
        };
        write().map_err(|e| explain(&path, &e))
    }

    /// A step is done: what came of its changes, each with its subject, and the step that comes next where there is one,
    /// which counts as begun from now on. All of it or nothing.
    ///
    /// # Errors
    /// See [`StoreError`]; the step counts as begun, and nothing of it as done.
    pub fn end_step(
        &mut self,
        act: i64,
        outcomes: &[(usize, &str, &Came)],
        next: Option<(u32, &Task)>,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let tx = self.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            {
                let mut put = tx.prepare_cached(
                    "INSERT OR REPLACE INTO act_outcome (act, change, subject, outcome, words) VALUES (?, ?, ?, ?, ?)",
                )?;
                for (change, subject, came) in outcomes {
                    put.execute(params![act, change, subject, came.label(), came.words()])?;
                }
                if let Some((number, step)) = next {
                    // Those before it are done. The last one stays: until the act has ended it may be called again.
                    tx.execute("DELETE FROM act_step WHERE act = ?", [act])?;
                    let sql = "INSERT INTO act_step (act, number, kind, payload) VALUES (?, ?, ?, ?)";
                    tx.execute(sql, params![act, number, step.kind, step.payload])?;
                }
            }
            tx.commit()
        };
        write().map_err(|e| explain(&path, &e))
    }
}

/// Streams what was done, the newest first.
///
/// # Errors
/// See [`StoreError`], or what the sink says.
pub fn list<E: From<StoreError>>(
    path: &Path,
    connection: Option<&str>,
    sink: &mut dyn FnMut(ActRow) -> Result<(), E>,
) -> Result<(), E> {
    let conn = file::open_for_reading(path)?;
    if !has_acts(&conn) {
        return Ok(());
    }
    let sql_error = |e: rusqlite::Error| E::from(explain(path, &e));
    let sql = "SELECT * FROM audit WHERE ?1 IS NULL OR connection = ?1 ORDER BY act DESC";
    let mut statement = conn.prepare(sql).map_err(sql_error)?;
    let mut rows = statement.query([connection]).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        sink(act_row(row).map_err(sql_error)?)?;
    }
    Ok(())
}

/// One act, and what came of each of its changes, in their order.
///
/// # Errors
/// See [`StoreError`].
pub fn show(path: &Path, act: i64) -> Result<Option<(ActRow, Vec<OutcomeRow>)>, StoreError> {
    let conn = file::open_for_reading(path)?;
    if !has_acts(&conn) {
        return Ok(None);
    }
    let read = || -> rusqlite::Result<Option<(ActRow, Vec<OutcomeRow>)>> {
        let found = conn.query_row("SELECT * FROM audit WHERE act = ?", [act], act_row).optional()?;
        let Some(row) = found else { return Ok(None) };
        let sql = "SELECT subject, outcome, words FROM act_outcome WHERE act = ? ORDER BY change";
        let mut rows = conn.prepare(sql)?;
        let outcome = |r: &Row| Ok(OutcomeRow { subject: r.get(0)?, outcome: r.get(1)?, words: r.get(2)? });
        let outcomes = rows.query_map([act], outcome)?.collect::<rusqlite::Result<_>>()?;
        Ok(Some((row, outcomes)))
    };
    read().map_err(|e| explain(path, &e))
}

/// Whether the store is of a version that keeps acts.
fn has_acts(conn: &Connection) -> bool {
    conn.prepare("SELECT 1 FROM act").is_ok()
}

fn act_row(row: &Row) -> rusqlite::Result<ActRow> {
    Ok(ActRow {
        act: row.get("act")?,
        at: row.get("at")?,
        ended: row.get("ended")?,
        who: row.get("who")?,
        action: row.get("action")?,
        connection: row.get("connection")?,
        what: row.get("what")?,
        plan: row.get("plan")?,
        scenario: row.get("scenario")?,
        run: row.get("run")?,
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
        // A store of an earlier version does not have it.
        made_by: row.get("made_by").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        _dir: tempfile::TempDir,
        path: PathBuf,
        acts: Acts,
    }

    fn scene() -> Scene {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("muster.db");
        Scene { acts: Acts::open(&path).expect("acts"), path, _dir: dir }
    }

    fn apply() -> NewAct {
        NewAct {
            at: "2026-11-22T01:00:00Z".into(),
            who: "op".into(),
            action: "apply".into(),
            connection: "charthop".into(),
            what: "2 hires".into(),
            plan: Some("d1".into()),
            ..NewAct::default()
        }
    }

    fn task(kind: &str) -> Task {
        Task { kind: kind.into(), payload: "7".into() }
    }

    #[test]
    fn an_apply_that_was_interrupted_goes_on_with_the_step_that_was_begun() {
        let mut s = scene();
        let act = s.acts.begin(&apply()).expect("begun");
        let open = |s: &Scene| s.acts.open_apply("d1", "charthop", None).expect("read").expect("open");
        assert_eq!((open(&s).number, open(&s).step, open(&s).begun), (0, None, false), "nothing was begun");
        s.acts.begin_step(act, 0, None).expect("begun");
        assert_eq!((open(&s).number, open(&s).step, open(&s).begun), (0, None, true));
        let refused = Came::Refused("no such office".into());
        let outcomes = [(1, "b@a.test", &refused)];
        s.acts.end_step(act, &outcomes, Some((1, &task("poll")))).expect("done");
        s.acts.begin_step(act, 1, Some(&task("poll"))).expect("the same again");
        let found = open(&s);
        assert_eq!((found.act, found.number, found.step), (act, 1, Some(task("poll"))));
        assert_eq!(found.outcomes, [(1, refused)]);
        for (plan, connection, scenario) in
            [("d2", "charthop", None), ("d1", "other", None), ("d1", "charthop", Some("s"))]
        {
            assert_eq!(s.acts.open_apply(plan, connection, scenario).expect("read"), None);
        }
        assert_eq!(s.acts.ended_apply("d1", "charthop", None).expect("read"), None);
        s.acts.end(act, "2026-11-22T01:00:09Z", "in-part", "1 refused", Some(4)).expect("ended");
        assert_eq!(s.acts.open_apply("d1", "charthop", None).expect("read"), None);
        let ended = s.acts.ended_apply("d1", "charthop", None).expect("read").expect("ended");
        assert_eq!((ended.outcome.as_str(), ended.run), ("in-part", Some(4)));
    }

    #[test]
    fn what_was_written_and_not_read_since_is_known() {
        let mut s = scene();
        let new = |plan: &str| NewAct { plan: Some(plan.into()), ..apply() };
        s.acts.conn.execute_batch("INSERT INTO connection (name) VALUES ('charthop')").expect("a connection");
        let run = |s: &Scene, status: &str, report: &str| {
            let sql = "INSERT INTO run (connection, status, started, connector, version, digest, report) \
                       VALUES (1, ?, '', '', '', '', ?)";
            s.acts.conn.execute(sql, [status, report]).expect("a run");
        };
        let unread = |s: &Scene, but| s.acts.unread("charthop", but).expect("read").map(|row| row.act);
        run(&s, "published", "{}");
        run(&s, "held", "{}");
        let act = s.acts.begin(&new("d1")).expect("begun");
        assert_eq!(unread(&s, None), None, "no step was begun");
        s.acts.begin_step(act, 0, None).expect("begun");
        assert_eq!((unread(&s, None), unread(&s, Some(act))), (Some(act), None), "its own plan goes on");
        s.acts.conn.execute_batch("UPDATE run SET status = 'published'").expect("accepted");
        assert_eq!(unread(&s, None), Some(act), "what was held before it is not of after it");
        run(&s, "published", r#"{"run": {"scope": "grants of team:2"}}"#);
        assert_eq!(unread(&s, None), Some(act), "a part is not all of it");
        s.acts.end(act, "2026-11-22T01:00:09Z", "in-part", "1 refused", None).expect("ended");
        assert_eq!(unread(&s, None), Some(act), "whatever it came to");
        run(&s, "published", "{}");
        assert_eq!(unread(&s, None), None, "it was read since");
        s.acts.begin_step(act, 0, None).expect("again");
        assert_eq!(unread(&s, None), Some(act), "and written again");
        run(&s, "published", "{}");
        for other in [
            NewAct { scenario: Some("s".into()), ..new("d2") },
            NewAct { connection: "other".into(), ..new("d2") },
            NewAct { action: "apply-dry-run".into(), ..new("d2") },
        ] {
            let act = s.acts.begin(&other).expect("begun");
            s.acts.begin_step(act, 0, None).expect("begun");
            assert_eq!(unread(&s, None), None, "{other:?}");
        }
    }

    #[test]
    fn what_was_done_is_listed_newest_first_and_shown_with_its_changes() {
        let mut s = scene();
        let first = s.acts.begin(&apply()).expect("begun");
        s.acts.end_step(first, &[(0, "a@a.test", &Came::Applied)], None).expect("done");
        let grant = NewAct { action: "grant".into(), connection: "support".into(), plan: None, ..apply() };
        let second = s.acts.begin(&grant).expect("begun");
        let mut seen = Vec::new();
        let mut sink = |row: ActRow| {
            seen.push(row.act);
            Ok::<(), StoreError>(())
        };
        list(&s.path, None, &mut sink).expect("listed");
        list(&s.path, Some("support"), &mut sink).expect("listed");
        assert_eq!(seen, [second, first, second]);
        let (row, outcomes) = show(&s.path, first).expect("read").expect("there");
        assert_eq!((row.who.as_str(), row.outcome.as_str()), ("op", BEGUN));
        let wanted = OutcomeRow { subject: "a@a.test".into(), outcome: "applied".into(), words: String::new() };
        assert_eq!(outcomes, [wanted]);
        assert_eq!(show(&s.path, 99).expect("read"), None);
    }
}
