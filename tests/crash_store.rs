//! A store that fails under a run: a disk that fills up, another writer, a file that is taken away. What was published
//! before stands, and when the trouble is over the next sync publishes what an undisturbed run publishes.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use rusqlite::Connection;
use serde_json::{Value, json};
use support::chatwoot::FakeChatwoot;
use support::crash::{REFERENCE, STORE};
use support::disk::{KEEP, said, with_disk};
use support::fault::{Fault, FaultKind};
use support::scene::{Process, Scene, each_row, eventually};

/// Of a run: the check, two lists and thirty teams.
const REQUESTS: u64 = 33;

/// Many people, so that a run has something to write, and a store with an earlier state of them.
fn crowded() -> Scene {
    let builder = FakeChatwoot::builder().agents(1500).teams(30).members_per_team(200);
    Scene::new().chatwoot(builder)
}

/// Everybody has another name: each row of an agent is written anew.
fn rename_everybody(scene: &Scene) {
    scene.fake().edit(|world| {
        let ids: Vec<u64> = world.agents.keys().copied().collect();
        ids.into_iter().for_each(|id| world.rename_agent(id, &format!("Renamed {id}")));
    });
}

/// The rows of a store, as they are printed.
#[track_caller]
fn rows(scene: &Scene, store: &str) -> [String; 3] {
    ["resources", "entitlements", "grants"]
        .map(|what| scene.muster([what, "--json", "--store", store]).exits(0).stdout.clone())
}

// Disks.

/// Leaves so much of a disk free, syncs, makes room and syncs again. The answer is whether the disk was full.
fn with_room(scene: &Scene, free_kb: u64, wanted: &[String; 3], had: usize) -> bool {
    /// The disk's size; what a run does not need lies in a file of ballast.
    const DISK_KB: u64 = 16 * 1024;
    let script = format!(
        "{KEEP}
        [ -f {STORE} ] && cp {STORE} disk/
        used=$(du -sk disk | cut -f 1)
        head -c $((({DISK_KB} - used - {free_kb}) * 1024)) /dev/zero >disk/ballast
        keep first muster sync --store disk/muster.db
        rm disk/ballast
        for what in resources entitlements grants; do keep old-$what muster $what --json --store disk/muster.db; done
        keep runs muster runs --json --store disk/muster.db
        keep again muster sync --json --store disk/muster.db
        for what in resources entitlements grants; do keep $what muster $what --json --store disk/muster.db; done"
    );
    with_disk(scene, &format!("{DISK_KB}k"), &script).exits(0).stderr_is_empty();
    let (out, err, code) = said(scene, "first");
    let full = code != "0";
    if full {
        assert!(matches!(code.as_str(), "1" | "3"), "{code} {out}{err}");
        let errors: Vec<&str> = err.lines().collect();
        assert_eq!(errors.len(), 1, "{err}");
        assert!(errors[0].contains("the disk is full: nothing more can be written to "), "{err}");
        assert!(!out.contains("published as run"), "{out}");
        let old = said(scene, "old-resources");
        assert!(old.0.lines().count() == had || (had == 0 && old.1.contains("there is no store")), "{old:?}");
    }
    let runs = said(scene, "runs").0;
    let newest: Option<Value> = runs.lines().next().map(|line| serde_json::from_str(line).unwrap());
    let (out, err, code) = said(scene, "again");
    assert_eq!(code, "0", "{out}{err}");
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(line["status"], "published", "{line}");
    if full && let Some(begun) = newest.filter(|run| run["status"] != "published") {
        assert_eq!((&line["resumed"], &line["run"]), (&json!(true), &begun["run"]), "{line} {begun}");
    }
    for (what, wanted) in ["resources", "entitlements", "grants"].iter().zip(wanted) {
        let (out, err, code) = said(scene, what);
        assert_eq!(code, "0", "{err}");
        assert!(out == *wanted, "the {what} differ from those of an undisturbed run");
    }
    full
}

#[test]
fn a_disk_that_was_full_in_a_first_run() {
    let scene = crowded();
    scene.muster(["sync", "--store", REFERENCE]).exits(0);
    let wanted = rows(&scene, REFERENCE);
    let full = [60, 200, 500, 900, 9000].map(|free| with_room(&scene, free, &wanted, 0));
    assert!(full[..3].iter().all(|full| *full) && !full[4], "the disk was full in other runs: {full:?}");
}

#[test]
fn a_disk_that_was_full_in_a_later_run() {
    let scene = crowded();
    scene.muster(["sync"]).exits(0);
    std::fs::copy(scene.path(STORE), scene.path(REFERENCE)).unwrap();
    rename_everybody(&scene);
    scene.muster(["sync", "--store", REFERENCE]).exits(0).says("1500 changed");
    let wanted = rows(&scene, REFERENCE);
    let full = [40, 150, 300, 9000].map(|free| with_room(&scene, free, &wanted, 1530));
    assert!(full[..2].iter().all(|full| *full) && !full[3], "the disk was full in other runs: {full:?}");
}

// Another writer.

/// A sync that has asked for everything but one team, which is told so much later.
fn waiting_for_a_team(scene: &Scene, later: Duration) -> (Process, support::fault::Injected) {
    waiting(scene, later, &["sync"])
}

fn waiting(scene: &Scene, later: Duration, arguments: &[&str]) -> (Process, support::fault::Injected) {
    let path = scene.fake().path("teams/2/team_members");
    let late = scene.fake().inject(Fault::get(&path, FaultKind::Delay(later)).times(1));
    let before = scene.fake().stats().requests;
    let process = scene.spawn(arguments);
    eventually("all is asked for", || scene.fake().stats().requests == before + REQUESTS);
    (process, late)
}

/// Another process that writes, until this is dropped.
fn another_writer(scene: &Scene) -> Connection {
    let other = Connection::open(scene.path(STORE)).unwrap();
    other.busy_timeout(Duration::from_secs(5)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// A store with a published run, one with an undisturbed second run, and data that changed between them.
fn changed() -> (Scene, [String; 3]) {
    let scene = crowded();
    scene.muster(["sync"]).exits(0);
    std::fs::copy(scene.path(STORE), scene.path(REFERENCE)).unwrap();
    rename_everybody(&scene);
    scene.muster(["sync", "--store", REFERENCE]).exits(0).says("1500 changed");
    let wanted = rows(&scene, REFERENCE);
    (scene, wanted)
}

#[test]
fn another_writer_is_waited_for_amid_a_run() {
    let (scene, wanted) = changed();
    let (process, late) = waiting_for_a_team(&scene, Duration::from_millis(500));
    let other = another_writer(&scene);
    // Past the last answer: the run wants to end meanwhile.
    std::thread::sleep(Duration::from_secs(3));
    drop(other);
    process.wait().exits(0).says("published as run 2").stderr_is_empty();
    late.assert_fired(1);
    assert!(rows(&scene, STORE) == wanted);
}

#[test]
fn another_writer_who_does_not_let_go_stops_a_run_that_goes_on_later() {
    let (scene, wanted) = changed();
    let before = rows(&scene, STORE);
    let (process, late) = waiting_for_a_team(&scene, Duration::from_millis(500));
    let other = another_writer(&scene);
    let run = process.wait();
    assert!(matches!(run.code, Some(1 | 3)), "{run:?}");
    run.complains("muster.db is locked by another process; try again when it is done").never_says("published as run");
    drop(other);
    late.assert_fired(1);
    assert!(rows(&scene, STORE) == before, "what was published stands");

    let asked = scene.fake().stats().requests;
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["status"], &line["changed"]), (&json!("published"), &json!(1500)), "{line}");
    assert_eq!((&line["resumed"], &line["run"]), (&json!(true), &json!(2)), "{line}");
    assert!(scene.fake().stats().requests - asked < 33, "it asked for everything again");
    assert!(rows(&scene, STORE) == wanted);
}

/// Two seconds, whoever has the lock: the run would wait for ten.
#[test]
fn a_signal_ends_a_run_that_waits_for_another_writer() {
    let (scene, wanted) = changed();
    let (process, late) = waiting(&scene, Duration::from_millis(500), &["sync", "-vv"]);
    let other = another_writer(&scene);
    let answered = || process.stderr_so_far().matches("status=200").count() as u64;
    eventually("all is answered, and only the store is waited for", || answered() == REQUESTS);
    late.assert_fired(1);
    let asked = std::time::Instant::now();
    process.signal(Signal::SIGTERM);
    let run = process.wait();
    assert!(asked.elapsed() < Duration::from_secs(3), "it took {:?}", asked.elapsed());
    run.exits(143).never_says("published as run");
    drop(other);
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["resumed"], &line["run"]), (&json!(true), &json!(2)), "{line}");
    assert!(rows(&scene, STORE) == wanted);
}

// A file that is taken away.

/// What somebody does to the store of a run in progress, and what the run says.
struct Deed {
    what: &'static str,
    does: fn(&Scene),
    says: &'static str,
}

const GONE: &str = "was removed or replaced while it was in use";
const DAMAGED: &str = "is not a Muster store, or is damaged";

fn beside(scene: &Scene, end: &str) -> std::path::PathBuf {
    scene.path(&format!("{STORE}{end}"))
}

fn truncate(path: &Path, length: u64) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

const DEEDS: [Deed; 6] = [
    Deed { what: "removed", does: |scene| std::fs::remove_file(scene.path(STORE)).unwrap(), says: GONE },
    Deed {
        what: "removed with what is beside it",
        does: |scene| {
            for end in ["", "-wal", "-shm"] {
                std::fs::remove_file(beside(scene, end)).unwrap();
            }
        },
        says: GONE,
    },
    Deed {
        what: "moved away",
        does: |scene| std::fs::rename(scene.path(STORE), scene.path("away.db")).unwrap(),
        says: GONE,
    },
    Deed {
        what: "replaced by another store",
        does: |scene| {
            std::fs::copy(scene.path(REFERENCE), scene.path("new.db")).unwrap();
            std::fs::rename(scene.path("new.db"), scene.path(STORE)).unwrap();
        },
        says: GONE,
    },
    Deed { what: "emptied", does: |scene| truncate(&scene.path(STORE), 0), says: DAMAGED },
    Deed { what: "cut", does: |scene| truncate(&scene.path(STORE), 40 * 1024), says: DAMAGED },
];

#[test]
fn a_store_that_is_taken_away_under_a_run() {
    each_row(
        DEEDS,
        |deed| deed.what.to_owned(),
        |deed| {
            let (scene, wanted) = changed();
            let backup = std::fs::read(scene.path(STORE)).unwrap();
            let (process, late) = waiting_for_a_team(&scene, Duration::from_millis(700));
            (deed.does)(&scene);
            let after = std::fs::read(scene.path(STORE)).ok();
            let run = process.wait();
            late.assert_fired(1);
            assert!(matches!(run.code, Some(1 | 3)), "{run:?}");
            run.errs(deed.says).never_says("published as run").never_says("panicked");
            if deed.says == GONE {
                let now = std::fs::read(scene.path(STORE)).ok();
                assert!(now == after, "what is there now was written to: {:?}", now.map(|bytes| bytes.len()));
            }
            // From a copy the operator goes on as if nothing had been.
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(&scene, end));
            }
            std::fs::write(scene.path(STORE), backup).unwrap();
            scene.muster(["sync"]).exits(0).says("1500 changed");
            assert!(rows(&scene, STORE) == wanted);
        },
    );
}

/// The store goes while the run waits for a vendor; a signal ends it as it ends any.
#[test]
fn a_run_without_a_store_can_be_stopped() {
    let (scene, _) = changed();
    let (process, late) = waiting_for_a_team(&scene, Duration::from_secs(30));
    std::fs::remove_file(scene.path(STORE)).unwrap();
    process.signal(Signal::SIGTERM);
    let run = process.wait();
    run.exits(143).never_says("published as run");
    late.assert_fired(1);
    assert!(!scene.path(STORE).exists(), "a store was made anew");
}
