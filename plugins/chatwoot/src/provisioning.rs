//! Changing who is in a team, and who is an agent with which role.
//!
//! | change | asks Chatwoot | never |
//! | --- | --- | --- |
//! | grant, revoke of `team:ID:member` | `POST`, `DELETE` of `team_members` | `PATCH`: it removes everybody who is not named |
//! | an agent more or less | `POST agents`, `DELETE agents/ID` | `bulk_create`: it swallows errors |
//! | another role | `PATCH agents/ID` with the custom role it has | without: on Enterprise that clears the custom role |
//!
//! What is there is read first, so that nothing is sent for what is so already, and so that a dry run can say what would
//! come of a change by reading alone. Nobody is a member of a team that the list of teams no longer has: such a revoke is
//! done already, such a grant is refused.

use muster_sdk::provisioning::{Change, NewAccount, Outcome, Provisioning, ResultOf};
use muster_sdk::{Context, Failure, Grant, ResourceId, Task};

use crate::Chatwoot;
use crate::api::{AGENTS, Api, TEAM_MEMBERS, Wrote};
use crate::map::{self, AGENT, MEMBER, TEAM};

/// Roles that every installation has; a custom role is given in Chatwoot.
const ROLES: [&str; 2] = ["agent", "administrator"];

impl Provisioning for Chatwoot {
    fn apply(context: &Context<'_>, change: &Change, dry_run: bool) -> Result<Outcome, Failure> {
        let api = Api::new(context)?;
        let changed = match change {
            Change::Grant(grant) => membership(&api, grant, true, dry_run),
            Change::Revoke(grant) => membership(&api, grant, false, dry_run),
            Change::CreateUser(account) => create(&api, account, dry_run),
            Change::RemoveUser(who) => remove(&api, who, dry_run),
            Change::SetRole((who, role)) => set_role(&api, who, role, dry_run),
            Change::DisableUser(_) => {
                Ok(Outcome::refused("Chatwoot cannot disable an agent, only remove it from the account"))
            }
        };
        let changed = changed.and_then(|outcome| match dry_run && outcome.result == ResultOf::Applied {
            true => may_change(&api).map(|()| outcome),
            false => Ok(outcome),
        });
        // What Chatwoot refuses, and what cannot be asked of it, is an outcome.
        changed.or_else(|stopped| match stopped {
            Stop::Refused(words) => Ok(Outcome::refused(words)),
            Stop::Failed(failure) => Err(failure),
        })
    }
}

/// Why a change is not made.
enum Stop {
    Refused(String),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

/// What a dry run cannot find out by asking for the change: whether the token's owner may change anything.
fn may_change(api: &Api<'_>) -> Result<(), Stop> {
    let profile = api.profile()?;
    match map::account(&profile, &api.account)? {
        (_, membership) if membership.role.as_deref() == Some(ROLES[1]) => Ok(()),
        (account, _) => refused(format!(
            "the owner of the token is no administrator of account {}, and Chatwoot lets nobody else change it",
            account.id
        )),
    }
}

fn refused<T>(words: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Refused(words.into()))
}

fn membership(api: &Api<'_>, grant: &Grant, wanted: bool, dry_run: bool) -> Result<Outcome, Stop> {
    if grant.resource.resource_type != TEAM || grant.slug != MEMBER {
        return refused("of Chatwoot only being a member of a team can be granted and revoked");
    }
    let (team, agent) = (number(&grant.resource)?, agent_number(&grant.principal)?);
    let mut is_member = false;
    let exists = api.each_member(&team.to_string(), |member| {
        is_member |= member.id == agent;
        Ok(())
    })?;
    let reread = Task::new(TEAM_MEMBERS, team);
    if !exists {
        return match (is_listed(api, team)?, wanted) {
            (true, _) => Err(Stop::Failed(Failure::Unexpected(format!(
                "Chatwoot lists team {team} and says that its members could not be found"
            )))),
            (false, true) => refused(format!("Chatwoot has no team {team} any more")),
            // Nobody is in a team that is gone.
            (false, false) => Ok(Outcome::already_so().rereading(reread)),
        };
    }
    if is_member == wanted {
        return Ok(Outcome::already_so().rereading(reread));
    }
    if dry_run {
        // Of one who is no agent any more Chatwoot takes nothing, not even out of a team.
        if api.agent(agent)?.is_none() {
            return refused(format!("{agent} is no agent of account {}", api.account));
        }
        return Ok(Outcome::applied());
    }
    match api.set_member(team, agent, wanted)? {
        Wrote::Done => Ok(Outcome::applied().rereading(reread)),
        // Somebody else was faster.
        Wrote::WasSo => Ok(Outcome::already_so().rereading(reread)),
        // The team went while we looked at it.
        Wrote::Refused(_) if !wanted && !is_listed(api, team)? => Ok(Outcome::already_so().rereading(reread)),
        Wrote::Refused(words) => refused(words),
    }
}

/// Whether the account has this team. "Not found" alone proves nothing, and only the list of all teams does.
fn is_listed(api: &Api<'_>, team: u64) -> Result<bool, Failure> {
    Ok(api.teams()?.iter().any(|listed| listed.id == team))
}

fn create(api: &Api<'_>, account: &NewAccount, dry_run: bool) -> Result<Outcome, Stop> {
    if account.resource_type != AGENT {
        return refused(format!("Chatwoot has accounts of the type {AGENT} only"));
    }
    let Some(email) = account.user.email.as_deref().filter(|email| email.contains('@')) else {
        return refused("an agent is invited by an e-mail address");
    };
    let role = known_role(account.role.as_deref().unwrap_or(ROLES[0]))?;
    if let Some(known) = api.agent_of(email)? {
        return match known.role.as_deref() {
            // Chatwoot gives a role to everybody in the account.
            Some(has) if has != role && account.role.is_some() => {
                refused(format!("{email} is agent:{} already, as {has}: give it another role instead", known.id))
            }
            _ => Ok(Outcome::already_so().rereading(Task::new(AGENTS, ""))),
        };
    }
    if dry_run {
        return Ok(Outcome::applied());
    }
    wrote(api.create_agent(&account.name, email, role)?)
}

fn remove(api: &Api<'_>, who: &ResourceId, dry_run: bool) -> Result<Outcome, Stop> {
    let agent = agent_number(who)?;
    match (api.agent(agent)?, dry_run) {
        (None, _) => Ok(Outcome::already_so().rereading(Task::new(AGENTS, ""))),
        (Some(_), true) => Ok(Outcome::applied()),
        (Some(_), false) => wrote(api.delete_agent(agent)?),
    }
}

fn set_role(api: &Api<'_>, who: &ResourceId, role: &str, dry_run: bool) -> Result<Outcome, Stop> {
    let (agent, role) = (agent_number(who)?, known_role(role)?);
    let Some(known) = api.agent(agent)? else {
        return refused(format!("{agent} is no agent of account {}", api.account));
    };
    if known.role.as_deref() == Some(role) {
        return Ok(Outcome::already_so().rereading(Task::new(AGENTS, "")));
    }
    if dry_run {
        return Ok(Outcome::applied());
    }
    wrote(api.set_role(&known, role)?)
}

/// What came of a change of agents.
fn wrote(wrote: Wrote) -> Result<Outcome, Stop> {
    let reread = Task::new(AGENTS, "");
    match wrote {
        Wrote::Done => Ok(Outcome::applied().rereading(reread)),
        Wrote::WasSo => Ok(Outcome::already_so().rereading(reread)),
        Wrote::Refused(words) => refused(words),
    }
}

fn known_role(role: &str) -> Result<&'static str, Stop> {
    match ROLES.into_iter().find(|known| *known == role) {
        Some(role) => Ok(role),
        None => refused(format!("Chatwoot's roles are {}; custom roles are given in Chatwoot", ROLES.join(" and "))),
    }
}

fn agent_number(who: &ResourceId) -> Result<u64, Stop> {
    match who.resource_type == AGENT {
        true => number(who),
        false => refused(format!("only agents can be changed, and {}:{} is none", who.resource_type, who.id)),
    }
}

/// Chatwoot's ids are integers, and it takes no text for one.
fn number(id: &ResourceId) -> Result<u64, Stop> {
    id.id
        .parse()
        .or_else(|_| refused(format!("Chatwoot's ids are numbers, and {}:{} has none", id.resource_type, id.id)))
}
