//! Connectors in directories: every `.wasm` file, by its name.

use super::error::CatalogError;
use crate::model::is_slug;
use crate::text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files of the directories, by connector name. The second part says which files are not named as a
/// connector must be.
///
/// # Errors
/// A directory cannot be read, or two files have one name.
pub fn find(directories: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>, CatalogError> {
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for directory in directories {
        let unreadable =
            |e: std::io::Error| CatalogError::Directory { path: directory.clone(), why: crate::text::io_words(&e) };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wasm")) {
                files.push(path);
            }
        }
        files.sort();
        for path in files {
            let name = name_of(&path);
            if let Some(first) = found.get(&name) {
                return Err(CatalogError::Twice { name, first: first.clone(), second: path });
            }
            found.insert(name, path);
        }
    }
    Ok(found)
}

/// The name of a connector: its file's stem, in lower case, so that two files that differ only in case are one name.
pub fn name_of(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// The file of a connector by name.
///
/// # Errors
/// Nothing of that name, with the nearest one.
pub fn file<'a>(found: &'a BTreeMap<String, PathBuf>, name: &str) -> Result<&'a PathBuf, CatalogError> {
    found.get(name).ok_or_else(|| CatalogError::Unknown {
        name: name.to_owned(),
        nearest: text::nearest(name, found.keys().map(String::as_str)).map(str::to_owned),
        known: found.keys().cloned().collect(),
    })
}

/// Whether a file may be a connector by its name.
///
/// # Errors
/// The rule for names.
pub fn check_name(path: &Path) -> Result<String, CatalogError> {
    let name = name_of(path);
    match is_slug(&name) {
        true => Ok(name),
        false => Err(CatalogError::Name { path: path.to_path_buf() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_one_name_are_an_error_that_names_both() {
        let (a, b) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
        for dir in [&a, &b] {
            std::fs::write(dir.path().join("chatwoot.wasm"), "x").expect("write");
        }
        std::fs::write(a.path().join("notes.txt"), "x").expect("write");
        let one = find(&[a.path().to_path_buf()]).expect("one");
        assert_eq!(one.keys().collect::<Vec<_>>(), ["chatwoot"]);
        let error = find(&[a.path().to_path_buf(), b.path().to_path_buf()]).expect_err("two");
        assert!(matches!(error, CatalogError::Twice { name, .. } if name == "chatwoot"));
        std::fs::write(a.path().join("ChatWoot.WASM"), "x").expect("write");
        assert!(matches!(find(&[a.path().to_path_buf()]), Err(CatalogError::Twice { .. })));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let found = BTreeMap::from([("chatwoot".to_owned(), PathBuf::from("chatwoot.wasm"))]);
        let error = file(&found, "chatwood").expect_err("unknown");
        assert!(matches!(error, CatalogError::Unknown { nearest: Some(n), .. } if n == "chatwoot"));
    }
}
