//! `bench`: what a sync costs, on this machine, now.
//!
//! What is compared is measured in one run of this program, in turns, and each figure is the median of several. The
//! vendor is a fake in a process of its own, so that processor time and memory are `muster`'s alone. It is no test:
//! a machine that is busy with something else is slow.

mod boundary;
mod charthop;
mod crowd;
mod figure;
mod neighbour;
mod plan;
mod process;
mod raw;
mod scene;
mod tape;
mod vendor;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use figure::{Report, Unit};
use scene::{Scene, Synced};
use vendor::Account;

/// Whatever keeps the bench from measuring.
type Broken = Box<dyn std::error::Error>;

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
    /// Only this part
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
}

/// What is measured.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Tiny,
    Sizes,
    Boundary,
    Neighbours,
    Tapes,
    Charthop,
    Crowd,
    Plan,
}

/// Milliseconds of the whole process beyond what the server takes, for a small account.
const TINY_MS: f64 = 30.0;
/// Milliseconds and mebibytes for the account below.
const MIDDLE: Targets = Some((300.0, 40.0));
const MIDDLE_ACCOUNT: Account = Account { agents: 10_000, teams: 200, members: 50 };
const LARGE_ACCOUNT: Account = Account { agents: 50_000, teams: 500, members: 100 };

type Targets = Option<(f64, f64)>;

fn main() -> ExitCode {
    // First the roles that this program starts itself in.
    let mut words = std::env::args().skip(1);
    let done = match words.next().as_deref() {
        Some(process::ROLE) => process::measure(words).map(|()| true),
        Some(vendor::ROLE) => vendor::serve(words).map(|()| true),
        Some(boundary::ROLE) => boundary::serve(words).map(|()| true),
        Some(charthop::ROLE) => charthop::serve(words).map(|()| true),
        _ => {
            let arguments = Arguments::parse();
            bench(&arguments).map(|met| met || !arguments.strict)
        }
    };
    done.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::from(2)
        },
        |good| ExitCode::from(u8::from(!good)),
    )
}

/// Whether every target was met.
fn bench(arguments: &Arguments) -> Result<bool, Broken> {
    let (mut report, runs) = (Report::new(arguments.json)?, arguments.runs);
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    if wanted(Part::Tiny) {
        tiny(&mut report, runs)?;
    }
    if wanted(Part::Sizes) {
        let title = "10,000 agents, 200 teams of 50: 20,400 records";
        let middle = sized(&mut report, title, MIDDLE_ACCOUNT, runs.div_ceil(3), MIDDLE)?;
        let title = "50,000 agents, 500 teams of 100: 101,000 records";
        let large = sized(&mut report, title, LARGE_ACCOUNT, runs.div_ceil(5), None)?;
        report.figure("scale", "speed of the larger ÷ the smaller", Unit::Ratio, [large / middle], None)?;
    }
    if wanted(Part::Boundary) {
        boundary::measure(&mut report, runs.div_ceil(2))?;
    }
    if wanted(Part::Neighbours) {
        neighbour::measure(&mut report, LARGE_ACCOUNT, runs.div_ceil(3))?;
    }
    if wanted(Part::Tapes) {
        tape::measure(&mut report, runs.div_ceil(5))?;
    }
    if wanted(Part::Charthop) {
        charthop::measure(&mut report, runs.div_ceil(10))?;
    }
    if wanted(Part::Crowd) {
        crowd::measure(&mut report, runs.div_ceil(5))?;
    }
    if wanted(Part::Plan) {
        plan::measure(&mut report, runs.div_ceil(5))?;
    }
    Ok(report.met())
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

fn tiny(report: &mut Report, runs: u32) -> Result<(), Broken> {
    report.group("The demo's account, whole process beyond the server's time", runs)?;
    let scene = Scene::new(Account::DEMO)?;
    let (mut version, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        version.push(ms(scene.version()?.wall));
        for (to, new) in [(&mut first, true), (&mut again, false)] {
            let synced = scene.sync(new)?;
            to.push(ms(synced.process.wall.saturating_sub(synced.served.busy)));
        }
    }
    let ratios: Vec<f64> = again.iter().zip(&version).map(|(sync, version)| sync / version).collect();
    report.figure("tiny.version", "muster --version, to compare with", Unit::Ms, version, None)?;
    report.figure("tiny.first", "first sync, new store", Unit::Ms, first, Some(TINY_MS))?;
    report.figure("tiny.again", "second sync, nothing new", Unit::Ms, again, Some(TINY_MS))?;
    report.figure("tiny.ratio", "second sync ÷ --version", Unit::Ratio, ratios, None)?;
    Ok(())
}

/// How long, how much memory, and where the time went. The answer is the records a second.
fn sized(report: &mut Report, title: &str, account: Account, runs: u32, targets: Targets) -> Result<f64, Broken> {
    report.group(title, runs)?;
    let scene = Scene::new(account)?;
    let (mut first, mut again, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        first.push(scene.sync(true)?);
        again.push(scene.sync(false)?);
        raw.push(raw::insert_again(&scene.store())?);
    }
    let records = account.records();
    let (wall_target, peak_target) = targets.unzip();
    type Row = (&'static str, &'static str, Unit, fn(&Synced) -> f64);
    let parts: [Row; 8] = [
        ("wall", "wall clock", Unit::Ms, |s| ms(s.process.wall)),
        ("peak", "peak memory", Unit::MiB, |s| s.process.peak_mib),
        ("cpu", "processor time", Unit::Ms, |s| ms(s.process.cpu)),
        ("cpu-guest", "  of it in guest calls", Unit::Share, |s| s.guest / ms(s.process.cpu)),
        ("cpu-other", "  of it in neither guest nor store, at least", Unit::Share, others),
        ("store", "store's thread at work, of the run", Unit::Share, |s| s.store / s.elapsed),
        ("awaited", "answers awaited at once, on average", Unit::Ratio, |s| s.awaited / s.elapsed),
        ("server", "server's processor, of the run", Unit::Share, |s| ms(s.served.cpu) / s.elapsed),
    ];
    for (run, title, synced) in [("first", "first sync", &first), ("again", "second sync, nothing new", &again)] {
        report.line(title)?;
        for (part, name, unit, value) in parts {
            let target = if part == "wall" { wall_target } else { peak_target.filter(|_| part == "peak") };
            let key = format!("{}.{run}.{part}", account.agents);
            report.figure(&key, &format!("  {name}"), unit, synced.iter().map(value), target)?;
        }
    }
    report.line("records through the boundary into the store")?;
    let mut rate = |part: &str, name: &str, unit, measured: Vec<f64>| {
        report.figure(&format!("{}.{part}", account.agents), name, unit, measured, None)
    };
    let seconds = |s: &Synced| s.process.wall.as_secs_f64();
    let speed = first.iter().map(|s| records / seconds(s)).collect();
    let speed = rate("records", "  first sync", Unit::PerSecond, speed)?;
    let again = again.iter().map(|s| records / seconds(s)).collect();
    rate("records-again", "  second sync", Unit::PerSecond, again)?;
    let alone = raw.iter().map(|time| records / time.as_secs_f64()).collect();
    rate("raw", "  the first sync's rows, SQLite alone", Unit::PerSecond, alone)?;
    let shares = first.iter().zip(&raw).map(|(s, raw)| raw.as_secs_f64() / seconds(s)).collect();
    rate("of-raw", "  first sync ÷ SQLite alone", Unit::Share, shares)?;
    Ok(speed)
}

/// Of the processor time, what neither guest calls nor the store took: connections, the runtime, the start. The
/// store's part is known by the wall clock only.
fn others(s: &Synced) -> f64 {
    let cpu = ms(s.process.cpu);
    (cpu - s.guest - s.store).max(0.0) / cpu
}
