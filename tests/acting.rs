//! One change of access on a bad day: the operator stops it, a run lies half-done beside it, an account is nobody's.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::fault::{Fault, FaultKind};
use support::scene::{Scene, eventually, text};

use crate::provisioning::{MEMBERS, not_finished, synced};

/// What came of the newest act, and its words.
fn newest(scene: &Scene) -> (String, String) {
    let row: Value = scene.rows("audit").remove(0);
    (text(&row, "outcome").to_owned(), text(&row, "detail").to_owned())
}

#[test]
fn whoever_stops_a_change_hears_whether_it_may_have_been_made() {
    let table = [
        ("POST", MEMBERS, "unclear", "it may have been made all the same: `muster sync support` shows it"),
        ("GET", "profile", "failed", "nothing was changed"),
    ];
    for (method, path, outcome, help) in table {
        for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
            let scene = synced();
            let path = if path == "profile" { "/api/v1/profile".to_owned() } else { scene.fake().path(path) };
            let hangs = scene.fake().inject(Fault::new(method, &path, FaultKind::Hang));
            let process = scene.spawn(["grant", "support", "team:2:member", "agent:5", "--yes"]);
            eventually("the vendor was asked", || hangs.fired() == 1);
            process.signal(signal);
            let run = process.wait();
            run.exits(code).errs("support: stopped by you").helps(help);
            assert_eq!(newest(&scene), (outcome.to_owned(), "stopped by you".to_owned()), "{path} {signal}");
        }
    }
}

#[test]
fn a_change_that_is_stopped_while_it_is_read_again_is_made() {
    let scene = synced();
    let hangs = scene.fake().inject(Fault::get(&scene.fake().path(MEMBERS), FaultKind::Hang).after(1));
    let process = scene.spawn(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    eventually("the team is read again", || hangs.fired() >= 1);
    process.signal(Signal::SIGINT);
    let run = process.wait();
    run.exits(130)
        .says("support: done: grant")
        .complains("warning: support: the store does not show it yet: stopped by you");
    assert_eq!(newest(&scene).0, "applied");
    hangs.lift();
    scene.muster(["sync"]).exits(0);
    assert!(scene.grant_ids().contains(&"team:2:member:agent:5".to_owned()));
}

#[test]
fn a_run_that_was_not_finished_before_an_unclear_change_is_not_gone_on_with() {
    let scene = not_finished();
    // It was made, and nobody was told.
    let lost = scene.fake().inject(Fault::new("POST", &scene.fake().path(MEMBERS), FaultKind::LostAnswer));
    let down = scene.fake().inject(Fault::get(&scene.fake().path(MEMBERS), FaultKind::Reset).after(1));
    scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]).exits(1);
    assert_eq!((newest(&scene).0.as_str(), lost.fired()), ("unclear", 1));
    down.lift();
    let accepted = scene.muster(["runs", "accept", "2"]);
    accepted.exits(2).errs("run 2 cannot be accepted: something was changed since");
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["run"], &line["resumed"]), (&json!(3), &json!(false)));
    assert!(scene.grant_ids().contains(&"team:2:member:agent:5".to_owned()), "what run 2 had read was of before");
}

#[test]
fn with_an_account_that_is_taken_away_go_its_memberships() {
    let scene = synced();
    let of = |scene: &Scene, agent: &str| scene.grant_ids().into_iter().filter(|id| id.ends_with(agent)).count();
    let (his, all) = (of(&scene, ":agent:2"), scene.grant_ids().len());
    assert!(his > 0, "somebody with a team");
    let run = scene.muster(["account", "remove", "support", "agent:2", "--yes"]);
    run.exits(0).says(&format!("published as run 2: 0 added, 0 changed, {} removed", his + 1));
    assert_eq!((of(&scene, ":agent:2"), scene.grant_ids().len()), (0, all - his));
    scene.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn an_account_that_never_was_there_is_a_slip_of_the_pen() {
    let scene = synced();
    let table: [(&[&str], &str); 6] = [
        (&["remove", "support", "agent:2222"], "agent:2222 was never in a snapshot of support"),
        (&["disable", "support", "agent:2222"], "agent:2222 is not in a snapshot of support"),
        (&["role", "support", "agent:2222", "agent"], "agent:2222 is not in a snapshot of support"),
        (&["remove", "support", "agnet:2"], "agnet:2 is no account of support"),
        (&["add", "support", ""], " is no e-mail address"),
        (&["add", "support", "notanaddress"], "notanaddress is no e-mail address"),
    ];
    for (arguments, error) in table {
        let arguments: Vec<&str> = [&["account"], arguments, &["--yes"]].concat();
        scene.muster(&arguments).exits(2).errs(error);
    }
    assert_eq!(scene.fake().requests().len(), 0, "nobody was called");
    assert_eq!(scene.rows("audit").len(), 0);
    // Who was there and is gone can be taken away again.
    scene.muster(["account", "remove", "support", "agent:2", "--yes"]).exits(0);
    scene.muster(["account", "remove", "support", "agent:2", "--yes"]).exits(0).says("already so");
}

#[test]
fn an_audit_of_a_connection_that_there_is_not_is_a_slip_of_the_pen() {
    let scene = synced();
    let run = scene.muster(["audit", "--connection", "suport"]);
    run.exits(2).errs("there is no connection suport").helps("did you mean support?");
    scene.muster(["audit", "--connection", "support"]).exits(0).complains("no rows");
}
