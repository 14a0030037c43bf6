//! `muster serve`: runs by schedule until it is stopped. No test waits for a minute to pass: what never ran is due at once.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use rusqlite::Connection;
use support::chatwoot::FakeChatwoot;
use support::components;
use support::fault::{Fault, FaultKind};
use support::scene::{Process, Scene, eventually, text};
use support::smtp::{Builder, SmtpServer};

/// The requests of a whole run: the check, agents, teams, and the members of one.
const WHOLE: u64 = 4;
/// What every connection with a schedule says of it in the plugin list.
const SCHEDULE: &str = "schedule = \"daily 06:30\"\ntime-zone = \"Europe/Berlin\"\n";

fn fake() -> support::chatwoot::Builder {
    FakeChatwoot::builder().agents(3).teams(1).members_per_team(2)
}

/// With a schedule on every connection; the token comes from a file.
fn scheduled(scene: Scene) -> Scene {
    let text = scene
        .toml_text()
        .replace("connector = \"chatwoot\"\n", &format!("connector = \"chatwoot\"\n{SCHEDULE}"))
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
    let scene = scene.toml(with_people(&good));
    reload(&process, "the plugin list was read again; serving 2 connections");
    says(&process, "people: published as run 2");
    let scene = scene.toml(good.replace(SCHEDULE, ""));
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
    let scene = scene.toml(listed.replace(SCHEDULE, ""));
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

/// A second connection to the same vendor, below those of this plugin list.
fn with_people(text: &str) -> String {
    let second = text.split_once("[[connection]]").unwrap().1.replace("\"support\"", "\"people\"");
    format!("{text}\n[[connection]]{second}")
}

/// What ran, ran long ago.
fn age(scene: &Scene) {
    let store = Connection::open(scene.path("muster.db")).unwrap();
    store.execute("UPDATE run SET started = '2026-01-01T06:30:05Z', ended = '2026-01-01T06:30:06Z'", []).unwrap();
}

#[test]
fn lines_say_when_where_nobody_watches_them_come() {
    let scene = scene();
    let process = scene.spawn(["serve"]);
    notes(&process, "serving 1 connection, 1 running (support)");
    process.signal(Signal::SIGTERM);
    let run = process.wait();
    let line = run.stderr.lines().find(|line| line.contains("serving 1 connection")).unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'), "{line}");
    assert!(rest.starts_with(" INFO serving 1 connection"), "{line}");
}

#[test]
fn a_command_that_hangs_holds_up_no_other_connection_and_no_stop() {
    // It ends with the scene, and is not what holds the server's stderr open.
    let hangs = "exec 2>/dev/null; touch asked; while [ -e muster.toml ]; do sleep 0.05; done";
    let scene = scene();
    let good = scene.toml_text();
    let both = with_people(&good);
    let (first, second) = both.rsplit_once("{ file = \"token\" }").unwrap();
    let scene = scene
        .toml(format!("{first}{{ command = [\"sh\", \"-c\", \"{hangs}\"] }}{second}"))
        .env("TOKIO_WORKER_THREADS", "1");
    let process = scene.spawn(["serve"]);
    eventually("the command was asked", || scene.path("asked").exists());
    says(&process, "support: published as run 1");
    reload(&process, "the plugin list was read again; serving 2 connections, 1 running (people)");
    process.signal(Signal::SIGTERM);
    let run = process.wait();
    run.exits(143).complains("people: stopped by you before it began").never_says("not everything came to its end");
}

#[test]
fn a_command_that_hangs_while_a_paused_connection_is_looked_at_holds_up_no_stop() {
    let command = "exec 2>/dev/null; touch asked; while [ -e hang ]; do sleep 0.05; done; echo mistyped-token";
    let scene = scene();
    let text = scene.toml_text();
    let scene =
        scene.toml(text.replace("{ file = \"token\" }", &format!("{{ command = [\"sh\", \"-c\", \"{command}\"] }}")));
    let process = scene.spawn(["serve", "-vv"]);
    notes(&process, "support is paused");
    std::fs::remove_file(scene.path("asked")).unwrap();
    let scene = scene.file("hang", "");
    reload(&process, "1 paused until its settings change (support)");
    eventually("it is looked at", || scene.path("asked").exists());
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).complains("support stays paused").never_says("not everything came to its end");
}

#[test]
fn what_a_change_read_again_stands_for_no_run_of_the_schedule() {
    let scene = scene();
    scene.muster(["sync"]).exits(0);
    age(&scene);
    scene.muster(["grant", "support", "team:1:member", "agent:3", "--yes"]).exits(0).says("published as run 2");
    let process = scene.spawn(["serve"]);
    says(&process, "support: published as run 3");
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
}

#[test]
fn what_does_not_come_to_its_end_in_time_is_said() {
    let scene = scene();
    let hang = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::Hang).times(1));
    let process = scene.spawn(["serve"]);
    eventually("the run is under way", || hang.fired() == 1);
    let other = Connection::open(scene.path("muster.db")).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).complains("not everything came to its end in time").never_says("the store is busy");
}

/// The sections of a component that says the same and is another file.
fn another(component: &[u8]) -> Vec<u8> {
    // A custom section: its length, its name's length, its name.
    [component, &[0, 5, 4], b"more"].concat()
}

/// Every connection is due again, as if its moment had come.
#[track_caller]
fn come_due(scene: Scene, process: &Process) -> Scene {
    let listed = scene.toml_text();
    let scene = scene.toml(listed.replace(SCHEDULE, ""));
    reload(process, "the plugin list was read again; serving 0 connections");
    age(&scene);
    let scene = scene.toml(listed);
    reload(process, "the plugin list was read again; serving 2 connections");
    scene
}

#[track_caller]
fn says_times(process: &Process, text: &str, times: usize) {
    eventually(&format!("stdout has {text:?} {times} times"), || {
        process.stdout_so_far().matches(text).count() == times
    });
}

#[test]
fn a_component_that_is_replaced_runs_from_the_next_run_on_and_a_broken_one_harms_nobody_else() {
    let quiet = components::working("quiet");
    let scene = scene().connector("quiet.wasm", &quiet);
    let listed = scene.toml_text();
    let scene = scene.toml(format!("{listed}\n[[connection]]\nname = \"people\"\nconnector = \"quiet\"\n{SCHEDULE}"));
    let process = scene.spawn(["serve"]);
    says_times(&process, "people: published as run", 1);
    says_times(&process, "support: published as run", 1);

    let scene = scene.connector("quiet.wasm", another(&quiet));
    let scene = come_due(scene, &process);
    says_times(&process, "people: published as run", 2);
    says_times(&process, "support: published as run", 2);
    let digests = scene.json(["query", "SELECT digest FROM runs WHERE connection = 'people' ORDER BY run"]);
    let [first, second] = &digests[..] else { panic!("two runs: {digests:?}") };
    assert_ne!(text(first, "digest"), text(second, "digest"), "the old component ran again");

    let scene = come_due(scene.connector("quiet.wasm", "no component any more"), &process);
    notes(&process, "error: people: connectors/quiet.wasm ");
    says_times(&process, "people: failed", 1);
    says_times(&process, "support: published as run", 3);

    let scene = come_due(scene.connector("quiet.wasm", &quiet), &process);
    says_times(&process, "people: published as run", 3);
    says_times(&process, "support: published as run", 4);
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
    assert_eq!(scene.fake().stats().requests, 4 * WHOLE);
}

/// The mail server, or nothing and the printed reason where Python is missing.
fn mail_server(builder: Builder) -> Option<SmtpServer> {
    match builder.start() {
        Ok(server) => Some(server),
        Err(reason) => {
            println!("skipped: {reason}, which the mail server runs on");
            None
        }
    }
}

#[test]
fn a_mail_that_is_on_its_way_when_the_server_is_stopped_arrives() {
    let Some(server) = mail_server(SmtpServer::with_tls("none").waits()) else { return };
    let scene = scene();
    let quiet = scene.toml_text();
    let told = format!("{quiet}\n[connection.notify]\nemail = [\"ann@acme.test\"]\n");
    let scene = scene.toml(format!("{told}\n{}", server.toml()));
    let process = scene.spawn(["serve"]);
    eventually("the mail is on its way", || server.events("waiting").len() == 1);
    // Another run, which says when the server has heard that it is to stop.
    let hang = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::Hang).times(1));
    let people = with_people(&quiet).replacen(&quiet, "", 1);
    let scene = scene.toml(format!("{told}{people}\n{}", server.toml()));
    reload(&process, "the plugin list was read again; serving 2 connections");
    eventually("the other run is under way", || hang.fired() == 1);
    process.signal(Signal::SIGTERM);
    says(&process, "people: run 2 is incomplete");
    server.go();
    process.wait().exits(143).never_says("the mail was not sent");
    assert!(server.mail().text.contains("Subject: muster: support: "), "{}", server.mail().text);
    assert_eq!(scene.fake().count(&scene.fake().path("agents")), 2, "each of them ran once");
}

#[test]
fn a_mail_server_that_never_answers_holds_up_no_stop() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let scene = scene();
    let notify = "[connection.notify]\nemail = [\"ann@acme.test\"]\n";
    let smtp = format!("[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"muster@acme.test\"\n");
    let text = format!("{}\n{notify}\n{smtp}", scene.toml_text());
    let scene = scene.toml(text);
    let process = scene.spawn(["serve"]);
    says(&process, "support: published as run 1");
    let (_client, _) = silent.accept().unwrap();
    process.signal(Signal::SIGTERM);
    process.wait().exits(143).complains("support: the mail was not sent: stopped by you");
}

#[test]
fn a_server_sends_mails_too() {
    let Some(server) = mail_server(SmtpServer::with_tls("starttls")) else { return };
    let scene = scene();
    let text = format!("{}\n[connection.notify]\nemail = [\"ann@acme.test\"]\n{}", scene.toml_text(), server.toml());
    let scene = scene.toml(text);
    let process = scene.spawn(["serve"]);
    eventually("a mail has come", || !server.mails().is_empty());
    process.signal(Signal::SIGTERM);
    process.wait().exits(143);
    assert!(server.mail().text.contains("Subject: muster: support: "), "{}", server.mail().text);
}
