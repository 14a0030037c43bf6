//! The script itself: a stand-in that lets everything through would prove nothing.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Kind, ResourceId, ResourceType, Route, Setting, User};

/// Asks for the address its task names, and emits a record of the type the answer names.
struct Probe;

impl Connector for Probe {
    fn describe() -> Description {
        Description::new("probe", "0.1.0", "Probe", "Tries things.")
            .resource_type(ResourceType::new("person", Kind::User, "People", ""))
            .setting(Setting::new("probe-url", SettingKind::Url, "URL", "").default_value("https://v.test"))
            .setting(Setting::new("probe-team", SettingKind::Text, "Team", "").default_value("a b"))
            .setting(Setting::new("probe-root", SettingKind::Path, "Root", "").default_value("scim/v2"))
            .setting(Setting::new("probe-token", SettingKind::Secret, "Token", ""))
            .route(Route::read("{probe-url}", "/people"))
            .route(Route::read("{probe-url}", "/teams/{probe-team}/*/members"))
            .route(Route::read("{probe-url}", "/{probe-root}/Users"))
            .route(Route::read("https://other.test:8443", "/people"))
    }

    fn check(context: &Context<'_>) -> Result<Account, Failure> {
        let token = context.setting("probe-token").unwrap_or_default();
        Ok(Account::new("1", token).with_session("open"))
    }

    fn sync(context: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
        assert_eq!(context.session(), Some("open"));
        let kind: String = context.http().get_json(&task.payload)?;
        if kind == "crowd" {
            let id = |number: i32| ResourceId::new("person", number);
            context.emit_all((0..1_500).map(|n| Resource::user(id(n), "One", User::enabled())))?;
            return Err(Failure::Unexpected("the second page is missing".into()));
        }
        let id = ResourceId::new(kind, "1");
        context.emit(Resource::user(id, "One", User::enabled()))?;
        Ok(Vec::new())
    }
}

fn person() -> Reply {
    Reply::json(200, r#""person""#)
}

fn ask(vendor: &Script<Probe>, url: &str) -> Result<Vec<Task>, Failure> {
    vendor.check().unwrap();
    vendor.sync(&Task::new("probe", url))
}

#[test]
fn requests_that_fit_a_route_are_answered() {
    for url in [
        "https://v.test/people",
        "https://V.test:443/people?page=2",
        "https://v.test/teams/a%20b/7/members",
        "https://v.test/scim/v2/Users",
        "https://other.test:8443/people",
    ] {
        let canonical = crate::url::Url::parse(url).unwrap();
        let vendor = Script::<Probe>::new().get(&canonical.to_string(), person());
        assert_eq!(ask(&vendor, url), Ok(vec![]), "{url}");
        assert_eq!(vendor.resources().len(), 1, "{url}");
    }
}

#[test]
fn a_path_may_be_written_with_slashes_around_it() {
    for path in ["/scim/v2", "scim/v2/", "/scim/v2/"] {
        let vendor = Script::<Probe>::new().setting("probe-root", path).get("/scim/v2/Users", person());
        assert_eq!(ask(&vendor, "https://v.test/scim/v2/Users"), Ok(vec![]), "{path}");
    }
}

#[test]
fn requests_that_fit_no_route_fail_the_test() {
    for url in [
        "https://v.test/people/1",
        "https://v.test/",
        "http://v.test/people",
        "https://v.test:8443/people",
        "https://other.test/people",
        "https://v.test/teams/a%20b//members",
        "https://v.test/teams/a%20b/../members",
        "https://v.test/teams/a%20b/%2e%2E/members",
        "https://v.test/teams/a%20b/x%2fy/members",
        "https://v.test/teams/other/7/members",
        "https://v.test/scim/v1/Users",
    ] {
        let denied = std::panic::catch_unwind(|| ask(&Script::<Probe>::new(), url)).unwrap_err();
        let sentence = denied.downcast_ref::<String>().unwrap();
        assert!(sentence.contains("fits no route of the manifest"), "{url}: {sentence}");
    }
}

#[test]
#[should_panic(expected = "GET https://v.test/people was not expected. Still expected:\n  GET /people?page=1")]
fn a_request_that_was_not_expected_fails_the_test() {
    let vendor = Script::<Probe>::new().get("/people?page=1", person());
    let _ = ask(&vendor, "https://v.test/people");
}

#[test]
#[should_panic(expected = "the connector never asked for:\n  GET /people")]
fn a_request_that_never_comes_fails_the_test() {
    drop(Script::<Probe>::new().get("/people", person()));
}

#[test]
#[should_panic(expected = "the manifest has no setting probe-ulr")]
fn a_setting_that_is_not_declared_fails_the_test() {
    drop(Script::<Probe>::new().setting("probe-ulr", "https://v.test"));
}

#[test]
#[should_panic(expected = "probe-token is a secret")]
fn a_secret_is_not_for_the_connector() {
    drop(Script::<Probe>::new().setting("probe-token", "s3cret"));
}

#[test]
fn answers_to_one_request_come_in_the_order_given() {
    let vendor = Script::<Probe>::new().get("/people", Reply::empty(404)).get("/people", person());
    assert!(ask(&vendor, "https://v.test/people").is_err());
    assert!(ask(&vendor, "https://v.test/people").is_ok());
}

#[test]
fn a_record_of_a_type_that_is_not_declared_fails_the_task_and_leaves_nothing() {
    let vendor = Script::<Probe>::new().get("/people", Reply::json(200, r#""robot""#));
    let expected = "the host refused a batch of records: the manifest declares no resource type \"robot\"";
    let refused = ask(&vendor, "https://v.test/people");
    assert_eq!(refused, Err(Failure::Unexpected(expected.into())));
    assert_eq!(vendor.items(), []);
}

#[test]
fn batches_that_went_out_before_a_task_failed_do_not_count() {
    let vendor = Script::<Probe>::new().get("/people", Reply::json(200, r#""crowd""#));
    assert!(ask(&vendor, "https://v.test/people").is_err());
    assert_eq!(vendor.items().len(), 0);
}

#[test]
fn every_failure_is_told_with_its_label() {
    let no = || "no".to_owned();
    let table = [
        (Failure::Unauthorized(no()), "unauthorized: no"),
        (Failure::Forbidden(no()), "forbidden: no"),
        (Failure::RateLimited(Some(7)), "rate-limited: Some(7)"),
        (Failure::NotReady(7), "not-ready: 7"),
        (Failure::Unavailable(no()), "unavailable: no"),
        (Failure::InvalidSettings(no()), "invalid-settings: no"),
        (Failure::Unexpected(no()), "unexpected: no"),
    ];
    for (failure, expected) in table {
        assert_eq!(told(failure), expected);
    }
}
