//! A directory of very many people that answers at once: how near a sync comes to what SQLite alone reaches, what it
//! costs to find nothing new, and what order, distance and size do to it.

mod reader;
mod scene;

use std::time::Duration;

use support::crowd::Size;

use self::scene::{Scene, Synced};
use crate::figure::{Report, Unit};
use crate::{Broken, ms, raw};

/// What the targets hold for.
const CROWD: Size = Size { users: 100_000, groups: 1_000, members: 500 };
/// Five times as many.
const LARGE: Size = Size { users: 500_000, groups: 5_000, members: 500 };
/// What is read from afar.
const FAR: Size = Size { users: 10_000, groups: 100, members: 500 };
/// What an answer takes on its way there, and the calls at once, which are the host's default.
const LATENCY: Duration = Duration::from_millis(50);
const AT_ONCE: f64 = 16.0;
/// Requests that wait for one another: the account, the first page of groups, a page of members.
const CHAIN: f64 = 3.0;
/// Any order; the same in every run.
const SEED: u64 = 20_261_122;

/// A first sync takes less than this times a raw insert of its rows: at least half the speed.
const OF_RAW: f64 = 2.0;
/// Mebibytes, of the crowd and of the large one.
const PEAK_MIB: f64 = 60.0;
const LARGE_PEAK_MIB: f64 = 200.0;
/// Times the first sync: nothing new, any order, five times as many.
const AGAIN: f64 = 0.85;
const SHUFFLED: f64 = 1.3;
const LARGE_TIMES: f64 = 6.0;
/// Bytes of the file for each record, after one run.
const RECORD_BYTES: f64 = 70.0;
/// Times what latency and concurrency allow.
const OF_IDEAL: f64 = 1.12;
/// How much the file may grow by unchanged runs.
const GROWTH: f64 = 0.01;
/// Unchanged runs: as many as the target speaks of where they take no longer than so many seconds, else the fewer.
const UNCHANGED: (u32, u32) = (100, 10);
const UNCHANGED_SECONDS: f64 = 150.0;
/// Milliseconds that a reader may wait.
const READER_MS: f64 = 100.0;

/// Measures all of it.
pub fn measure(report: &mut Report, runs: u32) -> Result<(), Broken> {
    let again = crowd(report, runs)?;
    unchanged(report, again)?;
    far(report, FAR, runs)?;
    far(report, CROWD, 1)?;
    reader::measure(report, CROWD, READER_MS)
}

/// The crowd, in turns: first sync, second sync, the same rows in SQLite alone, and the crowd in any order; then the
/// large one. The answer is the seconds of a second sync.
fn crowd(report: &mut Report, runs: u32) -> Result<f64, Broken> {
    let title =
        format!("{} users, {} groups of {}, {} requests", CROWD.users, CROWD.groups, CROWD.members, CROWD.requests());
    report.group(&title, runs)?;
    let scene = Scene::new(CROWD, None, Duration::ZERO)?;
    let mixed = Scene::new(CROWD, Some(SEED), Duration::ZERO)?;
    let (mut first, mut again, mut shuffled) = (Vec::new(), Vec::new(), Vec::new());
    let (mut alone, mut bytes, mut rows) = (Vec::new(), Vec::new(), None);
    for _ in 0..runs {
        first.push(scene.first()?);
        bytes.push(scene.file_bytes()? as f64 / CROWD.records() as f64);
        again.push(scene.again()?);
        if rows.is_none() {
            rows = Some(raw::Rows::read(&scene.store())?);
        }
        alone.extend(rows.as_ref().map(raw::Rows::insert).transpose()?);
        shuffled.push(mixed.first()?);
    }
    let records = CROWD.records() as f64;
    let seconds = |s: &Synced| s.process.wall.as_secs_f64();
    let speed = |all: &[Synced]| all.iter().map(|s| records / seconds(s)).collect::<Vec<_>>();
    let times =
        |some: &[Synced], than: &[f64]| some.iter().zip(than).map(|(s, than)| seconds(s) / than).collect::<Vec<_>>();
    let alone: Vec<f64> = alone.iter().map(Duration::as_secs_f64).collect();
    let firsts: Vec<f64> = first.iter().map(seconds).collect();

    report.figure("crowd.wall", "first sync", Unit::Ms, first.iter().map(|s| ms(s.process.wall)), None)?;
    report.figure("crowd.records", "  records", Unit::PerSecond, speed(&first), None)?;
    report.figure(
        "crowd.raw",
        "  the same rows, SQLite alone",
        Unit::PerSecond,
        alone.iter().map(|s| records / s),
        None,
    )?;
    report.figure(
        "crowd.of-raw",
        "  first sync ÷ SQLite alone, time",
        Unit::Ratio,
        times(&first, &alone),
        Some(OF_RAW),
    )?;
    let peaks = |all: &[Synced]| all.iter().map(|s| s.process.peak_mib).collect::<Vec<_>>();
    report.figure("crowd.peak", "  peak memory", Unit::MiB, peaks(&first), Some(PEAK_MIB))?;
    report.figure("crowd.cpu", "  processor time", Unit::Ms, first.iter().map(|s| ms(s.process.cpu)), None)?;
    report.figure("crowd.guest", "    of it in guest calls", Unit::Ms, first.iter().map(|s| s.guest), None)?;
    report.figure(
        "crowd.store",
        "  store's thread at work, of the run",
        Unit::Share,
        first.iter().map(Synced::store),
        None,
    )?;
    report.figure("crowd.bytes", "  bytes of the file for each record", Unit::Ratio, bytes, Some(RECORD_BYTES))?;
    report.figure(
        "crowd.again",
        "second sync, nothing new ÷ first",
        Unit::Ratio,
        times(&again, &firsts),
        Some(AGAIN),
    )?;
    report.figure("crowd.again-peak", "  peak memory", Unit::MiB, peaks(&again), None)?;
    report.figure(
        "crowd.again-store",
        "  store's thread at work, of the run",
        Unit::Share,
        again.iter().map(Synced::store),
        None,
    )?;
    report.figure(
        "crowd.shuffled",
        "any order ÷ in order, first sync",
        Unit::Ratio,
        times(&shuffled, &firsts),
        Some(SHUFFLED),
    )?;
    report.figure("crowd.shuffled-peak", "  peak memory", Unit::MiB, peaks(&shuffled), None)?;
    drop(mixed);
    let seconds_again = median(again.iter().map(seconds).collect());
    large(report, median(firsts))?;
    Ok(seconds_again)
}

/// Five times as many, once: by the median time of the crowd.
fn large(report: &mut Report, first: f64) -> Result<(), Broken> {
    report.group(&format!("{} users, {} groups of {}", LARGE.users, LARGE.groups, LARGE.members), 1)?;
    let scene = Scene::new(LARGE, None, Duration::ZERO)?;
    let Synced { process, .. } = scene.first()?;
    report.figure("crowd.large", "first sync", Unit::Ms, [ms(process.wall)], None)?;
    report.figure("crowd.large-peak", "  peak memory", Unit::MiB, [process.peak_mib], Some(LARGE_PEAK_MIB))?;
    let times = process.wall.as_secs_f64() / first;
    report.figure("crowd.large-times", "  ÷ a fifth of them", Unit::Ratio, [times], Some(LARGE_TIMES))?;
    Ok(())
}

/// What a file grows by where nothing changes.
fn unchanged(report: &mut Report, seconds: f64) -> Result<(), Broken> {
    let (many, few) = UNCHANGED;
    let count = if f64::from(many) * seconds < UNCHANGED_SECONDS { many } else { few };
    report.group(&format!("{count} unchanged runs"), 1)?;
    let scene = Scene::new(CROWD, None, Duration::ZERO)?;
    scene.first()?;
    let before = scene.file_bytes()? as f64;
    for _ in 0..count {
        scene.again()?;
    }
    let growth = scene.file_bytes()? as f64 / before - 1.0;
    report.figure("crowd.growth", "growth of the file", Unit::SmallShare, [growth], Some(GROWTH))?;
    Ok(())
}

/// How near to what latency and concurrency allow.
fn far(report: &mut Report, size: Size, runs: u32) -> Result<(), Broken> {
    let latency = LATENCY.as_secs_f64();
    let title =
        format!("{} users, {} groups of {}, at {} ms", size.users, size.groups, size.members, LATENCY.as_millis());
    report.group(&title, runs)?;
    let scene = Scene::new(size, None, LATENCY)?;
    let measured: Vec<Synced> = (0..runs).map(|_| scene.first()).collect::<Result<_, _>>()?;
    let ideal = (CHAIN * latency).max(size.requests() as f64 * latency / AT_ONCE);
    report.figure(
        &format!("crowd.far-{}", size.users),
        "first sync",
        Unit::Ms,
        measured.iter().map(|s| ms(s.process.wall)),
        None,
    )?;
    let ratios = measured.iter().map(|s| s.process.wall.as_secs_f64() / ideal);
    report.figure(
        &format!("crowd.far-{}-ratio", size.users),
        "  ÷ (requests × latency ÷ at once)",
        Unit::Ratio,
        ratios,
        Some(OF_IDEAL),
    )?;
    Ok(())
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}
