//! The connector against scripted answers of Justworks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use muster_sdk::request::{Method, Request};
use muster_sdk::testing::{Reply, Script, told};
use muster_sdk::{Details, Level, Resource, RouteUse, Status};

use super::*;

mod chart;
mod login;
mod records;
mod roster;

const LOGIN: &str = include_str!("../../fixtures/login.html");
const TFA: &str = include_str!("../../fixtures/tfa.html");
const MEMBERS: &str = include_str!("../../fixtures/members.json");

fn justworks() -> Script<Justworks> {
    Script::new()
        .setting("justworks-base-url", "https://jw.test")
        .setting("justworks-username", "reader@lantern.test")
        .setting("justworks-org-head", "Meg Field")
}

/// A page that says yes.
fn page(text: &str) -> Reply {
    Reply::html(200, text)
}

fn post(vendor: Script<Justworks>, path: &str, reply: Reply) -> Script<Justworks> {
    vendor.answer(Method::Post, path, reply)
}

/// Everything up to the second factor's page.
fn after_password() -> Script<Justworks> {
    post(justworks().get("/login", page(LOGIN)), "/login", page("<h1>Home</h1>"))
}

/// Logged in.
fn inside() -> Script<Justworks> {
    post(after_password().get("/tfa", page(TFA)), "/tfa", page("<h1>Home</h1>"))
}

fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone().unwrap_or_default()).unwrap()
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_run_logs_in_and_reads_the_roster_for_the_check_and_for_itself() {
    let vendor =
        inside().get("/members.json", Reply::json(200, MEMBERS)).get("/members.json", Reply::json(200, MEMBERS));
    let account = vendor.run().unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("reader@lantern.test", "Justworks"));
    assert_eq!(account.warnings, Vec::<String>::new());
    let ids: Vec<String> =
        vendor.resources().iter().map(|r| format!("{}:{} {}", r.id.resource_type, r.id.id, r.name)).collect();
    let expected = [
        "department:Engineering Engineering",
        "department:Executive Executive",
        "office:Boston Boston",
        "member:u-1 Meg Field",
        "member:u-2 Idris Oak",
        "member:u-3 Old Timer",
    ];
    assert_eq!(ids, expected);
    let grants: Vec<String> = vendor
        .grants()
        .iter()
        .map(|g| format!("{}:{}:{} {}", g.resource.resource_type, g.resource.id, g.slug, g.principal.id))
        .collect();
    let expected = [
        "department:Executive:member u-1",
        "office:Boston:member u-1",
        "department:Engineering:member u-2",
        "office:Boston:member u-2",
    ];
    assert_eq!(grants, expected, "who has left belongs to nothing");
}

#[test]
fn the_host_attaches_user_name_password_and_code() {
    let manifest = Justworks::describe();
    assert!(manifest.keeps_cookies);
    let credentials: Vec<(&str, Vec<(&str, &str)>)> = manifest
        .credentials
        .iter()
        .map(|c| (c.scheme.as_str(), c.parameters.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect()))
        .collect();
    let expected = [
        (
            "form",
            vec![
                ("path", "/login"),
                ("field:username", "{justworks-username}"),
                ("field:password", "{justworks-password}"),
            ],
        ),
        ("form", vec![("path", "/tfa"), ("field:auth_code", "{totp:justworks-2fa-secret}")]),
    ];
    assert_eq!(credentials, expected);
}

#[test]
fn nothing_but_the_login_and_reading_is_asked_for() {
    let routes: Vec<String> = Justworks::describe()
        .routes
        .iter()
        .map(|route| format!("{} {} {:?}", route.methods.join(","), route.path, route.use_ == RouteUse::Login))
        .collect();
    let expected = [
        "GET,HEAD /login false",
        "POST /login true",
        "GET,HEAD /tfa false",
        "POST /tfa true",
        "GET,HEAD /{justworks-roster-path} false",
    ];
    assert_eq!(routes, expected);
}

#[test]
fn the_settings_are_those_of_the_form_that_people_know() {
    let settings: Vec<(String, String, bool, Option<String>)> =
        Justworks::describe().settings.into_iter().map(|s| (s.name, s.label, s.required, s.default)).collect();
    let row = |name: &str, label: &str, required, default: Option<&str>| {
        (name.to_owned(), label.to_owned(), required, default.map(str::to_owned))
    };
    let expected = [
        row("justworks-username", "Username", true, None),
        row("justworks-password", "Password", true, None),
        row("justworks-2fa-secret", "2FA Code", true, None),
        row("justworks-org-head", "Name Org Head", true, None),
        row("justworks-base-url", "Base URL", false, Some("https://secure.justworks.com")),
        row("justworks-roster-path", "Roster path", false, Some("/members.json")),
    ];
    assert_eq!(settings, expected);
}

#[test]
fn an_unknown_task_is_refused() {
    let failure = justworks().sync(&Task::new("page", "2")).unwrap_err();
    assert_eq!(told(failure), "unexpected: this connector has no task page");
}
