//! A store as plain as can be: everything in memory, everything done again from the beginning. What it says is right because
//! there is nothing to it; the conformance suite holds it and the real one to the same sentences.

use super::draft::Tally;
use super::guard;
use super::outcome::{Begun, Close, Closed, Done, NewRun, Resumed, Scope, Status, StoredTask, TaskState, Tried};
use super::queries::AsOf;
use super::resume::{self, Found};
use super::subject::{Row, Subject, row_of};
use super::{Ledger, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Key, and what stands there.
type Snapshot = BTreeMap<String, Row>;

#[derive(Debug, Default)]
struct Run {
    new: Option<NewRun>,
    status: Option<Status>,
    attempts: u64,
    tasks: Vec<StoredTask>,
    /// What the tasks emitted, in the order in which they were committed.
    rows: Vec<Row>,
    draft: bool,
    ended: String,
    report: serde_json::Value,
    /// What was true after it, where it was published.
    snapshot: Option<Snapshot>,
}

impl Run {
    fn connection(&self) -> &str {
        self.new.as_ref().map_or("", |n| n.connection.as_str())
    }

    /// What counts of the records: of one key the smaller hash.
    fn collected(&self) -> Snapshot {
        let mut all = Snapshot::new();
        for row in &self.rows {
            let kept = all.entry(row.key.clone()).or_insert_with(|| row.clone());
            if row.hash < kept.hash {
                *kept = row.clone();
            }
        }
        all
    }
}

/// The store.
#[derive(Clone, Debug, Default)]
pub(super) struct Plain(Arc<Mutex<Vec<Run>>>);

impl Plain {
    fn runs(&self) -> MutexGuard<'_, Vec<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(run: i64) -> usize {
    usize::try_from(run - 1).expect("a run's number")
}

fn published(runs: &[Run], connection: &str) -> Option<usize> {
    runs.iter().rposition(|r| r.connection() == connection && r.snapshot.is_some())
}

fn close(before: &Snapshot, now: &Snapshot, complete: bool) -> (Vec<(String, Tally)>, Tally) {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for key in keys {
        let (was, is) = (before.get(key), now.get(key));
        let Some(row) = was.or(is) else { continue };
        let tally = tallies.entry(row.kind.clone()).or_default();
        tally.before += u64::from(was.is_some());
        tally.now += u64::from(is.is_some());
        tally.added += u64::from(was.is_none());
        tally.removed += u64::from(is.is_none() && complete);
        let both = was.zip(is);
        tally.changed += u64::from(both.is_some_and(|(was, is)| was.hash != is.hash));
        tally.disabled += u64::from(both.is_some_and(|(was, is)| was.enabled && !is.enabled));
    }
    let all = tallies.values().fold(Tally::default(), |sum, t| sum.plus(*t));
    (tallies.into_iter().collect(), all)
}

impl Ledger for Plain {
    async fn begin(&self, new: NewRun) -> Result<Begun, StoreError> {
        let mut runs = self.runs();
        let published = published(&runs, &new.connection).map(|at| at as i64 + 1);
        let mut abandoned = None;
        if new.scope.is_some()
            && let Some(run) = runs.iter().rposition(|r| r.connection() == new.connection && r.draft)
        {
            return Err(StoreError::Unfinished { run: run as i64 + 1, connection: new.connection });
        }
        let newest = runs.iter().rposition(|r| r.connection() == new.connection);
        if let Some(at) = newest
            && let Some(run) = runs.get_mut(at)
            && run.draft
        {
            if let (Some(Status::Running | Status::Incomplete), Some(old)) = (run.status, run.new.clone()) {
                let NewRun { started, digest, contract, settings, .. } = old;
                let found = Found { started: started.clone(), digest, contract, settings, has_tasks: true };
                match resume::judge(&found, &new) {
                    Ok(()) => {
                        run.attempts += 1;
                        run.status = Some(Status::Running);
                        let (tasks, report) = (run.tasks.clone(), run.report.clone());
                        let resumed = Resumed { started, attempts: run.attempts, tasks, report };
                        return Ok(Begun { run: at as i64 + 1, resumed: Some(resumed), abandoned: None, published });
                    }
                    Err(why) => abandoned = Some((at as i64 + 1, why)),
                }
                run.status = Some(Status::Incomplete);
            }
            run.draft = false;
        }
        let scope = new.scope.clone();
        let first = StoredTask { id: 0, parent: None, task: None, done: false };
        let run =
            Run { new: Some(new), status: Some(Status::Running), attempts: 1, tasks: vec![first], ..Run::default() };
        // What a scope does not cover stays as it is published.
        let outside = |row: &&Row| match &scope {
            None => false,
            Some(Scope::GrantsOf(of)) => row.kind != "grants" || !row.key.starts_with(&format!("{of}:")),
            Some(Scope::ResourcesOf(of)) => row.kind != *of,
        };
        let before = published.and_then(|run| runs[at(run)].snapshot.clone()).unwrap_or_default();
        let rows = before.values().filter(outside).cloned().collect();
        runs.push(Run { draft: true, rows, ..run });
        Ok(Begun { run: runs.len() as i64, resumed: None, abandoned, published })
    }

    async fn commit(&self, run: i64, done: Done) -> Result<(), StoreError> {
        let mut runs = self.runs();
        let run = &mut runs[at(run)];
        run.rows.extend(done.records.iter().map(|item| row_of(&item)));
        run.tasks[done.task as usize].done = true;
        let follow =
            |f: super::FollowUp| StoredTask { id: f.id, parent: Some(done.task), task: Some(f.task), done: false };
        run.tasks.extend(done.follow_ups.into_iter().map(follow));
        Ok(())
    }

    async fn tried(&self, run: i64, tried: Tried) -> Result<(), StoreError> {
        assert_ne!(tried.state, TaskState::Done, "what is done is committed");
        assert!(!self.runs()[at(run)].tasks[tried.task as usize].done);
        Ok(())
    }

    async fn close(&self, number: i64, how: Close) -> Result<Closed, StoreError> {
        let mut runs = self.runs();
        let before = published(&runs, runs[at(number)].connection())
            .and_then(|at| runs[at].snapshot.clone())
            .unwrap_or_default();
        let run = &mut runs[at(number)];
        let mut now = run.collected();
        let complete = how.status == Status::Published;
        if let Some(Scope::ResourcesOf(_)) = run.new.as_ref().and_then(|new| new.scope.as_ref()) {
            // With an account go its grants.
            let gone = |key: &String| before.contains_key(key) && !run.rows.iter().any(|row| row.key == *key);
            now.retain(|_, row| row.kind != "grants" || !row.points_at.iter().any(|(_, target)| gone(target)));
        }
        let (tallies, all) = close(&before, &now, complete);
        let follows = matches!(run.new.as_ref().and_then(|new| new.scope.as_ref()), Some(Scope::ResourcesOf(_)));
        let is_guarded = |kind: &str| kind != "entitlements" && !(follows && kind == "grants");
        let guarded: Vec<(String, Tally)> = tallies.into_iter().filter(|(kind, _)| is_guarded(kind)).collect();
        let objections = if complete { guard::objections(&guarded, how.max_removals_percent) } else { vec![] };
        let status = if objections.is_empty() { how.status } else { Status::Held };
        let has = |key: String| now.contains_key(&key);
        let mut findings: BTreeMap<&str, u64> = BTreeMap::new();
        for row in now.values() {
            for (kind, target) in row.points_at.iter().filter(|_| complete) {
                *findings.entry(kind).or_default() += u64::from(!has(target.clone()));
            }
        }
        let mut hashes: BTreeMap<&String, BTreeSet<u128>> = BTreeMap::new();
        for row in &run.rows {
            hashes.entry(&row.key).or_default().insert(row.hash);
        }
        let conflicts = hashes.values().filter(|h| h.len() > 1).count() as u64;
        findings.insert("conflicting-record", if complete { conflicts } else { 0 });
        let count = |what: &str| {
            now.values()
                .filter(|r| match what {
                    "grants" | "entitlements" => r.kind == what,
                    _ => r.kind != "grants" && r.kind != "entitlements",
                })
                .count() as u64
        };
        let closed = Closed {
            status,
            resources: count("resources"),
            entitlements: count("entitlements"),
            grants: count("grants"),
            added: all.added,
            changed: all.changed,
            removed: all.removed,
            objections,
            findings: findings.into_iter().filter(|(_, n)| *n > 0).map(|(k, n)| (k.to_owned(), n)).collect(),
        };
        run.status = Some(status);
        run.draft = !matches!(status, Status::Failed | Status::Published);
        run.ended = how.ended;
        run.report = serde_json::json!({"run": how.report});
        if status == Status::Published {
            run.snapshot = Some(now);
        }
        Ok(closed)
    }

    async fn accept(&self, number: i64) -> Result<Closed, StoreError> {
        let mut runs = self.runs();
        let Some(run) = usize::try_from(number - 1).ok().and_then(|at| runs.get(at)) else {
            return Err(StoreError::NoRun(number));
        };
        let newest = runs.iter().rposition(|r| r.connection() == run.connection());
        let is = |status| run.status == Some(status);
        if !run.draft || newest != Some(at(number)) || !(is(Status::Held) || is(Status::Incomplete)) {
            return Err(StoreError::NotAcceptable { run: number, why: "it may not".to_owned() });
        }
        let mut snapshot = match is(Status::Incomplete) {
            true => published(&runs, run.connection()).and_then(|at| runs[at].snapshot.clone()).unwrap_or_default(),
            false => Snapshot::new(),
        };
        snapshot.extend(run.collected());
        let resources = snapshot.values().filter(|r| r.kind != "grants" && r.kind != "entitlements").count() as u64;
        let run = &mut runs[at(number)];
        (run.draft, run.status, run.snapshot) = (false, Some(Status::Published), Some(snapshot));
        Ok(Closed {
            status: Status::Published,
            resources,
            entitlements: 0,
            grants: 0,
            added: 0,
            changed: 0,
            removed: 0,
            objections: vec![],
            findings: vec![],
        })
    }

    fn busy_us(&self) -> u64 {
        0
    }
}

impl Subject for Plain {
    type Ledger = Plain;

    fn new() -> Plain {
        Plain::default()
    }

    fn ledger(&self) -> &Plain {
        self
    }

    fn die(&mut self) {}

    fn rows(&self, as_of: AsOf) -> Vec<String> {
        let runs = self.runs();
        let found = match as_of {
            AsOf::Now => published(&runs, "support"),
            AsOf::Run(run) => Some(at(run)),
            AsOf::Date(day) => {
                runs.iter().rposition(|r| r.snapshot.is_some() && r.ended.get(..10) <= Some(day.as_str()))
            }
        };
        let snapshot = found.and_then(|at| runs[at].snapshot.clone()).unwrap_or_default();
        let mut rows: Vec<String> = snapshot.into_values().map(|row| row.text).collect();
        rows.sort();
        rows
    }

    fn path(&self) -> Option<PathBuf> {
        None
    }
}
