//! Stores that cannot be used, disks that are full or read-only, and output that nobody takes: one clear sentence, and
//! what was published before is still there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use support::chatwoot::FakeChatwoot;
use support::disk::{KEEP, said, shell, with_disk};
use support::scene::{Run, Scene, each_row};

const PATIENCE: Duration = Duration::from_secs(30);
/// Commands that only read.
const READERS: [&[&str]; 5] =
    [&["resources"], &["entitlements"], &["grants", "--json"], &["runs"], &["runs", "show", "1"]];

fn demo() -> Scene {
    Scene::new().chatwoot(FakeChatwoot::demo()).patience(PATIENCE)
}

/// A scene with a store that was written once.
fn synced() -> Scene {
    let scene = demo();
    scene.muster(["sync"]).exits(0);
    scene
}

#[track_caller]
fn refuses(run: &Run, code: i32, sentence: &str) {
    run.exits(code).errs(sentence).stdout_is_empty();
    for word in ["panicked", "RUST_BACKTRACE", "os error", "entity", "SQLite", "sqlite", "SQL logic"] {
        run.never_says(word);
    }
}

fn sqlite(path: &Path, statements: &str) {
    let store = Connection::open(path).unwrap();
    store.execute_batch(statements).unwrap();
    store.close().unwrap();
}

const NOT_A_STORE: &str =
    "muster.db is not a Muster store, or is damaged; move it away or name another file with --store";

#[test]
fn files_that_are_no_store_of_this_version_are_refused_and_left_alone() {
    type Make = fn(&Path);
    const NEWER: &str =
        "muster.db was written by a newer version of Muster (its schema is 6, this one knows 5); update Muster";
    let rows: [(&str, Make, &str); 9] = [
        ("a newer version", |path| sqlite(path, "PRAGMA user_version = 6"), NEWER),
        (
            "a far newer version",
            |path| sqlite(path, "PRAGMA user_version = 2000"),
            "its schema is 2000, this one knows 5",
        ),
        ("a short text", |path| std::fs::write(path, "milk, bread").unwrap(), NOT_A_STORE),
        ("a long text", |path| std::fs::write(path, "milk, bread\n".repeat(2000)).unwrap(), NOT_A_STORE),
        ("zeros", |path| std::fs::write(path, vec![0; 100_000]).unwrap(), NOT_A_STORE),
        (
            "another program's database",
            |path| {
                std::fs::remove_file(path).unwrap();
                sqlite(path, "CREATE TABLE shopping (item TEXT); INSERT INTO shopping VALUES ('milk')");
            },
            NOT_A_STORE,
        ),
        (
            "another program's database, with its own mark",
            |path| {
                std::fs::remove_file(path).unwrap();
                sqlite(path, "PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE resources (item TEXT)");
            },
            NOT_A_STORE,
        ),
        ("a store cut in its first page", |path| cut(path, 600), NOT_A_STORE),
        (
            "a store with noise over its first page",
            |path| {
                let mut bytes = std::fs::read(path).unwrap();
                bytes[100..4000].copy_from_slice(&support::components::noise()[..3900]);
                std::fs::write(path, bytes).unwrap();
            },
            NOT_A_STORE,
        ),
    ];
    each_row(
        rows,
        |(what, ..)| (*what).to_owned(),
        |(_, make, sentence)| {
            let scene = synced();
            let requests = scene.fake().stats().requests;
            let path = scene.path("muster.db");
            make(&path);
            let before = std::fs::read(&path).unwrap();
            for command in READERS {
                refuses(&scene.muster(command), 2, sentence);
            }
            refuses(&scene.muster(["sync"]), 2, sentence);
            refuses(&scene.muster(["sync", "--json"]), 2, sentence);
            refuses(&scene.muster(["runs", "accept", "1"]), 2, sentence);
            assert_eq!(std::fs::read(&path).unwrap(), before, "the file was changed");
            assert_eq!(scene.fake().stats().requests, requests, "the vendor was called");
            // Another store does.
            scene.muster(["sync", "--store", "other.db"]).exits(0);
        },
    );
}

fn cut(path: &Path, length: u64) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// A copy that broke off: whether the head or the rest is looked at first, it is refused with the same sentence.
#[test]
fn a_truncated_store_is_refused_with_a_sentence() {
    let whole = {
        let scene = synced();
        std::fs::metadata(scene.path("muster.db")).unwrap().len()
    };
    each_row(
        [8192, whole / 4, whole / 2, whole - 8192],
        |length| format!("{length} of {whole} bytes"),
        |length| {
            let scene = synced();
            cut(&scene.path("muster.db"), *length);
            let run = scene.muster(["sync"]);
            assert_ne!(run.code, Some(0), "a broken store was written to: {run:?}");
            run.errs(NOT_A_STORE).never_says("published as run");
            let run = scene.muster(["resources"]);
            assert_ne!(run.code, Some(0), "a broken store was read: {run:?}");
            run.errs(NOT_A_STORE);
        },
    );
}

#[test]
fn there_is_no_store_yet() {
    let scene = demo();
    const SENTENCE: &str = "there is no store at muster.db; run `muster sync` first, or name another file with --store";
    for command in READERS {
        refuses(&scene.muster(command), 2, SENTENCE);
    }
    refuses(&scene.muster(["runs", "accept", "1"]), 2, SENTENCE);
    refuses(
        &scene.muster(["resources", "--store", "other.db"]),
        2,
        "there is no store at other.db; run `muster sync` first",
    );
    assert!(!scene.path("muster.db").exists(), "a command that reads made a store");
    // What somebody's `touch` made is as good as none.
    let scene = scene.file("muster.db", "");
    refuses(&scene.muster(["resources"]), 2, SENTENCE);
    scene.muster(["sync"]).exits(0).says("support: published as run 1 ");
    assert_eq!(scene.resource_ids().len(), 11);
}

#[test]
fn places_where_no_store_can_be() {
    let scene = demo().file("a-file", "text");
    std::fs::create_dir(scene.path("folder.db")).unwrap();
    each_row(
        ["folder.db", "nowhere/muster.db", "a-file/muster.db"],
        |path| (*path).to_owned(),
        |path| {
            let run = scene.muster(["sync", "--store", path]);
            assert!(matches!(run.code, Some(1 | 2)), "{run:?}");
            refuses(&run, run.code.unwrap(), path);
            refuses(&scene.muster(["resources", "--store", path]), 2, path);
        },
    );
    assert!(std::fs::read_dir(scene.path("folder.db")).unwrap().next().is_none());
    assert_eq!(scene.fake().stats().requests, 0);
}

/// What is stored is for its owner alone, whatever the umask says.
#[test]
fn the_store_is_readable_by_its_owner_alone() {
    let scene = demo();
    shell(&scene, "umask 000; muster sync").exits(0);
    let mode = |path: &str| std::fs::metadata(scene.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("muster.db"), 0o600);
    for entry in std::fs::read_dir(scene.folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("muster.db") {
            assert_eq!(mode(&name) & 0o077, 0, "{name} can be read by others");
        }
    }
}

// Disks. Each of these mounts a small disk of its own that nobody else sees and that goes with the process.

/// Two connections: one that fits on the disk, and one that does not.
fn small_and_large() -> Scene {
    demo().chatwoot_as("large", FakeChatwoot::builder().agents(8000).teams(20).members_per_team(400), |profile| profile)
}

#[test]
fn a_disk_that_fills_up() {
    let scene = small_and_large();
    let script = format!(
        "{KEEP}
        keep small muster sync support --store disk/muster.db
        keep large muster sync large --store disk/muster.db
        keep again muster sync support --store disk/muster.db
        keep rows muster resources --json --store disk/muster.db
        keep runs muster runs --json --store disk/muster.db"
    );
    with_disk(&scene, "1m", &script).exits(0).stderr_is_empty();
    let (out, err, code) = said(&scene, "small");
    assert!(code == "0" && out.contains("support: published as run 1"), "{out}{err}");

    let (out, err, code) = said(&scene, "large");
    let sentence =
        "the disk is full: nothing more can be written to disk/muster.db; what was published before is unharmed";
    assert_eq!(err.lines().collect::<Vec<_>>(), [format!("error: large: {sentence}")], "{out}");
    assert!(code == "1" || code == "3", "exit code {code}");
    assert!(!out.contains("published as run"), "{out}");

    let (out, err, code) = said(&scene, "rows");
    assert!(code == "0" && err.is_empty(), "{err}");
    assert_eq!(out.lines().count(), 11, "{out}");
    assert!(out.lines().all(|row| row.contains("\"connection\":\"support\"")), "{out}");
    let (out, err, code) = said(&scene, "runs");
    assert!(code == "0" && err.is_empty(), "{err}");
    assert!(out.lines().all(|run| !run.contains("\"connection\":\"large\"") || !run.contains("published")), "{out}");
    // The disk was full once: the small connection, which changes nothing, works again or says the same.
    let (out, err, code) = said(&scene, "again");
    assert!(code == "0" || err.contains(sentence), "{code} {out}{err}");
}

#[test]
fn a_tape_that_fills_the_disk() {
    let scene = small_and_large();
    let script = format!("{KEEP}\nkeep sync muster sync large --record disk/tape.jsonl");
    with_disk(&scene, "64k", &script).exits(0);
    let (out, err, code) = said(&scene, "sync");
    // A tape with a hole would be a false one: the run that would have to be on it fails.
    assert!(err.contains("denied: the tape disk/tape.jsonl cannot be written: "), "{err}");
    assert!(code == "3" && out.contains("large: run 1 is incomplete"), "{code} {out}");
    assert!(scene.rows("resources").is_empty(), "nothing is published");
}

#[test]
fn a_disk_that_is_full_from_the_start() {
    let scene = demo();
    let script = format!("{KEEP}\nkeep sync muster sync --store disk/muster.db");
    with_disk(&scene, "8k", &script).exits(0);
    let (out, err, code) = said(&scene, "sync");
    assert_eq!((out.as_str(), code.as_str()), ("", "1"), "{err}");
    let errors: Vec<&str> = err.lines().collect();
    assert!(
        errors.len() == 1 && errors[0].starts_with("error: the disk is full: nothing more can be written to "),
        "{err}"
    );
    assert_eq!(scene.fake().stats().requests, 0, "the vendor was called in vain");
}

#[test]
fn a_cache_on_a_full_disk() {
    let scene = demo();
    let script = format!("{KEEP}\nmkdir -m 700 disk/cache\nMUSTER_CACHE=disk/cache keep sync muster sync");
    with_disk(&scene, "16k", &script).exits(0);
    let (_, err, code) = said(&scene, "sync");
    assert_eq!(code, "2", "{err}");
    let errors: Vec<&str> = err.lines().collect();
    assert_eq!(errors.len(), 1, "{err}");
    assert!(
        errors[0].starts_with("error: support: the folder for compiled components disk/cache cannot be used: "),
        "{err}"
    );
    assert!(!err.contains("os error"), "{err}");
}

#[test]
fn a_disk_that_is_read_only() {
    let scene = demo();
    let script = format!(
        "{KEEP}
        keep first muster sync --store disk/muster.db
        mount -o remount,ro disk
        keep sync muster sync --store disk/muster.db
        keep new muster sync --store disk/other.db
        keep accept muster runs accept 1 --store disk/muster.db
        keep rows muster resources --json --store disk/muster.db"
    );
    with_disk(&scene, "4m", &script).exits(0).stderr_is_empty();
    let (out, err, code) = said(&scene, "first");
    assert_eq!(code, "0", "{out}{err}");
    let asked = scene.fake().stats().requests;
    assert_eq!(asked, 6, "the vendor was called for nothing");
    const WHAT: &str =
        " cannot be written; check the rights of the file and of its folder, and whether the disk is read-only";
    for (name, file) in [("sync", "muster.db"), ("new", "other.db"), ("accept", "muster.db")] {
        let (out, err, code) = said(&scene, name);
        assert_eq!(err.lines().collect::<Vec<_>>(), [format!("error: disk/{file}{WHAT}")], "{name}");
        assert_eq!((out.as_str(), code.as_str()), ("", "2"), "{name}");
    }
    let (out, err, code) = said(&scene, "rows");
    assert_eq!(code, "0", "what was published is not readable any more: {err}");
    assert_eq!(out.lines().count(), 11, "{out}{err}");
}

// Another process has the store.

#[test]
fn a_sync_waits_for_somebody_who_writes() {
    const HELD: Duration = Duration::from_secs(1);
    let scene = synced();
    let other = Connection::open(scene.path("muster.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sync = scene.spawn(["sync"]);
    // Readers do not wait.
    assert_eq!(scene.resource_ids().len(), 11);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(HELD);
        other.execute_batch("ROLLBACK").unwrap();
    });
    let run = sync.wait();
    thread.join().unwrap();
    run.exits(0).says("support: published as run 2 ").stderr_is_empty();
    assert!(run.elapsed >= HELD, "it wrote while another process held the store: {run:?}");
}

#[test]
fn a_sync_does_not_wait_for_ever() {
    let scene = synced();
    let other = Connection::open(scene.path("muster.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // It waits for 10 s, which is when a line tells how far it is: not where it is to be quiet.
    let run = scene.muster(["sync", "-q"]);
    assert!(matches!(run.code, Some(1 | 3)), "{run:?}");
    run.errs("muster.db is locked by another process; try again when it is done").never_says("published as run");
    other.execute_batch("ROLLBACK").unwrap();
    scene.muster(["sync"]).exits(0);
}

// Output that nobody takes must not keep the process, which holds the store, from ending.

#[test]
fn a_reader_who_leaves_is_no_error() {
    let scene = synced();
    each_row(
        ["sync", "sync --json", "check", "resources", "grants --json", "runs", "connectors"],
        |c| (*c).to_owned(),
        |command| {
            let script = format!("{{ muster {command}; echo $? >code; }} | true; cat code");
            assert_eq!(shell(&scene, &script).exits(0).stderr_is_empty().stdout, "0\n");
        },
    );
    assert_eq!(scene.rows("runs").len(), 3, "every sync has ended");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let scene = synced();
    each_row(
        ["sync", "sync --json", "check", "resources", "runs", "connectors"],
        |c| (*c).to_owned(),
        |command| {
            let run = shell(&scene, &format!("muster {command} >/dev/full"));
            run.exits(1).errs("cannot write the output: ").never_says("panicked").never_says("os error");
        },
    );
    let runs = scene.rows("runs");
    assert!(runs.len() == 3 && runs.iter().all(|run| run["status"] == "published"), "{runs:?}");
}

/// The error path of a command that writes ends as well.
#[test]
fn a_run_that_cannot_be_accepted() {
    let scene = synced();
    let run = scene.muster(["runs", "accept", "1"]);
    refuses(&run, 2, "run 1 cannot be accepted: it is published, and only a held or an incomplete run can be");
}
