//! The connector against scripted answers of a SCIM server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use muster_sdk::testing::{Reply, Script, told};
use muster_sdk::{Details, Resource, Status};

use super::*;

mod check;
mod groups;
mod users;

const USERS: &str = include_str!("../../fixtures/users.json");
const GROUPS: &str = include_str!("../../fixtures/groups.json");
const NOT_FOUND: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no such thing","status":"404"}"#;

const AT_CONFIG: &str = "/scim/v2/ServiceProviderConfig";
const AT_PROBE: &str = "/scim/v2/Users?startIndex=1&count=1";
const AT_USERS: &str = "/scim/v2/Users?startIndex=1&count=100";
const AT_GROUPS: &str = "/scim/v2/Groups?startIndex=1&count=25";

fn scim() -> Script<Scim> {
    Script::new().setting("scim-base-url", "https://scim.test").setting("scim-path", "/scim/v2")
}

/// A list of these records, which is all of it.
fn list(records: &[&str]) -> Reply {
    Reply::json(200, format!(r#"{{"totalResults":{},"Resources":[{}]}}"#, records.len(), records.join(",")))
}

/// `group:ID principal:ID` of every grant.
fn grants(vendor: &Script<Scim>) -> Vec<String> {
    let id = |id: &muster_sdk::ResourceId| format!("{}:{}", id.resource_type, id.id);
    let mut grants: Vec<String> =
        vendor.grants().iter().map(|g| format!("{} {}", id(&g.resource), id(&g.principal))).collect();
    grants.sort();
    grants
}

#[test]
fn a_run_reads_users_groups_and_members() {
    let vendor = scim()
        .get(AT_CONFIG, Reply::json(200, "{}"))
        .get(AT_PROBE, Reply::json(200, USERS))
        .get(AT_USERS, Reply::json(200, USERS))
        .get(AT_GROUPS, Reply::json(200, GROUPS));
    let account = vendor.run().unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("scim.test/scim/v2", "SCIM 2.0"));
    let ids: Vec<String> =
        vendor.resources().iter().map(|r| format!("{}:{} {}", r.id.resource_type, r.id.id, r.name)).collect();
    let expected = [
        "user:2819c223 Ada Admin",
        "user:26118915 Bo Berg",
        "user:7 cy",
        "group:e9e30dba Guides",
        "group:fc348aa8 Leads",
    ];
    assert_eq!(ids, expected);
    assert_eq!(
        grants(&vendor),
        ["group:e9e30dba group:fc348aa8", "group:e9e30dba user:2819c223", "group:fc348aa8 user:26118915"]
    );
}

#[test]
fn a_server_without_groups_is_asked_for_none() {
    let vendor = scim().setting("scim-groups", "false");
    assert_eq!(vendor.start(), Ok(vec![Task::new("users", "")]));
    assert_eq!(scim().start(), Ok(vec![Task::new("users", ""), Task::new("groups", "")]));
}

#[test]
fn the_path_is_the_operators_however_it_is_written_or_none() {
    for path in ["/scim/v2", "scim/v2", "/scim/v2/"] {
        let vendor = scim().setting("scim-path", path).get(AT_USERS, list(&[]));
        assert_eq!(vendor.sync(&Task::new("users", "")), Ok(vec![]), "{path}");
    }
    let vendor = Script::<Scim>::new()
        .setting("scim-base-url", "https://scim.test")
        .get("https://scim.test/Users?startIndex=1&count=100", list(&[]));
    assert_eq!(vendor.sync(&Task::new("users", "")), Ok(vec![]));
}

#[test]
fn pages_are_named_at_once_and_read_by_index() {
    let records: Vec<String> = (1..=100).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let body = format!(r#"{{"totalResults":"250","Resources":[{}]}}"#, records.join(","));
    let vendor = scim().get(AT_USERS, Reply::json(200, body)).get(
        "/scim/v2/Users?startIndex=101&count=100",
        Reply::json(200, r#"{"totalResults":249,"resources":[{"id":"101"}]}"#),
    );
    let tasks = vendor.sync(&Task::new("users", "")).unwrap();
    assert_eq!(tasks.len(), 2);
    let next = vendor.sync(&tasks[0]).unwrap();
    assert!(next[0].payload.starts_with(r#"{"from":102,"to":200"#), "{next:?}");
    assert_eq!(next[1], Task::new("users", r#"{"again":true}"#), "the list moved");
    assert_eq!(vendor.resources().len(), 101);
}

#[test]
fn a_cursor_in_an_answer_is_asked_for() {
    let vendor = scim().get(AT_USERS, Reply::json(200, r#"{"Resources":[{"id":"1"}],"nextCursor":"a&b"}"#)).get(
        "/scim/v2/Users?cursor=a%26b&count=100",
        Reply::json(200, r#"{"Resources":[{"id":"2"}],"nextCursor":""}"#),
    );
    let tasks = vendor.sync(&Task::new("users", "")).unwrap();
    assert_eq!(tasks, [Task::new("users", r#"{"cursor":"a&b"}"#)]);
    assert_eq!(vendor.sync(&tasks[0]), Ok(vec![]));
}

#[test]
fn a_list_that_is_as_long_as_a_page_is_looked_behind() {
    let records: Vec<String> = (1..=100).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let behind = "/scim/v2/Users?startIndex=101&count=100";
    for reply in
        [list(&[]), Reply::json(200, r#"{"totalResults":100}"#), Reply::json(400, r#"{"scimType":"invalidValue"}"#)]
    {
        let vendor = scim().get(AT_USERS, list(&records)).get(behind, reply);
        let tasks = vendor.sync(&Task::new("users", "")).unwrap();
        assert_eq!(tasks.len(), 1);
        assert_eq!(vendor.sync(&tasks[0]), Ok(vec![]));
    }
    let vendor = scim().get(AT_USERS, list(&records)).get(behind, Reply::json(404, NOT_FOUND));
    let tasks = vendor.sync(&Task::new("users", "")).unwrap();
    assert!(vendor.sync(&tasks[0]).is_err(), "not found for a moment is no end");
    // The total was the page's size.
    let vendor = scim().get(AT_USERS, list(&records)).get(behind, list(&[r#"{"id":"101"}"#]));
    let tasks = vendor.sync(&Task::new("users", "")).unwrap();
    assert_eq!(vendor.sync(&tasks[0]).unwrap().len(), 1);
    assert_eq!(vendor.resources().len(), 101);
}

#[test]
fn an_answer_that_is_no_list_is_no_empty_list() {
    for (body, expected) in [
        (r#"{"schemas":[],"detail":"quota"}"#, "got an object without Resources and totalResults"),
        (r#"{"Resources":null}"#, "got an object without Resources and totalResults"),
        (r#"{"totalResults":3}"#, "has 3 records and the page at 1 is empty"),
        (r#"[{"id":"1"}]"#, "expected a list of SCIM, an object"),
        (r#"{"Resources":[{"userName":"cy"}]}"#, "a user came without an id (userName cy)"),
        (r#"{"Resources":[null]}"#, "is not as expected"),
        (r#"{"Resources":[{"id":"1"}"#, "breaks off"),
    ] {
        let vendor = scim().get(AT_USERS, Reply::json(200, body));
        let failure = told(vendor.sync(&Task::new("users", "")).unwrap_err());
        assert!(failure.starts_with("unexpected: ") && failure.contains(expected), "{body}: {failure}");
        assert_eq!(vendor.items(), [], "{body}");
    }
    let vendor = scim().get(AT_USERS, Reply::json(200, r#"{"totalResults":0}"#));
    assert_eq!(vendor.sync(&Task::new("users", "")), Ok(vec![]), "an empty list may leave the records out");
}

#[test]
fn either_a_token_or_a_password_is_attached() {
    let manifest = Scim::describe();
    let schemes: Vec<_> = manifest.credentials.iter().map(|c| (c.scheme.as_str(), c.origin.as_str())).collect();
    assert_eq!(schemes, [("bearer", "{scim-base-url}"), ("basic", "{scim-base-url}")]);
    assert!(manifest.settings.iter().all(|s| s.required == (s.name == "scim-base-url")));
}

#[test]
fn nothing_but_reading_is_asked_for() {
    for route in Scim::describe().routes {
        assert_eq!(route.methods, ["GET", "HEAD"], "{}", route.path);
        assert_eq!(route.use_, muster_sdk::RouteUse::Read, "{}", route.path);
    }
}

#[test]
fn a_task_of_another_version_is_refused() {
    for (kind, payload) in [("teams", ""), ("users", "x"), ("group", "x")] {
        assert!(scim().sync(&Task::new(kind, payload)).is_err(), "{kind} {payload}");
    }
}
