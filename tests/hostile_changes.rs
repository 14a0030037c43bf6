//! A connector that is asked for a change and does another one, or says what is not so.

use serde_json::json;
use support::echo::Echo;
use support::scene::{Scene, each_row, text};

use crate::hostile_guest::{folder, hostile, publishes, scene_with};

/// A connection in this mode that was synced; the server forgets what was asked for that.
fn synced(mode: &str, server: &Echo, target: &str) -> Scene {
    let scene = scene_with(mode, server, |profile| {
        profile.setting("method", "POST").setting("target", target).setting("body", "{}")
    });
    publishes(&scene);
    server.forget();
    scene
}

const GRANT: [&str; 4] = ["grant", "hostile", "team:one:member", "user:cid"];

#[test]
fn a_dry_run_that_writes() {
    let server = Echo::start();
    let scene = synced("change-write", &server, "/write/x");
    let run = scene.muster(GRANT.iter().chain(&["--dry-run"]));
    run.exits(1).errs("a connector may only read there");
    assert_eq!(server.requests().len(), 0, "nothing left");
    // The same request leaves where the operator agreed: it is the dry run that stops it.
    scene.muster(GRANT.iter().chain(&["--yes"])).exits(0);
    assert_eq!(server.requests_to("/write/x").len(), 1);
}

#[test]
fn a_change_that_writes_elsewhere() {
    let server = Echo::start();
    let rows =
        [("/teams", "the manifest names no such method"), ("/write/a/b", "fits no route of the connector's manifest")];
    each_row(
        rows,
        |(target, _)| (*target).to_owned(),
        |(target, sentence)| {
            let scene = synced("change-write", &server, target);
            scene.muster(GRANT.iter().chain(&["--yes"])).exits(1).errs(sentence);
            assert_eq!(server.requests().len(), 0, "nothing left");
            assert_eq!(text(&scene.rows("audit")[0], "outcome"), "failed");
        },
    );
}

#[test]
fn a_change_that_emits() {
    let server = Echo::start();
    let scene = synced("change-emit", &server, "/");
    scene.muster(GRANT.iter().chain(&["--yes"])).exits(1).errs("emitted records outside of sync");
    assert!(!scene.resource_ids().iter().any(|id| id.contains("mallory")), "{:?}", scene.resource_ids());
}

#[test]
fn a_look_after_a_change_that_finds_nothing() {
    let server = Echo::start();
    let scene = synced("change-lose", &server, "/");
    let before = scene.resource_ids();
    scene.muster(GRANT.iter().chain(&["--yes"])).exits(0).says("0 added, 0 changed, 2 removed");
    // Of the team that was changed everything may be gone, and nothing else.
    assert_eq!(scene.grant_ids(), ["team:two:member:user:ann", "team:two:member:user:bob"]);
    assert_eq!(scene.resource_ids(), before);
}

#[test]
fn a_roster_that_does_not_come_to_an_end() {
    let server = Echo::start();
    let rows = [
        ("roster-circle", "the connector named a step that was done before"),
        ("roster-nobody", "it told an outcome of change 99, and there are 1"),
        ("roster-many", "it told 2 outcomes of 1 changes in one step"),
    ];
    each_row(
        rows,
        |(mode, _)| (*mode).to_owned(),
        |(mode, sentence)| {
            let scene = folder()
                .connection(hostile("source", mode, &server).setting("count", "2"))
                .connection(hostile("hostile", mode, &server).setting("count", "1"));
            publishes_both(&scene);
            scene.muster(["plan", "source", "hostile", "-o", "plan.json", "--exit-code"]).exits(1);
            let run = scene.muster(["apply", "plan.json", "--yes", "--json"]);
            run.exits(1).errs(sentence);
            let line = run.json();
            assert_eq!(
                (&line["status"], &line["applied"], &line["not_done"]),
                (&json!("failed"), &json!(0), &json!(1))
            );
        },
    );
}

#[track_caller]
fn publishes_both(scene: &Scene) {
    let lines = scene.muster(["sync", "--json"]).exits(0).json_lines();
    assert!(lines.len() == 2 && lines.iter().all(|line| line["status"] == "published"), "{lines:?}");
}
