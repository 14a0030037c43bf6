//! Ways to sign in to a SCIM server: one of two, given whole, and what a refusal says.

use serde_json::json;
use support::fault::{Fault, FaultKind};
use support::scene::{Run, Scene};
use support::scim::{FakeScim, PASSWORD, ROOT, TOKEN};

const UNAUTHORIZED: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"token revoked","status":"401"}"#;

/// A sync that fails before its first task, with this reason and sentence; a check says the same.
#[track_caller]
fn refused(scene: &Scene, reason: &str, sentence: &str) -> Run {
    scene.muster(["check"]).exits(1).errs(sentence).says("people: failed");
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(1).errs(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "check");
    assert!(scene.rows("resources").is_empty());
    run
}

#[test]
fn a_wrong_token() {
    let fake = FakeScim::demo().start();
    let scene = fake.scene().env(TOKEN, "mistyped");
    refused(&scene, "unauthorized", "the credential is not valid; check scim-token").never_says("mistyped");
    assert_eq!(fake.stats().requests, 2, "one for each command: a refusal is not tried again");
}

#[test]
fn a_user_name_and_a_password() {
    let fake = FakeScim::demo().basic("ann", "s3cret-pw").start();
    let scene = fake.scene();
    let run = scene.muster(["sync", "-vvv"]);
    run.exits(0)
        .says("12 resources, 5 entitlements, 14 grants")
        .never_says("s3cret-pw")
        .never_says("YW5uOnMzY3JldC1wdw");
    let scene = scene.env(PASSWORD, "mistyped");
    let fresh = fake.scene().env(PASSWORD, "mistyped");
    refused(&fresh, "unauthorized", "check scim-username and scim-password").never_says("mistyped");
    scene.muster(["sync"]).exits(1);
    assert_eq!(scene.rows("resources").len(), 12, "the last snapshot stays");
}

#[test]
fn neither_way_is_an_error_before_anybody_is_asked() {
    let fake = FakeScim::demo().start();
    let ways = "give scim-token, or scim-username and scim-password";
    let table: [(&str, &[(&str, &str)]); 3] = [
        ("nothing", &[]),
        ("a user name alone", &[("scim-username", "\"ann\"")]),
        ("a password alone", &[("scim-password", "{ env = \"SCIM_PASSWORD\" }")]),
    ];
    for (what, settings) in table {
        let scene = fake.scene_as(|profile| {
            let bare = profile.without_setting("scim-token");
            settings.iter().fold(bare, |profile, (name, value)| profile.setting_toml(name, value))
        });
        let scene = scene.env(PASSWORD, "pw");
        eprintln!("{what}");
        scene.muster(["sync"]).exits(2).errs("no credential is given whole").complains(ways);
        scene.muster(["check"]).exits(2).errs("no credential is given whole");
    }
    assert_eq!(fake.stats().requests, 0);
}

#[test]
fn both_ways_are_an_error_before_anybody_is_asked() {
    let fake = FakeScim::demo().start();
    let scene = fake
        .scene_as(|profile| {
            profile.setting("scim-username", "ann").setting_toml("scim-password", "{ env = \"SCIM_PASSWORD\" }")
        })
        .env(PASSWORD, "pw");
    let sentence = "more than one way to sign in is given: give either scim-token, or scim-username and scim-password";
    scene.muster(["sync"]).exits(2).errs(sentence);
    assert_eq!(fake.stats().requests, 0);
}

#[test]
fn a_missing_right() {
    let fake = FakeScim::demo().start();
    let body =
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"scope users:read","status":"403"}"#;
    let fault = fake.inject(Fault::get(&format!("{ROOT}/Users"), FaultKind::json(403, body)));
    refused(&fake.scene(), "forbidden", "scope users:read; give the owner of scim-token the right");
    fault.assert_fired(2);
}

#[test]
fn another_path() {
    let fake = FakeScim::demo().start();
    let scene = fake.scene_as(|profile| profile.setting("scim-path", "/scim/v1"));
    refused(&scene, "invalid-settings", "do scim-base-url and scim-path (often /scim/v2) lead to a SCIM 2.0 server?");
    let scene = fake.scene_as(|profile| profile.without_setting("scim-path"));
    refused(&scene, "invalid-settings", "scim-path");
    let scene = fake.scene_as(|profile| profile.setting("scim-path", "scim/v2/"));
    scene.muster(["sync"]).exits(0).says("12 resources");
}

#[test]
fn a_login_page_in_place_of_the_server() {
    let fake = FakeScim::demo().start();
    let page = fake.inject(Fault::get("/scim/v2/Users", FaultKind::Html));
    refused(&fake.scene(), "unexpected", "expected JSON, got text/html").complains("lead to a SCIM 2.0 server?");
    page.assert_fired(2);
    page.lift();
    let moved = fake.inject(Fault::get("/scim/v2/Users", FaultKind::Redirect("https://sso.test/login".to_owned())));
    refused(&fake.scene(), "invalid-settings", "correct scim-base-url or scim-path");
    moved.assert_fired(2);
}

#[test]
fn a_token_that_is_revoked_in_the_midst_of_a_run() {
    let fake = FakeScim::sized(1_000, 10, 3).start();
    let scene = fake.scene();
    // The check, the first pages, and some more.
    let fault = fake.inject(Fault::get("/scim/v2/**", FaultKind::json(401, UNAUTHORIZED)).after(6));
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(3).complains("token revoked; check scim-token").json();
    assert_eq!(
        (&line["status"], &line["failures"][0]["reason"]),
        (&json!("incomplete"), &json!("unauthorized")),
        "{line}"
    );
    assert!(fault.fired() > 0);
    assert!(scene.rows("resources").is_empty());
    fault.lift();
    scene.muster(["sync"]).exits(0).says("1010 resources");
}

#[test]
fn one_refusal_in_the_midst_of_a_run_is_tried_once_more() {
    let fake = FakeScim::demo().start();
    let fault = fake.inject(Fault::get("/scim/v2/Groups", FaultKind::json(401, UNAUTHORIZED)).times(1));
    fake.scene().muster(["sync"]).exits(0).says("12 resources, 5 entitlements, 14 grants");
    fault.assert_fired(1);
}
