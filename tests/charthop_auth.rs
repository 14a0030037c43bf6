//! Who may read: the token, the organization, and the address, each refused by its own name.

use serde_json::json;
use support::charthop::FakeChartHop;
use support::charthop::place::{Place, TOKEN};
use support::fault::{Fault, FaultKind};
use support::scene::Run;

fn place() -> Place {
    Place::new(FakeChartHop::builder(), |profile| profile)
}

/// A sync that fails before its first task, with this reason and sentence; a check says the same.
#[track_caller]
fn refused(place: &Place, reason: &str, sentence: &str) -> Run {
    place.muster(["check"]).exits(1).errs(sentence).says("people: failed");
    let line = place.muster(["sync", "--json"]).exits(1).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "check");
    assert!(place.rows("resources").is_empty());
    place.muster(["sync"])
}

#[test]
fn check_names_the_organization() {
    let place = place();
    place.muster(["check"]).exits(0).says("people: ok, Acme Corp").stderr_is_empty();
    let line = place.muster(["check", "--json"]).exits(0).json();
    assert_eq!(line["account"], json!({"id": place.fake().org().id, "name": "Acme Corp"}));
    assert_eq!(place.fake().stats().requests, 4, "two for each check");
}

#[test]
fn a_wrong_token_is_named_and_never_shown() {
    let place = place();
    let mut place = place;
    place.set_env(TOKEN, "mistyped-token");
    let run = refused(&place, "unauthorized", "ChartHop does not accept the token");
    run.complains("charthop-api-token").never_says("mistyped-token");
    assert_eq!(place.fake().counts().keys().collect::<Vec<_>>(), ["/v1/user/me"], "nothing else was asked for");
}

#[test]
fn an_organization_that_is_not_there_is_named() {
    let place = Place::new(FakeChartHop::builder(), |profile| profile.setting("charthop-org-id", "another"));
    let run = refused(&place, "invalid-settings", "ChartHop has no organization another that the token may see");
    run.complains("correct charthop-org-id");
}

#[test]
fn an_organization_goes_by_its_id_and_by_any_slug() {
    let builder = || FakeChartHop::builder().slug("acme & söhne?x=1#y");
    let by_slug = Place::new(builder(), |profile| profile);
    by_slug.muster(["sync"]).exits(0).says("people: published");
    let mut by_id = Place::new(builder(), |profile| profile);
    let id = by_id.fake().org().id;
    by_id.change("people", |profile| profile.setting("charthop-org-id", &id));
    by_id.muster(["sync"]).exits(0).says("people: published");
    assert_eq!(by_id.grant_ids(), by_slug.grant_ids());
}

#[test]
fn an_organization_of_two_segments_is_refused_before_anybody_is_asked() {
    let place = Place::new(FakeChartHop::builder(), |profile| profile.setting("charthop-org-id", "acme/user"));
    place.muster(["sync"]).exits(2).complains("charthop-org-id");
    assert_eq!(place.fake().stats().requests, 0);
}

#[test]
fn another_server_at_that_address_is_told() {
    let place = place();
    let wall = place.fake().inject(Fault::get("/v1/user/me", FaultKind::Html));
    refused(&place, "unexpected", "does charthop-base-url lead to ChartHop?");
    wall.assert_fired(3);
    wall.lift();
    let missing = place.fake().inject(Fault::get("/v1/user/me", FaultKind::status(404)));
    refused(&place, "invalid-settings", "does charthop-base-url lead to ChartHop?");
    missing.assert_fired(3);
}

#[test]
fn an_organization_that_may_not_be_read_is_told() {
    let place = place();
    let forbidden = place.fake().inject(Fault::get("/v1/org/*", FaultKind::status(403)));
    refused(&place, "forbidden", "give the owner of charthop-api-token access");
    forbidden.assert_fired(3);
}

/// A refusal in the midst of a run: it is incomplete, with this reason and sentence, and what was published stays.
#[track_caller]
fn incomplete(kind: FaultKind, after: u64, reason: &str, sentence: &str) {
    let place = place();
    place.muster(["sync"]).exits(0);
    let before = place.grant_ids();
    let fault = place.fake().inject(Fault::get("**", kind).after(after));
    let run = place.muster(["sync", "--json"]);
    let line = run.exits(3).complains(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!(reason)), "{line}");
    assert!(fault.fired() >= 1);
    if reason == "unauthorized" {
        // Those that were under way, and the check that found out.
        assert!(fault.fired() <= 20, "a refused token was used {} times more", fault.fired());
    }
    assert_eq!(place.grant_ids(), before, "nothing was published");
    fault.lift();
    place.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn a_token_that_is_revoked_in_the_midst_of_a_run_is_named() {
    let kind = || FaultKind::json(401, r#"{"code":"unauthorized"}"#);
    // In the list, and among the reads of single persons.
    incomplete(kind(), 2, "unauthorized", "charthop-api-token");
    incomplete(kind(), 20, "unauthorized", "charthop-api-token");
}

#[test]
fn rights_that_are_taken_in_the_midst_of_a_run_are_told() {
    incomplete(FaultKind::status(403), 20, "forbidden", "give the owner of charthop-api-token access");
}

#[test]
fn one_refusal_in_the_midst_of_a_run_is_tried_once_more() {
    let place = place();
    let path = place.fake().path("person");
    let fault = place.fake().inject(Fault::get(&path, FaultKind::json(401, "")).times(1));
    place.muster(["sync"]).exits(0).says("people: published");
    fault.assert_fired(1);
}
