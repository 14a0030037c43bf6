//! Who may read: each refusal of Chatwoot, which all come as 401, told apart, in a check and in the midst of a run.

use serde_json::json;
use support::chatwoot::{BOT_TOKEN, FakeChatwoot, OUTSIDER_TOKEN, PLATFORM_TOKEN, Role};
use support::fault::{Fault, FaultKind};
use support::scene::{Run, Scene, TOKEN};

/// A sync that fails before its first task, with this reason and sentence; a check says the same.
#[track_caller]
fn refused(scene: &Scene, reason: &str, sentence: &str) -> Run {
    let check = scene.muster(["check"]);
    check.exits(1).errs(sentence).says("support: failed");
    let line = scene.muster(["check", "--json"]).exits(1).json();
    assert_eq!((&line["ok"], &line["failure"]["reason"]), (&json!(false), &json!(reason)));

    let line = scene.muster(["sync", "--json"]).exits(1).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "check");
    let run = scene.muster(["sync"]);
    run.exits(1).errs(sentence);
    assert!(scene.rows("resources").is_empty());
    run
}

/// Nobody is asked for anything but the profile.
#[track_caller]
fn only_the_profile_was_read(scene: &Scene) {
    let counts = scene.fake().counts();
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["/api/v1/profile"]);
}

#[test]
fn a_wrong_token() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo()).env(TOKEN, "mistyped");
    let run = refused(&scene, "unauthorized", "Chatwoot does not know the API access token");
    run.complains("chatwoot-api-token").complains("Profile Settings").never_says("mistyped");
    only_the_profile_was_read(&scene);
    assert_eq!(scene.fake().stats().requests, 4, "one for each command: a refusal is not tried again");
}

#[test]
fn another_account() {
    let scene = Scene::new()
        .chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.setting("chatwoot-account-id", "7"));
    let run = refused(&scene, "invalid-settings", "no member of account 7 but belongs to account 1 only");
    run.complains("chatwoot-account-id");
    only_the_profile_was_read(&scene);
}

#[test]
fn a_token_of_somebody_elsewhere() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo()).env(TOKEN, OUTSIDER_TOKEN);
    refused(&scene, "invalid-settings", "no member of account 1 but belongs to account 2 only");
}

#[test]
fn a_suspended_account() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().suspended());
    refused(&scene, "forbidden", "account 1 (Lighthouse Supplies) is suspended");
    only_the_profile_was_read(&scene);
}

#[test]
fn a_bots_token() {
    for token in [BOT_TOKEN, PLATFORM_TOKEN] {
        let scene = Scene::new().chatwoot(FakeChatwoot::demo()).env(TOKEN, token);
        refused(&scene, "forbidden", "the token of a bot or a platform app");
    }
}

#[test]
fn a_proxy_that_drops_the_header() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let proxy = scene.fake().inject(Fault::new("*", "**", FaultKind::DropHeader("api_access_token".to_owned())));
    let run = refused(&scene, "unauthorized", "no API access token reached Chatwoot");
    run.complains("underscores_in_headers");
    proxy.assert_fired(4);
}

#[test]
fn an_agents_token_works_with_a_warning() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().role(Role::Agent));
    let warning = "an administrator's token is recommended";
    scene.muster(["check"]).exits(0).says("support: ok").says("warning: ").says(warning);
    let line = scene.muster(["check", "--json"]).exits(0).json();
    assert!(line["warnings"][0].as_str().is_some_and(|text| text.contains(warning)), "{line}");
    scene.muster(["sync"]).exits(0).says("11 resources, 3 entitlements, 10 grants").complains(warning);
    scene.muster(["sync", "-q"]).exits(0).stderr_is_empty();
}

/// A fault in the midst of a run: it is incomplete, with this reason and sentence.
#[track_caller]
fn incomplete(text: &str, reason: &str, sentence: &str) {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let body = json!({ "error": text }).to_string();
    let fault = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::json(401, &body)));
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(3).complains(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "agents");
    assert!(fault.fired() >= 1);
    assert!(scene.rows("resources").is_empty());
}

#[test]
fn rights_lost_in_the_midst_of_a_run_are_told_apart() {
    incomplete("You are not authorized to do this action", "forbidden", "use an administrator's token");
    incomplete("You are not authorized to access this account", "forbidden", "is no member of account 1");
    incomplete("Account is suspended", "forbidden", "account 1 is suspended");
    incomplete("Invalid Access Token", "unauthorized", "does not know the API access token");
    incomplete("A word nobody has heard", "unauthorized", "chatwoot-api-token");
}

#[test]
fn one_refusal_in_the_midst_of_a_run_is_tried_once_more() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let body = r#"{"error":"Invalid Access Token"}"#;
    let fault = scene.fake().inject(Fault::get(&scene.fake().path("teams"), FaultKind::json(401, body)).times(1));
    scene.muster(["sync"]).exits(0).says("11 resources, 3 entitlements, 10 grants");
    fault.assert_fired(1);
    assert_eq!(scene.fake().count(&scene.fake().path("teams")), 2);
}
