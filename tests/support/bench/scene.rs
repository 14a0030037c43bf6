//! A folder with a `muster.toml` for one fake, and the commands that are measured there.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::Broken;
use crate::process::{self, Process};
use crate::vendor::{Account, Served, Vendor};

/// One account to read.
pub struct Scene {
    account: Account,
    muster: PathBuf,
    token: String,
    folder: TempDir,
    vendor: RefCell<Vendor>,
}

/// A sync: as the system saw the process, as the server saw it, and in milliseconds where it says itself that the
/// time went.
pub struct Synced {
    pub process: Process,
    pub served: Served,
    pub elapsed: f64,
    /// Summed over the exchanges in progress at once.
    pub awaited: f64,
    /// Processor time.
    pub guest: f64,
    /// Wall clock of the store's thread while it works.
    pub store: f64,
}

impl Scene {
    /// Starts the fake, writes the folder, and syncs once: the component is compiled then, and files are in memory.
    pub fn new(account: Account) -> Result<Scene, Broken> {
        let scene = Scene::beside(account, None)?;
        scene.sync(true)?;
        Ok(scene)
    }

    /// The same with a second connection of the same sync: the hostile connector in this mode. Its run ends after two
    /// seconds, when the first one's is long over.
    pub fn beside(account: Account, hostile: Option<&str>) -> Result<Scene, Broken> {
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
        let (vendor, [origin, address, token, number]) = Vendor::start(account)?;
        let mut toml = format!(
            "connectors = {connectors:?}\nstore = \"muster.db\"\n\
             [[connection]]\nname = \"support\"\nconnector = \"chatwoot\"\n\
             [connection.settings]\nchatwoot-base-url = \"{origin}\"\nchatwoot-account-id = \"{number}\"\n\
             chatwoot-api-token = {{ env = \"CHATWOOT_TOKEN\" }}\n\
             [connection.network]\nallow-private = [\"{address}\"]\n"
        );
        if let Some(mode) = hostile {
            toml.push_str(&format!(
                "[[connection]]\nname = \"hostile\"\nconnector = \"hostile\"\n\
                 [connection.settings]\nmode = \"{mode}\"\nbase-url = \"{origin}\"\n\
                 token = {{ env = \"CHATWOOT_TOKEN\" }}\n\
                 [connection.network]\nallow-private = [\"{address}\"]\n\
                 [connection.limits]\nrun-time = \"2s\"\n"
            ));
        }
        std::fs::write(folder.path().join("muster.toml"), toml)?;
        Ok(Scene { account, muster, token, folder, vendor: RefCell::new(vendor) })
    }

    /// A sync of both connections into a new store: milliseconds that the run of the honest one took.
    pub fn honest_run(&self) -> Result<f64, Broken> {
        let store = self.store();
        if store.exists() {
            std::fs::remove_file(&store)?;
        }
        let output = self.command().args(["sync", "--json"]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let of = |name: &str| lines.iter().find(|line| line.get("connection").is_some_and(|c| c == name));
        let is = |line: Option<&Value>, status: &str| {
            line.and_then(|line| line.get("status")).is_some_and(|found| found == status)
        };
        // A hostile run that was over before the honest one proves nothing.
        let attacked = of("hostile").is_none_or(|line| !is(Some(line), "published"));
        match (is(of("support"), "published") && attacked, of("support").and_then(|l| l.get("elapsed_ms"))) {
            (true, Some(elapsed)) => Ok(elapsed.as_f64().unwrap_or(f64::NAN).max(1.0)),
            _ => Err(format!("the sync did not do what it should: {}", text.trim()).into()),
        }
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
        let summary: Value = serde_json::from_str(&process.output)?;
        let number = |at: &str| summary.pointer(at).and_then(Value::as_f64).unwrap_or(f64::NAN);
        // What is fast because it is wrong does not count.
        let sum = |of: [&str; 3]| of.into_iter().map(number).sum::<f64>();
        let (records, news) =
            (sum(["/resources", "/entitlements", "/grants"]), sum(["/added", "/changed", "/removed"]));
        let whole = self.account == Account::DEMO || records == self.account.records();
        let published = summary.get("status").is_some_and(|status| status == "published");
        if !published || !whole || news != if new { records } else { 0.0 } {
            return Err(format!("the sync did not do what it should: {}", process.output.trim()).into());
        }
        Ok(Synced {
            elapsed: number("/elapsed_ms").max(1.0),
            awaited: number("/times/vendor_ms"),
            guest: number("/times/guest_ms"),
            store: number("/times/store_ms"),
            process,
            served,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.muster);
        let cache = self.folder.path().join("cache");
        command.current_dir(self.folder.path()).env("MUSTER_CACHE", cache).env("CHATWOOT_TOKEN", &self.token);
        command
    }
}
