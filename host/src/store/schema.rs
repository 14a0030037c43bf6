//! The file: opening it, its tables and views, and its version.
//!
//! Everything is kept per connection: the ids below are small numbers that count within a connection, so two
//! processes that lead different connections never hand out the same one, and a row stays small.
//! History: a row is true from run `valid_from` until run `valid_to` (null: still). A row of a run that is not
//! published lies above `connection.published` and is seen by nobody. Durability: WAL; `synchronous` is NORMAL
//! while a draft is written (a power cut may lose it) and FULL for what publishes.

use super::error::{StoreError, explain};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// The schema version this program writes and the newest it reads.
pub const VERSION: i64 = 2;
/// What makes a store of each earlier version one of the next; a new store takes all of them, too.
const MIGRATIONS: [(i64, &str); 1] = [(1, STEPS)];
/// `MUST`, in SQLite's header: tells a store from any other database.
const APPLICATION_ID: i64 = 0x4d55_5354;
/// How long a writer waits for another process: its transactions are shorter than 100 ms.
const BUSY: Duration = Duration::from_secs(10);

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

/// The public schema: what people may query.
const VIEWS: &str = "
CREATE VIEW resources AS
SELECT c.name AS connection, t.name AS type, i.vendor_id AS id, r.name, pt.name AS parent_type, p.vendor_id AS parent_id,
       r.kind, r.email, r.login, r.status, r.status_detail, r.given_name, r.family_name, r.other_emails,
       r.employment, coalesce(r.profile, '{}') AS profile
FROM connection c
JOIN resource r ON r.connection = c.id AND r.valid_from <= c.published
               AND (r.valid_to IS NULL OR r.valid_to > c.published)
JOIN identity i ON i.connection = c.id AND i.id = r.id
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
LEFT JOIN identity p ON p.connection = c.id AND p.id = r.parent
LEFT JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type;
CREATE VIEW entitlements AS
SELECT c.name AS connection, t.name || ':' || i.vendor_id || ':' || k.slug AS id, t.name AS resource_type,
       i.vendor_id AS resource_id, k.slug, e.name, e.description, e.purpose, e.grantable_to
FROM connection c
JOIN entitlement e ON e.connection = c.id AND e.valid_from <= c.published
                  AND (e.valid_to IS NULL OR e.valid_to > c.published)
JOIN entitlement_key k ON k.connection = c.id AND k.id = e.id
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type;
CREATE VIEW grants AS
SELECT c.name AS connection,
       t.name || ':' || i.vendor_id || ':' || k.slug || ':' || pt.name || ':' || p.vendor_id AS id,
       t.name || ':' || i.vendor_id || ':' || k.slug AS entitlement, t.name AS resource_type,
       i.vendor_id AS resource_id, k.slug, pt.name AS principal_type, p.vendor_id AS principal_id
FROM connection c
JOIN grant_row g ON g.connection = c.id AND g.valid_from <= c.published
                AND (g.valid_to IS NULL OR g.valid_to > c.published)
JOIN entitlement_key k ON k.connection = c.id AND k.id = g.entitlement
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
JOIN identity p ON p.connection = c.id AND p.id = g.principal
JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type;
CREATE VIEW runs AS
SELECT r.run, c.name AS connection, r.status, r.started, r.ended, r.resources, r.entitlements, r.grants,
       r.added, r.changed, r.removed, r.connector, r.version, r.digest
FROM run r JOIN connection c ON c.id = r.connection;
";

/// Opens the store for writing; creates it, readable by its owner only, where it does not exist.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    create_private(path)?;
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|e| explain(path, &e))?;
    prepare(&conn, path).map_err(|e| e.unwrap_or_else_sql(path))?;
    Ok(conn)
}

/// Opens the store for reading.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_path_buf()));
    }
    if path.is_dir() {
        return Err(StoreError::NotAStore(path.to_path_buf()));
    }
    let (conn, version) = reader(path).map_err(|e| explain(path, &e))?;
    match version {
        // What an earlier version lacks, no reader asks for.
        (APPLICATION_ID, 1..=VERSION) => Ok(conn),
        (APPLICATION_ID, found) if found > VERSION => {
            Err(StoreError::Newer { path: path.to_path_buf(), found, known: VERSION })
        }
        (0, 0) if is_empty(&conn) => Err(StoreError::Missing(path.to_path_buf())),
        _ => Err(StoreError::NotAStore(path.to_path_buf())),
    }
}

/// A reader of a WAL database may have to make the file of shared memory, so it opens for writing where it can.
/// On a disk that is read-only it reads the file as it lies there, which is whole where no log lies beside it.
fn reader(path: &Path) -> rusqlite::Result<(Connection, (i64, i64))> {
    let ready = |conn: Connection| {
        conn.busy_timeout(BUSY)?;
        conn.pragma_update(None, "query_only", true)?;
        conn.pragma_update(None, "cache_size", -4096)?;
        let version = version(&conn)?;
        Ok((conn, version))
    };
    let common = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let usual = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | common)
        .or_else(|_| Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | common))
        .and_then(ready);
    let cannot = |e: &rusqlite::Error| {
        matches!(e.sqlite_error_code(), Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly))
    };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = std::fs::metadata(&log).is_ok_and(|m| m.len() > 0);
    match usual {
        Err(e) if cannot(&e) && !has_log => {
            let escaped: String = path.to_string_lossy().chars().fold(String::new(), |mut out, c| {
                match c {
                    '%' | '?' | '#' => out.push_str(&format!("%{:02x}", u32::from(c))),
                    c => out.push(c),
                }
                out
            });
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | common;
            Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).and_then(ready)
        }
        other => other,
    }
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    if path.is_dir() {
        return Err(StoreError::NotAStore(path.to_path_buf()));
    }
    if path.exists() {
        return Ok(());
    }
    let created = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match created {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => match e.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Err(StoreError::ReadOnly(path.to_path_buf()))
            }
            std::io::ErrorKind::StorageFull => Err(StoreError::Full(path.to_path_buf())),
            _ => Err(StoreError::Open { path: path.to_path_buf(), why: crate::text::io_words(&e) }),
        },
    }
}

enum Unready {
    Known(StoreError),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Unready {
    fn from(e: rusqlite::Error) -> Self {
        Unready::Sql(e)
    }
}

impl Unready {
    fn unwrap_or_else_sql(self, path: &Path) -> StoreError {
        match self {
            Unready::Known(e) => e,
            Unready::Sql(e) => explain(path, &e),
        }
    }
}

fn prepare(conn: &Connection, path: &Path) -> Result<(), Unready> {
    conn.busy_timeout(BUSY)?;
    match version(conn)? {
        (APPLICATION_ID, VERSION) => {}
        (APPLICATION_ID, 1..VERSION) => migrate(conn)?,
        (APPLICATION_ID, found) if found > VERSION => {
            return Err(Unready::Known(StoreError::Newer { path: path.to_path_buf(), found, known: VERSION }));
        }
        (0, 0) if is_empty(conn) => create(conn)?,
        _ => return Err(Unready::Known(StoreError::NotAStore(path.to_path_buf()))),
    }
    start_wal(conn)?;
    // Measured: 2 MB are as fast as 64 MB here, because pages arrive nearly sorted.
    conn.pragma_update(None, "cache_size", -2048)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn create(conn: &Connection) -> rusqlite::Result<()> {
    // 8 KB pages: 6 % faster than 4 KB on these rows.
    conn.pragma_update(None, "page_size", 8192)?;
    // Before the tables, so that making them waits for no disk: an empty store is no loss.
    start_wal(conn)?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have been first.
    if version(conn)? == (0, 0) {
        conn.execute_batch(TABLES)?;
        conn.execute_batch(VIEWS)?;
        conn.pragma_update(None, "application_id", APPLICATION_ID)?;
        step_up(conn, 1)?;
    }
    conn.execute_batch("COMMIT")
}

/// Brings a store of an earlier version to this one, or leaves it as it is.
fn migrate(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have been first.
    let (_, found) = version(conn)?;
    step_up(conn, found).inspect_err(|_| drop(conn.execute_batch("ROLLBACK")))?;
    conn.execute_batch("COMMIT")
}

fn step_up(conn: &Connection, found: i64) -> rusqlite::Result<()> {
    for (from, sql) in MIGRATIONS.iter().filter(|(from, _)| *from >= found) {
        conn.execute_batch(sql)?;
        tracing::debug!("the store's schema goes from {from} to {}", from + 1);
    }
    conn.pragma_update(None, "user_version", VERSION)
}

fn start_wal(conn: &Connection) -> rusqlite::Result<()> {
    // Changing the mode does not wait as everything else does: two processes may make the store at once.
    let begun = std::time::Instant::now();
    loop {
        match conn.pragma_update(None, "journal_mode", "wal") {
            Err(e) if is_busy(&e) && begun.elapsed() < BUSY => std::thread::sleep(Duration::from_millis(2)),
            other => break other?,
        }
    }
    conn.pragma_update(None, "synchronous", "normal")
}

fn is_busy(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked))
}

fn version(conn: &Connection) -> rusqlite::Result<(i64, i64)> {
    let one = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((one("application_id")?, one("user_version")?))
}

fn is_empty(conn: &Connection) -> bool {
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).is_ok_and(|n| n == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_opens_again_and_a_newer_one_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("muster.db");
        drop(open_for_writing(&path).expect("created"));
        drop(open_for_reading(&path).expect("read"));
        let conn = open_for_writing(&path).expect("again");
        conn.pragma_update(None, "user_version", VERSION + 1).expect("newer");
        drop(conn);
        for result in [open_for_reading(&path).err(), open_for_writing(&path).err()] {
            assert!(matches!(result, Some(StoreError::Newer { found, .. }) if found == VERSION + 1), "{result:?}");
        }
    }

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
            conn.execute_batch("SELECT * FROM totp_step").expect("the new table");
        }
    }

    #[test]
    fn a_new_store_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("muster.db");
        drop(open_for_writing(&path).expect("created"));
        assert_eq!(std::fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_store_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("folder");
        let text = dir.path().join("text.db");
        std::fs::write(&text, "this is a shopping list, and long enough to be read as one".repeat(20)).expect("write");
        let other = dir.path().join("other.db");
        Connection::open(&other).and_then(|c| c.execute_batch("CREATE TABLE t (x)")).expect("other");
        for path in [text, other] {
            let before = std::fs::read(&path).expect("read");
            let results = [open_for_reading(&path).err(), open_for_writing(&path).err()];
            assert!(results.iter().all(|r| matches!(r, Some(StoreError::NotAStore(_)))), "{results:?}");
            assert_eq!(std::fs::read(&path).expect("read"), before);
        }
    }
}
