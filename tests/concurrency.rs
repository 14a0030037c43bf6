//! More than one sync at once, and syncs that are stopped.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::scene::{Process, Scene, eventually};

/// How long a stopped sync may take.
const SOON: Duration = Duration::from_secs(2);

/// A sync that waits for an answer that never comes, after it has read everything else.
fn stuck(scene: &Scene) -> (Process, support::fault::Injected) {
    let path = scene.fake().path("teams/2/team_members");
    let hang = scene.fake().inject(Fault::get(&path, FaultKind::Hang).times(1));
    let seen = scene.fake().count(&path);
    let process = scene.spawn(["sync"]);
    eventually("the sync waits", || scene.fake().count(&path) > seen);
    (process, hang)
}

#[test]
fn the_second_sync_says_who_holds_the_connection_and_goes_on() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo()).chatwoot_as(
        "other",
        FakeChatwoot::builder().agents(2),
        |profile| profile,
    );
    let path = scene.fake().path("teams/2/team_members");
    let hang = scene.fake().inject(Fault::get(&path, FaultKind::Hang).times(1));
    let first = scene.spawn(["sync", "support"]);
    // All six of its requests are there; what comes later is the second's.
    eventually("the first sync waits", || scene.fake().count(&path) > 0 && scene.fake().stats().requests == 6);
    let before = scene.fake().stats().requests;

    let second = scene.muster(["sync", "--json"]);
    second.exits(3).errs("another sync of support is in progress").complains(&format!("process {}", first.id()));
    let mut lines = second.json_lines();
    lines.sort_by_key(|line| line["connection"].to_string());
    assert_eq!((&lines[0]["connection"], &lines[0]["status"]), (&json!("other"), &json!("published")));
    assert_eq!((&lines[1]["connection"], &lines[1]["status"]), (&json!("support"), &json!("failed")));
    assert_eq!(lines[1]["failures"][0]["reason"], "unavailable");
    assert_eq!(scene.fake().stats().requests, before, "the second asked nobody");

    // Alone, it has nothing else to do: failed.
    scene.muster(["sync", "support"]).exits(1).errs("another sync of support is in progress");

    first.signal(Signal::SIGINT);
    first.wait().exits(130);
    hang.assert_fired(1);
    scene.muster(["sync"]).exits(0).says("support: published").says("other: published");
}

#[test]
fn reading_does_not_wait_for_a_sync() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| world.rename_agent(8, "Greta Berg"));
    let (process, hang) = stuck(&scene);
    let rows = scene.rows("resources");
    assert_eq!(rows.len(), 11);
    assert!(rows.iter().all(|row| row["name"] != "Greta Berg"), "the published snapshot, never a mixture");
    assert_eq!(scene.rows("grants").len(), 10);
    assert_eq!(scene.rows("runs")[0]["status"], "running");
    hang.assert_fired(1);
    drop(process);
}

#[test]
fn syncs_of_different_connections_share_the_store() {
    let scene = Scene::new()
        .chatwoot_as("first", FakeChatwoot::builder().agents(200).teams(20).members_per_team(20), |profile| profile)
        .chatwoot_as("second", FakeChatwoot::builder().agents(200).teams(20).members_per_team(20), |profile| profile);
    let processes = ["first", "second"].map(|name| scene.spawn(["sync", name]));
    for process in processes {
        process.wait().exits(0).says("220 resources, 20 entitlements, 400 grants").stderr_is_empty();
    }
    assert_eq!(scene.rows("resources").len(), 440);
}

/// A sync that is stopped by a signal ends soon, with this code, publishes nothing and says how to go on.
#[track_caller]
fn stopped(signal: Signal, code: i32) {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| world.rename_agent(8, "Greta Berg"));
    let (process, hang) = stuck(&scene);
    let begun = Instant::now();
    process.signal(signal);
    let run = process.wait();
    assert!(begun.elapsed() < SOON, "it took {:?} to stop", begun.elapsed());
    run.exits(code).says("run 2 is incomplete").says("run `muster sync support` again, and it goes on from here");
    hang.assert_fired(1);
    assert!(scene.rows("resources").iter().all(|row| row["name"] != "Greta Berg"));
    assert_eq!(scene.rows("runs")[0]["status"], "incomplete");
    let asked = scene.fake().stats().requests;
    scene.muster(["sync"]).exits(0).says("published as run 2").says("0 added, 1 changed, 0 removed");
    // The check, the task that was in progress, and perhaps one whose answer had just come: not all six again.
    assert!(scene.fake().stats().requests < asked + 6, "it asked for everything again");
}

#[test]
fn ctrl_c_stops_a_sync() {
    stopped(Signal::SIGINT, 130);
}

#[test]
fn sigterm_stops_a_sync() {
    stopped(Signal::SIGTERM, 143);
}

#[test]
fn a_signal_in_the_check_stops_a_sync() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let hang = scene.fake().inject(Fault::get("/api/v1/profile", FaultKind::Hang).times(1));
    let process = scene.spawn(["sync", "--json"]);
    eventually("the sync waits", || hang.fired() == 1);
    let begun = Instant::now();
    process.signal(Signal::SIGINT);
    process.wait().exits(130);
    assert!(begun.elapsed() < SOON, "it took {:?} to stop", begun.elapsed());
    assert!(scene.rows("resources").is_empty());
    scene.muster(["sync"]).exits(0);
}

#[test]
fn a_signal_while_a_vendor_is_waited_for_stops_a_sync() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let busy = FaultKind::status(503).header("retry-after", "15");
    let busy = scene.fake().inject(Fault::get(&scene.fake().path("agents"), busy));
    let process = scene.spawn(["sync"]);
    eventually("the sync waits", || busy.fired() == 1);
    let begun = Instant::now();
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
    assert!(begun.elapsed() < SOON, "it took {:?} to stop", begun.elapsed());
}

#[test]
fn a_check_can_be_stopped() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let hang = scene.fake().inject(Fault::get("/api/v1/profile", FaultKind::Hang));
    let process = scene.spawn(["check"]);
    eventually("the check waits", || hang.fired() == 1);
    let begun = Instant::now();
    process.signal(Signal::SIGINT);
    let run = process.wait();
    assert!(begun.elapsed() < SOON, "it took {:?} to stop", begun.elapsed());
    let ended = run.code == Some(130) || run.killed_by == Some(2);
    assert!(ended, "{run:?}");
}

#[test]
fn a_killed_sync_leaves_a_store_that_works() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| {
        world.rename_agent(8, "Greta Berg");
        world.remove_agent(7);
    });
    let (process, hang) = stuck(&scene);
    process.signal(Signal::SIGKILL);
    assert_eq!(process.wait().killed_by, Some(9));
    hang.assert_fired(1);

    let rows = scene.rows("resources");
    assert_eq!(rows.len(), 11);
    assert!(rows.iter().all(|row| row["name"] != "Greta Berg"), "nothing of it is seen");
    let run = scene.muster(["sync"]);
    run.exits(0).says("published as run 2").says("resumed").says("0 added, 1 changed, 2 removed").stderr_is_empty();
    let statuses: Vec<_> = scene.rows("runs").iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, [json!("published"), json!("published")]);
    scene.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed").stderr_is_empty();
}

#[test]
fn accepting_waits_for_no_sync() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    // The task that failed is the one that is done again.
    let path = scene.fake().path("teams/2/team_members");
    let down = scene.fake().inject(Fault::get(&path, FaultKind::status(500)).times(1));
    scene.muster(["sync"]).exits(3);
    down.assert_fired(1);
    let (process, hang) = stuck(&scene);
    let run = scene.muster(["runs", "accept", "1"]);
    run.exits(1).errs("a sync of support is in progress").complains(&format!("process {}", process.id()));
    hang.assert_fired(1);
}
