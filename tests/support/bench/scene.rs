//! A folder with a `muster.toml` for one fake, and the commands that are measured there.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

use crate::Broken;
use crate::process::{self, Process};
use crate::vendor::{Account, Place, Served, Vendor};

/// One account to read.
pub struct Scene {
    account: Account,
    muster: PathBuf,
    token: String,
    folder: TempDir,
    vendor: RefCell<Vendor>,
}

/// A sync: as the system saw the process, as the server saw it, and what it says itself.
pub struct Synced {
    pub process: Process,
    pub served: Served,
    pub run: Summary,
}

/// What is read of a line of `sync --json`.
#[derive(Deserialize)]
pub struct Summary {
    status: String,
    resources: u64,
    entitlements: u64,
    grants: u64,
    added: u64,
    changed: u64,
    removed: u64,
    pub elapsed_ms: f64,
    pub times: Times,
}

#[derive(Deserialize)]
pub struct Times {
    pub vendor_ms: f64,
    pub guest_ms: f64,
    pub store_ms: f64,
}

impl Synced {
    /// Of the processor time, what neither guest calls nor the store took: connections, the runtime, the start.
    pub fn cpu_of_others(&self) -> f64 {
        let cpu = 1e3 * self.process.cpu.as_secs_f64();
        (cpu - self.run.times.guest_ms - self.run.times.store_ms).max(0.0) / cpu
    }
}

impl Scene {
    /// Starts the fake, writes the folder, and syncs once: the component is compiled then, and files are in memory.
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
        // Not the system's folder for temporary files, which may be memory: a store is written to a disk.
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
        let (vendor, Place { origin, address, token, account: number }) = Vendor::start(account)?;
        let toml = format!(
            "connectors = {connectors:?}\nstore = \"muster.db\"\n\
             [[connection]]\nname = \"support\"\nconnector = \"chatwoot\"\n\
             [connection.settings]\nchatwoot-base-url = \"{origin}\"\nchatwoot-account-id = \"{number}\"\n\
             chatwoot-api-token = {{ env = \"CHATWOOT_TOKEN\" }}\n\
             [connection.network]\nallow-private = [\"{address}\"]\n"
        );
        std::fs::write(folder.path().join("muster.toml"), toml)?;
        let scene = Scene { account, muster, token, folder, vendor: RefCell::new(vendor) };
        scene.sync(true)?;
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

    /// A sync into a new store, or into that of the last one, where it finds nothing new.
    pub fn sync(&self, new: bool) -> Result<Synced, Broken> {
        let store = self.store();
        if new && store.exists() {
            std::fs::remove_file(&store)?;
        }
        let mut vendor = self.vendor.borrow_mut();
        vendor.served()?;
        let process = process::run(self.command().args(["sync", "--json"]))?;
        let served = vendor.served()?;
        let run: Summary = serde_json::from_str(&process.output)?;
        // What is fast because it is wrong does not count.
        let records = run.resources + run.entitlements + run.grants;
        let whole = self.account == Account::DEMO || records == self.account.records();
        let news = run.added + run.changed + run.removed;
        if run.status != "published" || !whole || news != if new { records } else { 0 } {
            return Err(format!("the sync did not do what it should: {}", process.output.trim()).into());
        }
        Ok(Synced { process, served, run })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.muster);
        let cache = self.folder.path().join("cache");
        command.current_dir(self.folder.path()).env("MUSTER_CACHE", cache).env("CHATWOOT_TOKEN", &self.token);
        command
    }
}
