//! Agents and teams as records. Agents are emitted in the order of the answer; here they are sorted by id.

use super::*;

fn agents(body: &str) -> Vec<Resource> {
    let vendor = chatwoot().get(AT_AGENTS, Reply::json(200, body));
    vendor.sync(&Task::new("agents", "")).unwrap();
    let mut agents = vendor.resources();
    agents.sort_by_key(|agent| agent.id.id.parse::<u64>().unwrap());
    agents
}

fn profile(resource: &Resource) -> serde_json::Value {
    serde_json::from_str(&resource.profile).unwrap()
}

fn user(resource: &Resource) -> &muster_sdk::User {
    match &resource.details {
        Details::User(user) => user,
        other => panic!("{other:?} is no user"),
    }
}

#[test]
fn an_invited_agent_is_disabled_until_the_invitation_is_accepted() {
    let agents = agents(AGENTS);
    let invited = user(&agents[1]);
    assert_eq!(invited.status, Status::Disabled);
    assert_eq!(invited.status_detail.as_deref(), Some("invitation not accepted"));
    let confirmed = user(&agents[0]);
    assert_eq!((confirmed.status, &confirmed.status_detail), (Status::Enabled, &None));
    assert_eq!(confirmed.email.as_deref(), Some("ada@acme.test"));
}

#[test]
fn an_agent_is_called_by_name_else_available_name_else_address() {
    for (names, expected) in [
        (r#""name":"Bo Berg","available_name":"Bo""#, "Bo Berg"),
        (r#""name":"","available_name":"Bo""#, "Bo"),
        (r#""name":null,"available_name":"Bo""#, "Bo"),
        (r#""available_name":"Bo""#, "Bo"),
        (r#""name":"  ","available_name":null"#, "bo@acme.test"),
        (r#""name":"Zo\u0451\u0000 \u202e","available_name":"Bo""#, "Zoё\0 \u{202e}"),
    ] {
        let body = format!(r#"[{{"id":2,"confirmed":true,"email":"bo@acme.test",{names}}}]"#);
        assert_eq!(agents(&body)[0].name, expected, "{names}");
    }
    assert_eq!(agents(r#"[{"id":2,"confirmed":true}]"#)[0].name, "2", "nothing else is known");
}

#[test]
fn the_profile_keeps_role_custom_role_attributes_provider_and_auto_offline() {
    let agents = agents(AGENTS);
    let expected = serde_json::json!({
        "role": "agent", "custom_attributes": {"crm_id": "42"}, "provider": "email", "auto_offline": true,
    });
    assert_eq!(profile(&agents[1]), expected, "a custom role that is null says nothing");
    let expected = serde_json::json!({
        "role": "administrator", "provider": "google_oauth2", "auto_offline": true,
    });
    assert_eq!(profile(&agents[0]), expected, "attributes and custom role are absent");
    assert_eq!(profile(&agents[2])["custom_role_id"], 3);
}

#[test]
fn what_changes_by_itself_is_no_part_of_a_record() {
    let moved = AGENTS
        .replace(r#""availability_status":"online""#, r#""availability_status":"busy""#)
        .replace("signed/ada.png", "signed/other.png");
    assert_ne!(moved, AGENTS);
    assert_eq!(agents(&moved), agents(AGENTS));
}

#[test]
fn custom_attributes_keep_every_digit() {
    let cy = agents(AGENTS).remove(2);
    let expected = r#""custom_attributes":{"quota":12345678901234567890.10,"z":1e2,"a":{"b":null}}"#;
    assert!(cy.profile.contains(expected), "{}", cy.profile);
}

#[test]
fn a_role_that_is_null_stays_null() {
    let agents = agents(r#"[{"id":2,"confirmed":true,"name":"Bo","role":null}]"#);
    assert_eq!(agents[0].profile, r#"{"role":null}"#);
}

#[test]
fn a_team_keeps_its_description_and_leaves_out_whether_we_are_in_it() {
    let vendor = chatwoot().get(AT_TEAMS, Reply::json(200, TEAMS));
    vendor.sync(&Task::new("teams", "")).unwrap();
    let teams = vendor.resources();
    assert_eq!(teams[0].profile, r#"{"allow_auto_assign":true}"#);
    assert_eq!(teams[1].profile, r#"{"description":"Outbound","allow_auto_assign":false}"#);
    assert_eq!(teams[0].details, Details::Group);
}
