//! Connections that wait for their settings to change, remembered beside the store.
//!
//! Rule: no secret is kept, and what is kept tells nobody one. Reason: a server that is started again and again (a crash, an
//! update, a machine that boots) would try a refused password each time, until the vendor locks the account; so it has to
//! know whether the password is still the same. Attack: somebody reads the store's folder and guesses passwords. So in
//! memory it is a keyed digest whose key dies with the process, and on disk a salted digest that costs a guesser as much
//! as a login does (PBKDF2), in a file for its owner alone. Residual: a password of few letters can be guessed by
//! whoever can read that file; whoever can has the store, too.

use crate::run::Job;
use crate::store::StoreError;
use crate::text::io_words;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hmac, pbkdf2};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroU32;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Rounds of PBKDF2-HMAC-SHA256: about a quarter of a second on a server of today.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(599_999);
/// Bytes of a salt and of a digest.
const BYTES: usize = 32;
/// Bytes of such a file: what is longer is none of ours.
const FILE_BYTES: u64 = 4096;

/// Tells settings from others while this process lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark([u8; BYTES]);

#[cfg(test)]
impl Mark {
    /// One of many.
    pub(super) fn of_test(number: u8) -> Mark {
        Mark([number; BYTES])
    }
}

/// A connection that waits for its settings to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// The label of the refusal.
    pub reason: String,
    /// The run that was refused.
    pub run: i64,
    /// Of the settings that were refused; none where only the disk knows them.
    pub mark: Option<Mark>,
}

impl Paused {
    /// Whether a run shows that it is refused no longer: it went well, and after this one. A run that is gone on with
    /// keeps its number.
    pub fn is_ended_by(&self, run: i64, status: &str) -> bool {
        run >= self.run && matches!(status, "published" | "held")
    }
}

/// What lies on disk.
#[derive(Deserialize, Serialize)]
struct Kept {
    reason: String,
    run: i64,
    salt: String,
    digest: String,
}

/// The pauses of a store.
#[derive(Debug)]
pub struct Pauses {
    folder: PathBuf,
    key: hmac::Key,
    rounds: NonZeroU32,
}

/// What a run's outcome at the vendor depends on: the connector, every value, every secret, and what may be reached.
pub fn material(job: &Job) -> Zeroizing<Vec<u8>> {
    let network = format!("{:?}", job.connection.network);
    let mut parts: Vec<&str> = vec![&job.connector.digest, &network];
    for (name, value) in &job.settings.values {
        parts.extend([name.as_str(), &value.text]);
    }
    for (name, secret) in &job.settings.secrets {
        parts.extend([name.as_str(), secret.expose()]);
    }
    // Made in its final size: a buffer that grows leaves copies behind that nobody wipes.
    let mut out = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum()));
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_le_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

impl Pauses {
    /// The pauses of a store.
    ///
    /// # Errors
    /// The machine has no random numbers.
    pub fn new(store: &Path) -> Result<Pauses, StoreError> {
        Self::with(store, ROUNDS)
    }

    fn with(store: &Path, rounds: NonZeroU32) -> Result<Pauses, StoreError> {
        let mut name = store.file_name().unwrap_or_default().to_os_string();
        name.push("-paused");
        let folder = store.with_file_name(name);
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| StoreError::Open { path: folder.clone(), why: "there are no random numbers".to_owned() })?;
        Ok(Pauses { folder, key, rounds })
    }

    /// The mark of settings.
    pub fn mark(&self, material: &[u8]) -> Mark {
        let mut out = [0; BYTES];
        out.iter_mut().zip(hmac::sign(&self.key, material).as_ref()).for_each(|(to, from)| *to = *from);
        Mark(out)
    }

    /// Remembers a refusal.
    ///
    /// # Errors
    /// The file cannot be written; the pause holds as long as this process does.
    pub fn keep(&self, connection: &str, reason: &str, run: i64, material: &[u8]) -> Result<(), StoreError> {
        let wrong = |why: String| StoreError::Open { path: self.file(connection), why };
        let mut salt = [0; BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| wrong("there are no random numbers".to_owned()))?;
        let mut digest = [0; BYTES];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, self.rounds, &salt, material, &mut digest);
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let kept = Kept { reason: reason.to_owned(), run, salt: hex(&salt), digest: hex(&digest) };
        let text = serde_json::to_string(&kept).map_err(|e| wrong(e.to_string()))?;
        let write = || -> std::io::Result<()> {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            // Written beside and moved: a process that dies in between leaves the old one or the new one.
            let half = self.folder.join(format!("{connection}.half"));
            let options = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&half);
            options?.write_all(text.as_bytes())?;
            std::fs::rename(half, self.file(connection))
        };
        write().map_err(|e| wrong(io_words(&e)))
    }

    /// What an earlier process remembered. A file that cannot be read is none.
    pub fn read(&self, connection: &str) -> Option<Paused> {
        self.kept(connection).map(|kept| Paused { reason: kept.reason, run: kept.run, mark: None })
    }

    /// Whether settings are those that were refused.
    pub fn is_the_same(&self, connection: &str, paused: &Paused, material: &[u8]) -> bool {
        if let Some(mark) = &paused.mark {
            return *mark == self.mark(material);
        }
        let Some(kept) = self.kept(connection) else { return false };
        let decode = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes());
        let (Ok(salt), Ok(digest)) = (decode(&kept.salt), decode(&kept.digest)) else { return false };
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, self.rounds, &salt, material, &digest).is_ok()
    }

    /// Forgets a refusal.
    pub fn forget(&self, connection: &str) {
        let _ = std::fs::remove_file(self.file(connection));
    }

    fn kept(&self, connection: &str) -> Option<Kept> {
        let path = self.file(connection);
        let short = std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= FILE_BYTES);
        short.then(|| std::fs::read_to_string(path).ok()).flatten().and_then(|text| serde_json::from_str(&text).ok())
    }

    /// A connection's name is a slug, and so a file's name.
    fn file(&self, connection: &str) -> PathBuf {
        self.folder.join(format!("{connection}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn pauses(dir: &tempfile::TempDir) -> Pauses {
        Pauses::with(&dir.path().join("muster.db"), NonZeroU32::new(10).expect("rounds")).expect("pauses")
    }

    #[test]
    fn another_process_knows_the_settings_again_and_nobody_reads_them() {
        let dir = tempfile::tempdir().expect("folder");
        pauses(&dir).keep("support", "unauthorized", 7, b"account 1 token hunter2").expect("kept");
        let later = pauses(&dir);
        let paused = later.read("support").expect("paused");
        assert_eq!(paused, Paused { reason: "unauthorized".to_owned(), run: 7, mark: None });
        assert!(later.is_the_same("support", &paused, b"account 1 token hunter2"));
        assert!(!later.is_the_same("support", &paused, b"account 1 token hunter3"));
        let file = dir.path().join("muster.db-paused/support.json");
        let text = std::fs::read_to_string(&file).expect("file");
        assert!(!text.contains("hunter2") && !text.contains("account"), "{text}");
        assert_eq!(std::fs::metadata(&file).expect("file").permissions().mode() & 0o777, 0o600);
        later.forget("support");
        assert_eq!(later.read("support"), None);
    }

    #[test]
    fn a_run_by_hand_ends_a_pause_when_it_went_well() {
        let paused = Paused { reason: "unauthorized".to_owned(), run: 7, mark: None };
        let table = [
            (8, "published", true),
            (8, "held", true),
            // It was gone on with.
            (7, "published", true),
            (7, "held", true),
            (6, "published", false),
            (7, "incomplete", false),
            (8, "running", false),
            (8, "incomplete", false),
            (8, "failed", false),
        ];
        for (run, status, wanted) in table {
            assert_eq!(paused.is_ended_by(run, status), wanted, "{run} {status}");
        }
    }

    #[test]
    fn a_mark_is_good_for_one_process() {
        let dir = tempfile::tempdir().expect("folder");
        let (one, two) = (pauses(&dir), pauses(&dir));
        assert_eq!(one.mark(b"x"), one.mark(b"x"));
        assert_ne!(one.mark(b"x"), one.mark(b"y"));
        assert_ne!(one.mark(b"x"), two.mark(b"x"));
        let paused = Paused { reason: "forbidden".to_owned(), run: 1, mark: Some(one.mark(b"x")) };
        assert!(one.is_the_same("support", &paused, b"x") && !one.is_the_same("support", &paused, b"y"));
    }

    #[test]
    fn a_file_that_is_none_pauses_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let pauses = pauses(&dir);
        assert_eq!(pauses.read("support"), None);
        std::fs::create_dir(dir.path().join("muster.db-paused")).expect("folder");
        let file = dir.path().join("muster.db-paused/support.json");
        for text in ["", "{}", "{\"reason\": 1}", &"x".repeat(5000)] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(pauses.read("support"), None, "{text}");
        }
        std::fs::write(&file, r#"{"reason":"forbidden","run":1,"salt":"zz","digest":""}"#).expect("written");
        let paused = pauses.read("support").expect("paused");
        assert!(!pauses.is_the_same("support", &paused, b"x"), "it is tried once");
    }
}
