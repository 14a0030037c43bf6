//! The connector against scripted answers of ChartHop.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use muster_sdk::testing::{Reply, Script, told};
use muster_sdk::{Details, Grant, Level, Purpose, Resource, Status, User};

use super::*;

mod check;
mod groups;
mod memberships;
mod refusals;
mod rows;
mod walks;

const USER: &str = include_str!("../../fixtures/user.json");
const ORG: &str = include_str!("../../fixtures/org.json");
const PERSONS_PAGE: &str = include_str!("../../fixtures/persons.json");
const GROUPS_PAGE: &str = include_str!("../../fixtures/groups.json");
const TYPES: &str = include_str!("../../fixtures/group_types.json");

const JANE: &str = "588f7ee98f138b19220041b1";
const BO: &str = "588f7ee98f138b19220041b2";

const AT_ME: &str = "https://hop.test/v1/user/me";
const AT_ORG: &str = "/v1/org/acme";
const AT_COUNT: &str = "/v2/org/acme/person/count";
const AT_PERSONS: &str = "/v2/org/acme/person?fields=id%2CjobId%2Cname.first%2Cname.last%2Cname.pref%2Cname.preflast%2C\
                          contact.workEmail%2Ccontact.employee%2Ctitle%2Cmanager%2Cmanager.id%2C\
                          manager.contact.workEmail%2Cdepartment.name%2Clocation.name%2CstartDate%2CstartDateOrg%2C\
                          endDate%2CendDateOrg%2Cemployment&limit=500";
const AT_TYPES: &str = "/v1/org/acme/group-type?limit=500";
const AT_GROUPS: &str = "/v2/org/acme/group?timeFilter=CURRENT&limit=500";

fn charthop() -> Script<Charthop> {
    Script::new().setting("charthop-base-url", "https://hop.test").setting("charthop-org-id", "acme")
}

/// Where the groups of a person are.
fn at_person(id: &str) -> String {
    format!("/v2/org/acme/person/{id}?fields=groupIds")
}

/// Where the list with the groups is.
fn at_list() -> String {
    AT_PERSONS.replace("&limit", "%2CgroupIds&limit")
}

fn count(persons: u64) -> Reply {
    let json = format!(r#"{{"jobCount":9,"personCount":{persons},"startingCount":0,"departingCount":0}}"#);
    Reply::json(200, json)
}

fn page(rows: &str, next: Option<&str>) -> Reply {
    let next = next.map_or_else(String::new, |next| format!(r#","next":"{next}""#));
    Reply::json(200, format!(r#"{{"data":[{rows}]{next}}}"#))
}

fn persons_task() -> Task {
    Task::new("persons", "")
}

fn user(resource: &Resource) -> &User {
    match &resource.details {
        Details::User(user) => user,
        other => panic!("{other:?} is no user"),
    }
}

fn shown(grants: &[Grant]) -> Vec<String> {
    grants.iter().map(|g| format!("{}:{} {}", g.resource.id, g.slug, g.principal.id)).collect()
}

#[test]
fn a_run_reads_persons_groups_and_memberships() {
    let vendor = charthop()
        .get(AT_ME, Reply::json(200, USER))
        .get(AT_ORG, Reply::json(200, ORG))
        .get(AT_COUNT, count(2))
        .get(AT_PERSONS, Reply::json(200, PERSONS_PAGE))
        .get(AT_COUNT, count(2))
        .get(AT_TYPES, Reply::json(200, TYPES))
        .get(AT_GROUPS, Reply::json(200, GROUPS_PAGE))
        .get(&at_person(JANE), Reply::json(200, r#"{"groupIds":["588f7ee98f138b19220041d2"]}"#))
        .get(&at_person(BO), Reply::json(200, r#"{"id":"588f7ee98f138b19220041b2"}"#));
    let account = vendor.run().unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("588f7ee98f138b19220041a1", "Acme Corp"));

    let mut names: Vec<String> =
        vendor.resources().iter().map(|r| format!("{} {}", r.id.resource_type, r.name)).collect();
    names.sort();
    assert_eq!(names, ["group Engineering", "group Everybody", "person Bo Berg", "person JQ Public"]);
    assert_eq!(shown(&vendor.grants()), [format!("588f7ee98f138b19220041d2:member {JANE}")]);
    assert_eq!(vendor.logs(), []);
}

#[test]
fn a_run_starts_with_persons_and_groups() {
    assert_eq!(charthop().start(), Ok(vec![Task::new("persons", ""), Task::new("groups", "")]));
}

#[test]
fn only_people_are_written_and_nothing_of_who_may_sign_in_is_asked_for() {
    let routes = Charthop::describe().routes;
    let paths = |writes: bool| -> Vec<(String, String)> {
        let fits = |route: &&muster_sdk::Route| (route.use_ == muster_sdk::RouteUse::Write) == writes;
        let path = |route: &muster_sdk::Route| route.path.replace("{charthop-org-id}", "ORG");
        routes.iter().filter(fits).map(|route| (route.methods.join(","), path(route))).collect()
    };
    let read = [
        "/v1/user/me",
        "/v1/org/ORG",
        "/v1/org/ORG/group-type",
        "/v2/org/ORG/person",
        "/v2/org/ORG/person/*",
        "/v2/org/ORG/group",
        "/v1/org/ORG/process",
        "/v1/org/ORG/process/*",
    ];
    assert_eq!(paths(false), read.map(|path| ("GET,HEAD".to_owned(), path.to_owned())));
    let written = [
        ("POST", "/v1/org/ORG/import/csv/data"),
        ("POST", "/v1/org/ORG/change/sync/*"),
        ("PATCH", "/v2/org/ORG/person/*"),
    ];
    assert_eq!(paths(true), written.map(|(method, path)| (method.to_owned(), path.to_owned())));
}

#[test]
fn the_token_travels_as_a_bearer() {
    let manifest = Charthop::describe();
    let credential = &manifest.credentials[0];
    assert_eq!((credential.scheme.as_str(), credential.origin.as_str()), ("bearer", "{charthop-base-url}"));
    let parameters: Vec<_> = credential.parameters.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
    assert_eq!(parameters, [("template", "{charthop-api-token}")]);
    assert_eq!(manifest.rate, None, "ChartHop documents no pace");
}

#[test]
fn settings_have_the_labels_and_defaults_people_know() {
    let labels: Vec<(String, String, Option<String>)> =
        Charthop::describe().settings.into_iter().map(|s| (s.name, s.label, s.default)).collect();
    let expected = [
        ("charthop-api-token", "API Token", None),
        ("charthop-org-id", "Organization ID", None),
        ("charthop-base-url", "Base URL", Some("https://api.charthop.com")),
        ("charthop-include-former", "Include former people", Some("false")),
        ("charthop-membership", "Membership", Some("per-person")),
    ];
    assert_eq!(labels, expected.map(|(name, label, default)| (name.into(), label.into(), default.map(String::from))));
}
