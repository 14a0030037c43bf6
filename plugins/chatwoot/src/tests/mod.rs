//! The connector against scripted answers of Chatwoot.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use muster_sdk::testing::{Reply, Script, told};
use muster_sdk::{Details, Failure, Level, Resource, Status, Task};

use super::*;

mod agents;
mod check;
mod provisioning;
mod refusals;

const PROFILE: &str = include_str!("../../fixtures/profile.json");
const AGENTS: &str = include_str!("../../fixtures/agents.json");
const TEAMS: &str = include_str!("../../fixtures/teams.json");
const SUPPORT: &str = include_str!("../../fixtures/support_members.json");

const AT_PROFILE: &str = "https://chat.test/api/v1/profile";
const AT_AGENTS: &str = "/api/v1/accounts/1/agents";
const AT_TEAMS: &str = "/api/v1/accounts/1/teams";
const AT_SUPPORT: &str = "/api/v1/accounts/1/teams/3/team_members";
const AT_SALES: &str = "/api/v1/accounts/1/teams/5/team_members";
const NOT_FOUND: &str = r#"{"error":"Resource could not be found"}"#;

fn chatwoot() -> Script<Chatwoot> {
    Script::new().setting("chatwoot-base-url", "https://chat.test").setting("chatwoot-account-id", "1")
}

fn check(reply: Reply) -> Result<Account, Failure> {
    chatwoot().get(AT_PROFILE, reply).check()
}

#[test]
fn a_run_reads_agents_teams_and_members() {
    let vendor = chatwoot()
        .get(AT_PROFILE, Reply::json(200, PROFILE))
        .get(AT_AGENTS, Reply::json(200, AGENTS))
        .get(AT_TEAMS, Reply::json(200, TEAMS))
        .get(AT_SUPPORT, Reply::json(200, SUPPORT))
        .get(AT_SALES, Reply::json(200, "[]"));
    let account = vendor.run().unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("1", "Acme"));
    assert_eq!(account.warnings, Vec::<String>::new());

    let mut ids: Vec<String> =
        vendor.resources().iter().map(|r| format!("{}:{} {}", r.id.resource_type, r.id.id, r.name)).collect();
    ids.sort();
    let expected = ["agent:1 Ada Admin", "agent:7 New Agent", "agent:9 Cy", "team:3 support", "team:5 sales"];
    assert_eq!(ids, expected);

    let grants: Vec<String> = vendor
        .grants()
        .iter()
        .map(|g| format!("{}:{}:{} {}", g.resource.resource_type, g.resource.id, g.slug, g.principal.id))
        .collect();
    assert_eq!(
        grants,
        ["team:3:member 1", "team:3:member 9", "team:3:member 88"],
        "88 is no agent of the account any more and stays a grant for the integrity report"
    );
}

#[test]
fn a_run_starts_with_agents_and_teams_and_goes_on_with_each_team() {
    let vendor = chatwoot().get(AT_TEAMS, Reply::json(200, TEAMS));
    assert_eq!(vendor.start(), Ok(vec![Task::new("agents", ""), Task::new("teams", "")]));
    let members = vec![Task::new("team-members", 3), Task::new("team-members", 5)];
    assert_eq!(vendor.sync(&Task::new("teams", "")), Ok(members));
}

#[test]
fn every_team_has_the_entitlement_member_for_agents() {
    let vendor = chatwoot().get(AT_TEAMS, Reply::json(200, TEAMS));
    vendor.sync(&Task::new("teams", "")).unwrap();
    let entitlements = vendor.entitlements();
    assert_eq!(entitlements.len(), 2);
    let support = &entitlements[0];
    assert_eq!((support.resource.id.as_str(), support.slug.as_str()), ("3", "member"));
    assert_eq!(support.name, "support member");
    assert_eq!(support.purpose, muster_sdk::Purpose::Assignment);
    assert_eq!(support.grantable_to, ["agent"]);
}

#[test]
fn an_account_without_agents_and_teams_is_no_error() {
    let vendor = chatwoot().get(AT_AGENTS, Reply::json(200, "[]"));
    assert_eq!(vendor.sync(&Task::new("agents", "")), Ok(vec![]));
    let vendor = chatwoot().get(AT_TEAMS, Reply::json(200, "[]"));
    assert_eq!(vendor.sync(&Task::new("teams", "")), Ok(vec![]));
}

#[test]
fn the_order_of_the_answer_does_not_matter() {
    let members = |body: &str| {
        let vendor = chatwoot().get(AT_SUPPORT, Reply::json(200, body));
        vendor.sync(&Task::new("team-members", 3)).unwrap();
        vendor.items()
    };
    assert_eq!(members(r#"[{"id":2},{"id":11},{"id":1}]"#), members(r#"[{"id":11},{"id":1},{"id":2}]"#));
}

#[test]
fn the_token_travels_in_the_header_chatwoot_names() {
    let manifest = Chatwoot::describe();
    let credential = &manifest.credentials[0];
    assert_eq!((credential.scheme.as_str(), credential.origin.as_str()), ("header", "{chatwoot-base-url}"));
    let parameters: Vec<_> = credential.parameters.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
    assert_eq!(parameters, [("name", "api_access_token"), ("template", "{chatwoot-api-token}")]);
}

#[test]
fn whatever_is_not_reading_is_a_writing_route_and_never_replaces_a_list() {
    let (reading, writing): (Vec<_>, Vec<_>) =
        Chatwoot::describe().routes.into_iter().partition(|route| route.methods == ["GET", "HEAD"]);
    assert!(reading.iter().all(|route| route.use_ == muster_sdk::RouteUse::Read));
    assert!(writing.iter().all(|route| route.use_ == muster_sdk::RouteUse::Write));
    let members = writing.iter().find(|route| route.path.ends_with("team_members")).unwrap();
    assert_eq!(members.methods, ["POST", "DELETE"], "PATCH removes whoever is not named");
}

#[test]
fn chatwoot_cloud_is_the_default() {
    let vendor = Script::<Chatwoot>::new()
        .setting("chatwoot-account-id", "1")
        .get("https://app.chatwoot.com/api/v1/profile", Reply::json(200, PROFILE));
    assert_eq!(vendor.check().unwrap().id, "1");
}

#[test]
fn without_an_account_id_nothing_is_asked() {
    let failure = Script::<Chatwoot>::new().check().unwrap_err();
    assert_eq!(told(failure), "invalid-settings: the setting chatwoot-account-id has no value");
}
