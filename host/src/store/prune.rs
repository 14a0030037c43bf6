//! Deleting history that is not kept.
//!
//! Of each connection a run is the oldest that is kept. Deleted are the runs before it with their findings, the rows that
//! were closed by then, and the vendor's ids that nothing refers to any more. What is published, a draft, and what was true
//! at any time since that run are never touched. A vendor's id that comes back gets a new number.
//!
//! Everything is found by reading, which holds up nobody, and deleted in transactions of some milliseconds with longer rests
//! between them, so that another process which writes gets its turn. A process that dies in between leaves a store that is
//! whole; the next prune goes on. The caller holds the connection's [`super::lock::lead`].

use super::error::{StoreError, explain};
use super::file;
use super::keep::Keep;
use super::marks::Marks;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a transaction deletes before it is committed.
const HOLD: Duration = Duration::from_millis(20);
/// Keys that are read at once.
const CHUNK: i64 = 2000;
/// Pages that are given back at once, 8 KiB each.
const PAGES: i64 = 64;
/// How many times as long as a transaction took others have their turn: whoever waits looks every few milliseconds.
const REST: u32 = 2;

/// What was deleted of a connection, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// The connection.
    pub connection: String,
    /// Runs, whatever became of them.
    pub runs: u64,
    /// Rows of history.
    pub resources: u64,
    /// Likewise.
    pub entitlements: u64,
    /// Likewise.
    pub grants: u64,
    /// Vendor's ids that nothing refers to any more.
    pub ids: u64,
    /// Published runs that are there still.
    pub kept: u64,
    /// The oldest run that is kept; null where there is none.
    pub oldest: Option<i64>,
    /// When it ended, as RFC 3339.
    pub since: Option<String>,
}

/// What became of the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that the file is smaller now.
    pub given_back: u64,
    /// Bytes that stand empty in it, for later runs.
    pub empty: u64,
}

/// A table that is deleted from.
struct Table {
    name: &'static str,
    /// Its key, within what `scope` says.
    keys: &'static str,
    /// Whose rows they are: ?1 is the connection.
    scope: &'static str,
    /// Which rows go: ?1 is the connection, ?2 the oldest run that is kept.
    doomed: &'static str,
}

/// Runs that go; a draft stays, and one that is in progress.
const RUNS: &str = "connection = ?1 AND run < ?2 AND draft = 0 AND status <> 'running'";
/// Rows that go. One that a draft closed is closed after everything that is published.
const CLOSED: &str = "connection = ?1 AND valid_to <= ?2";
const MINE: &str = "connection = ?1";
const OF_RUNS: &str =
    "run IN (SELECT run FROM run WHERE connection = ?1 AND run < ?2 AND draft = 0 AND status <> 'running')";

/// Runs go before rows, so that nobody is shown half of what was true at one.
const TABLES: [Table; 7] = [
    Table { name: "finding", keys: "rowid", scope: "?1 IS NOT NULL", doomed: OF_RUNS },
    Table { name: "task", keys: "run, id", scope: "?1 IS NOT NULL", doomed: OF_RUNS },
    Table { name: "sighting", keys: "run, task", scope: "?1 IS NOT NULL", doomed: OF_RUNS },
    Table { name: "run", keys: "run", scope: MINE, doomed: RUNS },
    Table { name: "resource", keys: "id, valid_from", scope: MINE, doomed: CLOSED },
    Table { name: "entitlement", keys: "id, valid_from", scope: MINE, doomed: CLOSED },
    Table { name: "grant_row", keys: "entitlement, principal, valid_from", scope: MINE, doomed: CLOSED },
];

/// A store whose history is cut.
#[derive(Debug)]
pub struct Pruner {
    conn: Connection,
    path: PathBuf,
    dry: bool,
}

impl Pruner {
    /// Opens a store that exists; for a dry run nothing is written to it.
    ///
    /// # Errors
    /// Missing, no store, newer, or not to be written.
    pub fn open(path: &Path, dry: bool) -> Result<Pruner, StoreError> {
        let mut conn = file::open_for_reading(path)?;
        if !dry {
            conn = file::open_for_writing(path)?;
        }
        Ok(Pruner { conn, path: path.to_path_buf(), dry })
    }

    /// Deletes what is not kept of a connection. The caller holds its lead.
    ///
    /// # Errors
    /// See [`StoreError`]; what is kept is unharmed.
    pub fn prune(&self, name: &str, keep: Keep, now: Timestamp) -> Result<Pruned, StoreError> {
        self.prune_inside(name, keep, now).map_err(|e| self.explain(&e))
    }

    fn explain(&self, error: &rusqlite::Error) -> StoreError {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        explain(&self.path, error)
    }

    fn prune_inside(&self, name: &str, keep: Keep, now: Timestamp) -> rusqlite::Result<Pruned> {
        let mut pruned = Pruned { connection: name.to_owned(), ..Pruned::default() };
        let sql = "SELECT id FROM connection WHERE name = ?";
        let Some(connection) = self.conn.query_row(sql, [name], |r| r.get::<_, i64>(0)).optional()? else {
            return Ok(pruned);
        };
        let runs = self.runs(connection)?;
        let ends: Vec<Option<Timestamp>> = runs.iter().map(|r| r.1.as_ref().and_then(|t| t.parse().ok())).collect();
        let kept = keep.of(&ends, now);
        let Some((oldest, since)) = kept.checked_sub(1).and_then(|last| runs.get(last)) else { return Ok(pruned) };
        for table in &TABLES {
            let n = self.delete_rows(table, connection, *oldest)?;
            match table.name {
                "run" => pruned.runs = n,
                "resource" => pruned.resources = n,
                "entitlement" => pruned.entitlements = n,
                "grant_row" => pruned.grants = n,
                _ => {}
            }
        }
        // What a draft saw is known by these numbers.
        let sql = "SELECT EXISTS (SELECT 1 FROM run WHERE connection = ? AND (draft = 1 OR status = 'running'))";
        if !self.conn.query_row(sql, [connection], |r| r.get::<_, bool>(0))? {
            pruned.ids = self.delete_ids(connection, *oldest)?;
        }
        pruned.kept = kept as u64;
        (pruned.oldest, pruned.since) = (Some(*oldest), since.clone());
        Ok(pruned)
    }

    /// Published runs and their ends, the newest first; of a connection without one all of its runs, so that one whose
    /// every sync fails does not grow for ever.
    fn runs(&self, connection: i64) -> rusqlite::Result<Vec<(i64, Option<String>)>> {
        let list = |status: &str| -> rusqlite::Result<Vec<(i64, Option<String>)>> {
            let sql = format!("SELECT run, ended FROM run WHERE connection = ? {status} ORDER BY run DESC");
            self.conn.prepare(&sql)?.query_map([connection], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
        };
        let published = list("AND status = 'published'")?;
        if published.is_empty() { list("") } else { Ok(published) }
    }

    fn delete_rows(&self, table: &Table, connection: i64, oldest: i64) -> rusqlite::Result<u64> {
        let Table { name, keys, scope, doomed } = table;
        if self.dry {
            // An earlier version has fewer tables.
            let known = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?)";
            if !self.conn.query_row(known, [name], |r| r.get::<_, bool>(0))? {
                return Ok(0);
            }
            let sql = format!("SELECT count(*) FROM {name} WHERE {doomed}");
            return self.conn.query_row(&sql, [connection, oldest], |r| r.get(0));
        }
        let width = keys.split(", ").count();
        let places = |first: usize| (first..first + width).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ");
        // After the last key of the chunk before, in the order of the keys: no row is looked at twice.
        let select = format!(
            "SELECT {keys} FROM {name} WHERE {doomed} AND ({keys}) > ({}) ORDER BY {keys} LIMIT {CHUNK}",
            places(3)
        );
        let delete = format!("DELETE FROM {name} WHERE {scope} AND ({keys}) = ({})", places(2));
        let mut select = self.conn.prepare(&select)?;
        let mut last = vec![i64::MIN; width];
        let mut deleted = 0;
        loop {
            let bound = [connection, oldest].into_iter().chain(last.iter().copied());
            let chunk: Vec<Vec<i64>> = select
                .query_map(params_from_iter(bound), |row| (0..width).map(|at| row.get(at)).collect())?
                .collect::<rusqlite::Result<_>>()?;
            let Some(end) = chunk.last() else { return Ok(deleted) };
            last.clone_from(end);
            deleted += chunk.len() as u64;
            self.delete_keys(&delete, connection, &chunk)?;
        }
    }

    /// Deletes by key, in short transactions.
    fn delete_keys(&self, sql: &str, connection: i64, keys: &[Vec<i64>]) -> rusqlite::Result<()> {
        let mut keys = keys.iter().peekable();
        while keys.peek().is_some() {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
            let begun = Instant::now();
            let mut delete = self.conn.prepare_cached(sql)?;
            while begun.elapsed() < HOLD {
                let Some(key) = keys.next() else { break };
                delete.execute(params_from_iter(std::iter::once(connection).chain(key.iter().copied())))?;
            }
            self.conn.execute_batch("COMMIT")?;
            rest(begun);
        }
        Ok(())
    }

    fn delete_ids(&self, connection: i64, oldest: i64) -> rusqlite::Result<u64> {
        let live = "connection = ?1 AND (valid_to IS NULL OR valid_to > ?2)";
        let mut entitlements = Marks::default();
        let mut identities = Marks::default();
        let mark = |marks: &mut Marks, sql: &str, values: &[i64]| -> rusqlite::Result<()> {
            let mut statement = self.conn.prepare(sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                row.get::<_, Option<i64>>(0)?.into_iter().for_each(|id| marks.set(id));
            }
            Ok(())
        };
        let both = [connection, oldest];
        mark(&mut entitlements, &format!("SELECT id FROM entitlement WHERE {live}"), &both)?;
        mark(&mut entitlements, &format!("SELECT entitlement FROM grant_row WHERE {live}"), &both)?;
        mark(&mut identities, &format!("SELECT principal FROM grant_row WHERE {live}"), &both)?;
        mark(&mut identities, &format!("SELECT id FROM resource WHERE {live}"), &both)?;
        mark(&mut identities, &format!("SELECT parent FROM resource WHERE {live}"), &both)?;
        // A manager is named in a text; the next run would only give the id a number again.
        let managers = format!(
            "SELECT i.id FROM resource r CROSS JOIN resource_type t ON t.connection = ?1 \
             AND t.name = json_extract(r.employment, '$.manager.type') CROSS JOIN identity i ON i.connection = ?1 \
             AND i.type = t.id AND i.vendor_id = json_extract(r.employment, '$.manager.id') \
             WHERE r.{} AND r.employment IS NOT NULL",
            live.replace("valid_to", "r.valid_to")
        );
        mark(&mut identities, &managers, &both)?;

        let keys = "SELECT id, resource FROM entitlement_key WHERE connection = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let mut gone = self.delete_unmarked("entitlement_key", keys, connection, &entitlements, &mut identities)?;
        let ids = "SELECT id, NULL FROM identity WHERE connection = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        gone += self.delete_unmarked("identity", ids, connection, &identities, &mut Marks::default())?;
        Ok(gone)
    }

    /// Deletes the rows of a table of numbers that are not marked; what the others refer to is marked. The highest number
    /// stays, marked or not, so that no number is ever given twice.
    fn delete_unmarked(
        &self,
        table: &str,
        list: &str,
        connection: i64,
        marks: &Marks,
        referred: &mut Marks,
    ) -> rusqlite::Result<u64> {
        let sql = format!("SELECT max(id) FROM {table} WHERE connection = ?");
        let highest: Option<i64> = self.conn.query_row(&sql, [connection], |r| r.get(0))?;
        let delete = format!("DELETE FROM {table} WHERE connection = ?1 AND id = ?2");
        let mut list = self.conn.prepare(list)?;
        let (mut last, mut gone) = (i64::MIN, 0);
        loop {
            let chunk: Vec<(i64, Option<i64>)> = list
                .query_map(params![connection, last, CHUNK], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let Some((end, _)) = chunk.last() else { return Ok(gone) };
            last = *end;
            let (stay, go): (Vec<_>, Vec<_>) =
                chunk.into_iter().partition(|(id, _)| marks.has(*id) || Some(*id) == highest);
            stay.iter().filter_map(|(_, refers)| *refers).for_each(|id| referred.set(id));
            gone += go.len() as u64;
            if !self.dry {
                let keys: Vec<Vec<i64>> = go.into_iter().map(|(id, _)| vec![id]).collect();
                self.delete_keys(&delete, connection, &keys)?;
            }
        }
    }

    /// Gives empty pages back to the disk, where the file was made for that.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn give_back(&self) -> Result<Space, StoreError> {
        self.give_back_inside().map_err(|e| self.explain(&e))
    }

    fn give_back_inside(&self) -> rusqlite::Result<Space> {
        let before = self.bytes()?;
        // 2 is INCREMENTAL; a file of an earlier version keeps its pages.
        if self.pragma("auto_vacuum")? == 2 {
            let mut left = self.pragma("freelist_count")?;
            while left > 0 {
                let begun = Instant::now();
                let mut step = self.conn.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
                let mut rows = step.query([])?;
                while rows.next()?.is_some() {}
                let now = self.pragma("freelist_count")?;
                if now >= left {
                    break;
                }
                left = now;
                rest(begun);
            }
        }
        self.space(before)
    }

    /// Writes the whole file anew; from then on it can give pages back. The caller holds the lead of every connection.
    ///
    /// # Errors
    /// See [`StoreError`]; the file stays as it was.
    pub fn vacuum(&self) -> Result<Space, StoreError> {
        let all = || {
            let before = self.bytes()?;
            self.conn.pragma_update(None, "auto_vacuum", "incremental")?;
            self.conn.execute_batch("VACUUM")?;
            self.space(before)
        };
        all().map_err(|e| self.explain(&e))
    }

    fn space(&self, before: i64) -> rusqlite::Result<Space> {
        let given_back = u64::try_from(before - self.bytes()?).unwrap_or(0);
        if given_back > 0 {
            // The file shrinks when its log is written back. Where somebody reads it, that comes later by itself.
            self.conn.busy_timeout(HOLD)?;
            let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        let empty = self.pragma("freelist_count")?.saturating_mul(self.pragma("page_size")?);
        Ok(Space { given_back, empty: u64::try_from(empty).unwrap_or(0) })
    }

    fn bytes(&self) -> rusqlite::Result<i64> {
        Ok(self.pragma("page_count")?.saturating_mul(self.pragma("page_size")?))
    }

    fn pragma(&self, name: &str) -> rusqlite::Result<i64> {
        self.conn.pragma_query_value(None, name, |r| r.get(0))
    }
}

/// Others have their turn.
fn rest(begun: Instant) {
    std::thread::sleep((begun.elapsed() * REST).max(Duration::from_millis(1)));
}
