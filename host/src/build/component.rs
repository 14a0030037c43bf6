//! Wrapping a core module into a component, and putting the file where it belongs in one step.

use super::BuildError;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use wit_component::ComponentEncoder;

/// How a component's file ends.
const EXTENSION: &str = "wasm";

/// Wraps a core module; what it imports and exports is in the section that the SDK's macro left in it.
///
/// # Errors
/// It is not a module made with the SDK.
pub fn wrap(module: &[u8], library: &str) -> Result<Vec<u8>, BuildError> {
    let component = ComponentEncoder::default().validate(true).module(module).and_then(|encoder| encoder.encode());
    component.map_err(|e| BuildError::Wrap { name: library.to_owned(), why: first_line(&e.root_cause().to_string()) })
}

/// The file for `out`: itself where it ends in `.wasm`, else `NAME.wasm` in that folder, with `-` for `_`.
#[must_use]
pub fn file_for(out: &Path, library: &str) -> PathBuf {
    let is_file = out.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION)) && !out.is_dir();
    match is_file {
        true => out.to_path_buf(),
        false => out.join(library.replace('_', "-")).with_extension(EXTENSION),
    }
}

/// Writes the file whole or not at all. A file that holds these bytes already is left alone.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    put(folder, path, bytes)
        .map_err(|e| BuildError::Write { path: path.to_path_buf(), why: first_line(&reason(e.kind(), &e)) })
}

fn put(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder)?;
    // A component is no secret: others may read it, only its owner may change it.
    let everyone = std::fs::Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new().prefix(".muster-build-").permissions(everyone).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Why a file cannot be written, without the path that an error of `tempfile` adds.
fn reason(kind: ErrorKind, error: &std::io::Error) -> String {
    match kind {
        ErrorKind::Other | ErrorKind::InvalidInput => error.to_string(),
        kind => kind.to_string(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_file_in_a_folder() {
        for (out, file) in [
            ("connectors", "connectors/acme-people.wasm"),
            ("connectors/", "connectors/acme-people.wasm"),
            ("out/other.wasm", "out/other.wasm"),
            ("other.WASM", "other.WASM"),
            ("v1.2", "v1.2/acme-people.wasm"),
        ] {
            assert_eq!(file_for(Path::new(out), "acme_people"), Path::new(file), "{out}");
        }
    }

    #[test]
    fn a_folder_that_is_named_like_a_file_is_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("all.wasm");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(file_for(&folder, "acme"), folder.join("acme.wasm"));
    }

    #[test]
    fn a_file_is_replaced_whole_and_left_alone_when_nothing_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder/acme.wasm");
        write(&path, b"one").unwrap();
        let modified = || std::fs::metadata(&path).unwrap().modified().unwrap();
        let first = modified();
        write(&path, b"one").unwrap();
        assert_eq!(modified(), first);
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_one_sentence() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "x").unwrap();
        let error = write(&dir.path().join("file/acme.wasm"), b"x").unwrap_err().to_string();
        assert!(error.starts_with("cannot write ") && !error.contains(".muster-build-"), "{error}");
    }

    #[test]
    fn what_is_no_module_is_refused() {
        for module in [b"".as_slice(), b"#!/bin/sh", b"\0asm\x01\0\0\0\xff"] {
            assert!(matches!(wrap(module, "acme"), Err(BuildError::Wrap { .. })));
        }
    }
}
