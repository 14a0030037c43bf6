//! A folder with a `muster.toml` for fakes in processes of their own, and the syncs that are measured there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use support::crowd::Size;
use tempfile::TempDir;

use crate::Broken;
use crate::process::{self, Process};

/// The variable that holds the fakes' token.
const TOKEN: &str = "CROWD_TOKEN";
/// The connection that is measured.
const CROWD: &str = "crowd";
/// The tables whose rows are content.
const CONTENT: [&str; 3] = ["resource", "entitlement", "grant_row"];

/// One sync: as the system saw the process, and where it says itself that the time went, in milliseconds.
pub struct Synced {
    pub process: Process,
    elapsed: f64,
    /// Processor time.
    pub guest: f64,
    store: f64,
}

impl Synced {
    /// What share of the run the store's thread was at work.
    pub fn store(&self) -> f64 {
        self.store / self.elapsed
    }
}

/// A fake that runs.
struct Vendor {
    child: Child,
    place: BTreeMap<String, String>,
}

impl Vendor {
    fn start(size: Size, shuffled: Option<u64>, latency: Duration) -> Result<Vendor, Broken> {
        let mut command = Command::new(beside("fake-crowd")?);
        command.args(["--users", &size.users.to_string(), "--groups", &size.groups.to_string()]);
        command.args(["--members", &size.members.to_string(), "--latency", &latency.as_millis().to_string()]);
        if let Some(seed) = shuffled {
            command.args(["--shuffled", &seed.to_string()]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("a fake without output")?).read_line(&mut line)?;
        Ok(Vendor { child, place: serde_json::from_str(&line)? })
    }

    fn toml(&self, name: &str) -> String {
        let word = |key: &str| self.place.get(key).map_or("", String::as_str);
        format!(
            "[[connection]]\nname = \"{name}\"\nconnector = \"crowd\"\n\
             [connection.settings]\ncrowd-base-url = \"{}\"\ncrowd-token = {{ env = \"{TOKEN}\" }}\n\
             [connection.network]\nallow-private = [\"{}\"]\n",
            word("origin"),
            word("address")
        )
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A folder, and the directories that its connections read.
pub struct Scene {
    size: Size,
    folder: TempDir,
    vendors: BTreeMap<&'static str, Vendor>,
}

impl Scene {
    /// Starts a fake, writes the folder, and has the component compiled: that is not what is measured.
    pub fn new(size: Size, shuffled: Option<u64>, latency: Duration) -> Result<Scene, Broken> {
        if !connectors()?.join("crowd.wasm").exists() {
            return Err("crowd.wasm is missing: run `make bench`, which builds it".into());
        }
        // Not the system's folder for temporary files, which may be memory: a store is written to a disk.
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(built()?)?;
        let vendors = BTreeMap::from([(CROWD, Vendor::start(size, shuffled, latency)?)]);
        let scene = Scene { size, folder, vendors };
        scene.write()?;
        process::run(scene.command()?.arg("check"))?;
        Ok(scene)
    }

    /// One more connection, to a directory of its own.
    pub fn with(mut self, name: &'static str, size: Size) -> Result<Scene, Broken> {
        self.vendors.insert(name, Vendor::start(size, None, Duration::ZERO)?);
        self.write()?;
        Ok(self)
    }

    fn write(&self) -> Result<(), Broken> {
        let mut toml = format!("connectors = {:?}\nstore = \"muster.db\"\n", connectors()?);
        toml.extend(self.vendors.iter().map(|(name, vendor)| vendor.toml(name)));
        Ok(std::fs::write(self.folder.path().join("muster.toml"), toml)?)
    }

    /// The store of the last sync.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("muster.db")
    }

    /// Bytes of the store, with its log where the last process left one.
    pub fn file_bytes(&self) -> Result<u64, Broken> {
        let log = std::fs::metadata(self.folder.path().join("muster.db-wal")).map_or(0, |log| log.len());
        Ok(std::fs::metadata(self.store())?.len() + log)
    }

    /// Removes the store.
    pub fn forget(&self) -> Result<(), Broken> {
        let store = self.store();
        if store.exists() { Ok(std::fs::remove_file(store)?) } else { Ok(()) }
    }

    /// Syncs another connection, unmeasured.
    pub fn sync(&self, name: &str) -> Result<(), Broken> {
        process::run(self.command()?.args(["sync", "--quiet", name])).map(drop)
    }

    /// A sync into a new store.
    pub fn first(&self) -> Result<Synced, Broken> {
        self.forget()?;
        self.first_beside()
    }

    /// A first sync into a store that other connections have rows in.
    pub fn first_beside(&self) -> Result<Synced, Broken> {
        self.measured(self.size.records())
    }

    /// A sync that finds nothing new and writes no row of content.
    pub fn again(&self) -> Result<Synced, Broken> {
        let before = self.rows()?;
        let synced = self.measured(0)?;
        let after = self.rows()?;
        if before != after {
            return Err(format!("an unchanged sync wrote rows: {before:?} became {after:?}").into());
        }
        Ok(synced)
    }

    /// What is fast because it is wrong does not count.
    fn measured(&self, news: u64) -> Result<Synced, Broken> {
        let process = process::run(self.command()?.args(["sync", "--json", "--quiet", CROWD]))?;
        let summary: Value = serde_json::from_str(&process.output)?;
        let number = |at: &str| summary.pointer(at).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let sum = |of: [&str; 3]| of.into_iter().map(number).sum::<f64>();
        let good = summary.get("status").is_some_and(|status| status == "published")
            && sum(["/resources", "/entitlements", "/grants"]) == self.size.records() as f64
            && number("/requests") == self.size.requests() as f64
            && sum(["/added", "/changed", "/removed"]) == news as f64;
        if !good {
            return Err(format!("the sync did not do what it should: {}", process.output.trim()).into());
        }
        Ok(Synced {
            elapsed: number("/elapsed_ms").max(1.0),
            guest: number("/times/guest_ms"),
            store: number("/times/store_ms"),
            process,
        })
    }

    /// Rows of content of all runs, and the newest run that one of them began or ended with.
    fn rows(&self) -> Result<Vec<(u64, u64)>, Broken> {
        let store = Connection::open(self.store())?;
        let of = |table: &&str| {
            let sql = format!("SELECT count(*), max(max(valid_from, coalesce(valid_to, 0))) FROM {table}");
            store.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        Ok(CONTENT.iter().map(of).collect::<Result<_, _>>()?)
    }

    fn command(&self) -> Result<Command, Broken> {
        let mut command = Command::new(beside("muster")?);
        let cache = self.folder.path().join("cache");
        command.current_dir(self.folder.path()).env("MUSTER_CACHE", cache).env(TOKEN, support::crowd::TOKEN);
        Ok(command)
    }
}

/// The folder of what was built along with this program.
fn built() -> Result<PathBuf, Broken> {
    Ok(std::env::current_exe()?.parent().ok_or("a program without a folder")?.to_owned())
}

fn beside(name: &str) -> Result<PathBuf, Broken> {
    let path = built()?.join(name);
    match path.exists() {
        true => Ok(path),
        false => Err(format!("{} is missing: run `make bench`, which builds it", path.display()).into()),
    }
}

fn connectors() -> Result<PathBuf, Broken> {
    Ok(built()?.parent().ok_or("a folder without a parent")?.join("connectors"))
}
