//! What a tape costs: recording a run beside just running it, and replaying it.

use std::time::Duration;

use crate::charthop::Scene;
use crate::figure::{Report, Unit};
use crate::{Broken, ms};

/// As many as make 10,000 requests: one each, one for every 500 of them, and six more.
const PERSONS: u64 = 9_974;
const REQUESTS: f64 = 10_000.0;
/// The host's default.
const AT_ONCE: u64 = 16;
/// Milliseconds of a replay, the whole process.
const REPLAY_MS: f64 = 3_000.0;

/// Measures it, at a vendor that answers at once.
pub fn measure(report: &mut Report, runs: u32) -> Result<(), Broken> {
    report.group("A tape of 10,000 requests", runs)?;
    let scene = Scene::new(PERSONS, AT_ONCE, Duration::ZERO)?;
    let (mut plain, mut recorded, mut replayed, mut peak) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        plain.push(ms(scene.sync()?.process.wall));
        let tape = scene.path("tape.jsonl");
        if tape.exists() {
            std::fs::remove_file(&tape)?;
        }
        let synced = scene.sync_with(&["--record", "tape.jsonl"])?;
        if synced.requests != REQUESTS {
            return Err(format!("the tape holds {} requests", synced.requests).into());
        }
        recorded.push(ms(synced.process.wall));
        let replay = scene.sync_with(&["--replay", "tape.jsonl"])?.process;
        peak.push(replay.peak_mib);
        replayed.push(ms(replay.wall));
    }
    let ratios: Vec<f64> = recorded.iter().zip(&plain).map(|(recorded, plain)| recorded / plain).collect();
    report.figure("tape.recorded", "recorded ÷ not recorded, first sync", Unit::Ratio, ratios, None)?;
    report.figure("tape.replay", "replay, whole process, new store", Unit::Ms, replayed, Some(REPLAY_MS))?;
    report.figure("tape.replay-peak", "  peak memory", Unit::MiB, peak, None)?;
    Ok(())
}
