//! `muster query`: somebody else's SQL over the public views.
//!
//! Rule: one statement that reads the views through [`super::fence`], on a connection of its own that cannot write, with a
//! limit of time and one of memory; rows are streamed, and no sort goes to a disk.
//! Reason: see the fence; and a query that joins everything with everything must end without an administrator.
//! Attack: a cross join that runs for days; a recursion without end; one call of `instr` or `like` that computes for an hour
//! (SQLite can be interrupted only between steps: so whoever runs this also watches [`Query::watch`] and ends the process);
//! `group_concat` of everything, a sort of a cross join and `printf('%999999999d')` fill memory or a disk.
//! Two more guards lie behind the fence, each of which would do for writing: `query_only`, and that no file can be attached.
//! Deliberately absent: what a query tells. Whoever may read the store may read all of its views.

use super::error::{StoreError, explain};
use super::fence::Fence;
use super::file;
use super::stopwatch::Stopwatch;
use super::views;
use rusqlite::config::DbConfig;
use rusqlite::hooks::Authorization;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// Bytes of a statement that comes on stdin.
pub const SQL_BYTES: usize = 256 * 1024;
/// Bytes of a text or a blob: a list of everybody's addresses fits, and a function on two of them ends.
const VALUE_BYTES: i32 = 32 * 1024 * 1024;
/// Characters of a pattern: `like` takes longer with each `%` in it.
const PATTERN: i32 = 1000;
/// Steps of SQLite's machine between two looks at the clock: some microseconds.
const STEPS: i32 = 1000;

/// A value of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text; it need not be UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// It asks for what a query may not do.
    #[error("{0}")]
    Refused(String),
    /// It is no good SQL, in SQLite's words.
    #[error("{0}")]
    Wrong(String),
    /// It took too long.
    #[error("the query was stopped after {0} s of work")]
    Slow(u64),
    /// It needs too much memory.
    #[error("the query needs more memory than it may have")]
    Hungry,
    /// Anything else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes an answer.
pub trait Taker {
    /// What may go wrong with it, too.
    type Error: From<QueryError>;
    /// The names of the columns, before the first row.
    ///
    /// # Errors
    /// They end the query.
    fn columns(&mut self, names: &[&str]) -> Result<(), Self::Error>;
    /// A row.
    ///
    /// # Errors
    /// They end the query.
    fn row(&mut self, cells: &[Cell]) -> Result<(), Self::Error>;
}

/// A store opened for one query.
#[derive(Debug)]
pub struct Query {
    conn: Connection,
    path: PathBuf,
    watch: Arc<Stopwatch>,
    timeout: Duration,
    refused: Arc<Mutex<Option<String>>>,
}

impl Query {
    /// Opens a store that exists, of this or an earlier version; nothing is written to it.
    ///
    /// # Errors
    /// Missing, no store, or newer.
    pub fn open(path: &Path, timeout: Duration) -> Result<Query, QueryError> {
        let mut query = Query::unguarded(path, timeout)?;
        let guarded = query.build().and_then(|fence| query.narrow().and_then(|()| query.guard(fence)));
        guarded.map_err(|e| explain(&query.path, &e))?;
        Ok(query)
    }

    pub(super) fn unguarded(path: &Path, timeout: Duration) -> Result<Query, QueryError> {
        let conn = file::open_for_reading(path)?;
        let path = path.to_path_buf();
        Ok(Query { conn, path, watch: Arc::default(), timeout, refused: Arc::default() })
    }

    /// Bounds the memory of SQLite, in this whole process and until it ends.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn limit_memory(path: &Path, bytes: u64) -> Result<(), QueryError> {
        let set = |conn: Connection| {
            let found: u64 = conn.query_row(&format!("PRAGMA hard_heap_limit = {bytes}"), [], |r| r.get(0))?;
            Ok(found == bytes)
        };
        match Connection::open_in_memory().and_then(set) {
            Ok(true) => Ok(()),
            // Built without its accounts, or limited to less already.
            Ok(false) => {
                Err(StoreError::Sql { path: path.to_path_buf(), why: "it takes no limit of memory".to_owned() }.into())
            }
            Err(e) => Err(explain(path, &e).into()),
        }
    }

    /// Runs while SQLite works.
    pub fn watch(&self) -> Arc<Stopwatch> {
        Arc::clone(&self.watch)
    }

    /// Names and columns of the public views.
    pub fn views(&self) -> Vec<(String, Vec<String>)> {
        let columns = |name: &str| -> rusqlite::Result<Vec<String>> {
            let statement = self.conn.prepare(&format!("SELECT * FROM {name}"))?;
            Ok(statement.column_names().map(str::to_owned).collect())
        };
        views::each().filter_map(|(name, _)| Some((name.to_owned(), columns(name).ok()?))).collect()
    }

    /// Makes the views anew, for this connection only, each over an inner one that reads the tables.
    pub(super) fn build(&self) -> rusqlite::Result<Fence> {
        let conn = &self.conn;
        // A sort or a table of an inner step stays in memory, where it is counted.
        conn.pragma_update(None, "temp_store", "memory")?;
        let list =
            |sql: &str| -> rusqlite::Result<Vec<String>> { conn.prepare(sql)?.query_map([], |r| r.get(0))?.collect() };
        let mut others = list("SELECT name FROM main.sqlite_schema WHERE type <> 'view'")?;
        others.extend(list("SELECT name FROM pragma_module_list")?);
        let secret = list("SELECT lower(hex(randomblob(16)))")?.concat();
        let mut fence = Fence { public: Vec::new(), inner: Vec::new(), others };
        conn.pragma_update(None, "query_only", false)?;
        for (name, query) in views::each() {
            let inner = format!("{name}_{secret}");
            conn.execute_batch(&format!(
                "CREATE TEMP VIEW \"{inner}\" AS {query}; CREATE TEMP VIEW {name} AS SELECT * FROM \"{inner}\""
            ))?;
            fence.public.push(name);
            fence.inner.push(inner);
        }
        conn.pragma_update(None, "query_only", true)?;
        Ok(fence)
    }

    /// What holds without the fence.
    pub(super) fn narrow(&self) -> rusqlite::Result<()> {
        let limits = [
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN),
        ];
        for (limit, value) in limits {
            self.conn.set_limit(limit, value)?;
        }
        // "nam" is a column that does not exist, not a text.
        self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        Ok(())
    }

    fn guard(&mut self, fence: Fence) -> rusqlite::Result<()> {
        let conn = &mut self.conn;
        let refused = Arc::clone(&self.refused);
        conn.authorizer(Some(move |asked: rusqlite::hooks::AuthContext<'_>| match fence.objection(&asked) {
            None => Authorization::Allow,
            Some(objection) => {
                refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(objection);
                Authorization::Deny
            }
        }))?;
        let (watch, timeout) = (Arc::clone(&self.watch), self.timeout);
        conn.progress_handler(STEPS, Some(move || watch.elapsed() > timeout))
    }

    /// Runs statements as they are.
    #[cfg(test)]
    pub(super) fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.conn.execute_batch(sql)
    }

    /// Streams the answer.
    ///
    /// # Errors
    /// See [`QueryError`], or what the taker says.
    pub fn run<T: Taker>(&self, sql: &str, taker: &mut T) -> Result<(), T::Error> {
        let failed = |e: rusqlite::Error| T::Error::from(self.error(&e));
        let wrong = |text: &str| T::Error::from(QueryError::Wrong(text.to_owned()));
        let mut statement = self.watch.time(|| self.conn.prepare(sql)).map_err(failed)?;
        if statement.column_count() == 0 {
            return Err(wrong("there is no SELECT in it"));
        }
        if statement.parameter_count() > 0 {
            return Err(wrong("a query has no parameters: write the values themselves"));
        }
        if !statement.readonly() {
            return Err(T::Error::from(QueryError::Refused("a query may only read: one SELECT".to_owned())));
        }
        let columns = statement.column_count();
        taker.columns(&statement.column_names().collect::<Vec<&str>>())?;
        let mut rows = self.watch.time(|| statement.query([])).map_err(failed)?;
        while let Some(found) = self.watch.time(|| rows.next()).map_err(failed)? {
            let cells: Result<Vec<Cell>, rusqlite::Error> =
                (0..columns).map(|at| Ok(cell(found.get_ref(at)?))).collect();
            taker.row(&cells.map_err(failed)?)?;
        }
        Ok(())
    }

    fn error(&self, error: &rusqlite::Error) -> QueryError {
        if matches!(error, rusqlite::Error::MultipleStatement) {
            return QueryError::Wrong("a query is one statement, and this is more than one".to_owned());
        }
        if let Some(objection) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return QueryError::Refused(objection);
        }
        let text = match error {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            rusqlite::Error::SqliteFailure(_, Some(msg)) => msg.clone(),
            other => other.to_string(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => QueryError::Slow(self.timeout.as_secs()),
            Some(ErrorCode::OutOfMemory) => QueryError::Hungry,
            Some(ErrorCode::TooBig) => QueryError::Wrong("a value of it has more than 32 MiB".to_owned()),
            Some(ErrorCode::Unknown) | None => QueryError::Wrong(text),
            _ => QueryError::Store(explain(&self.path, error)),
        }
    }
}

fn cell(value: ValueRef) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(n) => Cell::Integer(n),
        ValueRef::Real(n) => Cell::Real(n),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(bytes) => Cell::Blob(bytes),
    }
}
