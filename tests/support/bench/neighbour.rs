//! What a hostile connector costs the connection beside it, in one process.

use crate::Broken;
use crate::figure::{Report, Unit};
use crate::scene::Scene;
use crate::vendor::Account;

/// How much longer the honest run may take.
const DELAY: f64 = 0.10;
/// The attacks: the mode of the hostile connector, and what it does meanwhile.
const MODES: [(&str, &str); 4] = [
    ("spin", "beside a spinning guest"),
    ("spin-in-bursts", "beside one that spins in bursts"),
    ("sleep", "beside a sleeping guest"),
    ("memory", "beside one that takes memory"),
];

/// Measures an honest run alone and beside each attack, in turns.
pub fn measure(report: &mut Report, account: Account, runs: u32) -> Result<(), Broken> {
    report.group("An honest run beside a hostile one, in one process: how much longer it takes", runs)?;
    let alone = Scene::beside(account, None)?;
    alone.honest_run()?;
    for (mode, name) in MODES {
        let beside = Scene::beside(account, Some(mode))?;
        // Compiles the hostile component: that is not what is measured.
        beside.honest_run()?;
        let (mut base, mut delayed) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            base.push(alone.honest_run()?);
            delayed.push(beside.honest_run()?);
        }
        let delay = median(&mut delayed) / median(&mut base) - 1.0;
        report.figure(&format!("neighbour.{mode}"), name, Unit::Share, [delay], Some(DELAY))?;
    }
    Ok(())
}

/// The middle of them: one run alone differs by more from the next than an attack costs.
fn median(of: &mut [f64]) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}
