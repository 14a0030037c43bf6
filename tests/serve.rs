//! `muster serve`: runs by schedule until it is stopped. No test waits for a minute to pass: what never ran is due at once.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::scene::{Process, Scene, eventually};
use support::smtp::SmtpServer;

/// The requests of a whole run: the check, agents, teams, and the members of one.
const WHOLE: u64 = 4;

fn fake() -> support::chatwoot::Builder {
    FakeChatwoot::builder().agents(3).teams(1).members_per_team(2)
}

/// With a schedule on every connection; the token comes from a file.
fn scheduled(scene: Scene) -> Scene {
    let text = scene
        .toml_text()
        .replace(
            "connector = \"chatwoot\"\n",
            "connector = \"chatwoot\"\nschedule = \"daily 06:30\"\ntime-zone = \"Europe/Berlin\"\n",
        )
        .replace("{ env = \"CHATWOOT_TOKEN\" }", "{ file = \"token\" }");
    let token = scene.fake().token().to_owned();
    let scene = scene.toml(text);
    write_token(&scene, &token);
    scene
}

fn scene() -> Scene {
    scheduled(Scene::new().chatwoot(fake()))
}

fn write_token(scene: &Scene, token: &str) {
    let path = scene.path("token");
    std::fs::write(&path, token).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[track_caller]
fn says(process: &Process, text: &str) {
    eventually(&format!("stdout has {text:?}"), || process.stdout_so_far().contains(text));
}

#[track_caller]
fn notes(process: &Process, text: &str) {
    eventually(&format!("stderr has {text:?}"), || process.stderr_so_far().contains(text));
}

/// The plugin list is read again; the answer comes when it was.
#[track_caller]
fn reload(process: &Process, says: &str) {
    let before = process.stderr_so_far().matches(says).count();
    process.signal(Signal::SIGHUP);
    eventually("the plugin list was read again", || process.stderr_so_far().matches(says).count() > before);
}

#[test]
fn what_never_ran_is_run_at_once_and_the_server_goes_on_until_it_is_stopped() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let scene = scene();
        let process = scene.spawn(["serve"]);
        says(&process, "support: published as run 1 in");
        says(&process, ": 4 resources, 1 entitlement, 2 grants; 7 added, 0 changed, 0 removed");
        notes(&process, "serving 1 connection, 1 running (support)");
        reload(&process, "the plugin list was read again; serving 1 connection; next is support at ");
        process.signal(signal);
        let run = process.wait();
        run.exits(code);
        assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
        assert_eq!(scene.fake().stats().requests, WHOLE, "it ran once");
    }
}

#[test]
fn what_ran_today_is_not_run_again_by_the_next_server() {
    let scene = scene();
    scene.muster(["sync"]).exits(0);
    let process = scene.spawn(["serve", "--json"]);
    notes(&process, "serving 1 connection; next is support at ");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).stdout_is_empty();
    assert_eq!(scene.fake().stats().requests, WHOLE);
}

#[test]
fn programs_get_one_object_a_run() {
    let scene = scene();
    let process = scene.spawn(["serve", "--json"]);
    says(&process, "\"status\":\"published\"");
    process.signal(Signal::SIGTERM);
    let run = process.wait();
    let line = run.exits(143).json();
    assert_eq!((&line["connection"], &line["run"]), (&"support".into(), &1.into()));
}

#[test]
fn the_plugin_list_is_read_again_and_a_broken_one_changes_nothing() {
    let scene = scene();
    let good = scene.toml_text();
    let process = scene.spawn(["serve"]);
    says(&process, "support: published as run 1");
    let scene = scene.toml(format!("{good}\nnonsense"));
    reload(&process, "error: muster.toml:");
    notes(&process, "the plugin list that was read before stays in force");
    // A second connection to the same vendor; it never ran, so it is due.
    let second = good.split_once("[[connection]]").unwrap().1.replace("\"support\"", "\"people\"");
    let scene = scene.toml(format!("{good}\n[[connection]]{second}"));
    reload(&process, "the plugin list was read again; serving 2 connections");
    says(&process, "people: published as run 2");
    let scene = scene.toml(good.replace("schedule = \"daily 06:30\"\ntime-zone = \"Europe/Berlin\"\n", ""));
    reload(&process, "the plugin list was read again; serving 0 connections");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
    assert_eq!(scene.fake().stats().requests, 2 * WHOLE);
}

#[test]
fn a_refused_credential_is_tried_once_until_it_changes() {
    let scene = scene();
    write_token(&scene, "mistyped-token");
    let process = scene.spawn(["serve", "-vv"]);
    notes(&process, "support is paused, because it was refused (unauthorized)");
    let tried = scene.fake().stats().requests;
    assert_eq!(tried, 1, "the check alone");
    // Whatever is read again: the settings are the same.
    let same = "support stays paused";
    for _ in 0..2 {
        let before = process.stderr_so_far().matches(same).count();
        reload(&process, "1 paused until its settings change (support)");
        eventually("it was looked at", || process.stderr_so_far().matches(same).count() > before);
    }
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).never_says("mistyped-token");

    // Another server knows it, too.
    let process = scene.spawn(["serve", "-vv"]);
    notes(&process, same);
    assert_eq!(scene.fake().stats().requests, tried, "nobody asked the vendor again");
    assert!(
        !String::from_utf8_lossy(&std::fs::read(scene.path("muster.db-paused/support.json")).unwrap())
            .contains("mistyped")
    );
    write_token(&scene, scene.fake().token());
    reload(&process, "the plugin list was read again");
    notes(&process, "support is no longer paused");
    says(&process, "support: published as run 2");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
    assert_eq!(scene.fake().stats().requests, tried + WHOLE);
    assert!(!scene.path("muster.db-paused/support.json").exists());
}

#[test]
fn a_sync_that_went_well_by_hand_ends_a_pause() {
    let scene = scene();
    scene.fake().rotate_token("new-token");
    let process = scene.spawn(["serve", "-vv"]);
    notes(&process, "support is paused");
    scene.fake().rotate_token(&std::fs::read_to_string(scene.path("token")).unwrap());
    scene.muster(["sync"]).exits(0).says("published as run 2");
    reload(&process, "the plugin list was read again");
    notes(&process, "support is no longer paused");
    says(&process, "support: published as run 3");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
}

#[test]
fn only_a_sync_that_went_well_ends_a_pause() {
    let scene = scene();
    let token = std::fs::read_to_string(scene.path("token")).unwrap();
    let broken = || {
        let path = scene.fake().path("agents");
        scene.fake().inject(Fault::get(&path, FaultKind::status(404)).times(1))
    };
    // A run that is refused when it is gone on with: it keeps its number.
    let fault = broken();
    scene.muster(["sync"]).exits(3).says("run 1 is incomplete");
    fault.assert_fired(1);
    scene.fake().rotate_token("new-token");
    let process = scene.spawn(["serve", "-vv"]);
    notes(&process, "support is paused");
    scene.fake().rotate_token(&token);
    let fault = broken();
    scene.muster(["sync"]).exits(3).says("run 1 is incomplete");
    fault.assert_fired(1);
    let same = "support stays paused";
    reload(&process, "1 paused until its settings change (support)");
    notes(&process, same);
    scene.muster(["sync"]).exits(0).says("published as run 1");
    reload(&process, "the plugin list was read again");
    notes(&process, "support is no longer paused");
    says(&process, "support: published as run 2");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
}

#[test]
fn a_pause_is_not_forgotten_while_a_connection_has_no_schedule() {
    let scene = scene();
    let listed = scene.toml_text();
    write_token(&scene, "mistyped-token");
    let process = scene.spawn(["serve", "-vv"]);
    notes(&process, "support is paused");
    let tried = scene.fake().stats().requests;
    let scene = scene.toml(listed.replace("schedule = \"daily 06:30\"\ntime-zone = \"Europe/Berlin\"\n", ""));
    reload(&process, "serving 0 connections");
    let scene = scene.toml(listed.replace("daily 06:30", "daily 07:30"));
    reload(&process, "serving 1 connection, 1 paused until its settings change (support)");
    notes(&process, "support stays paused");
    assert_eq!(scene.fake().stats().requests, tried, "nobody asked the vendor again");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
}

#[test]
fn what_somebody_else_runs_is_left_to_them() {
    let scene = scene();
    let hang = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::Hang).times(1));
    let other = scene.spawn(["sync"]);
    eventually("the sync is waiting", || hang.fired() == 1);
    let process = scene.spawn(["serve"]);
    notes(&process, "support: another sync of it is in progress (process ");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).stdout_is_empty();
    other.signal(Signal::SIGTERM);
    other.wait().exits(143);
}

#[test]
fn a_server_that_is_stopped_in_the_middle_goes_on_when_it_is_started_again() {
    let scene = scene();
    let hang = scene.fake().inject(Fault::get(&scene.fake().path("teams/1/team_members"), FaultKind::Hang).times(1));
    let process = scene.spawn(["serve"]);
    eventually("all but one is asked for", || hang.fired() == 1 && scene.fake().stats().requests == WHOLE);
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).says("support: run 1 is incomplete after");
    let process = scene.spawn(["serve"]);
    says(&process, "support: published as run 1 in");
    says(&process, ", resumed: ");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
}

#[test]
fn a_server_sends_mails_too() {
    let server = match SmtpServer::with_tls("starttls").start() {
        Ok(server) => server,
        Err(reason) => return println!("skipped: {reason}, which the mail server runs on"),
    };
    let scene = scene();
    let text = format!("{}\n[connection.notify]\nemail = [\"ann@acme.test\"]\n{}", scene.toml_text(), server.toml());
    let scene = scene.toml(text);
    let process = scene.spawn(["serve"]);
    eventually("a mail has come", || !server.mails().is_empty());
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
    assert!(server.mail().text.contains("Subject: muster: support: "), "{}", server.mail().text);
}
