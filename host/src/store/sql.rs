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

/// Bytes of a statement.
pub const SQL_BYTES: usize = 256 * 1024;
/// Bytes of a text or a blob: a list of everybody's addresses fits, and a function on two of them ends.
const VALUE_BYTES: i32 = 32 * 1024 * 1024;
/// Characters of a pattern: `like` takes longer with each `%` in it.
const PATTERN: i32 = 1000;
/// Columns of an answer, and arguments, terms and the like.
const COLUMNS: i32 = 500;
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
        let conn = file::open_for_reading(path)?;
        let path = path.to_path_buf();
        let mut query = Query { conn, path, watch: Arc::default(), timeout, refused: Arc::default() };
        let guarded = query.build().and_then(|fence| query.guard(fence));
        guarded.map_err(|e| explain(&query.path, &e))?;
        Ok(query)
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
    fn build(&self) -> rusqlite::Result<Fence> {
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

    fn guard(&mut self, fence: Fence) -> rusqlite::Result<()> {
        let conn = &mut self.conn;
        let limits = [
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, i32::try_from(SQL_BYTES).unwrap_or(i32::MAX)),
            (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN),
            (Limit::SQLITE_LIMIT_COLUMN, COLUMNS),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ];
        for (limit, value) in limits {
            conn.set_limit(limit, value)?;
        }
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // "nam" is a column that does not exist, not a text.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
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

#[cfg(test)]
mod tests {
    use super::super::past::{Past, State};
    use super::*;

    #[derive(Default)]
    struct Lines {
        names: String,
        rows: Vec<String>,
    }

    impl Taker for Lines {
        type Error = QueryError;

        fn columns(&mut self, names: &[&str]) -> Result<(), QueryError> {
            self.names = names.join(" ");
            Ok(())
        }

        fn row(&mut self, cells: &[Cell]) -> Result<(), QueryError> {
            let shown = cells.iter().map(|cell| match cell {
                Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Cell::Integer(n) => n.to_string(),
                other => format!("{other:?}"),
            });
            self.rows.push(shown.collect::<Vec<_>>().join(" "));
            Ok(())
        }
    }

    fn store() -> Past {
        let mut past = Past::new();
        past.publish("support", &State::default().person("1", "Ann").person("2", "Ben").team("t", &["1"]));
        past.publish("support", &State::default().person("1", "Anne").team("t", &["1"]));
        past.draft("support", "held", &State::default().person("3", "Cid"));
        past
    }

    fn ask(past: &Past, sql: &str) -> Result<Vec<String>, QueryError> {
        let mut lines = Lines::default();
        Query::open(&past.path(), Duration::from_secs(60))?.run(sql, &mut lines)?;
        Ok(lines.rows)
    }

    #[test]
    fn the_views_answer() {
        let past = store();
        let table: [(&str, &[&str]); 12] = [
            ("SELECT name FROM resources ORDER BY 1", &["Anne", "team t"]),
            ("SELECT principal_name, slug, resource_name FROM access", &["Anne member team t"]),
            ("SELECT count(*) FROM grants", &["1"]),
            ("SELECT 1 FROM entitlements", &["1"]),
            ("SELECT connection, run FROM connections", &["support 2"]),
            ("SELECT run, status FROM runs ORDER BY run", &["1 published", "2 published", "3 held"]),
            (
                "SELECT id, name, valid_from, valid_to FROM resource_history WHERE type = 'agent' ORDER BY id, valid_from",
                &["1 Ann 1 2", "1 Anne 2 Null", "2 Ben 1 2"],
            ),
            ("SELECT valid_from, valid_to FROM grant_history", &["1 Null"]),
            ("SELECT valid_to FROM entitlement_history", &["Null"]),
            (
                "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT group_concat(x) FROM n",
                &["1,2,3"],
            ),
            ("SELECT key FROM resources, json_each(json_object('a', 1)) WHERE type = 'team' -- a comment;", &["a"]),
            ("WITH w AS (SELECT name FROM resources) SELECT count(*) FROM w;", &["2"]),
        ];
        for (sql, rows) in table {
            assert_eq!(ask(&past, sql).expect(sql), rows, "{sql}");
        }
    }

    const README: &str = include_str!("README.md");

    #[test]
    fn the_readme_documents_every_column_of_every_view() {
        let past = store();
        let query = Query::open(&past.path(), Duration::from_secs(60)).expect("open");
        let documented: Vec<(String, Vec<String>)> = README
            .split("\n### `")
            .skip(1)
            .map(|section| {
                let (name, rest) = section.split_once('`').expect("a name");
                let rows = rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
                (name.to_owned(), rows.map(|(column, _)| column.to_owned()).collect())
            })
            .collect();
        let sorted = |mut list: Vec<(String, Vec<String>)>| {
            list.sort();
            list
        };
        assert_eq!(sorted(documented), sorted(query.views()));
    }

    #[test]
    fn every_example_of_the_readme_runs() {
        let past = store();
        let mut shown = 0;
        for example in README.split("```sql\n").skip(1).filter_map(|part| part.split("```").next()) {
            ask(&past, example).unwrap_or_else(|e| panic!("{e}: {example}"));
            shown += 1;
        }
        let quoted = README.lines().filter_map(|line| line.strip_prefix("muster query \"")?.strip_suffix('"'));
        for example in quoted {
            ask(&past, example).unwrap_or_else(|e| panic!("{e}: {example}"));
            shown += 1;
        }
        assert!(shown >= views::each().count(), "at least one a view: {shown}");
    }

    #[test]
    fn everything_else_is_refused_and_nothing_is_written() {
        let past = store();
        let file = past.path().with_file_name("other.db");
        let attach = format!("ATTACH '{}' AS other", file.display());
        let into = format!("VACUUM INTO '{}'", file.display());
        let before = past.number("SELECT total_changes() + (SELECT count(*) FROM run)", &[]);
        let refused = [
            attach.as_str(),
            &into,
            "ATTACH ':memory:' AS m",
            "DETACH main",
            "PRAGMA user_version",
            "PRAGMA query_only = off",
            "PRAGMA hard_heap_limit = 0",
            "SELECT * FROM pragma_table_list",
            "SELECT count(*) FROM pragma_table_list",
            "SELECT * FROM pragma_database_list()",
            "SELECT * FROM pragma_user_version",
            "INSERT INTO connection (name) VALUES ('x')",
            "INSERT INTO resources VALUES (1)",
            "UPDATE connection SET published = 1",
            "DELETE FROM run",
            "DELETE FROM run RETURNING *",
            "WITH x AS (SELECT 1) DELETE FROM run",
            "REPLACE INTO connection (name) VALUES ('x')",
            "CREATE TABLE t (x)",
            "CREATE TEMP TABLE t (x)",
            "CREATE TEMP TABLE t AS SELECT * FROM resources",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TEMP VIEW v AS SELECT * FROM connection",
            "CREATE TEMP TRIGGER t INSTEAD OF INSERT ON resources BEGIN SELECT 1; END",
            "CREATE VIRTUAL TABLE temp.t USING fts5(x)",
            "CREATE INDEX i ON run (status)",
            "DROP VIEW resources",
            "DROP TABLE run",
            "ALTER TABLE run RENAME TO walk",
            "REINDEX",
            "ANALYZE",
            "VACUUM",
            "BEGIN",
            "COMMIT",
            "SAVEPOINT s",
            "RELEASE s",
            "SELECT * FROM connection",
            "SELECT name FROM main.connection",
            "SELECT count(*) FROM connection",
            "SELECT 1 FROM connection",
            "SELECT count(*) FROM main.connection",
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM totp_step)",
            "SELECT (SELECT max(vendor_id) FROM identity)",
            "SELECT r.name FROM resources r, identity i",
            "SELECT r.name FROM resources r, identity",
            "SELECT name FROM resources UNION SELECT name FROM connection",
            "SELECT name FROM resources ORDER BY (SELECT name FROM connection)",
            "WITH resources AS (SELECT * FROM connection) SELECT * FROM resources",
            "WITH resources AS (SELECT * FROM connection) SELECT name FROM resources",
            "WITH resources AS (SELECT 1 FROM connection) SELECT count(*) FROM resources",
            "WITH connection AS (SELECT * FROM main.connection) SELECT * FROM connection",
            "SELECT * FROM (SELECT * FROM connection) AS resources",
            "SELECT * FROM main.resources",
            "SELECT name FROM main.sqlite_schema",
            "SELECT sql FROM sqlite_schema",
            "SELECT sql FROM sqlite_master",
            "SELECT name FROM sqlite_temp_schema",
            "SELECT count(*) FROM sqlite_temp_master",
            "SELECT * FROM sqlite_sequence",
            "SELECT * FROM dbstat",
            "SELECT count(*) FROM dbstat",
            "SELECT * FROM json_each('[1]'), connection",
            "SELECT load_extension('x.so')",
            "SELECT readfile('/etc/passwd')",
            "SELECT writefile('x', 'y')",
            "SELECT fts3_tokenizer('simple')",
            "SELECT sqlite_version()",
            "SELECT sqlite_compileoption_get(0)",
            "SELECT name FROM resources WHERE load_extension('x')",
            "EXPLAIN DELETE FROM run",
            "SELECT 1; SELECT 2",
            "SELECT 1; DELETE FROM run",
            "; ;",
            "",
            "-- nothing",
            "SELECT ?1",
            "SELECT \"nam\" FROM resources",
        ];
        for sql in refused {
            let answer = ask(&past, sql);
            assert!(matches!(&answer, Err(QueryError::Refused(_) | QueryError::Wrong(_))), "{sql}: {answer:?}");
            let sentence = answer.map(drop).expect_err(sql).to_string();
            assert!(!sentence.contains("prohibited") && !sentence.contains("authorized"), "{sql}: {sentence}");
        }
        assert!(!file.exists(), "no file was made");
        assert_eq!(past.number("SELECT total_changes() + (SELECT count(*) FROM run)", &[]), before);
    }

    #[test]
    fn the_inner_views_have_other_names_each_time() {
        let past = store();
        let inner = || {
            let conn = file::open_for_reading(&past.path()).expect("open");
            let path = past.path();
            let query = Query { conn, path, watch: Arc::default(), timeout: Duration::MAX, refused: Arc::default() };
            query.build().expect("views").inner
        };
        let (one, other) = (inner(), inner());
        assert!(one.iter().zip(&other).all(|(a, b)| a != b && a.len() > 32), "{one:?} {other:?}");
    }

    #[test]
    fn a_query_without_end_is_stopped() {
        let past = store();
        let forever = "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
        let query = Query::open(&past.path(), Duration::from_millis(50)).expect("open");
        let answer = query.run(forever, &mut Lines::default());
        assert!(matches!(answer, Err(QueryError::Slow(_))), "{answer:?}");
    }

    #[test]
    fn a_value_has_a_size() {
        let past = store();
        let answer = ask(&past, "SELECT printf('%.*c', 40000000, 'x')");
        assert!(matches!(&answer, Err(QueryError::Wrong(why)) if why.contains("32 MiB")), "{answer:?}");
        let answer = ask(&past, "SELECT 'a' LIKE printf('%.*c', 2000, '%')");
        assert!(matches!(&answer, Err(QueryError::Wrong(_))), "{answer:?}");
    }
}
