//! What a tape costs: recording a run beside just running it, and replaying it.

use crate::figure::{Report, Unit};
use crate::scene::Scene;
use crate::vendor::Account;
use crate::{Broken, ms};

/// One request a team, one for the agents, one for the teams and one for the check.
const REQUESTS: u64 = 10_000;
const ACCOUNT: Account = Account { agents: 1_000, teams: REQUESTS - 3, members: 5 };
/// Milliseconds of a replay, the whole process.
const REPLAY_MS: f64 = 3_000.0;

/// Measures it.
pub fn measure(report: &mut Report, runs: u32) -> Result<(), Broken> {
    report.group("A tape of 10,000 requests", runs)?;
    let scene = Scene::new(ACCOUNT)?;
    let (mut plain, mut recorded, mut replayed, mut peak) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        plain.push(ms(scene.sync(true)?.process.wall));
        recorded.push(ms(scene.taped("--record", REQUESTS)?.wall));
        let replay = scene.taped("--replay", REQUESTS)?;
        peak.push(replay.peak_mib);
        replayed.push(ms(replay.wall));
    }
    let ratios: Vec<f64> = recorded.iter().zip(&plain).map(|(recorded, plain)| recorded / plain).collect();
    report.figure("tape.recorded", "recorded ÷ not recorded, first sync", Unit::Ratio, ratios, None)?;
    report.figure("tape.replay", "replay, whole process, new store", Unit::Ms, replayed, Some(REPLAY_MS))?;
    report.figure("tape.replay-peak", "  peak memory", Unit::MiB, peak, None)?;
    Ok(())
}
