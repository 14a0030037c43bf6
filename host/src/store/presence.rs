//! Whether the file that is written is still the one at its path.
//!
//! Rule: before a transaction begins and before it ends, the store and its log are what they were when they were opened.
//! Reason: SQLite goes on writing into a file that was removed, and fills the holes of one that was cut: a run would say
//! `published` and nobody would ever read it. The file is never opened for this: closing it again would let go of
//! every lock this process has on it (POSIX locks belong to the process, not to the descriptor).

use super::error::{StoreError, explain};
use super::schema::is_empty;
use rusqlite::{Connection, OpenFlags};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What identifies a file: device and inode.
type Identity = (u64, u64);

/// The files as they were opened.
#[derive(Debug)]
pub(super) struct Presence {
    path: PathBuf,
    log_path: PathBuf,
    file: Identity,
    log: Option<Identity>,
    /// Bytes the file had the last time.
    length: u64,
}

impl Presence {
    /// Of a store that has just been opened.
    pub(super) fn of(path: &Path) -> Result<Presence, StoreError> {
        let gone = || StoreError::Gone(path.to_path_buf());
        let found = std::fs::metadata(path).map_err(|_| gone())?;
        let mut log_path = path.as_os_str().to_owned();
        log_path.push("-wal");
        let file = (found.dev(), found.ino());
        Ok(Presence { path: path.to_path_buf(), log_path: log_path.into(), file, log: None, length: found.len() })
    }

    /// Checks again.
    pub(super) fn check(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let gone = || StoreError::Gone(self.path.clone());
        let found = std::fs::metadata(&self.path).map_err(|_| gone())?;
        let log = std::fs::metadata(&self.log_path).ok().map(|log| (log.dev(), log.ino()));
        if (found.dev(), found.ino()) != self.file || (self.log.is_some() && log != self.log) {
            return Err(gone());
        }
        self.log = log;
        let shrunk = found.len() < self.length;
        self.length = found.len();
        // Giving pages back shortens a store, too: then it is as long as it says. A thorough look reads all of it.
        if shrunk && !is_as_long_as_it_says(conn, found.len()) {
            is_whole(&self.path)?;
        }
        Ok(())
    }
}

fn is_as_long_as_it_says(conn: &Connection, length: u64) -> bool {
    let one = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, u64>(0)).unwrap_or(u64::MAX);
    one("page_count").saturating_mul(one("page_size")) <= length
}

/// On a connection of its own: what this one still has in its cache says nothing of the file.
fn is_whole(path: &Path) -> Result<(), StoreError> {
    let look = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        let answer: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok::<_, rusqlite::Error>(answer == "ok" && !is_empty(&conn))
    };
    match look() {
        Ok(true) => Ok(()),
        Ok(false) => Err(StoreError::NotAStore(path.to_path_buf())),
        Err(error) => Err(explain(path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::open_for_writing;
    use super::*;

    fn store() -> (tempfile::TempDir, PathBuf, Connection, Presence) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("muster.db");
        let conn = open_for_writing(&path).expect("created");
        let mut presence = Presence::of(&path).expect("there");
        conn.execute_batch("CREATE TABLE filling (x)").expect("table");
        (0..100).for_each(|_| conn.execute_batch("INSERT INTO filling VALUES (randomblob(4000))").expect("row"));
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("checkpoint");
        presence.check(&conn).expect("there");
        (dir, path, conn, presence)
    }

    #[test]
    fn a_file_that_is_there_is_there() {
        let (_dir, _, conn, mut presence) = store();
        conn.execute_batch("DELETE FROM filling; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").expect("given back");
        presence.check(&conn).expect("shorter, and whole");
    }

    #[test]
    fn a_file_that_was_removed_replaced_or_cut_is_found_out() {
        type Harm = fn(&Path);
        let table: [(Harm, &str); 5] = [
            (|path| std::fs::remove_file(path).expect("removed"), "removed or replaced"),
            (|path| drop(std::fs::remove_file(path).and_then(|()| std::fs::write(path, "new"))), "removed or replaced"),
            (|path| drop(std::fs::remove_file(path.with_extension("db-wal"))), "removed or replaced"),
            (|path| cut(path, 0), "damaged"),
            (|path| cut(path, 100_000), "damaged"),
        ];
        for (harm, word) in table {
            let (_dir, path, conn, mut presence) = store();
            harm(&path);
            let error = presence.check(&conn).expect_err(word);
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    fn cut(path: &Path, length: u64) {
        // Never closed, for the reason above.
        let file = std::fs::File::options().write(true).open(path).expect("open");
        file.set_len(length).expect("cut");
        std::mem::forget(file);
    }
}
