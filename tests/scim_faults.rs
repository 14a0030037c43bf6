//! A SCIM server's bad days: what is tried again, what ends a run, and the one sentence that says so.

use std::time::Duration;

use serde_json::json;
use support::fault::{Fault, FaultKind};
use support::scene::Run;
use support::scim::{FakeScim, Quirk};

const WHOLE: &str = "12 resources, 5 entitlements, 14 grants";

/// The users cannot be read after a check that went well: incomplete, with this reason and sentence.
#[track_caller]
fn incomplete(kind: FaultKind, reason: &str, sentence: &str) -> Run {
    let fake = FakeScim::demo().start();
    let scene = fake.scene();
    // The second request of the list is the run's.
    let fault = fake.inject(Fault::get("/scim/v2/Users", kind).after(1));
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(3).complains(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "users");
    assert!(fault.fired() >= 1);
    assert!(scene.rows("resources").is_empty());
    fault.lift();
    scene.muster(["sync"]).exits(0).says(WHOLE);
    run
}

#[test]
fn a_storm_of_429() {
    let fake = FakeScim::sized(900, 0, 0).start();
    let scene = fake.scene();
    let body = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"slow down","status":"429"}"#;
    let storm = FaultKind::json(429, body).header("retry-after", "1");
    // Fewer than the tries of one exchange, whichever it hits.
    let storm = fake.inject(Fault::get("/scim/v2/Users", storm).after(2).times(4));
    scene.muster(["sync"]).exits(0).says("900 resources").stderr_is_empty();
    storm.assert_fired(4);
}

#[test]
fn one_in_twenty_requests_stumbles() {
    // Every group is a request of its own.
    let fake = FakeScim::sized(3_000, 250, 6).quirk(Quirk::NoMembersInLists).stumbling(5, 11).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("3250 resources").stderr_is_empty();
    assert!(fake.stumbled() > 0);
    let mut grants = scene.grant_ids();
    grants.sort();
    assert_eq!(grants, fake.world().grants());
}

#[test]
fn slow_pages() {
    let fake = FakeScim::sized(300, 0, 0).start();
    let slow = fake.inject(Fault::get("/scim/v2/Users", FaultKind::Delay(Duration::from_millis(400))).after(2));
    fake.scene().muster(["sync"]).exits(0).says("300 resources").stderr_is_empty();
    slow.assert_fired(2);
}

#[test]
fn a_page_that_breaks_off() {
    incomplete(FaultKind::CutJson, "unexpected", "GET /scim/v2/Users: the JSON breaks off");
}

#[test]
fn a_web_page_among_the_answers() {
    incomplete(FaultKind::Html, "unexpected", "expected JSON, got text/html");
}

#[test]
fn an_error_that_calls_itself_a_success() {
    let body = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"quota","status":"403"}"#;
    let sentence = "expected a list of SCIM, got an object without Resources and totalResults";
    incomplete(FaultKind::json(200, body), "unexpected", sentence);
}

#[test]
fn a_server_that_fails() {
    let body = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"the directory is down"}"#;
    incomplete(FaultKind::json(500, body), "unavailable", "GET /scim/v2/Users answered 500: the directory is down");
}

#[test]
fn users_that_vanish_behind_a_404() {
    let body = r#"{"detail":"no such endpoint","status":"404"}"#;
    incomplete(FaultKind::json(404, body), "invalid-settings", "answered 404: no such endpoint");
}

#[test]
fn a_group_that_is_deleted_after_it_was_listed() {
    let fake = FakeScim::demo()
        .quirk(Quirk::NoMembersInLists)
        .after("Groups", 1, |world| world.groups.retain(|g| g.id != "g1"))
        .start();
    let scene = fake.scene();
    let run = scene.muster(["sync"]);
    run.exits(0).complains("the group g1 was deleted during the run: it has no members any more");
    assert!(scene.grant_ids().iter().all(|id| !id.starts_with("group:g1:")));
    let mut grants = scene.grant_ids();
    grants.sort();
    assert_eq!(grants, fake.world().grants(), "the other groups are whole");
    scene.muster(["sync"]).exits(0).stderr_is_empty();
    assert_eq!(scene.json(["resources", "--type", "group"]).len(), 4);
}

#[test]
fn a_group_that_is_listed_and_cannot_be_found() {
    let fake = FakeScim::demo().quirk(Quirk::NoMembersInLists).start();
    let gone = FaultKind::json(404, r#"{"detail":"Resource g1 not found","status":"404"}"#);
    let gone = fake.inject(Fault::get("/scim/v2/Groups/g1", gone));
    let scene = fake.scene();
    scene.muster(["sync"]).exits(3).errs("the server lists the group g1 and says that it could not be found");
    gone.assert_fired(1);
    assert!(scene.rows("resources").is_empty());
}

#[test]
fn a_group_that_stands_on_the_page_before_and_cannot_be_found() {
    // Another group goes when both pages have been read: g00026 moves to the first one, and is not deleted.
    for filters in [true, false] {
        let builder = FakeScim::sized(5, 26, 2).quirk(Quirk::NoMembersInLists);
        let builder = if filters { builder } else { builder.quirk(Quirk::NoFilter) };
        let fake = builder.after("Groups", 2, |world| world.remove_group("g00001")).start();
        let gone = FaultKind::json(404, r#"{"detail":"Resource g00026 not found","status":"404"}"#);
        let gone = fake.inject(Fault::get("/scim/v2/Groups/g00026", gone));
        let scene = fake.scene();
        scene.muster(["sync"]).exits(3).errs("the server lists the group g00026 and says that it could not be found");
        assert!(gone.fired() >= 1);
        assert!(scene.rows("resources").is_empty());
    }
}

#[test]
fn a_group_that_is_deleted_where_the_server_does_no_filters() {
    let fake = FakeScim::demo()
        .quirk(Quirk::NoMembersInLists)
        .quirk(Quirk::NoFilter)
        .after("Groups", 1, |world| world.groups.retain(|g| g.id != "g1"))
        .start();
    let run = fake.scene().muster(["sync"]);
    run.exits(0).complains("the group g1 was deleted during the run: it has no members any more");
}

#[test]
fn a_connection_that_is_reset() {
    let fake = FakeScim::sized(500, 0, 0).start();
    let reset = fake.inject(Fault::get("/scim/v2/Users", FaultKind::Reset).after(2).times(2));
    fake.scene().muster(["sync"]).exits(0).says("500 resources").stderr_is_empty();
    reset.assert_fired(2);
}
