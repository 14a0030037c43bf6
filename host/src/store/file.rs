//! The file: opening it, and whether it is a store at all.
//!
//! Durability: WAL; `synchronous` is NORMAL while a draft is written (a power cut may lose the last of it, and never a part
//! of a task without the rest, because the log is cut at a commit) and FULL for what publishes.

use super::error::{StoreError, explain};
use super::schema::{APPLICATION_ID, VERSION, create, is_empty, migrate, version};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How often a writer looks whether another one has let go.
const LOOK: Duration = Duration::from_millis(1);
/// How long a writer waits for another process: its transactions are shorter than 100 ms.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the store for writing; creates it, readable by its owner only, where it does not exist.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    create_private(path)?;
    let mut conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|e| explain(path, &e))?;
    prepare(&mut conn, path).map_err(|e| e.unwrap_or_else_sql(path))?;
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

fn prepare(conn: &mut Connection, path: &Path) -> Result<(), Unready> {
    conn.busy_handler(Some(patient))?;
    match version(conn)? {
        (APPLICATION_ID, VERSION) => {}
        (APPLICATION_ID, 1..VERSION) => migrate(conn)?,
        (APPLICATION_ID, found) if found > VERSION => {
            return Err(Unready::Known(StoreError::Newer { path: path.to_path_buf(), found, known: VERSION }));
        }
        (0, 0) if is_empty(conn) => {
            // 8 KB pages: 6 % faster than 4 KB on these rows.
            conn.pragma_update(None, "page_size", 8192)?;
            // What a run needed while it lasted is given back: 100 unchanged runs must not make the file grow.
            conn.pragma_update(None, "auto_vacuum", "incremental")?;
            // Before the tables, so that making them waits for no disk: an empty store is no loss.
            start_wal(conn)?;
            create(conn)?;
        }
        _ => return Err(Unready::Known(StoreError::NotAStore(path.to_path_buf()))),
    }
    start_wal(conn)?;
    // In KiB. A transaction's pages fit; 64 MiB are no faster, because pages arrive nearly sorted.
    conn.pragma_update(None, "cache_size", -4096)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Waits for another process: looks every millisecond, because one that writes all the time lets go for a few only.
/// SQLite's own handler soon looks ten times a second.
fn patient(looks: i32) -> bool {
    std::thread::sleep(LOOK);
    LOOK.saturating_mul(u32::try_from(looks).unwrap_or(u32::MAX)) < BUSY
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
