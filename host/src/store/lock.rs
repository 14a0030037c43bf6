//! One process leads a connection's run.
//!
//! A kernel lock on a small file beside the store, never a row with a process number: the kernel lets go of it
//! when the process dies, however it dies. What stands in the file is only for people.

use super::error::StoreError;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Holds a connection until it is dropped.
#[derive(Debug)]
pub struct Lead {
    _file: File,
}

/// The folder of the lock files of a store.
fn folder(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_os_string();
    name.push("-locks");
    store.with_file_name(name)
}

/// Takes the lead of a connection; `Ok(Err(who))` says who has it.
///
/// # Errors
/// The lock file cannot be written.
pub fn lead(store: &Path, connection: &str) -> Result<Result<Lead, String>, StoreError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let dir = folder(store);
    let path = dir.join(format!("{connection}.lock"));
    let open = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly(store.to_path_buf())
        }
        std::io::ErrorKind::StorageFull => StoreError::Full(store.to_path_buf()),
        _ => StoreError::Open { path: path.clone(), why: crate::text::io_words(&e) },
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(open)?;
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(open)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut who = String::new();
            let _ = file.read_to_string(&mut who);
            let who = who.trim();
            return Ok(Err(if who.is_empty() { "another process".to_owned() } else { who.to_owned() }));
        }
        Err(TryLockError::Error(e)) => return Err(open(e)),
    }
    let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    let note = format!("process {} since {since}\n", std::process::id());
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
    Ok(Ok(Lead { _file: file }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_leads_until_the_first_lets_go() {
        let dir = tempfile::tempdir().expect("folder");
        let store = dir.path().join("muster.db");
        let first = lead(&store, "support").expect("lock").expect("lead");
        let who = lead(&store, "support").expect("lock").expect_err("held");
        assert!(who.contains(&format!("process {}", std::process::id())), "{who}");
        assert!(lead(&store, "other").expect("lock").is_ok());
        drop(first);
        assert!(lead(&store, "support").expect("lock").is_ok());
    }
}
