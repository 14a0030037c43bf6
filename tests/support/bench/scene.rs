//! A folder with a `muster.toml` for one fake, and the commands that are measured there.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

use crate::Broken;
use crate::process::{self, Process};
use crate::vendor::{Account, Served, Vendor};

/// One account to read.
pub struct Scene {
    account: Account,
    muster: PathBuf,
    folder: TempDir,
    vendor: RefCell<Vendor>,
}

/// A sync, from three sides.
#[derive(Debug)]
pub struct Synced {
    /// As the system saw the process.
    pub process: Process,
    /// As the server saw it.
    pub served: Served,
    /// The run's own clock.
    pub elapsed_ms: f64,
    /// Where it says the time went.
    pub times: Times,
}

/// `times` of the summary.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Times {
    /// Summed over exchanges in progress at once.
    pub vendor_ms: f64,
    /// Processor time of guest calls.
    pub guest_ms: f64,
    /// The store's thread.
    pub store_ms: f64,
}

#[derive(Debug, Deserialize)]
struct Summary {
    status: String,
    resources: u64,
    entitlements: u64,
    grants: u64,
    added: u64,
    changed: u64,
    removed: u64,
    elapsed_ms: f64,
    times: Times,
}

impl Scene {
    /// Starts the fake, writes the folder, and syncs once, so that the component is compiled and all files are in
    /// memory.
    pub fn new(account: Account) -> Result<Scene, Broken> {
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("a program without a folder")?;
        let muster = beside.join("muster");
        let connectors = beside.parent().ok_or("a folder without a parent")?.join("connectors");
        for needed in [&muster, &connectors.join("chatwoot.wasm")] {
            if !needed.exists() {
                return Err(format!("{} is missing: run `make bench`, which builds it", needed.display()).into());
            }
        }
        // Not in the system's folder for such things, which may be memory: a store is written to a disk.
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
        let vendor = Vendor::start(account)?;
        std::fs::write(folder.path().join("muster.toml"), plugin_list(&connectors, &vendor))?;
        let scene = Scene { account, muster, folder, vendor: RefCell::new(vendor) };
        scene.first_sync()?;
        Ok(scene)
    }

    /// The store of the last sync.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("muster.db")
    }

    /// What starting the program costs by itself.
    pub fn version(&self) -> Result<Process, Broken> {
        process::run(self.command().arg("--version"))
    }

    /// A sync into a new store.
    pub fn first_sync(&self) -> Result<Synced, Broken> {
        for end in ["", "-wal", "-shm"] {
            match std::fs::remove_file(self.folder.path().join(format!("muster.db{end}"))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        self.sync(true)
    }

    /// A sync on the store of the last one, which finds nothing new.
    pub fn second_sync(&self) -> Result<Synced, Broken> {
        self.sync(false)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.muster);
        command
            .current_dir(self.folder.path())
            .env("MUSTER_CACHE", self.folder.path().join("cache"))
            .env("CHATWOOT_TOKEN", &self.vendor.borrow().place.token);
        command
    }

    fn sync(&self, first: bool) -> Result<Synced, Broken> {
        self.vendor.borrow_mut().served()?;
        let process = process::run(self.command().args(["sync", "--json"]))?;
        let served = self.vendor.borrow_mut().served()?;
        let summary: Summary = serde_json::from_str(&process.output)?;
        // What is fast because it is wrong is not measured.
        let records = summary.resources + summary.entitlements + summary.grants;
        let whole = self.account == Account::DEMO || records == self.account.records();
        let news = summary.added + summary.changed + summary.removed;
        if summary.status != "published" || !whole || news != if first { records } else { 0 } {
            return Err(format!("the sync did not do what it should: {}", process.output.trim()).into());
        }
        Ok(Synced { process, served, elapsed_ms: summary.elapsed_ms.max(1.0), times: summary.times })
    }
}

fn plugin_list(connectors: &Path, vendor: &Vendor) -> String {
    let place = &vendor.place;
    format!(
        r#"connectors = {connectors:?}
store = "muster.db"

[[connection]]
name = "support"
connector = "chatwoot"

[connection.settings]
chatwoot-base-url = "{}"
chatwoot-account-id = "{}"
chatwoot-api-token = {{ env = "CHATWOOT_TOKEN" }}

[connection.network]
allow-private = ["{}"]
"#,
        place.origin, place.account, place.address
    )
}
