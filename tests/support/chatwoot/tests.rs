//! The fake against the facts.

use serde_json::{Value, json};

use super::{Agent, BOT_TOKEN, Builder, DEMO_TOKEN, FakeChatwoot, OUTSIDER_TOKEN, PLATFORM_TOKEN, Role, Team};
use crate::raw::{Raw, send};

fn call(fake: &FakeChatwoot, method: &str, rest: &str, body: &Value) -> Raw {
    let headers = [("api_access_token", fake.token()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(fake.address(), method, &fake.path(rest), &headers, &body)
}

fn get(fake: &FakeChatwoot, rest: &str) -> Raw {
    call(fake, "GET", rest, &Value::Null)
}

fn with_token(fake: &FakeChatwoot, path: &str, token: &str) -> (u16, String) {
    let raw = send(fake.address(), "GET", path, &[("api_access_token", token)], "");
    (raw.status, raw.text().to_owned())
}

/// The keys of the first object, in the order of the text.
fn keys(text: &str) -> Vec<String> {
    let (mut keys, mut depth, mut rest) = (Vec::new(), 0, text.trim_start_matches('['));
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let end = rest[1..].find('"').unwrap() + 1;
            if depth == 1 && rest[end + 1..].starts_with(':') {
                keys.push(rest[1..end].to_owned());
            }
            rest = &rest[end + 1..];
            continue;
        }
        depth += i32::from(matches!(first, '{' | '[')) - i32::from(matches!(first, '}' | ']'));
        if depth == 0 {
            break;
        }
        rest = &rest[first.len_utf8()..];
    }
    keys
}

const AGENT_KEYS: &str = "id account_id availability_status auto_offline confirmed email provider available_name \
                          custom_attributes name role thumbnail custom_role_id";

#[test]
fn agents_have_the_keys_of_the_real_views() {
    let named = || Builder::default().agent(Agent::new(1, "A", "a@example.test").attribute("k", "v"));
    let enterprise = named().enterprise(true).start();
    let raw = get(&enterprise, "agents");
    assert_eq!((raw.status, raw.header("content-type")), (200, Some("application/json; charset=utf-8")));
    assert_eq!(keys(raw.text()), AGENT_KEYS.split(' ').filter(|key| !key.is_empty()).collect::<Vec<_>>());
    assert_eq!(raw.json()[0]["custom_role_id"], Value::Null);

    let community = FakeChatwoot::builder().start();
    let found = keys(get(&community, "agents").text());
    assert!(!found.contains(&"custom_role_id".to_owned()) && !found.contains(&"custom_attributes".to_owned()));
    assert_eq!(found.len(), 11);

    let teams = FakeChatwoot::demo().start();
    assert_eq!(
        keys(get(&teams, "teams/1").text()),
        ["id", "name", "description", "allow_auto_assign", "account_id", "is_member"]
    );
}

#[test]
fn the_demo_account() {
    let fake = FakeChatwoot::demo().start();
    let agents = get(&fake, "agents").json();
    let agents = agents.as_array().unwrap();
    assert_eq!(agents.len(), 8);
    assert_eq!(agents.iter().filter(|agent| agent["confirmed"] == json!(false)).count(), 1);
    let names: Vec<String> = agents.iter().map(|agent| agent["name"].as_str().unwrap().to_lowercase()).collect();
    assert!(names.is_sorted());
    let teams = get(&fake, "teams").json();
    assert_eq!(teams.as_array().unwrap().len(), 3);
    let shift = get(&fake, "teams/4/team_members").json();
    let stale: Vec<&Value> = shift.as_array().unwrap().iter().filter(|agent| agent["role"].is_null()).collect();
    assert_eq!(stale.len(), 1);
    assert!(stale[0]["availability_status"].is_null());
    assert!(agents.iter().all(|agent| agent["id"] != stale[0]["id"]));
}

#[test]
fn unordered_lists_come_in_another_order_each_time() {
    let fake = FakeChatwoot::builder().agents(10).teams(4).members_per_team(5).start();
    for list in ["teams", "teams/2/team_members"] {
        let mut before = get(&fake, list).ids();
        for _ in 0..8 {
            let mut after = get(&fake, list).ids();
            assert_ne!(before, after, "{list}");
            std::mem::swap(&mut before, &mut after);
            after.sort_unstable();
            let mut sorted = before.clone();
            sorted.sort_unstable();
            assert_eq!(after, sorted);
        }
    }
    assert_eq!(get(&fake, "agents").text(), get(&fake, "agents").text());
}

#[test]
fn the_profile_tells_the_token() {
    let fake = FakeChatwoot::demo().token("s3cret").account_id(7).start();
    let raw = send(fake.address(), "GET", "/api/v1/profile", &[("Api-Access-Token", "s3cret")], "");
    let profile = raw.json();
    assert_eq!(profile["access_token"], "s3cret");
    assert!(profile["pubsub_token"].is_string() && profile["hmac_identifier"].is_string());
    assert_eq!(profile["accounts"][0]["id"], 7);
    assert_eq!(profile["accounts"][0]["status"], "active");
    assert_eq!(profile["accounts"][0]["permissions"], json!(["administrator"]));
    let agent = FakeChatwoot::demo().role(Role::Agent).suspended().start();
    let raw = send(agent.address(), "GET", "/api/v1/profile", &[("api_access_token", DEMO_TOKEN)], "");
    assert_eq!(raw.json()["accounts"][0]["role"], "agent");
    assert_eq!(raw.json()["accounts"][0]["status"], "suspended");
}

#[test]
fn every_401_and_404() {
    let fake = FakeChatwoot::demo().start();
    let error = |status: u16, text: &str| (status, json!({ "error": text }).to_string());
    let devise = (401, r#"{"errors":["You need to sign in or sign up before continuing."]}"#.to_owned());
    let bots = error(401, "Access to this endpoint is not authorized for bots");
    let outside = error(401, "You are not authorized to access this account");
    let missing = error(404, "Resource could not be found");
    let agents = fake.path("agents");
    for path in ["/api/v1/profile", agents.as_str()] {
        let raw = send(fake.address(), "GET", path, &[], "");
        assert_eq!((raw.status, raw.text().to_owned()), devise);
        assert_eq!(with_token(&fake, path, ""), devise);
        assert_eq!(with_token(&fake, path, "wrong"), error(401, "Invalid Access Token"));
        assert_eq!(with_token(&fake, path, BOT_TOKEN), bots);
        assert_eq!(with_token(&fake, path, PLATFORM_TOKEN), bots);
    }
    assert_eq!(with_token(&fake, &agents, OUTSIDER_TOKEN), outside);
    assert_eq!(with_token(&fake, "/api/v1/accounts/2/agents", DEMO_TOKEN), outside);
    assert_eq!(with_token(&fake, "/api/v1/accounts/99/agents", DEMO_TOKEN), missing);
    assert_eq!(with_token(&fake, &fake.path("teams/99/team_members"), DEMO_TOKEN), missing);
    assert_eq!(with_token(&fake, &fake.path("teams/x"), DEMO_TOKEN), missing);
    let (status, page) = with_token(&fake, "/api/v2/nothing", DEMO_TOKEN);
    assert!(status == 404 && page.starts_with("<!DOCTYPE html>"));
    let (status, page) = with_token(&fake, "/app/api/v1/profile", DEMO_TOKEN);
    assert!(status == 200 && page.starts_with("<!DOCTYPE html>"));
    let suspended = FakeChatwoot::demo().suspended().start();
    assert_eq!(with_token(&suspended, &agents, DEMO_TOKEN), error(401, "Account is suspended"));
    // A proxy that drops names with underscores lets the other spelling through.
    let fault = fake.inject("GET ** drop-header=api_access_token".parse().unwrap());
    assert_eq!(with_token(&fake, &agents, DEMO_TOKEN), devise);
    assert_eq!(send(fake.address(), "GET", &agents, &[("api-access-token", DEMO_TOKEN)], "").status, 200);
    fault.assert_fired(2);
}

#[test]
fn custom_roles_are_for_administrators_of_the_enterprise_edition() {
    assert_eq!(get(&FakeChatwoot::demo().start(), "custom_roles").status, 404);
    assert_eq!(get(&FakeChatwoot::demo().enterprise(true).start(), "custom_roles").json()[0]["name"], "Team lead");
    let agent = FakeChatwoot::demo().enterprise(true).role(Role::Agent).start();
    assert_eq!(get(&agent, "custom_roles").text(), r#"{"error":"You are not authorized to do this action"}"#);
    assert_eq!(get(&agent, "agents").status, 200);
}

#[test]
fn team_members_are_written_as_on_the_real_server() {
    let fake = FakeChatwoot::demo().start();
    let list = "teams/2/team_members";
    assert_eq!(call(&fake, "POST", list, &json!({"user_ids": [2, 3]})).ids(), [2]);
    assert_eq!(call(&fake, "POST", list, &json!({"user_ids": [2, 3]})).text(), "[]");
    assert_eq!(call(&fake, "PATCH", list, &json!({"user_ids": [1, 2]})).ids(), [1, 2]);
    let gone = call(&fake, "DELETE", list, &json!({"user_ids": [2]}));
    assert_eq!((gone.status, gone.body.len()), (200, 0));
    assert_eq!(get(&fake, list).ids(), [1]);
    let stale = call(&fake, "DELETE", "teams/4/team_members", &json!({"user_ids": [6]}));
    assert_eq!((stale.status, stale.text()), (401, r#"{"error":"Invalid User IDs"}"#));
    assert_eq!(call(&fake, "POST", list, &json!({})).status, 500);
    assert_eq!(call(&fake, "POST", "teams/99/team_members", &json!({"user_ids": [1]})).status, 404);
    let agent = FakeChatwoot::demo().role(Role::Agent).start();
    let refused = call(&agent, "POST", list, &json!({"user_ids": [2]}));
    assert_eq!((refused.status, refused.text()), (401, r#"{"error":"You are not authorized to do this action"}"#));
}

#[test]
fn agents_and_teams_are_written_as_on_the_real_server() {
    let custom = Agent::new(2, "Bruno Castell", "b@lighthouse.test").custom_role(1);
    let fake = FakeChatwoot::demo().enterprise(true).agent(custom).seats(9).start();
    assert_eq!(get(&fake, "agents").json()[1]["custom_role_id"], 1);
    // Leaving the custom role out takes it away.
    assert_eq!(call(&fake, "PATCH", "agents/2", &json!({"name": "B"})).json()["custom_role_id"], Value::Null);
    assert_eq!(call(&fake, "PATCH", "agents/2", &json!({})).status, 422);
    let new = json!({"name": "Jo", "email": "Jo@Lighthouse.TEST", "role": "agent"});
    let made = call(&fake, "POST", "agents", &new).json();
    assert_eq!((&made["email"], &made["confirmed"]), (&json!("jo@lighthouse.test"), &json!(false)));
    assert_eq!(call(&fake, "POST", "agents", &new).status, 402);
    fake.edit(|world| world.seats = None);
    assert_eq!(call(&fake, "POST", "agents", &new).status, 422);
    assert_eq!(call(&fake, "DELETE", &format!("agents/{}", made["id"]), &Value::Null).status, 200);
    assert_eq!(call(&fake, "DELETE", &format!("agents/{}", made["id"]), &Value::Null).status, 404);
    let team = call(&fake, "POST", "teams", &json!({"name": "Returns"})).json();
    assert_eq!((&team["name"], &team["id"]), (&json!("returns"), &json!(5)));
    let twice = call(&fake, "POST", "teams", &json!({"name": "RETURNS"}));
    assert_eq!(twice.text(), r#"{"message":"Name has already been taken","attributes":["name"]}"#);
    assert_eq!(call(&fake, "POST", "teams", &json!({})).status, 422);
    assert_eq!(call(&fake, "DELETE", "teams/5", &Value::Null).status, 200);
    assert_eq!(call(&fake, "GET", "teams/5", &Value::Null).status, 404);
}

#[test]
fn changes_between_runs() {
    let fake = FakeChatwoot::demo().team(Team::new(9, "all", &[1, 2, 3])).odd_names().start();
    fake.edit(|world| {
        world.remove_agent(2);
        world.leave_account(3);
        world.rename_agent(4, "Another <Name>");
        world.rename_team(1, "first line");
    });
    let agents = get(&fake, "agents");
    assert!(!agents.ids().contains(&2) && agents.text().contains("\"Another \\u003cName\\u003e\""));
    assert!(agents.json().as_array().unwrap().iter().any(|agent| agent["name"] == "" && agent["available_name"] != ""));
    let mut members = get(&fake, "teams/9/team_members").ids();
    members.sort_unstable();
    assert_eq!(members, [1, 3]);
    fake.edit(super::World::clean_up);
    assert_eq!(get(&fake, "teams/9/team_members").ids(), [1]);
    assert_eq!(get(&fake, "teams/1").json()["name"], "first line");
    let before = get(&fake, "agents").text().to_owned();
    fake.edit(super::World::churn_availability);
    assert_ne!(get(&fake, "agents").text(), before);
}

#[test]
fn sizes() {
    let fake = FakeChatwoot::builder().agents(1000).pending(30).teams(20).members_per_team(50).start();
    let agents = get(&fake, "agents").json();
    let agents = agents.as_array().unwrap();
    assert_eq!(agents.len(), 1000);
    assert_eq!(agents.iter().filter(|agent| agent["confirmed"] == json!(false)).count(), 30);
    assert_eq!(get(&fake, "teams").ids().len(), 20);
    assert_eq!(get(&fake, "teams/13/team_members").ids().len(), 50);
    assert_eq!(
        FakeChatwoot::builder().agents(100).seed(4).world(),
        FakeChatwoot::builder().agents(100).seed(4).world()
    );
}
