//! Two properties of random rosters: what was planned and applied needs no other plan, and an apply that is interrupted
//! wherever it may be and repeated leaves the same target as one that was not.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use nix::sys::signal::Signal;
use serde_json::Value;
use support::charthop::world::Person;
use support::fault::{Fault, FaultKind};
use support::pair::Pair;
use support::roster::Member;
use support::scene::eventually;

use crate::apply::{company, persons};

/// Rosters of each property; each takes a second or two.
const ROSTERS: u64 = 12;
/// People in one.
const PEOPLE: u64 = 14;

/// SplitMix64: the same rosters on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    fn rarely(&mut self) -> bool {
        self.below(4) == 0
    }
}

/// Nobody is without one: a person without a title has no job at ChartHop, and it takes no hire without one.
const TITLES: [&str; 4] = ["Engineer", "Lead", "Cook, \"best\"", "Größe"];
const PLACES: [&str; 4] = ["Boston", "Remote", "", "東京"];
const TEAMS: [&str; 4] = ["Design", "Engineering", "", "Law & Order"];
const KINDS: [&str; 4] = ["employee", "contractor", "something else", "intern"];

fn email(number: u64) -> String {
    format!("p{number:02}@lantern.test")
}

fn somebody(dice: &mut Dice, number: u64) -> Member {
    let manager = match dice.below(4) {
        0 => "meg@lantern.test".to_owned(),
        1 => String::new(),
        // Anybody, so that there are circles, and people below somebody who is not there.
        _ => email(dice.below(PEOPLE + 2)),
    };
    let member = Member::new(&email(number), dice.one(&["Ada", "Bo", "Cy"]), dice.one(&["Day", "East", "Fox-Gray"]));
    let member = member.title(dice.one(&TITLES)).works(dice.one(&TEAMS), dice.one(&PLACES)).kind(dice.one(&KINDS));
    let member = member.started(dice.one(&["2020-02-03", "2024-02-29", "2099-01-04"])).manager(&manager);
    match dice.below(3) {
        0 => member,
        // Sometimes of several people.
        1 if dice.rarely() => member.employee("7"),
        _ => member.employee(&format!("{number:03}")),
    }
}

/// Another day's view of the same people.
fn drifted(dice: &mut Dice, people: &[Member]) -> Vec<Member> {
    let mut out = Vec::new();
    for (number, person) in (0..).zip(people) {
        let other = somebody(dice, number);
        match dice.below(6) {
            0 => {}
            1 => out.push(Member { title: other.title, location: other.location, ..person.clone() }),
            2 => out.push(Member { manager: other.manager, department: other.department, ..person.clone() }),
            3 => out.push(Member { email: format!("new.{}", person.email), ..person.clone() }),
            4 => out.push(Member { first: other.first, start: other.start, kind: other.kind, ..person.clone() }),
            _ => out.push(person.clone()),
        }
    }
    out
}

/// What is right, and what the target has of it.
fn rosters(seed: u64) -> (Vec<Member>, Vec<Member>) {
    let mut dice = Dice(seed);
    let source: Vec<Member> = (0..PEOPLE).map(|number| somebody(&mut dice, number)).collect();
    let target = drifted(&mut dice, &source);
    let left = |member: Member| if dice.rarely() { member.started("2020-02-03").ended("2026-01-31") } else { member };
    let source = source.into_iter().map(left).collect::<Vec<_>>();
    // A target takes one person without a manager alone; everybody else there has one.
    let managed = |member: Member| match member.manager.is_empty() || member.manager == member.email {
        true => member.manager("meg@lantern.test"),
        false => member,
    };
    (company(&source), company(&target.into_iter().map(managed).collect::<Vec<_>>()))
}

const PLAN: [&str; 8] = ["plan", "justworks", "charthop", "--contractors", "include", "-o", "plan.json", "--json"];

/// Whether there is something to do.
fn plan(pair: &Pair) -> bool {
    let plan: Value = pair.muster(PLAN).exits(0).json();
    ["hires", "changes", "moves", "departures"].iter().any(|key| !plan[*key].as_array().unwrap().is_empty())
}

#[test]
fn what_was_planned_and_applied_needs_no_other_plan() {
    let mut applied = 0;
    for seed in 0..ROSTERS {
        let (source, target) = rosters(seed);
        let pair = Pair::rosters(&source, &target).synced();
        if !plan(&pair) {
            continue;
        }
        let run = pair.muster(["apply", "plan.json", "--yes", "--json"]);
        let line = run.json();
        assert_eq!(
            run.code,
            Some(0),
            "seed {seed}: {line}\n{}\n{:#?}\n{}",
            run.stderr,
            pair.charthop().applied(),
            std::fs::read_to_string(pair.path("plan.json")).unwrap()
        );
        assert_eq!(pair.charthop().applied_twice(), [], "seed {seed}");
        assert!(!plan(&pair), "seed {seed}: {}", std::fs::read_to_string(pair.path("plan.json")).unwrap());
        applied += 1;
    }
    assert!(applied > ROSTERS / 2, "{applied} rosters had something to do");
}

/// How an apply is ended in its middle.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Killed when a request was sent and is not done.
    Killed,
    /// Killed when a write is done and not answered.
    KilledAfter,
    /// Every answer from there on is lost, though what was asked for is done.
    Lost,
}

/// Interrupts an apply in front of this request, and repeats it.
fn interrupted(pair: &Pair, methods: &[Method], after: usize, end: End, wanted: &[Person]) {
    let charthop = pair.charthop();
    let kind = match end {
        End::Killed => FaultKind::Hang,
        End::KilledAfter => FaultKind::Withheld,
        End::Lost => FaultKind::LostAnswer,
    };
    let fault = charthop.inject(Fault::new("*", "/**", kind).after(after as u64));
    let process = pair.spawn(["apply", "plan.json", "--yes"]);
    eventually("it is interrupted", || fault.fired() > 0);
    if let End::KilledAfter = end {
        let writes = methods[..=after].iter().filter(|method| *method != Method::GET).count();
        eventually("the write is done", || charthop.taken().len() == writes);
    }
    if let End::Killed | End::KilledAfter = end {
        process.signal(Signal::SIGKILL);
    }
    let run = process.wait();
    assert_ne!(run.code, Some(0), "{end:?} after {after}");
    fault.lift();
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    assert_eq!(persons(&charthop.world()), wanted, "{end:?} after {after} of {}", methods.len());
    assert_eq!(charthop.applied_twice(), [], "{end:?} after {after} of {}", methods.len());
}

#[test]
fn an_apply_that_is_interrupted_anywhere_and_repeated_is_one_that_was_not() {
    let (source, target) = rosters(3);
    let begin = || {
        let pair = Pair::rosters(&source, &target).synced();
        assert!(plan(&pair));
        pair.charthop().reset_stats();
        pair
    };
    let whole = begin();
    whole.muster(["apply", "plan.json", "--yes"]).exits(0);
    let wanted = persons(&whole.charthop().world());
    assert!(!whole.charthop().taken().is_empty());
    // What is asked for until the target is read again.
    let mut methods: Vec<Method> = whole.charthop().requests().iter().map(|request| request.method.clone()).collect();
    methods.truncate(methods.iter().rposition(|method| *method != Method::GET).unwrap() + 1);
    assert!(methods.len() > 5, "{methods:?}");
    let cases: Vec<(usize, End)> = (0..methods.len())
        .flat_map(|after| [End::Killed, End::KilledAfter, End::Lost].map(|end| (after, end)))
        // A read that is done and one that is not are the same.
        .filter(|(after, end)| !matches!(end, End::KilledAfter) || methods[*after] != Method::GET)
        .collect();
    assert!(cases.len() >= 12, "{cases:?}");
    // Most of the time goes by in waiting for a vendor that does not answer.
    let threads = std::thread::available_parallelism().map_or(4, |cores| cores.get() * 4).min(16);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((after, end)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    interrupted(&begin(), &methods, *after, *end, &wanted);
                }
            });
        }
    });
}
