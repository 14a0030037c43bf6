//! Tapes: a run recorded once is replayed without network, secrets or waiting, and comes to the same rows.

use std::time::Duration;

use serde_json::{Value, json};
use support::chatwoot::{FakeChatwoot, World};
use support::echo::{Echo, Reply};
use support::fault::{Fault, FaultKind};
use support::scene::{Scene, TOKEN, text};

use crate::hostile_guest::{folder, hostile};

const KINDS: [&str; 3] = ["resources", "entitlements", "grants"];

/// A small account that has been recorded on `tape.jsonl`.
fn recorded() -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    scene
}

fn tape(scene: &Scene) -> String {
    std::fs::read_to_string(scene.path("tape.jsonl")).unwrap()
}

/// All rows, word for word.
fn rows(scene: &Scene, store: &str) -> [String; 3] {
    KINDS.map(|kind| scene.muster(["--store", store, kind, "--json"]).exits(0).stdout.clone())
}

/// The tape's lines of requests whose address ends so, each changed.
fn edit(scene: &Scene, end: &str, change: impl Fn(Value) -> Vec<Value>) {
    let (mut out, mut edited) = (String::new(), 0);
    for line in tape(scene).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let lines = match line["url"].as_str().is_some_and(|url| url.ends_with(end)) {
            true => change(line),
            false => vec![line],
        };
        edited += usize::from(lines.len() != 1);
        lines.iter().for_each(|line| out.push_str(&format!("{line}\n")));
    }
    assert_eq!(edited, 1, "one line is edited");
    std::fs::write(scene.path("tape.jsonl"), out).unwrap();
}

// Seen red with a replay that dials (exchange.rs): the port refuses; and with secrets resolved (job.rs): exit 2.
#[test]
fn a_replay_comes_to_the_same_rows_without_vendor_and_without_secrets() {
    let mut scene = recorded().without_env(TOKEN);
    scene.stop_fakes();
    let run = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl", "--json"]);
    let line = run.exits(0).stderr_is_empty().json();
    let recorded = &scene.rows("runs")[0];
    for count in ["resources", "entitlements", "grants", "added"] {
        assert_eq!(line[count], recorded[count], "{count}");
    }
    assert_eq!((&line["requests"], &line["retries"]), (&json!(6), &json!(0)));
    assert_eq!(rows(&scene, "replay.db"), rows(&scene, "muster.db"));
    let replayed = scene.json(["--store", "replay.db", "runs"]);
    assert_eq!(replayed[0]["started"], recorded["started"], "the clock starts where the tape starts");
    scene.muster(["--store", "replay.db", "runs", "show", "1"]).exits(0).says("replayed from a tape");
}

#[test]
fn a_replay_asks_nobody_who_is_there() {
    let scene = recorded();
    let before = scene.fake().stats().requests;
    scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"]).exits(0);
    assert_eq!(scene.fake().stats().requests, before);
}

#[test]
fn a_replay_needs_no_plugin_list() {
    let scene = recorded();
    let other = Scene::new().built_connector("chatwoot").without_toml().file("tape.jsonl", tape(&scene));
    let arguments = ["sync", "--connector", "connectors/chatwoot.wasm", "--replay", "tape.jsonl"];
    other.muster(arguments).exits(0).says("chatwoot: published as run 1");
    assert_eq!(other.rows("grants").len(), scene.rows("grants").len());
}

// The fake's profile echoes the token.
#[test]
fn a_tape_is_text_for_its_owner_and_holds_no_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = recorded();
    let mode = std::fs::metadata(scene.path("tape.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let tape = tape(&scene);
    assert!(!tape.contains(scene.fake().token()), "{tape}");
    assert!(tape.contains("***"), "the profile's token is masked");
    let lines: Vec<Value> = tape.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["tape"], &lines[0]["connection"]), (7, &json!(1), &json!("support")));
    let urls: Vec<&str> = lines[1..].iter().map(|line| text(line, "url")).collect();
    assert!(urls.is_sorted(), "{urls:?}");
    let agents: Vec<Value> = serde_json::from_str(text(&lines[1], "body")).expect("a body as text");
    assert_eq!(agents.len(), 8);
}

#[test]
fn two_recordings_of_an_unchanged_vendor_differ_in_their_heads_only() {
    // Teams and members come in another order from request to request: whatever has no order is looked at sorted.
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(40).teams(30).members_per_team(1));
    let exchanges = |file: &str| -> Vec<String> {
        scene.muster(["sync", "--record", file]).exits(0).complains("33 exchanges recorded in");
        let tape = std::fs::read_to_string(scene.path(file)).unwrap();
        let unordered = |line: &&str| !line.contains("/teams\",");
        tape.lines().skip(1).filter(unordered).map(str::to_owned).collect()
    };
    let (first, second) = (exchanges("one.jsonl"), exchanges("two.jsonl"));
    assert_eq!((first.len(), &first), (32, &second));
}

#[test]
fn several_connections_share_a_tape() {
    let scene = Scene::new()
        .chatwoot_as("one", FakeChatwoot::demo(), |profile| profile)
        .chatwoot_as("two", FakeChatwoot::builder().agents(30).teams(2).members_per_team(5), |profile| profile)
        .chatwoot_as("three", FakeChatwoot::demo(), |profile| profile);
    scene.muster(["sync", "one", "two", "--record", "tape.jsonl"]).exits(0);
    let run = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl", "--json"]);
    let mut names: Vec<String> = run.exits(0).json_lines().iter().map(|l| text(l, "connection").to_owned()).collect();
    names.sort();
    assert_eq!(names, ["one", "two"], "those that it holds");
    assert_eq!(rows(&scene, "replay.db"), rows(&scene, "muster.db"));
    let run = scene.muster(["--store", "replay.db", "sync", "three", "--replay", "tape.jsonl"]);
    run.exits(2).errs("holds no run of three; it holds one, two");
}

// Seen red with the answers of a request given from the first one again (reel.rs).
#[test]
fn identical_requests_are_answered_in_the_recorded_order() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    // The team is gone when its members are asked for, and the list is read a second time.
    let gone = scene.fake().inject(Fault::get(
        &scene.fake().path("teams/2/team_members"),
        FaultKind::json(404, r#"{"error":"Resource could not be found"}"#),
    ));
    let hiccup = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::status(503)).times(2));
    let run = scene.muster(["sync", "--record", "tape.jsonl", "--json"]);
    assert!(gone.fired() == 1 && hiccup.fired() == 2);
    let line = run.json();
    assert_eq!(text(&line["failures"][0], "task"), "team-members 2", "the list still has it: {line}");
    let again = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl", "--json"]);
    let replayed = again.exits(3).json();
    for key in ["status", "failures", "requests", "retries", "resources", "grants"] {
        assert_eq!(replayed[key], line[key], "{key}");
    }
    // Edited as if it had gone for good: the second list, and only that one, is another.
    let mut lists = 0;
    let text = tape(&scene);
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if line["url"].as_str().is_some_and(|url| url.ends_with("/teams")) {
            lists += 1;
            if lists == 2 {
                line["body"] = json!("[]");
            }
        }
        format!("{line}\n")
    });
    let edited: String = lines.collect();
    assert_eq!(lists, 2);
    let scene = scene.file("tape.jsonl", edited);
    let run = scene.muster(["--store", "edited.db", "sync", "--replay", "tape.jsonl"]);
    run.exits(0).complains("team 2 was deleted during the run");
}

// Seen red with the engine sleeping on the machine's clock (engine.rs): the command did not end in a minute.
#[test]
fn waits_of_a_replay_take_no_time_and_count_all_the_same() {
    let slow_down = |line: Value, times: usize| {
        let mut wait = line.clone();
        wait["status"] = json!(429);
        wait["headers"] = json!({"retry-after": ["400"]});
        wait["body"] = json!("Retry later");
        let mut lines = vec![wait; times];
        lines.push(line);
        lines
    };
    let scene = recorded();
    edit(&scene, "/agents", |line| slow_down(line, 2));
    let run = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl", "--json"]);
    let line = run.exits(0).within(Duration::from_secs(30)).json();
    assert!(line["times"]["waited_ms"].as_u64() >= Some(800_000), "{line}");
    assert_eq!(rows(&scene, "replay.db"), rows(&scene, "muster.db"));
    // More than `max-wait` is more than a run waits, also where it does not wait.
    let scene = recorded();
    edit(&scene, "/agents", |line| slow_down(line, 3));
    let run = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"]);
    run.exits(3).errs("the vendor asks to wait 400 s");
}

// Seen red with a replay whose guests have the system's random numbers (ambient.rs): the requests are others.
#[test]
fn random_numbers_are_those_of_the_recording() {
    let server = Echo::answering(|_| Reply::ok("go on"));
    let scene = folder().connection(hostile("hostile", "chance", &server));
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0).complains("20 exchanges recorded");
    scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"]).exits(0);
    assert_eq!(rows(&scene, "replay.db"), rows(&scene, "muster.db"));
    let numbers: std::collections::BTreeSet<String> =
        scene.json(["resources"]).iter().map(|row| text(row, "name").to_owned()).collect();
    assert_eq!(numbers.len(), 21, "each task has its own");
    scene.muster(["--store", "other.db", "sync", "--record", "other.jsonl"]).exits(0);
    assert_ne!(rows(&scene, "other.db"), rows(&scene, "muster.db"), "and each recording");
}

/// A tape on which nothing was asked, in this mode.
fn blank(mode: &str) -> Scene {
    let server = Echo::start();
    let head = json!({
        "tape": 1, "connection": "hostile", "connector": "hostile", "version": "0.1.0", "digest": "none",
        "started": "2024-02-29T23:59:58Z", "seed": "00".repeat(32), "settings": {},
    });
    folder().connection(hostile("hostile", mode, &server)).file("tape.jsonl", format!("{head}\n"))
}

/// The name of the one row beside the decoy.
fn only_name(scene: &Scene) -> String {
    let rows = scene.json(["resources"]);
    let mut names = rows.iter().map(|row| text(row, "name")).filter(|name| *name != "Decoy");
    let name = names.next().expect("a row").to_owned();
    assert_eq!(names.next(), None);
    name
}

#[test]
fn the_clock_of_a_guest_is_the_tapes() {
    let scene = blank("clock");
    scene.muster(["sync", "--replay", "tape.jsonl"]).exits(0);
    let name = only_name(&scene);
    let (date, seconds) = name.split_once(' ').unwrap();
    let started = 1_709_251_198;
    assert_eq!(date, "2024-02-29");
    assert!((started..started + 60).contains(&seconds.parse().unwrap()), "{name}");
}

// Seen red with the library's own clock in the linker: the command did not end in a minute.
#[test]
fn a_guests_own_waits_take_no_time_either() {
    let scene = blank("nap");
    scene.muster(["sync", "--replay", "tape.jsonl"]).exits(0).within(Duration::from_secs(30));
    assert_eq!(only_name(&scene), "2 h");
}

// Seen red with `Skipped` not looking at the exchanges (clocks.rs): the timer came first.
#[test]
fn an_answer_comes_before_a_guests_timer() {
    let server = Echo::answering(|_| Reply::ok("there"));
    let scene = folder().connection(hostile("hostile", "patience", &server));
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"]).exits(0);
    assert_eq!(rows(&scene, "replay.db"), rows(&scene, "muster.db"));
    assert!(rows(&scene, "replay.db")[0].contains("[0] true"), "{}", rows(&scene, "replay.db")[0]);
}

#[test]
fn what_went_wrong_goes_wrong_again() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let broken = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::ResetMidBody));
    let forbidden = scene.fake().inject(Fault::get(&scene.fake().path("teams/1/team_members"), FaultKind::status(500)));
    let run = scene.muster(["sync", "--record", "tape.jsonl", "--json"]).exits(3).json();
    assert!(broken.fired() == 5 && forbidden.fired() == 1, "{run}");
    let again = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl", "--json"]).exits(3).json();
    let sorted = |line: &Value| {
        let mut failures: Vec<String> = line["failures"].as_array().unwrap().iter().map(Value::to_string).collect();
        failures.sort();
        failures
    };
    assert_eq!((sorted(&again).len(), sorted(&again)), (2, sorted(&run)));
    assert_eq!((&again["requests"], &again["retries"]), (&run["requests"], &run["retries"]));
}

#[test]
fn a_replay_never_publishes_the_past_as_the_present() {
    let scene = recorded();
    // Into the store of the recording itself: nothing newer, nothing changed.
    let line = scene.muster(["sync", "--replay", "tape.jsonl", "--json"]).exits(0).json();
    assert_eq!((&line["added"], &line["changed"], &line["removed"]), (&json!(0), &json!(0), &json!(0)));
    edit(&scene, "/agents", |line| vec![line.clone(), line]);
    let tape = tape(&scene).replacen("\"started\":\"2", "\"started\":\"1", 1);
    let scene = scene.file("tape.jsonl", tape);
    scene.fake().edit(|world: &mut World| world.remove_agent(3));
    let run = scene.muster(["sync", "--replay", "tape.jsonl"]);
    run.exits(2).errs("would publish the past as the present").helps("add --store replay.db");
    assert_eq!(scene.rows("runs").len(), 2, "no run was begun");
}

// Each would take answers that are the other's.
#[test]
fn a_connection_never_takes_the_part_of_another() {
    let scene = Scene::new().chatwoot_as("eu", FakeChatwoot::demo(), |profile| profile).chatwoot_as(
        "us",
        FakeChatwoot::builder().agents(3),
        |profile| profile,
    );
    scene.muster(["sync", "eu", "--record", "tape.jsonl"]).exits(0);
    let run = scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl", "--json"]);
    let lines = run.exits(0).json_lines();
    assert_eq!(lines.iter().map(|line| text(line, "connection")).collect::<Vec<_>>(), ["eu"]);
    assert_eq!(rows(&scene, "replay.db"), rows(&scene, "muster.db"));
    // Alone it gets that part; its own settings ask for what is not on it.
    scene.muster(["sync", "us", "--replay", "tape.jsonl"]).exits(1).errs("us: denied: the tape does not hold GET");
    let run = scene.muster(["--store", "other.db", "sync", "eu", "us", "--replay", "tape.jsonl"]);
    run.exits(3).errs("us: the tape tape.jsonl holds no run of us; it holds eu");
}

#[test]
fn a_replay_asks_neither_variables_nor_programs_for_settings() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| {
        let base = "{ env = \"BASE_URL\" }";
        let account = "{ command = [\"sh\", \"-c\", \"touch ran; echo 1\"] }";
        profile.setting_toml("chatwoot-base-url", base).setting_toml("chatwoot-account-id", account)
    });
    let origin = scene.fake().origin();
    let scene = scene.env("BASE_URL", origin).env("PATH", std::env::var_os("PATH").unwrap());
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    std::fs::remove_file(scene.path("ran")).expect("it ran for the recording");
    let scene = scene.without_env("BASE_URL");
    scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"]).exits(0);
    assert!(!scene.path("ran").exists(), "it ran for the replay");
}

#[test]
fn a_recording_follows_no_link_and_leaves_no_file_where_it_cannot_begin() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo()).file("victim", "precious").file("no-store", "hello");
    std::os::unix::fs::symlink("victim", scene.path("tape.jsonl.sorting")).unwrap();
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    assert_eq!(std::fs::read(scene.path("victim")).unwrap(), b"precious");
    assert!(!scene.path("tape.jsonl.sorting").exists());
    scene.muster(["--store", "no-store", "sync", "--record", "never.jsonl"]).exits(2);
    assert!(!scene.path("never.jsonl").exists());
}

#[test]
fn a_replay_may_wait_as_long_as_the_recorded_run() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.run("max-wait = \"1h\""));
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    edit(&scene, "/agents", |line| {
        let mut wait = line.clone();
        wait["status"] = json!(429);
        wait["headers"] = json!({"retry-after": ["2000"]});
        vec![wait, line]
    });
    let other = Scene::new().built_connector("chatwoot").without_toml().file("tape.jsonl", tape(&scene));
    let arguments = ["sync", "--connector", "connectors/chatwoot.wasm", "--replay", "tape.jsonl"];
    other.muster(arguments).exits(0).says("2000 s of waiting");
}
