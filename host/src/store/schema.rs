//! The tables, and the version of the file.
//!
//! Everything is kept per connection: the ids below are small numbers that count within a connection, so two
//! processes that lead different connections never hand out the same one, and a row stays small.
//! History: a row is true from run `valid_from` until run `valid_to` (null: still). A row of a run that is not
//! published lies above `connection.published` and is seen by nobody. Durability: WAL; `synchronous` is NORMAL
//! while a draft is written (a power cut may lose it) and FULL for what publishes.

use super::views::VIEWS;
use rusqlite::{Connection, Result};

/// The schema version this program writes and the newest it reads.
pub const VERSION: i64 = 5;
/// What makes a store of each earlier version one of the next; a new store takes all of them, too.
const MIGRATIONS: [(i64, &str); 4] = [(1, STEPS), (2, TASKS), (3, ACTS), (4, BASIS)];
/// `MUST`, in SQLite's header: tells a store from any other database.
pub(super) const APPLICATION_ID: i64 = 0x4d55_5354;
const TABLES: &str = "
CREATE TABLE connection (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, published INTEGER
) STRICT;
CREATE TABLE run (
  run INTEGER PRIMARY KEY AUTOINCREMENT, connection INTEGER NOT NULL REFERENCES connection, status TEXT NOT NULL,
  started TEXT NOT NULL, ended TEXT, connector TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
  draft INTEGER NOT NULL DEFAULT 0, resources INTEGER, entitlements INTEGER, grants INTEGER,
  added INTEGER, changed INTEGER, removed INTEGER, report TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX run_of_connection ON run (connection, run);
CREATE TABLE finding (run INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL) STRICT;
CREATE INDEX finding_of_run ON finding (run);
CREATE TABLE resource_type (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, type INTEGER NOT NULL, vendor_id TEXT NOT NULL,
  PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identity_by_vendor ON identity (connection, type, vendor_id);
CREATE TABLE resource (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER,
  hash BLOB NOT NULL, name TEXT NOT NULL, parent INTEGER, kind TEXT NOT NULL, status TEXT, status_detail TEXT,
  email TEXT, login TEXT, given_name TEXT, family_name TEXT, other_emails TEXT, employment TEXT, profile TEXT,
  PRIMARY KEY (connection, id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE entitlement_key (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, resource INTEGER NOT NULL, slug TEXT NOT NULL,
  PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entitlement_key_by_slug ON entitlement_key (connection, resource, slug);
CREATE TABLE entitlement (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER,
  hash BLOB NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, purpose TEXT NOT NULL, grantable_to TEXT NOT NULL,
  PRIMARY KEY (connection, id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE grant_row (
  connection INTEGER NOT NULL, entitlement INTEGER NOT NULL, principal INTEGER NOT NULL,
  valid_from INTEGER NOT NULL, valid_to INTEGER,
  PRIMARY KEY (connection, entitlement, principal, valid_from)
) STRICT, WITHOUT ROWID;
";

/// From version 1 to 2: the last one-time code that was sent, by the setting with its secret.
const STEPS: &str = "
CREATE TABLE totp_step (
  connection TEXT NOT NULL, setting TEXT NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (connection, setting)
) STRICT, WITHOUT ROWID;
";

/// From version 2 to 3: the tasks of runs that are not finished, what they found unchanged, and what a run has to agree
/// with to be resumed.
/// The numbers are for SQLite's planner, which else takes a connection for a handful of rows and joins everything with
/// everything: those of a store of ten connections, written and never measured, so that every store is read alike.
const TASKS: &str = "
CREATE TABLE task (
  run INTEGER NOT NULL, id INTEGER NOT NULL, parent INTEGER, kind TEXT, payload TEXT, state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, reason TEXT, message TEXT, PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE sighting (
  run INTEGER NOT NULL, task INTEGER NOT NULL, list BLOB NOT NULL, PRIMARY KEY (run, task)
) STRICT, WITHOUT ROWID;
ALTER TABLE run ADD COLUMN contract TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN settings TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('connection', NULL, '10'), ('connection', 'sqlite_autoindex_connection_1', '10 1'),
  ('run', NULL, '1000'), ('run', 'run_of_connection', '1000 100 1'), ('finding', 'finding_of_run', '1000 20'),
  ('resource_type', 'resource_type', '40 4 1'), ('identity', 'identity', '1000000 100000 1'),
  ('identity', 'identity_by_vendor', '1000000 100000 25000 1'), ('resource', 'resource', '1000000 100000 2 1'),
  ('entitlement_key', 'entitlement_key', '100000 10000 1'),
  ('entitlement_key', 'entitlement_key_by_slug', '100000 10000 2 1'),
  ('entitlement', 'entitlement', '100000 10000 2 1'), ('grant_row', 'grant_row', '5000000 500000 50 2 1');
";

/// From version 3 to 4: what was changed at vendors, by whom, and how far it has come.
const ACTS: &str = "
CREATE TABLE act (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, ended TEXT, who TEXT NOT NULL, action TEXT NOT NULL,
  connection TEXT NOT NULL, what TEXT NOT NULL, plan TEXT, scenario TEXT, run INTEGER, outcome TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX act_of_plan ON act (plan) WHERE plan IS NOT NULL;
CREATE TABLE act_step (
  act INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT, payload TEXT, PRIMARY KEY (act, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE act_outcome (
  act INTEGER NOT NULL, change INTEGER NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, words TEXT NOT NULL,
  PRIMARY KEY (act, change)
) STRICT, WITHOUT ROWID;
";

/// From version 4 to 5: the newest run when an act wrote, and what it was made with.
const BASIS: &str = "
ALTER TABLE act ADD COLUMN basis INTEGER;
ALTER TABLE act ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
";

/// Makes the tables of a new store.
pub(super) fn create(conn: &Connection) -> Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have been first.
    if version(conn)? == (0, 0) {
        conn.execute_batch(TABLES)?;
        conn.pragma_update(None, "application_id", APPLICATION_ID)?;
        step_up(conn, 1)?;
    }
    conn.execute_batch("COMMIT")
}

/// Brings a store of an earlier version to this one, or leaves it as it is.
pub(super) fn migrate(conn: &Connection) -> Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have been first.
    let (_, found) = version(conn)?;
    step_up(conn, found).inspect_err(|_| drop(conn.execute_batch("ROLLBACK")))?;
    conn.execute_batch("COMMIT")
}

fn step_up(conn: &Connection, found: i64) -> Result<()> {
    for (from, sql) in MIGRATIONS.iter().filter(|(from, _)| *from >= found) {
        conn.execute_batch(sql)?;
        tracing::debug!("the store's schema goes from {from} to {}", from + 1);
    }
    let mut views = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")?;
    let views: Vec<String> = views.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    for view in views {
        conn.execute_batch(&format!("DROP VIEW \"{view}\""))?;
    }
    conn.execute_batch(VIEWS)?;
    conn.pragma_update(None, "user_version", VERSION)
}

/// The mark of the program, and the version of the schema.
pub(super) fn version(conn: &Connection) -> Result<(i64, i64)> {
    let one = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((one("application_id")?, one("user_version")?))
}

/// Whether nothing was ever made in it.
pub(super) fn is_empty(conn: &Connection) -> bool {
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).is_ok_and(|n| n == 0)
}

#[cfg(test)]
mod tests {
    use super::super::file::{open_for_reading, open_for_writing};
    use super::*;

    #[test]
    fn a_store_of_every_earlier_version_opens_with_what_is_in_it() {
        for old in 1..VERSION {
            let dir = tempfile::tempdir().expect("folder");
            let path = dir.path().join("muster.db");
            let conn = Connection::open(&path).expect("made");
            conn.execute_batch(TABLES).and_then(|()| conn.execute_batch(VIEWS)).expect("version 1");
            for (_, sql) in MIGRATIONS.iter().filter(|(from, _)| *from < old) {
                conn.execute_batch(sql).expect("an earlier migration");
            }
            conn.pragma_update(None, "application_id", APPLICATION_ID).expect("id");
            conn.pragma_update(None, "user_version", old).expect("version");
            conn.execute_batch("INSERT INTO connection (name) VALUES ('support')").expect("a row");
            drop(conn);
            let names = |conn: &Connection| {
                conn.query_row("SELECT name FROM connection", [], |r| r.get::<_, String>(0)).expect("the row")
            };
            assert_eq!(names(&open_for_reading(&path).expect("read as it is")), "support");
            let conn = open_for_writing(&path).expect("migrated");
            assert_eq!((names(&conn).as_str(), version(&conn).expect("version").1), ("support", VERSION));
            conn.execute_batch("SELECT * FROM totp_step; SELECT * FROM act").expect("the new tables");
        }
    }
}
