//! One small request a person: how near a run comes to what latency and concurrency allow, and what it holds in memory.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::charthop::FakeChartHop;
use support::charthop::place::TOKEN;
use tempfile::TempDir;

use crate::Broken;
use crate::figure::{Report, Unit};
use crate::process::{self, Process};

/// The word that starts the role of the vendor.
pub const ROLE: &str = "--charthop";

/// What an answer takes on its way.
const LATENCY: Duration = Duration::from_millis(20);
/// The organization of the targets, and the calls at once that they hold for: the host's default.
const PERSONS: u64 = 10_000;
const AT_ONCE: u64 = 16;
/// How much longer than requests × latency ÷ concurrency, and how many mebibytes.
const RATIO: f64 = 1.3;
const PEAK_MIB: f64 = 120.0;
/// Calls at once, and as many persons as take some ten seconds then.
const THROUGHPUT: [(u64, u64); 4] = [(1, 500), (4, 2_000), (AT_ONCE, PERSONS), (64, PERSONS)];
/// Groups of the fake, and persons of a page that the connector asks for.
const GROUPS: u64 = 35;
const PAGE: u64 = 500;

/// The role: serves an organization of this size, after so many milliseconds each time, until its input ends.
pub fn serve(mut words: impl Iterator<Item = String>) -> Result<(), Broken> {
    let persons = words.next().ok_or("no size")?.parse()?;
    let latency = Duration::from_millis(words.next().ok_or("no latency")?.parse()?);
    let fake = FakeChartHop::builder().persons(persons).latency(latency).keep(0).try_start()?;
    let place = [fake.origin(), fake.address().to_string(), fake.token().to_owned(), fake.org().slug];
    println!("{}", serde_json::to_string(&place)?);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Measures all of it.
pub fn measure(report: &mut Report, runs: u32) -> Result<(), Broken> {
    let title = format!("ChartHop, a request a person at {} ms", LATENCY.as_millis());
    report.group(&title, runs)?;
    for (at_once, persons) in THROUGHPUT {
        let scene = Scene::new(persons, at_once, LATENCY)?;
        let measured: Vec<Synced> = (0..runs).map(|_| scene.sync()).collect::<Result<_, _>>()?;
        let speed = measured.iter().map(|s| s.requests / s.process.wall.as_secs_f64());
        let name = format!("{persons} persons, {at_once} at once: requests");
        report.figure(&format!("charthop.{at_once}.requests"), &name, Unit::PerSecond, speed, None)?;
        let ideal = |s: &Synced| s.requests * LATENCY.as_secs_f64() / at_once as f64;
        let ratios = measured.iter().map(|s| s.process.wall.as_secs_f64() / ideal(s));
        let aimed = at_once == AT_ONCE;
        let name = "  wall clock ÷ (requests × latency ÷ at once)";
        report.figure(
            &format!("charthop.{at_once}.ratio"),
            name,
            Unit::Ratio,
            ratios,
            Some(RATIO).filter(|_| aimed),
        )?;
        let peaks = measured.iter().map(|s| s.process.peak_mib);
        let target = Some(PEAK_MIB).filter(|_| aimed);
        report.figure(&format!("charthop.{at_once}.peak"), "  peak memory", Unit::MiB, peaks, target)?;
    }
    Ok(())
}

/// A sync, and the requests it made.
pub struct Synced {
    pub process: Process,
    pub requests: f64,
}

/// A folder for one organization, and the fake in a process of its own.
pub struct Scene {
    persons: u64,
    folder: TempDir,
    token: String,
    vendor: Child,
}

impl Scene {
    /// Starts the fake and writes the folder.
    pub fn new(persons: u64, at_once: u64, latency: Duration) -> Result<Scene, Broken> {
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("a program without a folder")?;
        let connectors = beside.parent().ok_or("a folder without a parent")?.join("connectors");
        if !connectors.join("charthop.wasm").exists() {
            return Err("charthop.wasm is missing: run `make bench`, which builds it".into());
        }
        let mut command = Command::new(&program);
        command
            .args([ROLE, &persons.to_string(), &latency.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut vendor = command.spawn()?;
        let mut line = String::new();
        BufReader::new(vendor.stdout.take().ok_or("a fake without output")?).read_line(&mut line)?;
        let [origin, address, token, org]: [String; 4] = serde_json::from_str(&line)?;
        // Not the system's folder for temporary files, which may be memory: a store is written to a disk.
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
        let toml = format!(
            "connectors = {connectors:?}\nstore = \"muster.db\"\n\
             [[connection]]\nname = \"people\"\nconnector = \"charthop\"\n\
             [connection.settings]\ncharthop-base-url = \"{origin}\"\ncharthop-org-id = \"{org}\"\n\
             charthop-api-token = {{ env = \"{TOKEN}\" }}\n\
             [connection.network]\nallow-private = [\"{address}\"]\n\
             [connection.run]\nat-once = {at_once}\n"
        );
        std::fs::write(folder.path().join("muster.toml"), toml)?;
        let scene = Scene { persons, folder, token, vendor };
        // Compiles the component: that is not what is measured.
        process::run(scene.command()?.arg("check"))?;
        Ok(scene)
    }

    /// A sync into a new store.
    pub fn sync(&self) -> Result<Synced, Broken> {
        self.sync_with(&[])
    }

    /// The same with further options.
    pub fn sync_with(&self, options: &[&str]) -> Result<Synced, Broken> {
        let store = self.path("muster.db");
        if store.exists() {
            std::fs::remove_file(&store)?;
        }
        let process = process::run(self.command()?.args(["sync", "--json", "--quiet"]).args(options))?;
        let summary: Value = serde_json::from_str(&process.output)?;
        let number = |key: &str| summary.get(key).and_then(Value::as_u64).unwrap_or_default();
        // What is fast because it is wrong does not count: the check, two counts, types, groups, pages, persons.
        let requests = 2 + 2 + 2 + self.persons.div_ceil(PAGE) + self.persons;
        let whole = number("resources") == self.persons + GROUPS && number("requests") == requests;
        if summary.get("status").is_none_or(|status| status != "published") || !whole {
            return Err(format!("the sync did not do what it should: {}", process.output.trim()).into());
        }
        Ok(Synced { process, requests: requests as f64 })
    }

    /// A path in the folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn command(&self) -> Result<Command, Broken> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program.with_file_name("muster"));
        let cache = self.folder.path().join("cache");
        command.current_dir(self.folder.path()).env("MUSTER_CACHE", cache).env(TOKEN, &self.token);
        Ok(command)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(self.vendor.stdin.take());
        let _ = self.vendor.wait();
    }
}
