//! What a run in progress shows, and what `runs show` tells of one afterwards.

use std::time::Duration;

use nix::sys::signal::Signal;
use regex_lite::Regex;
use serde_json::{Value, json};
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::scene::{Scene, eventually};
use support::terminal::Terminal;

/// A sync on a terminal.
#[track_caller]
fn on_a_terminal(scene: &Scene) -> Terminal {
    Terminal::start(scene.command(["sync"]))
}

/// One team after the other, so slowly that it is seen.
fn slow() -> Scene {
    let builder = FakeChatwoot::builder().agents(30).teams(60).members_per_team(3).latency(Duration::from_millis(15));
    Scene::new().chatwoot_as("support", builder, |profile| profile.run("at-once = 2"))
}

#[test]
fn a_terminal_shows_a_line_and_a_bar_that_never_runs_back() {
    let (code, drawn) = on_a_terminal(&slow()).wait();
    assert_eq!(code, Some(0), "{drawn}");
    let bar = Regex::new(r"support \[=*>? *\] (\d+)/(\d+) ").unwrap();
    let bars: Vec<(u64, u64)> =
        bar.captures_iter(&drawn).map(|c| (c[1].parse().unwrap(), c[2].parse().unwrap())).collect();
    assert!(!bars.is_empty(), "no bar: {drawn}");
    assert!(bars.iter().all(|(_, total)| *total == 63), "sync, agents, teams and sixty teams: {bars:?}");
    assert!(bars.is_sorted_by_key(|(over, _)| *over), "it ran back: {bars:?}");
    for text in [" in progress, ", " waiting; ", " records; ", " requests"] {
        assert!(drawn.contains(text), "{text:?} is not in {drawn}");
    }
    assert!(!drawn.contains('%'), "nobody can know how much is left: {drawn}");
    assert!(drawn.ends_with("\u{1b}[2K") || drawn.ends_with("\u{1b}[0m"), "the line is cleared: {drawn:?}");
}

#[test]
fn a_terminal_shows_how_long_a_vendor_is_waited_for() {
    // The first wait fits into an exchange, the second is the task's, and everybody's: how many tasks were done before it is
    // luck.
    for (status, seconds) in [(503, "15"), (429, "50")] {
        let scene = Scene::new().chatwoot(FakeChatwoot::demo());
        let busy = FaultKind::status(status).header("retry-after", seconds);
        let busy = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), busy));
        let terminal = on_a_terminal(&scene);
        let left = Regex::new("[0-9] tasks done, .*waiting on a rate limit or for a retry, (1[0-5]|[45][0-9]) s left")
            .unwrap();
        eventually("the wait is shown", || left.is_match(&terminal.drawn()));
        terminal.signal(Signal::SIGTERM);
        let (code, drawn) = terminal.wait();
        assert_eq!(code, Some(143), "{drawn}");
        busy.assert_fired(1);
    }
}

#[test]
fn elsewhere_a_line_tells_every_ten_seconds_how_far_it_is() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let hang = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), FaultKind::Hang));
    let sync = scene.spawn(["sync"]);
    let line = "5 tasks done, 1 in progress; 22 records; 6 requests";
    eventually("a line is logged", || sync.stderr_so_far().contains(line));
    sync.signal(Signal::SIGTERM);
    let run = sync.wait();
    run.exits(143).never_says("\u{1b}[");
    assert_eq!(run.stderr.lines().filter(|l| l.contains("tasks done")).count(), 1, "{run:?}");
    hang.assert_fired(1);
}

fn report(scene: &Scene, run: &str) -> Value {
    scene.muster(["runs", "show", run, "--json"]).exits(0).json()["report"]["run"].clone()
}

#[test]
fn a_run_tells_bytes_and_time_by_phase() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let slow = FaultKind::Delay(Duration::from_millis(300));
    let slow = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), slow));
    scene.muster(["sync"]).exits(0);
    slow.assert_fired(1);
    let run = report(&scene, "1");
    assert!(run["times"]["vendor_ms"].as_u64() >= Some(300), "{run}");
    for key in ["guest_ms", "store_ms", "waited_ms"] {
        assert!(run["times"][key].is_u64(), "{key}: {run}");
    }
    assert_eq!(run["received_bytes"].as_u64(), Some(scene.fake().stats().body_bytes), "what the vendor sent");
    assert_eq!(run["emitted_records"], 24, "eight agents, three teams, three entitlements and ten grants");
    assert!(run["emitted_bytes"].as_u64() > Some(24), "{run}");
    assert_eq!((&run["slowest"][0]["task"], &run["tasks"]), (&json!("team-members 2"), &json!(6)), "{run}");
    let shown = scene.muster(["runs", "show", "1"]);
    shown
        .exits(0)
        .says("  time and bytes (work that ran at once is summed):\n    vendor: ")
        .says(" received\n    guest: ");
    shown.says(" of 24 records emitted\n    store: ").says("  slowest tasks:\n    3");
}

#[test]
fn a_run_tells_what_failed_and_how_to_help() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let broken = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), FaultKind::status(500)));
    let busy = FaultKind::status(503).header("retry-after", "0");
    let busy = scene.fake().inject(Fault::get(&scene.fake().path("teams/1/team_members"), busy).times(2));
    scene.muster(["sync"]).exits(3);
    broken.assert_fired(1);
    busy.assert_fired(2);
    let shown = scene.muster(["runs", "show", "1"]);
    shown.exits(0).says("run 1 of support: incomplete").says("tasks 6 (1 failed), requests 8 (2 repeated, 0 denied)");
    shown.says("  failures:\n    team-members 2: unavailable: ");
}

#[test]
fn a_run_tells_what_was_denied() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.closed());
    scene.muster(["sync"]).exits(1);
    let denials = report(&scene, "1")["denials"].clone();
    let labels: Vec<&String> = denials.as_object().expect("labels").keys().collect();
    assert_eq!(labels.len(), 1, "{denials}");
    let shown = scene.muster(["runs", "show", "1"]);
    shown.exits(0).says(&format!("  denied:\n    {}: 1", labels[0])).says("1 denied)").says("      help: ");
    assert_eq!(scene.fake().stats().requests, 0);
}
