//! Chatwoot's answers as records. Pure.

use muster_sdk::{Account, Entitlement, Failure, Grant, Resource, ResourceId, User};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::{ACCOUNT_ID, API_TOKEN, Agent, Member, Membership, Profile, Team, suspended};

pub(crate) const AGENT: &str = "agent";
pub(crate) const TEAM: &str = "team";
pub(crate) const MEMBER: &str = "member";

/// A profile's keys are Chatwoot's own.
#[derive(Serialize)]
struct AgentProfile<'a> {
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_role_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_attributes: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_offline: Option<bool>,
}

#[derive(Serialize)]
struct TeamProfile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_auto_assign: Option<bool>,
}

pub(crate) fn agent(agent: &Agent<'_>) -> Resource {
    let id = agent.id.to_string();
    let name = [&agent.name, &agent.available_name, &agent.email]
        .into_iter()
        .filter_map(|text| given(text.as_deref()))
        .next()
        .unwrap_or(&id);
    let user = match agent.confirmed {
        true => User::enabled(),
        false => User::disabled("invitation not accepted"),
    };
    let email = given(agent.email.as_deref()).map(str::to_owned);
    Resource::user(ResourceId::new(AGENT, &id), name, user.with_email(email)).with_profile(&AgentProfile {
        role: agent.role.as_deref(),
        custom_role_id: agent.custom_role_id,
        custom_attributes: agent.custom_attributes,
        provider: agent.provider.as_deref(),
        auto_offline: agent.auto_offline,
    })
}

pub(crate) fn team(team: &Team) -> Resource {
    Resource::group(ResourceId::new(TEAM, team.id), &team.name).with_profile(&TeamProfile {
        description: team.description.as_deref(),
        allow_auto_assign: team.allow_auto_assign,
    })
}

/// What being in a team means.
pub(crate) fn membership(team: &Team) -> Entitlement {
    Entitlement::assignment(ResourceId::new(TEAM, team.id), MEMBER, format!("{} member", team.name))
        .with_description(format!("Member of the team {}", team.name))
        .grantable_to(AGENT)
}

/// A member who is no agent of the account any more (Chatwoot cleans up late) is granted all the
/// same: the host lists grants whose principal is unknown.
pub(crate) fn grant(team: &str, member: &Member) -> Grant {
    Grant::new(ResourceId::new(TEAM, team), MEMBER, ResourceId::new(AGENT, member.id))
}

/// The configured account among those of the token's owner.
pub(crate) fn account<'p>(profile: &'p Profile, account: &str) -> Result<(Account, &'p Membership), Failure> {
    let number: Option<u64> = account.parse().ok();
    let Some(membership) = profile.accounts.iter().find(|m| Some(m.id) == number) else {
        return Err(Failure::InvalidSettings(elsewhere(profile, account)));
    };
    match given(membership.status.as_deref()) {
        None | Some("active") => {}
        Some("suspended") => return Err(Failure::Forbidden(suspended(&label(membership)))),
        Some(other) => {
            let label = label(membership);
            return Err(Failure::Forbidden(format!(
                "account {label} has the status {other}, not active: see to it in Chatwoot, or \
                 correct {ACCOUNT_ID}"
            )));
        }
    }
    let name = given(membership.name.as_deref()).unwrap_or(account);
    let answer = Account::new(membership.id, name);
    if membership.role.as_deref() == Some("administrator") {
        return Ok((answer, membership));
    }
    let warning = format!(
        "the owner of {API_TOKEN} has {} in account {}: an administrator's token is recommended, \
         so that every agent and team is seen",
        role(membership),
        label(membership)
    );
    Ok((answer.with_warning(warning), membership))
}

/// One line for the log: who the token makes us.
pub(crate) fn introduction(profile: &Profile, membership: &Membership) -> String {
    let who = match (given(profile.name.as_deref()), given(profile.email.as_deref())) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "a user without name".to_owned(),
    };
    let status = given(membership.status.as_deref()).unwrap_or("without a status");
    let (label, role) = (label(membership), role(membership));
    format!("Chatwoot knows the token as {who}, with {role} in account {label}, which is {status}")
}

/// The token works, for other accounts.
fn elsewhere(profile: &Profile, account: &str) -> String {
    /// More than this make no sentence.
    const SHOWN: usize = 5;
    let mut ids: Vec<u64> = profile.accounts.iter().map(|m| m.id).collect();
    ids.sort_unstable();
    let shown: Vec<String> = ids.iter().take(SHOWN).map(u64::to_string).collect();
    let list = match (shown.len(), ids.len()) {
        (0, _) => "to no account at all".to_owned(),
        (1, 1) => format!("to account {} only", shown.join("")),
        (shown_count, all) if shown_count < all => {
            format!("to the accounts {} and {} more", shown.join(", "), all - shown_count)
        }
        _ => format!("to the accounts {}", shown.join(", ")),
    };
    format!(
        "the owner of {API_TOKEN} is no member of account {account} but belongs {list}: correct \
         {ACCOUNT_ID}"
    )
}

/// `1 (Acme)`.
fn label(membership: &Membership) -> String {
    match given(membership.name.as_deref()) {
        Some(name) => format!("{} ({name})", membership.id),
        None => membership.id.to_string(),
    }
}

fn role(membership: &Membership) -> String {
    match given(membership.role.as_deref()) {
        Some(role) => format!("the role {role}"),
        None => "no role".to_owned(),
    }
}

/// A text that says something.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}
