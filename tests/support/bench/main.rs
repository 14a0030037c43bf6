//! `bench`: what a sync costs, on this machine, now.
//!
//! Everything that is compared is measured in one run of this program, in turns, and each figure is the median of
//! several. The vendor is a fake in a process of its own, so that the processor time and the memory are `muster`'s
//! alone. It is no test: a machine that is busy with something else is slow.

mod figure;
mod process;
mod raw;
mod scene;
mod vendor;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use figure::{Figure, Report, Unit};
use scene::{Scene, Synced};
use vendor::Account;

/// Whatever keeps the bench from measuring.
type Broken = Box<dyn Error>;

/// Measures what a sync costs and compares it with the targets.
#[derive(Parser, Debug)]
#[command(name = "bench", version)]
struct Arguments {
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,

    /// Exit code 1 where a target is missed
    #[arg(long)]
    strict: bool,

    /// How often the small account is read; larger ones less often
    #[arg(long, value_name = "N", default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// Beyond what the server takes, for a small account.
const TINY_MS: f64 = 30.0;
/// For 10,000 agents and 200 teams of 50.
const MIDDLE_MS: f64 = 300.0;
const MIDDLE_MIB: f64 = 40.0;

const MIDDLE: Account = Account { agents: 10_000, teams: 200, members: 50 };
const LARGE: Account = Account { agents: 50_000, teams: 500, members: 100 };

fn main() -> ExitCode {
    // The roles that this program starts itself in.
    let mut words = std::env::args_os().skip(1);
    let done = match words.next().as_ref().and_then(|word| word.to_str()) {
        Some(process::ROLE) => process::measure(words).map(|()| true),
        Some(vendor::ROLE) => vendor::serve(words).map(|()| true),
        _ => {
            let arguments = Arguments::parse();
            bench(&arguments).map(|all| all || !arguments.strict)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every target was met.
fn bench(arguments: &Arguments) -> Result<bool, Broken> {
    let mut report = Report::new(arguments.json)?;
    let runs = arguments.runs;
    tiny(&mut report, runs)?;
    let middle = sized(&mut report, "10,000 agents, 200 teams of 50", MIDDLE, runs.div_ceil(3), true)?;
    let large = sized(&mut report, "50,000 agents, 500 teams of 100", LARGE, runs.div_ceil(5), false)?;
    report.group("from the smaller to the larger of the two", 1)?;
    report.figure(Figure::new("scale.records", "records a second, larger ÷ smaller", Unit::Ratio, [large / middle]))?;
    Ok(report.end())
}

/// The small account of the demo, and what there is beside reading it.
fn tiny(report: &mut Report, runs: u32) -> Result<(), Broken> {
    report.group("8 agents, 3 teams (the demo's), whole process beyond the server's time", runs)?;
    let scene = Scene::new(Account::DEMO)?;
    let (mut version, mut again, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    let beyond = |synced: &Synced| synced.process.wall.saturating_sub(synced.served.busy);
    for _ in 0..runs {
        version.push(scene.version()?.wall);
        fresh.push(beyond(&scene.first_sync()?));
        again.push(beyond(&scene.second_sync()?));
    }
    report.figure(Figure::new("tiny.version", "muster --version, to compare with", Unit::Ms, ms(&version)))?;
    report.figure(Figure::new("tiny.first", "first sync, new store", Unit::Ms, ms(&fresh)).under(TINY_MS))?;
    report.figure(Figure::new("tiny.again", "second sync, nothing changed", Unit::Ms, ms(&again)).under(TINY_MS))?;
    let ratio = ms(&again).zip(ms(&version)).map(|(sync, version)| sync / version);
    report.figure(Figure::new("tiny.ratio", "second sync ÷ --version", Unit::Ratio, ratio))
}

/// A larger account: how long, how much memory, where the time went. The answer is the records a second.
fn sized(report: &mut Report, title: &str, account: Account, runs: u32, targets: bool) -> Result<f64, Broken> {
    report.group(title, runs)?;
    let scene = Scene::new(account)?;
    let (mut first, mut second, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        first.push(scene.first_sync()?);
        second.push(scene.second_sync()?);
        raw.push(raw::insert_again(&scene.store())?);
    }
    for (key, name, synced) in [("first", "first sync", &first), ("again", "second sync, nothing changed", &second)] {
        let key = |part: &str| format!("{}.{key}.{part}", account.agents);
        let walls = synced.iter().map(|s| 1e3 * s.process.wall.as_secs_f64());
        let wall = Figure::new(key("wall"), name, Unit::Ms, walls);
        let sizes = synced.iter().map(|s| s.process.peak_mib);
        let peak = Figure::new(key("peak"), "  peak memory", Unit::MiB, sizes);
        report.figure(if targets { wall.under(MIDDLE_MS) } else { wall })?;
        report.figure(if targets { peak.under(MIDDLE_MIB) } else { peak })?;
        let cpu = |s: &Synced| 1e3 * s.process.cpu.as_secs_f64();
        report.figure(Figure::new(key("cpu"), "  processor time", Unit::Ms, synced.iter().map(cpu)))?;
        let parts: [(&str, &str, fn(&Synced) -> f64); 5] = [
            ("store", "  the store's thread, of the run", |s| s.times.store_ms / s.elapsed_ms),
            ("guest", "  guest calls, processor, of the run", |s| s.times.guest_ms / s.elapsed_ms),
            ("waiting", "  answers awaited, summed, of the run", |s| s.times.vendor_ms / s.elapsed_ms),
            ("rest", "  processor: neither guest nor store", Synced::rest),
            ("server", "  the server's processor, of the run", |s| s.of_run(s.served.cpu)),
        ];
        for (part, name, value) in parts {
            report.figure(Figure::new(key(part), name, Unit::Share, synced.iter().map(value)))?;
        }
    }
    let key = |part: &str| format!("{}.{part}", account.agents);
    let rate = |s: &Synced| account.records() as f64 / s.process.wall.as_secs_f64();
    let rates = Figure::new(key("records"), "records a second, first sync", Unit::PerSecond, first.iter().map(rate));
    let median = rates.median;
    report.figure(rates)?;
    let inserted = raw.iter().map(|time| account.records() as f64 / time.as_secs_f64());
    report.figure(Figure::new(key("raw"), "the same rows, SQLite alone", Unit::PerSecond, inserted))?;
    let shares = first.iter().zip(&raw).map(|(s, raw)| raw.as_secs_f64() / s.process.wall.as_secs_f64());
    report.figure(Figure::new(key("of-raw"), "first sync ÷ SQLite alone, in speed", Unit::Share, shares))?;
    Ok(median)
}

fn ms(times: &[Duration]) -> impl Iterator<Item = f64> {
    times.iter().map(|time| 1e3 * time.as_secs_f64())
}

impl Synced {
    /// The part of the processor time that neither guest calls nor the store's thread took: the network, the
    /// runtime, the start.
    fn rest(&self) -> f64 {
        let cpu = 1e3 * self.process.cpu.as_secs_f64();
        (cpu - self.times.guest_ms - self.times.store_ms).max(0.0) / cpu
    }

    fn of_run(&self, time: Duration) -> f64 {
        1e3 * time.as_secs_f64() / self.elapsed_ms
    }
}

/// A helper is this program again.
fn myself(role: &str) -> Result<std::process::Command, Broken> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}
