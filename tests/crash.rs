//! Runs that are killed at random instants, and the next sync that goes on with them: what is published in the end is
//! what an uninterrupted run publishes, row for row.
//!
//! 40 scenarios by default; `MUSTER_CRASHES` says how many (`make crash`: 200), `MUSTER_CRASH_SEED` which one. A
//! scenario is made from its seed: the vendor's data, changes since an earlier snapshot, faults, moments. What the
//! machine decides (which answer comes first, how far the process got) is different each time.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use support::crash::{Ground, Moment, REFERENCE, STORE, done_before, each_seed, strike};
use support::fault::Injected;
use support::scene::Run;
use support::seed::Dice;

/// Scenarios where nobody says how many: a quarter for each of the tests below.
const SCENARIOS: u64 = 40;
/// More attempts than any scenario needs.
const ATTEMPTS: usize = 8;
/// How long a stopped sync may take.
const SOON: Duration = Duration::from_secs(2);

/// What scenarios came to, so that they are seen to have tested something.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Runs that were struck before they were over.
    struck: u64,
    /// Of them, those of which something was stored.
    begun: u64,
    /// Of those, the ones that went on under the same number.
    resumed: u64,
    /// Tasks that were done when they did.
    kept: u64,
    /// Runs in which a task failed, and that went on.
    failed: u64,
    /// Struck after everything had been asked for.
    at_the_end: u64,
    /// Faults that were met.
    faults: u64,
    /// Requests of all attempts, and those of uninterrupted runs.
    requests: u64,
    needed: u64,
}

impl Tally {
    fn plus(self, other: Tally) -> Tally {
        Tally {
            struck: self.struck + other.struck,
            begun: self.begun + other.begun,
            resumed: self.resumed + other.resumed,
            kept: self.kept + other.kept,
            failed: self.failed + other.failed,
            at_the_end: self.at_the_end + other.at_the_end,
            faults: self.faults + other.faults,
            requests: self.requests + other.requests,
            needed: self.needed + other.needed,
        }
    }
}

/// One scenario: a run that is struck down one to three times, and gone on with to its end.
fn scenario(make: fn(&mut Dice) -> Ground, history: bool, blow: Signal, seed: u64) -> Tally {
    let dice = &mut Dice::new(seed);
    let ground = make(dice);
    let scene = &ground.scene;
    if history {
        scene.muster(["sync"]).exits(0);
        std::fs::copy(scene.path(STORE), scene.path(REFERENCE)).unwrap();
        ground.change(dice);
    }
    let before = history.then(|| ground.published(STORE));
    let asked = ground.server().stats().requests;
    scene.muster(["sync", "--store", REFERENCE]).exits(0).stderr_is_empty();
    let wanted = ground.published(REFERENCE);
    assert!(wanted.findings() > 0, "the integrity report has something to say");
    assert!(before.as_ref() != Some(&wanted), "something has changed");
    let needed = ground.server().stats().requests - asked;
    let fails = dice.chance(40);
    let faults = ground.faults(dice, fails);

    let since = ground.server().requests().len();
    let fired = || faults.iter().map(Injected::fired).sum::<u64>();
    let mut tally = Tally { needed, ..Tally::default() };
    let (mut blows, mut number) = (dice.within(1..=3), None);
    let mut over = false;
    for _ in 0..ATTEMPTS {
        let (asked, fired_before) = (ground.server().stats().requests, fired());
        let left = needed.saturating_sub(ground.different(since)).max(1);
        let process = scene.spawn(["sync", "--json"]);
        let (run, struck) = if blows > 0 {
            let moment = match dice.chance(30) {
                true => Moment::at_the_end(dice, left),
                false => Moment::amid(dice, left),
            };
            let struck = strike(process, ground.server(), asked, moment, blow);
            if struck.alive {
                blows -= 1;
                tally.struck += 1;
                tally.at_the_end += u64::from(moment.requests == left);
                ends_as(&struck.run, blow, struck.took);
            }
            (struck.run, struck.alive)
        } else {
            (process.wait(), false)
        };
        let requests = ground.server().stats().requests - asked;
        tally.requests += requests;
        let newest = ground.newest();
        if number.is_some() && newest.as_ref().map(|(number, _)| *number) == number {
            tally.resumed += 1;
        }
        if let Some(done) = done_before(&run) {
            // The first call asks for nothing, each other task for something; a fault is one request more.
            let most = needed - done.saturating_sub(1) + fired() - fired_before;
            assert!(
                requests <= most,
                "it asked {requests} times where {most} will do, with {done} tasks done: {run:?}"
            );
            tally.kept += done;
        }
        over = newest.as_ref().is_some_and(|(number, status)| status == "published" && (*number > 1 || !history));
        if !struck {
            let line = run.json();
            if number.is_some() {
                assert_eq!((&line["resumed"], line["run"].as_u64()), (&json!(true), number), "{line}");
            }
            if !over {
                tally.failed += 1;
                run.exits(3);
                assert!(fails && tally.failed == 1, "a run that nobody struck failed: {run:?}");
            }
        }
        if over {
            break;
        }
        // Nobody sees anything of it.
        if dice.chance(30)
            && let Some(before) = &before
        {
            before.equals(&ground.published(STORE));
        }
        number = newest.map(|(number, _)| number).filter(|number| *number > u64::from(history));
        tally.begun += u64::from(number.is_some());
    }
    assert!(over, "after {ATTEMPTS} attempts there is nothing");
    ground.published(STORE).equals(&wanted);
    for fault in &faults {
        assert!(fault.fired() > 0, "the fault {:?} never happened", fault.fault());
        tally.faults += fault.fired();
    }
    // What was done twice or left behind would show now.
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["added"], &line["changed"], &line["removed"]), (&json!(0), &json!(0), &json!(0)), "{line}");
    ground.published(STORE).has_the_rows_of(&wanted);
    tally
}

/// How a run ends that was struck before it was over.
#[track_caller]
fn ends_as(run: &Run, blow: Signal, took: Duration) {
    let code = match blow {
        Signal::SIGINT => 130,
        Signal::SIGTERM => 143,
        // It may have ended by itself in the same moment.
        _ => return assert!(run.killed_by == Some(9) || run.code.is_some(), "{run:?}"),
    };
    assert!(took < SOON, "it took {took:?} to stop: {run:?}");
    // A signal that comes before anybody listens for it ends the process as it ends any.
    assert!(run.code == Some(code) || run.killed_by == Some(blow as i32), "{run:?}");
}

/// The scenarios of one kind, and what they must have come to together.
#[track_caller]
fn scenarios(part: u64, make: fn(&mut Dice) -> Ground, history: bool, blow: Signal, default: u64) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let count = number("MUSTER_CRASHES").unwrap_or(default).div_ceil(4);
    let seeds = match number("MUSTER_CRASH_SEED") {
        Some(seed) => seed..seed + 1,
        None => part * 10_000..part * 10_000 + count,
    };
    let tally = each_seed(seeds, |seed| scenario(make, history, blow, seed));
    let scenarios = tally.len() as u64;
    let tally = tally.into_iter().fold(Tally::default(), Tally::plus);
    eprintln!("{scenarios} scenarios: {tally:?}");
    if scenarios < count {
        return;
    }
    assert!(tally.struck >= scenarios, "hardly anything was struck: {tally:?}");
    assert!(tally.begun * 2 >= tally.struck, "hardly anything had begun: {tally:?}");
    assert_eq!(tally.resumed, tally.begun, "interrupted runs did not go on: {tally:?}");
    assert!(tally.kept > tally.resumed * 3, "hardly anything was kept of them: {tally:?}");
}

#[test]
fn a_first_run_of_teams_that_is_killed() {
    scenarios(1, Ground::chatwoot, false, Signal::SIGKILL, SCENARIOS);
}

#[test]
fn a_run_of_teams_over_an_earlier_one_that_is_killed() {
    scenarios(2, Ground::chatwoot, true, Signal::SIGKILL, SCENARIOS);
}

#[test]
fn a_first_run_of_pages_that_is_killed() {
    scenarios(3, Ground::scim, false, Signal::SIGKILL, SCENARIOS);
}

#[test]
fn a_run_of_pages_over_an_earlier_one_that_is_killed() {
    scenarios(4, Ground::scim, true, Signal::SIGKILL, SCENARIOS);
}

#[test]
fn a_run_that_is_terminated() {
    scenarios(5, Ground::chatwoot, true, Signal::SIGTERM, SCENARIOS / 2);
}

#[test]
fn a_run_that_is_interrupted_from_the_keyboard() {
    scenarios(6, Ground::scim, true, Signal::SIGINT, SCENARIOS / 2);
}
