//! Compiled components on disk, one folder a user.
//!
//! Rule: only a file this host wrote is ever loaded, from a folder only its user can write. Reason: compiled
//! code is native code, loaded without a check. Attack: somebody else on the machine, or a careless `chmod`,
//! puts a file there. So the folder and each file must belong to us and be writable by nobody else; links
//! are not followed.

use super::error::CatalogError;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The cache of one user for one build of the engine.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    engine: u64,
}

/// A component's SHA-256, as 64 hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

impl Cache {
    /// Opens the cache: `MUSTER_CACHE`, else `muster` in the user's cache folder.
    ///
    /// # Errors
    /// There is no such place, or others can write there.
    pub fn open(engine: &Engine) -> Result<Cache, CatalogError> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let folder = var("MUSTER_CACHE")
            .or_else(|| var("XDG_CACHE_HOME").filter(|p| p.is_absolute()).map(|p| p.join("muster")))
            .or_else(|| var("HOME").map(|p| p.join(".cache/muster")))
            .ok_or(CatalogError::NoCacheFolder)?;
        Cache::at(folder, engine)
    }

    /// Opens the cache in a folder, made where it does not exist.
    ///
    /// # Errors
    /// The folder cannot be made, or others can write there.
    pub fn at(folder: PathBuf, engine: &Engine) -> Result<Cache, CatalogError> {
        use std::os::unix::fs::DirBuilderExt;
        let error =
            |e: std::io::Error| CatalogError::CacheFolder { path: folder.clone(), why: crate::text::io_words(&e) };
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent).map_err(error)?;
        }
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(error(e)),
            _ => {}
        }
        let meta = std::fs::symlink_metadata(&folder).map_err(error)?;
        if !meta.is_dir() || !is_ours(&meta) {
            return Err(CatalogError::CacheFolder {
                path: folder.clone(),
                why: format!(
                    "it has to belong to you and be writable by nobody else; try `chmod 700 {}`",
                    folder.display()
                ),
            });
        }
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Cache { folder, engine: hasher.finish() })
    }

    fn path(&self, digest: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.{kind}", self.engine))
    }

    /// The text kept with a digest, if this host wrote one.
    pub fn text(&self, digest: &str) -> Option<String> {
        let path = self.path(digest, "json");
        trusted(&path).then(|| std::fs::read_to_string(&path).ok()).flatten()
    }

    /// Keeps a text with a digest.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_text(&self, digest: &str, text: &str) -> Result<(), CatalogError> {
        self.write(&self.path(digest, "json"), text.as_bytes())
    }

    /// The compiled component of a digest, if this host compiled one.
    pub fn component(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest, "cwasm");
        if !trusted(&path) {
            return None;
        }
        // SAFETY: the one load of native code. The file lies in a folder that belongs to this user and that
        // nobody else can write, is a regular file of the same owner, and was written by `keep_component`
        // below from what our own compiler printed. Wasmtime checks version and settings in its header.
        #[allow(unsafe_code, reason = "loads what this host compiled itself")]
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        loaded.inspect_err(|error| tracing::debug!(%error, "a cached component is of no use")).ok()
    }

    /// Keeps a compiled component.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_component(&self, digest: &str, code: &[u8]) -> Result<(), CatalogError> {
        self.write(&self.path(digest, "cwasm"), code)
    }

    /// Whole or not at all: a temporary file in the same folder, then a rename.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), CatalogError> {
        let error =
            |e: std::io::Error| CatalogError::CacheFolder { path: self.folder.clone(), why: crate::text::io_words(&e) };
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder).map_err(error)?;
        file.write_all(bytes).map_err(error)?;
        file.persist(path).map_err(|e| error(e.error))?;
        Ok(())
    }
}

/// A regular file of ours that nobody else can write; not a link.
fn trusted(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(fd) = rustix::fs::open(path, flags, Mode::empty()) else { return false };
    std::fs::File::from(fd).metadata().is_ok_and(|meta| meta.is_file() && is_ours(&meta))
}

fn is_ours(meta: &std::fs::Metadata) -> bool {
    meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0
}

/// FNV-1a: a hash that is the same in every process; it names files, and guards nothing.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::sandbox::engine::engine;
    use std::os::unix::fs::PermissionsExt;

    /// The smallest component.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn filled() -> (tempfile::TempDir, Engine, Cache, String) {
        let dir = tempfile::tempdir().expect("folder");
        let engine = engine(&Limits::default()).expect("engine");
        let cache = Cache::at(dir.path().join("cache"), &engine).expect("cache");
        let digest = digest(EMPTY);
        cache.keep_component(&digest, &engine.precompile_component(EMPTY).expect("compiled")).expect("kept");
        (dir, engine, cache, digest)
    }

    #[test]
    fn what_was_kept_is_loaded_again() {
        let (_dir, engine, cache, digest) = filled();
        assert!(cache.component(&engine, &digest).is_some());
        cache.keep_text(&digest, "{}").expect("kept");
        assert_eq!(cache.text(&digest).as_deref(), Some("{}"));
    }

    #[test]
    fn a_file_that_others_can_write_is_not_loaded() {
        let (_dir, engine, cache, digest) = filled();
        let path = cache.path(&digest, "cwasm");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("chmod");
        assert!(cache.component(&engine, &digest).is_none());
    }

    #[test]
    fn a_link_is_not_followed() {
        let (dir, engine, cache, digest) = filled();
        let path = cache.path(&digest, "cwasm");
        let elsewhere = dir.path().join("elsewhere.cwasm");
        std::fs::rename(&path, &elsewhere).expect("moved");
        std::os::unix::fs::symlink(&elsewhere, &path).expect("linked");
        assert!(cache.component(&engine, &digest).is_none());
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let folder = dir.path().join("cache");
        std::fs::create_dir(&folder).expect("made");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("chmod");
        let engine = engine(&Limits::default()).expect("engine");
        let error = Cache::at(folder, &engine).expect_err("refused").to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }

    #[test]
    fn a_digest_is_sha_256() {
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
