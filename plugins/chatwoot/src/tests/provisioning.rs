//! Changes of teams and agents: what is sent, and what Chatwoot's answers come to.

use muster_sdk::provisioning::{Change, NewAccount, ResultOf};
use muster_sdk::request::Method;
use muster_sdk::{Grant, ResourceId, User};

use super::*;

const MEMBERS: &str = "/api/v1/accounts/1/teams/2/team_members";
const CLEO: &str = r#"[{"id":3,"confirmed":true,"role":"agent","email":"Cleo@Acme.test","custom_role_id":9}]"#;

fn membership() -> Grant {
    Grant::new(ResourceId::new("team", 2), "member", ResourceId::new("agent", 3))
}

fn account(email: &str) -> Change {
    let user = User::enabled().with_email(Some(email.to_owned()));
    Change::CreateUser(NewAccount { resource_type: "agent".into(), name: "Cleo".into(), user, role: None })
}

fn refused(result: ResultOf) -> String {
    match result {
        ResultOf::Refused(words) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_was_added_by_somebody_else_meanwhile_is_already_there() {
    for (answer, result) in [("[]", ResultOf::AlreadySo), (r#"[{"id":3}]"#, ResultOf::Applied)] {
        let vendor = chatwoot().get(MEMBERS, Reply::json(200, r#"[{"id":1}]"#)).answer(
            Method::Post,
            MEMBERS,
            Reply::json(200, answer),
        );
        let outcome = vendor.change(&Change::Grant(membership())).unwrap();
        assert_eq!(outcome.result, result);
        assert_eq!(outcome.reread.map(|task| (task.kind, task.payload)), Some(("team-members".into(), "2".into())));
        let sent = vendor.requests().pop().unwrap();
        assert_eq!(sent.body.as_deref(), Some(br#"{"user_ids":[3]}"#.as_slice()), "an integer, not a text");
    }
}

#[test]
fn only_the_list_of_teams_proves_that_a_team_is_gone() {
    let gone = || Reply::json(404, NOT_FOUND);
    let (listed, unlisted) = (r#"[{"id":2,"name":"billing"},{"id":4,"name":"x"}]"#, r#"[{"id":4,"name":"x"}]"#);
    let looked = |teams: &str| chatwoot().get(MEMBERS, gone()).get(AT_TEAMS, Reply::json(200, teams));
    for dry_run in [false, true] {
        let change = |vendor: &Script<Chatwoot>, change: Change| match dry_run {
            true => vendor.dry_run(&change),
            false => vendor.change(&change),
        };
        let outcome = change(&looked(unlisted), Change::Revoke(membership())).unwrap();
        assert_eq!(outcome.result, ResultOf::AlreadySo);
        let granted = change(&looked(unlisted), Change::Grant(membership())).unwrap();
        assert_eq!(refused(granted.result), "Chatwoot has no team 2 any more");
        for of in [Change::Revoke(membership()), Change::Grant(membership())] {
            let failure = told(change(&looked(listed), of).unwrap_err());
            assert_eq!(failure, "unexpected: Chatwoot lists team 2 and says that its members could not be found");
        }
    }
}

#[test]
fn a_team_that_goes_while_somebody_is_taken_out_of_it_is_looked_up() {
    for (teams, is_gone) in [("[]", true), (r#"[{"id":2,"name":"billing"}]"#, false)] {
        let vendor = chatwoot()
            .get(MEMBERS, Reply::json(200, r#"[{"id":3}]"#))
            .answer(Method::Delete, MEMBERS, Reply::json(404, NOT_FOUND))
            .get(AT_TEAMS, Reply::json(200, teams));
        let result = vendor.change(&Change::Revoke(membership())).unwrap().result;
        match is_gone {
            true => assert_eq!(result, ResultOf::AlreadySo),
            false => assert_eq!(refused(result), "it is gone from Chatwoot (Resource could not be found)"),
        }
    }
}

#[test]
fn an_agent_that_is_gone_when_it_is_removed_is_already_gone() {
    let gone = Reply::json(404, NOT_FOUND);
    let vendor =
        chatwoot().get(AT_AGENTS, Reply::json(200, CLEO)).answer(Method::Delete, "/api/v1/accounts/1/agents/3", gone);
    let outcome = vendor.change(&Change::RemoveUser(ResourceId::new("agent", 3))).unwrap();
    assert_eq!(outcome.result, ResultOf::AlreadySo);
}

#[test]
fn an_agent_is_known_by_its_address_in_any_case() {
    let vendor = chatwoot().get(AT_AGENTS, Reply::json(200, CLEO));
    assert_eq!(vendor.change(&account("cleo@acme.test")).unwrap().result, ResultOf::AlreadySo);
}

#[test]
fn what_chatwoot_does_not_take_is_told_in_its_words() {
    let list = || Reply::json(200, "[]");
    for (status, body, words) in [
        (402, r#"{"error":"Account limit exceeded"}"#, "Chatwoot's seats are used up: Account limit exceeded"),
        (
            422,
            r#"{"message":"Email is invalid","attributes":["email"]}"#,
            "Chatwoot does not take it: Email is invalid",
        ),
    ] {
        let vendor = chatwoot().get(AT_AGENTS, list()).answer(Method::Post, AT_AGENTS, Reply::json(status, body));
        assert_eq!(refused(vendor.change(&account("new@acme.test")).unwrap().result), words);
    }
    let vendor = chatwoot();
    let disabled = vendor.change(&Change::DisableUser(ResourceId::new("agent", 3))).unwrap();
    assert!(refused(disabled.result).starts_with("Chatwoot cannot disable an agent"));
    let other = Grant::new(ResourceId::new("agent", 3), "owner", ResourceId::new("agent", 4));
    assert!(
        refused(vendor.change(&Change::Grant(other)).unwrap().result).starts_with("of Chatwoot only being a member")
    );
    let text = Grant::new(ResourceId::new("team", "two"), "member", ResourceId::new("agent", 4));
    assert!(refused(vendor.change(&Change::Grant(text)).unwrap().result).starts_with("Chatwoot's ids are numbers"));
}

#[test]
fn a_dry_run_sends_nothing_that_changes_anything() {
    // The script fails at a writing request, as the host would deny it.
    let vendor = chatwoot()
        .get(MEMBERS, Reply::json(200, "[]"))
        .get(AT_AGENTS, Reply::json(200, CLEO))
        .get(AT_PROFILE, Reply::json(200, PROFILE))
        .get(AT_AGENTS, Reply::json(200, CLEO))
        .get(AT_PROFILE, Reply::json(200, PROFILE));
    assert_eq!(vendor.dry_run(&Change::Grant(membership())).unwrap().result, ResultOf::Applied);
    let role = Change::SetRole((ResourceId::new("agent", 3), "administrator".to_owned()));
    assert_eq!(vendor.dry_run(&role).unwrap().result, ResultOf::Applied);
}

#[test]
fn a_dry_run_says_what_would_be_refused() {
    let no_administrator = PROFILE.replace("\"administrator\"", "\"agent\"");
    let vendor = chatwoot()
        .get(MEMBERS, Reply::json(200, "[]"))
        .get(AT_AGENTS, Reply::json(200, CLEO))
        .get(AT_PROFILE, Reply::json(200, &no_administrator));
    let said = refused(vendor.dry_run(&Change::Grant(membership())).unwrap().result);
    assert!(said.starts_with("the owner of the token is no administrator of account "), "{said}");
    // Still in a team, and no agent any more.
    let vendor = chatwoot().get(MEMBERS, Reply::json(200, CLEO)).get(AT_AGENTS, Reply::json(200, "[]"));
    let said = refused(vendor.dry_run(&Change::Revoke(membership())).unwrap().result);
    assert!(said.contains("is no agent of account"), "{said}");
}
