//! Any tree of tasks, done in any order, with failures, interruptions, duplicates and contradictions, comes to what a plain
//! loop over all tasks comes to.

use super::queue::{Node, Queue};
use crate::limits::Limits;
use crate::model::{Entitlement, Grant, Record, Resource, ResourceId, Task};
use crate::packed::tests::{agent, packed};
use crate::store::queries::{AsOf, Filter, Reader};
use crate::store::{
    Close, Closed, Done, Ledger, NewRun, Resume, Status, Store, StoreError, TaskState, Tried, WriterThread,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Random numbers that are the same for the same seed (xorshift64*: Vigna, 2016).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `n`.
    fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }
}

/// What a vendor says to each task: what it emits, and what follows from it.
struct Vendor(HashMap<Option<Task>, (Vec<Record>, Vec<Task>)>);

fn task(n: u64) -> Task {
    Task { kind: "page".into(), payload: n.to_string() }
}

fn id(of: &str, n: u64) -> ResourceId {
    ResourceId { resource_type: of.into(), id: n.to_string() }
}

/// Few ids, so that tasks say the same and contradict each other; names from a few, so that runs agree in part.
fn record(dice: &mut Dice) -> Record {
    let (who, team) = (dice.roll(40), dice.roll(8));
    match dice.roll(10) {
        0..5 => {
            let name = if dice.roll(12) == 0 { format!("other name {}", dice.roll(3)) } else { format!("agent {who}") };
            let parent = (dice.roll(3) == 0).then(|| id("team", who % 9));
            Record::Resource(Box::new(Resource { parent, ..agent(&who.to_string(), &name) }))
        }
        5 => {
            let name = format!("team {team}");
            Record::Resource(Box::new(Resource { id: id("team", team), user: None, ..agent("", &name) }))
        }
        6 => Record::Entitlement(Entitlement {
            resource: id("team", team),
            slug: "member".into(),
            name: format!("member {}", dice.roll(2)),
            description: String::new(),
            purpose: "assignment",
            grantable_to: vec![],
        }),
        _ => Record::Grant(Grant { resource: id("team", team), slug: "member".into(), principal: id("agent", who) }),
    }
}

impl Vendor {
    /// Up to sixty tasks below the first call, each named by one or two others.
    fn random(dice: &mut Dice) -> Vendor {
        let count = 1 + dice.roll(60);
        let mut follow: HashMap<Option<Task>, Vec<Task>> = HashMap::new();
        for n in 0..count {
            for _ in 0..1 + dice.roll(2) {
                // Always an earlier one: no task follows from itself.
                let by = dice.roll(n + 1).checked_sub(1).map(task);
                follow.entry(by).or_default().push(task(n));
            }
        }
        let all = std::iter::once(None).chain((0..count).map(|n| Some(task(n))));
        let mut say = |of: Option<Task>| {
            let records = (0..dice.roll(12)).map(|_| record(dice)).collect();
            let next = follow.remove(&of).unwrap_or_default();
            (of, (records, next))
        };
        Vendor(all.map(&mut say).collect())
    }

    /// Another day: some records are others now.
    fn later(&self, dice: &mut Dice) -> Vendor {
        let mut keys: Vec<_> = self.0.iter().collect();
        keys.sort_by_key(|(task, _)| task.as_ref().map(|t| t.payload.parse::<u64>().expect("a number")));
        let mut other = |records: &Vec<Record>| {
            records.iter().map(|r| if dice.roll(6) == 0 { record(dice) } else { r.clone() }).collect()
        };
        Vendor(keys.into_iter().map(|(t, (records, next))| (t.clone(), (other(records), next.clone()))).collect())
    }

    /// What stands there in the end: of contradicting contents the one with the smaller hash.
    fn snapshot(&self) -> BTreeSet<String> {
        let mut all: BTreeMap<String, (u128, String)> = BTreeMap::new();
        for record in self.0.values().flat_map(|(records, _)| records) {
            let one = packed(std::slice::from_ref(record));
            let Some(item) = one.iter().next() else { continue };
            let (key, hash, line) = line(record, &item);
            let kept = all.entry(key).or_insert((hash, line.clone()));
            if hash < kept.0 {
                *kept = (hash, line);
            }
        }
        all.into_values().map(|(_, line)| line).collect()
    }
}

fn line(record: &Record, item: &crate::packed::Item) -> (String, u128, String) {
    use crate::packed::Item;
    match (record, item) {
        (Record::Resource(r), Item::Resource(item)) => {
            let parent = r.parent.as_ref().map(ToString::to_string);
            (r.id.to_string(), item.hash, format!("{} {} {parent:?}", r.id, r.name))
        }
        (Record::Entitlement(e), Item::Entitlement(item)) => {
            let key = format!("{}:{}", e.resource, e.slug);
            (key.clone(), item.hash, format!("{key} {}", e.name))
        }
        (Record::Grant(g), _) => {
            let key = format!("{}:{}:{}", g.resource, g.slug, g.principal);
            (key.clone(), 1, key)
        }
        other => panic!("{other:?}"),
    }
}

fn published(path: &Path) -> BTreeSet<String> {
    let reader = Reader::open(path).expect("reader");
    let filter = Filter { connection: None, resource_type: None, as_of: AsOf::Now };
    let mut rows = BTreeSet::new();
    let mut add = |row: String| assert!(rows.insert(row.clone()), "{row} is there twice");
    let resources = reader.resources::<StoreError>(&filter, &mut |r| {
        let parent = r.parent.map(|p| p.to_string());
        add(format!("{}:{} {} {parent:?}", r.resource_type, r.id, r.name));
        Ok(())
    });
    let entitlements = reader.entitlements::<StoreError>(&filter, &mut |e| {
        add(format!("{} {}", e.id, e.name));
        Ok(())
    });
    let grants = reader.grants::<StoreError>(&filter, &mut |g| {
        add(g.id);
        Ok(())
    });
    resources.and(entitlements).and(grants).expect("rows");
    rows
}

/// A process that runs a connection: it may die.
struct Process {
    path: PathBuf,
    store: Option<Store>,
    thread: Option<WriterThread>,
}

/// What went wrong in a run, and how often.
#[derive(Debug, Default)]
struct Faults {
    failed: u64,
    died: u64,
    gone_on: u64,
}

impl Process {
    fn start(path: &Path) -> Process {
        let (thread, store) = Store::open(path, &tokio::runtime::Handle::current()).expect("store");
        Process { path: path.to_path_buf(), store: Some(store), thread: Some(thread) }
    }

    fn die(&mut self) {
        drop(self.store.take());
        drop(self.thread.take());
        *self = Process::start(&self.path);
    }

    /// One run to its end, however often it takes. The queue is the real one; what a connector would do is looked up.
    async fn run(&mut self, vendor: &Vendor, dice: &mut Dice, clumsy: bool, faults: &mut Faults) -> Closed {
        let mut first = true;
        loop {
            let new = NewRun {
                connection: "support".into(),
                started: "2026-11-22T01:00:00Z".into(),
                connector: "demo".into(),
                version: "1.0.0".into(),
                digest: "d".into(),
                contract: "0.1.0".into(),
                settings: "s".into(),
                resume: Resume { since: String::new(), never: None },
                scope: None,
            };
            let store = self.store.clone().expect("open");
            let begun = store.begin(new).await.expect("begun");
            faults.gone_on += u64::from(begun.resumed.is_some());
            assert_eq!(begun.resumed.is_none(), first, "it goes on once it has begun");
            first = false;
            let mut queue = begun.resumed.map_or_else(Queue::default, |r| Queue::restore(r.tasks).expect("it fits"));
            let mut in_hand: Vec<Node> = Vec::new();
            let (mut failed, mut died) = (false, false);
            loop {
                while in_hand.len() < 5
                    && let Some(node) = queue.next(Instant::now())
                {
                    in_hand.push(node);
                }
                if in_hand.is_empty() {
                    break;
                }
                let at = usize::try_from(dice.roll(in_hand.len() as u64)).expect("small");
                let node = in_hand.swap_remove(at);
                let (records, next) = vendor.0.get(&queue.task(node).cloned()).expect("a task the vendor named");
                if clumsy && dice.roll(25) == 0 {
                    died = true;
                    break;
                }
                let tries = queue.take_tries(node);
                if clumsy && dice.roll(12) == 0 {
                    failed = true;
                    faults.failed += 1;
                    let (state, message) = (TaskState::Failed, "no".to_owned());
                    let tried = Tried { task: node, tries, state, reason: "unavailable", message };
                    store.tried(begun.run, tried).await.expect("told");
                    continue;
                }
                let follow_ups = queue.follow(node, next.clone(), &Limits::default()).expect("no loop");
                let done = Done { task: node, tries, records: packed(records), follow_ups, share: None };
                store.commit(begun.run, done).await.expect("taken");
            }
            drop(store);
            if died {
                faults.died += 1;
                self.die();
                continue;
            }
            let status = if failed { Status::Incomplete } else { Status::Published };
            let close = Close {
                status,
                ended: "2026-11-22T01:00:01Z".into(),
                max_removals_percent: 100,
                report: serde_json::json!({}),
            };
            let closed = self.store.as_ref().expect("open").close(begun.run, close).await.expect("closed");
            match closed.status {
                Status::Published => return closed,
                // Everything may be gone on another day; the guard is tested elsewhere.
                Status::Held => return self.store.as_ref().expect("open").accept(begun.run).await.expect("accepted"),
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_with_any_faults_comes_to_what_a_plain_loop_comes_to() {
    let mut faults = Faults::default();
    for seed in 1..=40 {
        let mut dice = Dice::new(seed);
        let dir = tempfile::tempdir().expect("folder");
        let (clumsy, smooth) = (dir.path().join("clumsy.db"), dir.path().join("smooth.db"));
        let (mut rough, mut even) = (Process::start(&clumsy), Process::start(&smooth));
        let mut vendor = Vendor::random(&mut dice);
        for day in 0..3 {
            let closed = rough.run(&vendor, &mut dice, true, &mut faults).await;
            let undisturbed = even.run(&vendor, &mut dice, false, &mut Faults::default()).await;
            let expected = vendor.snapshot();
            assert_eq!(published(&clumsy), expected, "seed {seed}, day {day}");
            assert_eq!(published(&smooth), expected, "seed {seed}, day {day}, undisturbed");
            assert_eq!(format!("{closed:?}"), format!("{undisturbed:?}"), "seed {seed}, day {day}");
            vendor = vendor.later(&mut dice);
        }
    }
    assert!(faults.failed > 50 && faults.died > 50 && faults.gone_on > 100, "{faults:?}");
}
