//! Runs that are struck down: a vendor with faults, a store with or without a history, the moment of the blow, and
//! the two snapshots that have to be one.
//!
//! The uninterrupted run reads the same vendor into a store of its own, before anything goes wrong.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::chatwoot::{Agent, FakeChatwoot, Team};
use crate::fault::{Fault, FaultKind, Injected};
use crate::scene::{Process, Run, Scene, text};
use crate::scim::{FakeScim, Group, Quirk, ROOT, User};
use crate::seed::Dice;
use crate::server::FakeServer;

/// The store of the run that is struck.
pub const STORE: &str = "muster.db";
/// The store of the run that is not.
pub const REFERENCE: &str = "reference.db";
/// How often the vendor is looked at while a moment is waited for.
const GLANCE: Duration = Duration::from_micros(200);

/// A vendor with a scene around it.
pub struct Ground {
    /// The folder and the plugin list.
    pub scene: Scene,
    vendor: Vendor,
}

enum Vendor {
    /// Its fake is the scene's.
    Chatwoot,
    Scim(FakeScim),
}

/// How many calls are in progress at once, and how far away the vendor is.
fn pace(dice: &mut Dice) -> (String, Duration) {
    let at_once = *dice.pick(&[1, 3, 16]);
    let latency = Duration::from_millis(dice.within(1..=2) * if at_once == 16 { 4 } else { 1 });
    (format!("at-once = {at_once}"), latency)
}

impl Ground {
    /// Some hundred agents in a few dozen teams: a task names many, and those name none.
    pub fn chatwoot(dice: &mut Dice) -> Self {
        let (at_once, latency) = pace(dice);
        let builder = FakeChatwoot::builder()
            .agents(dice.within(150..=300))
            .teams(dice.within(20..=36))
            .members_per_team(dice.within(3..=14))
            .latency(latency)
            .seed(dice.roll());
        let scene = Scene::new().chatwoot_as("support", builder, |profile| profile.run(&at_once));
        // Somebody left and is in a team still: the snapshot has findings.
        scene.fake().edit(|world| {
            let gone = world.teams[&1].members.iter().copied().find(|id| *id != world.owner).expect("a member");
            world.leave_account(gone);
        });
        Self { scene, vendor: Vendor::Chatwoot }
    }

    /// Pages that name pages, groups that are read one by one, and what is left is read behind them.
    pub fn scim(dice: &mut Dice) -> Self {
        let (at_once, latency) = pace(dice);
        let users = usize::try_from(dice.within(120..=240)).unwrap();
        let groups = usize::try_from(dice.within(15..=30)).unwrap();
        let fake = FakeScim::sized(users, groups, 8)
            .quirk(Quirk::Cap(usize::try_from(dice.within(12..=20)).unwrap()))
            .quirk(Quirk::NoMembersInLists)
            .quirk(Quirk::BareMembers)
            .latency(latency)
            .start();
        // Somebody who is in groups and does not exist.
        fake.edit(|world| {
            let gone = world.groups[0].members[0].id.clone();
            world.users.retain(|user| user.id != gone);
        });
        let scene = fake.scene_as(|profile| profile.run(&at_once));
        Self { scene, vendor: Vendor::Scim(fake) }
    }

    /// The vendor.
    pub fn server(&self) -> &FakeServer {
        match &self.vendor {
            Vendor::Chatwoot => self.scene.fake(),
            Vendor::Scim(fake) => fake,
        }
    }

    /// People and groups who came, went and changed; most stay as they are.
    pub fn change(&self, dice: &mut Dice) {
        match &self.vendor {
            Vendor::Chatwoot => self.scene.fake().edit(|world| {
                let agents: Vec<u64> = world.agents.keys().copied().filter(|id| *id > 10).collect();
                let (gone, changed) = (dice.some(6, &agents), dice.some(9, &agents));
                let (left, stays) = gone.split_at(3);
                left.iter().for_each(|id| world.leave_account(*id));
                stays.iter().for_each(|id| world.remove_agent(*id));
                for id in changed {
                    world.rename_agent(id, &format!("Renamed {id}"));
                }
                for id in 1001..=1000 + dice.within(1..=9) {
                    world.add_agent(Agent::new(id, &format!("New {id}"), &format!("new.{id}@example.test")));
                }
                world.teams.remove(&dice.within(2..=10));
                world.rename_team(dice.within(11..=15), "renamed");
                world.add_team(Team::new(77, "new team", &dice.some(7, &agents)));
                for id in 16..=18 {
                    let members = world.teams.get_mut(&id).map(|team| &mut team.members);
                    members.expect("that team").extend(dice.some(2, &agents));
                }
                world.churn_availability();
            }),
            Vendor::Scim(fake) => fake.edit(|world| {
                let ids: Vec<String> = world.users.iter().skip(50).map(|user| user.id.clone()).collect();
                for id in dice.some(4, &ids) {
                    world.remove_user(&id);
                }
                for user in dice.some(7, &ids) {
                    if let Some(user) = world.users.iter_mut().find(|known| known.id == user) {
                        user.display_name = Some(format!("Renamed {}", user.id));
                        user.inactive = !user.inactive;
                    }
                }
                for number in 0..dice.within(1..=9) {
                    world.users.push(User::new(&format!("n{number}"), &format!("new{number}"), "New"));
                }
                // The first one has the member who does not exist.
                let groups: Vec<String> = world.groups.iter().skip(1).map(|group| group.id.clone()).collect();
                let some = dice.some(3, &groups);
                world.remove_group(&some[0]);
                world.group(&some[1]).name = "Renamed".to_owned();
                world.group(&some[2]).members.truncate(5);
                world.groups.push(Group::new("gnew", "New", &["n0", "u000001", "u000007"]));
            }),
        }
    }

    /// Faults that are met, in every way a run is supposed to get over by itself; with `failing`, one more for which
    /// the run has to be asked again.
    pub fn faults(&self, dice: &mut Dice, failing: bool) -> Vec<Injected> {
        let paths: Vec<String> = match &self.vendor {
            Vendor::Chatwoot => {
                let fake = self.scene.fake();
                let teams = fake.world().teams.into_keys().map(|id| fake.path(&format!("teams/{id}/team_members")));
                teams.chain(["agents", "teams"].map(|list| fake.path(list))).collect()
            }
            Vendor::Scim(fake) => {
                let lists = ["Users".to_owned(), "Groups".to_owned()].into_iter();
                let groups = fake.world().groups.into_iter().map(|group| format!("Groups/{}", group.id));
                lists.chain(groups).map(|rest| format!("{ROOT}/{rest}")).collect()
            }
        };
        let count = usize::try_from(dice.within(2..=4)).unwrap();
        let mut faults = Vec::new();
        for path in dice.some(count, &paths) {
            let kind = match dice.roll() % 7 {
                0 => FaultKind::status(503).header("retry-after", "0"),
                1 => FaultKind::status(429).header("retry-after", "0"),
                2 => FaultKind::status(502),
                3 => FaultKind::Reset,
                4 => FaultKind::ResetMidBody,
                5 => FaultKind::ShortBody,
                _ => FaultKind::Delay(Duration::from_millis(dice.within(20..=90))),
            };
            faults.push(Fault::get(&path, kind).times(dice.within(1..=2)));
        }
        if failing {
            let kind = dice.pick(&[FaultKind::status(500), FaultKind::CutJson, FaultKind::Html]).clone();
            // Not one of those above: of two faults in one place the first may be met alone. And no list that the check reads.
            let is_free = |path: &String| {
                faults.iter().all(|fault| fault.path != *path)
                    && !path.ends_with("/Users")
                    && !path.ends_with("/Groups")
            };
            let free: Vec<String> = paths.into_iter().filter(is_free).collect();
            faults.push(Fault::get(dice.pick::<String>(&free), kind).times(1));
        }
        faults.into_iter().map(|fault| self.server().inject(fault)).collect()
    }

    /// What is published in a store.
    #[track_caller]
    pub fn published(&self, store: &str) -> Published {
        let rows = ["resources", "entitlements", "grants"]
            .map(|what| self.scene.muster([what, "--json", "--store", store]).exits(0).stdout.clone());
        let run = self.scene.json(["runs", "--store", store]).into_iter().find(|run| run["status"] == "published");
        let report = run.map_or(Value::Null, |run| {
            let number = run["run"].to_string();
            let shown = self.scene.muster(["runs", "show", &number, "--json", "--store", store]).exits(0).json();
            let kept = ["connection", "status", "resources", "entitlements", "grants", "added", "changed", "removed"];
            let mut report: serde_json::Map<String, Value> =
                kept.iter().map(|key| ((*key).to_owned(), shown[key].clone())).collect();
            report.insert("findings".to_owned(), shown["findings"].clone());
            report.insert("counts of findings".to_owned(), shown["report"]["findings"].clone());
            report.insert("objections".to_owned(), shown["report"]["objections"].clone());
            report.insert("account".to_owned(), shown["report"]["run"]["account"].clone());
            report.into()
        });
        Published { rows, report }
    }

    /// Number and status of the newest run, where there is one.
    #[track_caller]
    pub fn newest(&self) -> Option<(u64, String)> {
        if !self.scene.path(STORE).exists() {
            return None;
        }
        let runs = self.scene.muster(["runs", "--json"]);
        if runs.code != Some(0) {
            // Struck before the store was made.
            runs.errs("there is no store at ");
            return None;
        }
        let newest = runs.json_lines().into_iter().next()?;
        Some((newest["run"].as_u64().expect("a number"), text(&newest, "status").to_owned()))
    }

    /// How many different things the vendor was asked for since so many requests.
    pub fn different(&self, since: usize) -> u64 {
        let requests = self.server().requests();
        requests.iter().skip(since).map(|request| request.target()).collect::<BTreeSet<_>>().len() as u64
    }
}

/// How many tasks were done already, as a run says that goes on.
pub fn done_before(run: &Run) -> Option<u64> {
    let line = run.stderr.lines().find(|line| line.contains(" goes on: "))?;
    let words = line.split(" goes on: ").nth(1)?.split(' ').next()?;
    Some(words.parse().expect("a number of tasks"))
}

/// What is published: the rows as they are printed, and what the run came to.
#[derive(PartialEq, Eq)]
pub struct Published {
    rows: [String; 3],
    report: Value,
}

impl Published {
    /// The findings of the integrity report.
    pub fn findings(&self) -> usize {
        self.report["findings"].as_array().map_or(0, Vec::len)
    }

    /// Fails with the first difference of the rows.
    #[track_caller]
    pub fn has_the_rows_of(&self, other: &Published) {
        for (mine, theirs) in self.rows.iter().zip(&other.rows) {
            let differs = mine.lines().zip(theirs.lines()).find(|(mine, theirs)| mine != theirs);
            assert_eq!(differs, None, "a row differs");
            assert_eq!(mine.lines().count(), theirs.lines().count(), "another number of rows");
        }
    }

    /// Fails with the first difference.
    #[track_caller]
    pub fn equals(&self, other: &Published) {
        self.has_the_rows_of(other);
        assert_eq!(self.report, other.report, "what the run came to differs");
    }
}

/// When a run is struck: so much later than this many of its requests have arrived.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Requests of this process.
    pub requests: u64,
    /// After the last of them.
    pub later: Duration,
}

impl Moment {
    /// Somewhere in a run that has this many requests to make.
    pub fn amid(dice: &mut Dice, left: u64) -> Self {
        Self { requests: dice.within(0..=left.max(1) - 1), later: Duration::from_micros(dice.within(0..=30_000)) }
    }

    /// When everything was asked for: it is being read, written and published.
    pub fn at_the_end(dice: &mut Dice, left: u64) -> Self {
        Self { requests: left, later: Duration::from_micros(dice.within(0..=25_000)) }
    }
}

/// Waits for the moment, or for the end of the process, and strikes.
#[track_caller]
pub fn strike(mut process: Process, server: &FakeServer, before: u64, moment: Moment, blow: Signal) -> Struck {
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.stats().requests < before + moment.requests && !process.ended() && Instant::now() < deadline {
        std::thread::sleep(GLANCE);
    }
    std::thread::sleep(moment.later);
    // One that has ended is not there any more, and its number may be another's.
    let alive = !process.ended();
    if alive {
        process.signal(blow);
    }
    let at = Instant::now();
    let run = process.wait();
    Struck { run, alive, took: at.elapsed() }
}

/// A run that was struck.
pub struct Struck {
    /// What became of it.
    pub run: Run,
    /// Whether it was still running when it was struck.
    pub alive: bool,
    /// From the blow to its end.
    pub took: Duration,
}

/// Runs scenarios by their seeds, a few at once: what fails is named by its seed, and the others go on.
#[track_caller]
pub fn each_seed<T: Send>(seeds: std::ops::Range<u64>, scenario: impl Fn(u64) -> T + Sync) -> Vec<T> {
    /// They wait more than they compute.
    const AT_ONCE: usize = 3;
    let next = AtomicU64::new(seeds.start);
    let (done, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, SeqCst)).filter(|seed| *seed < seeds.end) {
                    match catch_unwind(AssertUnwindSafe(|| scenario(seed))) {
                        Ok(outcome) => done.lock().unwrap_or_else(PoisonError::into_inner).push(outcome),
                        // A panic has said why by now.
                        Err(_) => failed.lock().unwrap_or_else(PoisonError::into_inner).push(seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "seeds that failed (each is shown above): {failed:?}");
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}
