//! The last one-time code that was sent, kept for good.
//!
//! Rule: a step is on disk before its code leaves (`synchronous = FULL`). Reason: after a crash the same code must not
//! be sent again. It has a connection to the file of its own: a claim waits for no batch of records.

use super::error::{StoreError, explain};
use super::file;
use rusqlite::params;
use std::path::Path;

/// Takes a step for the secret of a setting: `false` if it or a later one was taken before. Blocks.
///
/// # Errors
/// See [`StoreError`]; the step is not taken.
pub fn claim(path: &Path, connection: &str, setting: &str, step: u64) -> Result<bool, StoreError> {
    let conn = file::open_for_writing(path)?;
    let taken = || {
        conn.pragma_update(None, "synchronous", "full")?;
        conn.execute(
            "INSERT INTO totp_step (connection, setting, step) VALUES (?1, ?2, ?3)
             ON CONFLICT (connection, setting) DO UPDATE SET step = excluded.step WHERE excluded.step > step",
            params![connection, setting, step],
        )
    };
    taken().map(|rows| rows == 1).map_err(|e| explain(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_taken_once_and_an_earlier_one_never() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("muster.db");
        let claim = |connection, setting, step| claim(&path, connection, setting, step).expect("claimed");
        assert!(claim("a", "seed", 10));
        assert!(!claim("a", "seed", 10));
        assert!(!claim("a", "seed", 9));
        assert!(claim("a", "seed", 11));
        assert!(claim("b", "seed", 10) && claim("a", "other", 10), "others have steps of their own");
    }

    #[test]
    fn of_many_who_want_a_step_one_gets_it() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("muster.db");
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || claim(&path, "a", "seed", 7).expect("claimed"))
            })
            .collect();
        let taken = takers.into_iter().filter_map(|t| t.join().ok()).filter(|taken| *taken).count();
        assert_eq!(taken, 1);
    }
}
