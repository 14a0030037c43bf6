//! Runs that are not finished, and the next sync: it does what is not done and no more (rules R2, R3), where nothing
//! stands against it.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::chatwoot::FakeChatwoot;
use support::crash::{REFERENCE, STORE, done_before};
use support::fault::{Fault, FaultKind, Injected};
use support::scene::{Run, Scene, TOKEN, eventually};
use support::scim::FakeScim;

/// The requests of a whole run: the check, agents, teams, and the members of eight.
const WHOLE: u64 = 11;

/// A store with a snapshot, a vendor that has changed since, and what an undisturbed run makes of it.
fn changed() -> (Scene, [String; 3]) {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(60).teams(8).members_per_team(12));
    scene.muster(["sync"]).exits(0);
    std::fs::copy(scene.path(STORE), scene.path(REFERENCE)).unwrap();
    scene.fake().edit(|world| {
        world.remove_agent(20);
        (30..40).for_each(|id| world.rename_agent(id, "Somebody Else"));
        world.rename_team(3, "renamed");
    });
    scene.muster(["sync", "--store", REFERENCE]).exits(0);
    let wanted = rows(&scene, REFERENCE);
    assert!(rows(&scene, STORE) != wanted);
    scene.fake().reset_stats();
    (scene, wanted)
}

/// The rows of a store, as they are printed.
#[track_caller]
fn rows(scene: &Scene, store: &str) -> [String; 3] {
    ["resources", "entitlements", "grants"]
        .map(|what| scene.muster([what, "--json", "--store", store]).exits(0).stdout.clone())
}

fn team(scene: &Scene, id: u64) -> String {
    scene.fake().path(&format!("teams/{id}/team_members"))
}

/// What the vendor was asked for since the counts were reset, in order.
fn asked(scene: &Scene) -> Vec<String> {
    scene.fake().requests().iter().map(|request| request.path.clone()).collect()
}

/// A second run in which the members of team 5 cannot be read.
#[track_caller]
fn incomplete(scene: &Scene, kind: FaultKind) -> Injected {
    let fault = scene.fake().inject(Fault::get(&team(scene, 5), kind).times(1));
    scene.muster(["sync"]).exits(3).says("run 2 is incomplete").says("it does only what is not done");
    fault.assert_fired(1);
    assert_eq!(scene.fake().stats().requests, WHOLE, "the rest is done");
    scene.fake().reset_stats();
    fault
}

/// A second run that is killed while it waits for the members of team 5, when all else is done.
#[track_caller]
fn killed(scene: &Scene) {
    let hang = scene.fake().inject(Fault::get(&team(scene, 5), FaultKind::Hang).times(1));
    let process = scene.spawn(["sync", "-vv"]);
    eventually("all else is answered", || process.stderr_so_far().matches("status=200").count() as u64 == WHOLE - 1);
    // What is answered has to be committed, too: a moment later.
    let done = || scene.muster(["runs", "show", "2", "--json"]).json()["tasks"]["done"] == json!(10);
    eventually("all else is done", done);
    process.signal(Signal::SIGKILL);
    assert_eq!(process.wait().killed_by, Some(9));
    hang.assert_fired(1);
    scene.fake().reset_stats();
}

/// The next sync publishes run 2 with the members of team 5.
#[track_caller]
fn goes_on(scene: &Scene, wanted: &[String; 3]) -> Value {
    let run = scene.muster(["sync", "--json", "-v"]);
    run.exits(0).complains("run 2 goes on: 10 of 11 known tasks are done");
    let line = run.json();
    assert_eq!((&line["status"], &line["resumed"], &line["run"]), (&json!("published"), &json!(true), &json!(2)));
    assert!(rows(scene, STORE) == *wanted, "another snapshot than that of an undisturbed run");
    line
}

/// The next sync gives run 2 up, says why, and reads everything again.
#[track_caller]
fn starts_over(scene: &Scene, arguments: &[&str], why: &str, wanted: &[String; 3]) -> Run {
    let run = scene.muster(arguments);
    run.exits(0).complains("run 2 was not finished and is given up, because ").complains(why);
    run.says("published as run 3");
    assert_eq!(scene.fake().stats().requests, WHOLE);
    assert!(rows(scene, STORE) == *wanted, "another snapshot than that of an undisturbed run");
    run
}

#[test]
fn the_next_sync_asks_only_for_what_failed() {
    for kind in [
        FaultKind::status(500),
        FaultKind::json(403, r#"{"error":"You are not authorized to do this action"}"#),
        FaultKind::CutJson,
        FaultKind::status(429).header("retry-after", "7200"),
    ] {
        let (scene, wanted) = changed();
        let before = rows(&scene, STORE);
        incomplete(&scene, kind);
        assert!(rows(&scene, STORE) == before, "nothing of it is seen");
        let undisturbed = &scene.json(["runs", "--store", REFERENCE])[0];
        let line = goes_on(&scene, &wanted);
        assert_eq!(asked(&scene), ["/api/v1/profile".to_owned(), team(&scene, 5)]);
        for key in ["added", "changed", "removed", "resources", "entitlements", "grants"] {
            assert_eq!(line[key], undisturbed[key], "{key}: as if nothing had happened");
        }
        scene.muster(["runs", "show", "2"]).exits(0).says("published").says("  2 attempts, ").never_says("failures:");
    }
}

#[test]
fn a_killed_run_goes_on_with_what_was_not_done() {
    let (scene, wanted) = changed();
    killed(&scene);
    goes_on(&scene, &wanted);
    assert_eq!(asked(&scene), ["/api/v1/profile".to_owned(), team(&scene, 5)]);
}

/// Tasks that end shortly after one another are no reason to keep what is done from the store, nor others from writing.
#[test]
fn tasks_are_kept_while_others_are_being_done() {
    let builder = FakeChatwoot::builder().agents(20).teams(400).members_per_team(2).latency(Duration::from_millis(3));
    let scene = Scene::new().chatwoot_as("support", builder, |profile| profile.run("at-once = 2"));
    let process = scene.spawn(["sync"]);
    eventually("a quarter is asked for", || scene.fake().stats().requests >= 100);
    let other = rusqlite::Connection::open(scene.path(STORE)).unwrap();
    other.busy_timeout(Duration::from_millis(700)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").expect("another writer has its turn");
    eventually("most is asked for", || scene.fake().stats().requests >= 350);
    process.signal(Signal::SIGKILL);
    assert_eq!(process.wait().killed_by, Some(9));
    let run = scene.muster(["sync", "-v"]);
    run.exits(0).says("published as run 1");
    let done = done_before(&run).expect("a run that goes on");
    assert!(done >= 150, "of 350 tasks {done} were kept");
}

#[test]
fn what_fails_again_and_again_is_asked_for_again_and_again() {
    let (scene, wanted) = changed();
    incomplete(&scene, FaultKind::status(500));
    let down = scene.fake().inject(Fault::get(&team(&scene, 5), FaultKind::status(500)).times(2));
    for _ in 0..2 {
        scene.muster(["sync"]).exits(3).says("run 2 is incomplete");
    }
    down.assert_fired(2);
    let shown = scene.muster(["runs", "show", "2"]);
    shown.exits(0).says("incomplete").says("  3 attempts, ").says("  failures:\n    team-members 5: unavailable: ");
    goes_on(&scene, &wanted);
}

#[test]
fn a_fresh_run_starts_over() {
    let (scene, wanted) = changed();
    incomplete(&scene, FaultKind::status(500));
    starts_over(&scene, &["sync", "--fresh"], "a fresh one was asked for", &wanted);
    // Where nothing was interrupted it is a sync like any.
    scene.muster(["sync", "--fresh"]).exits(0).says("published as run 4").stderr_is_empty();
}

#[test]
fn a_run_of_long_ago_is_given_up() {
    let (mut scene, wanted) = changed();
    incomplete(&scene, FaultKind::status(500));
    scene.change("support", |profile| profile.run("resume-within = \"1s\""));
    // Times are kept in whole seconds.
    std::thread::sleep(Duration::from_millis(2100));
    starts_over(&scene, &["sync"], "longer ago than resume-within allows", &wanted);
}

#[test]
fn another_component_starts_over() {
    let (scene, wanted) = changed();
    killed(&scene);
    // The same in all but a note at its end.
    let mut component = support::scene::component("chatwoot");
    component.extend(b"\x00\x08\x04note1.1");
    let scene = scene.connector("chatwoot.wasm", component);
    starts_over(&scene, &["sync"], "the connector is another one now", &wanted);
}

#[test]
fn other_settings_start_over() {
    let fake = FakeScim::demo().start();
    let mut scene = fake.scene();
    let down = fake.inject(Fault::get("/scim/v2/Groups", FaultKind::status(500)).times(1));
    scene.muster(["sync"]).exits(3).says("run 1 is incomplete");
    down.assert_fired(1);
    scene.change("people", |profile| profile.setting_toml("scim-groups", "false"));
    let run = scene.muster(["sync"]);
    run.exits(0)
        .complains("run 1 was not finished and is given up, because the settings of the connection have changed");
    run.says("published as run 2");
    assert!(scene.rows("resources").iter().all(|row| row["type"] == "user"), "as the new settings have it");
}

#[test]
fn a_rotated_secret_goes_on() {
    let (mut scene, wanted) = changed();
    incomplete(&scene, FaultKind::status(500));
    scene.fake().rotate_token("another-token");
    scene.set_env(TOKEN, "another-token");
    goes_on(&scene, &wanted);
    assert_eq!(asked(&scene), ["/api/v1/profile".to_owned(), team(&scene, 5)]);
}

#[test]
fn a_run_whose_credential_is_refused_when_it_goes_on_stays_incomplete() {
    let (mut scene, wanted) = changed();
    incomplete(&scene, FaultKind::status(500));
    scene.fake().rotate_token("another-token");
    let run = scene.muster(["sync", "--json"]);
    run.exits(3);
    let line = run.json();
    assert_eq!((&line["status"], &line["run"]), (&json!("incomplete"), &json!(2)), "{line}");
    assert_eq!(
        (&line["failures"][0]["task"], &line["failures"][0]["reason"]),
        (&json!("check"), &json!("unauthorized"))
    );
    assert_eq!(asked(&scene), ["/api/v1/profile"], "nobody is asked for anything else");
    scene.set_env(TOKEN, "another-token");
    goes_on(&scene, &wanted);
}

#[test]
fn an_incomplete_run_that_is_accepted_is_finished() {
    let (scene, _) = changed();
    incomplete(&scene, FaultKind::status(500));
    scene.muster(["runs", "accept", "2"]).exits(0).says("support: published run 2, which was incomplete");
    let renamed = scene.rows("resources").iter().filter(|row| row["name"] == "Somebody Else").count();
    assert_eq!(renamed, 10, "what is new or changed is published");
    assert!(scene.resource_ids().contains(&"support/agent:20".to_owned()), "and nothing is removed");
    let line = scene.muster(["sync", "--json"]).exits(0).stderr_is_empty().json();
    assert_eq!((&line["run"], &line["resumed"]), (&json!(3), &json!(false)), "{line}");
    assert!(!scene.resource_ids().contains(&"support/agent:20".to_owned()), "a whole run removes");
}

#[test]
fn a_published_run_is_never_gone_on_with() {
    let (scene, _) = changed();
    let line = scene.muster(["sync", "--json"]).exits(0).stderr_is_empty().json();
    assert_eq!((&line["run"], &line["resumed"]), (&json!(2), &json!(false)), "{line}");
    let line = scene.muster(["sync", "--json"]).exits(0).stderr_is_empty().json();
    assert_eq!((&line["run"], &line["resumed"]), (&json!(3), &json!(false)), "{line}");
    assert_eq!(scene.fake().stats().requests, 2 * WHOLE);
}
