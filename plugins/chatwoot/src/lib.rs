//! Muster connector for Chatwoot: agents, teams and who is in them.
//!
//! | task | reads | emits | names |
//! | --- | --- | --- | --- |
//! | (none) | | | `agents`, `teams` |
//! | `agents` | every agent of the account | a resource each | |
//! | `teams` | every team of the account | a resource and the entitlement `member` each | `team-members` each |
//! | `team-members`, a team's id | the members of the team | a grant each | |

mod api;
mod map;
mod provisioning;
#[cfg(test)]
mod tests;

use muster_sdk::{
    Account, Connector, Context, Credential, Description, Failure, Kind, ResourceType, Route, Setting, SettingKind,
    Task,
};

use crate::api::Api;

/// The connector.
pub struct Chatwoot;

muster_sdk::connector!(Chatwoot, provisioning);

impl Connector for Chatwoot {
    fn describe() -> Description {
        /// Where every route and the credential point to.
        const ORIGIN: &str = "{chatwoot-base-url}";
        let account = |rest: &str| format!("/api/v1/accounts/{{chatwoot-account-id}}/{rest}");
        Description::new(
            "chatwoot",
            env!("CARGO_PKG_VERSION"),
            "Chatwoot",
            "Reads the agents of a Chatwoot account, its teams and who is in them; changes both where you ask for it.",
        )
        .documentation("https://developers.chatwoot.com/api-reference/introduction")
        .resource_type(ResourceType::new(
            map::AGENT,
            Kind::User,
            "Agents",
            "Everybody who can sign in to the account, agents and administrators.",
        ))
        .resource_type(ResourceType::new(
            map::TEAM,
            Kind::Group,
            "Teams",
            "Sets of agents that conversations are assigned to.",
        ))
        .setting(
            Setting::new(
                api::BASE_URL,
                SettingKind::Url,
                "Base URL",
                "The origin of the installation: https://app.chatwoot.com for Chatwoot Cloud, \
                 else your own, as https://chat.example.com.",
            )
            .default_value("https://app.chatwoot.com"),
        )
        .setting(
            Setting::new(
                api::ACCOUNT_ID,
                SettingKind::Text,
                "Account ID",
                "The number in the dashboard's address, after /app/accounts/.",
            )
            .required()
            .pattern("[0-9]+"),
        )
        .setting(
            Setting::new(
                api::API_TOKEN,
                SettingKind::Secret,
                "API access token",
                "From Profile Settings, Access Token. An administrator's is recommended, so that \
                 every agent and team is seen.",
            )
            .required(),
        )
        .credential(Credential::header("api-token", ORIGIN, "api_access_token", "{chatwoot-api-token}"))
        .route(Route::read(ORIGIN, "/api/v1/profile"))
        .route(Route::read(ORIGIN, account("agents")))
        .route(Route::read(ORIGIN, account("teams")))
        .route(Route::read(ORIGIN, account("teams/*/team_members")))
        .route(Route::write(ORIGIN, &["POST", "DELETE"], account("teams/*/team_members")))
        .route(Route::write(ORIGIN, &["POST"], account("agents")))
        .route(Route::write(ORIGIN, &["PATCH", "DELETE"], account("agents/*")))
        // Chatwoot's own throttle per address: RACK_ATTACK_LIMIT, 3,000 a minute unless the
        // installation sets another (config/initializers/rack_attack.rb).
        .rate(3_000, 60, 16)
    }

    fn check(context: &Context<'_>) -> Result<Account, Failure> {
        let api = Api::new(context)?;
        let profile = api.profile()?;
        let (account, membership) = map::account(&profile, &api.account)?;
        context.info(map::introduction(&profile, membership));
        Ok(account)
    }

    fn start(_: &Context<'_>) -> Result<Vec<Task>, Failure> {
        Ok(vec![Task::new(api::AGENTS, ""), Task::new("teams", "")])
    }

    fn sync(context: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
        let api = Api::new(context)?;
        match task.kind.as_str() {
            api::AGENTS => agents(context, &api),
            "teams" => teams(context, &api),
            api::TEAM_MEMBERS => team_members(context, &api, &task.payload),
            other => Err(Failure::Unexpected(format!("this connector has no task {other}"))),
        }
    }
}

fn agents(context: &Context<'_>, api: &Api<'_>) -> Result<Vec<Task>, Failure> {
    api.each_agent(|agent| context.emit(map::agent(agent)))?;
    Ok(Vec::new())
}

fn teams(context: &Context<'_>, api: &Api<'_>) -> Result<Vec<Task>, Failure> {
    // Chatwoot gives teams in no order of its own; tasks are named in one.
    let mut teams = api.teams()?;
    teams.sort_by_key(|team| team.id);
    context.emit_all(teams.iter().map(map::team))?;
    context.emit_all(teams.iter().map(map::membership))?;
    Ok(teams.iter().map(|team| Task::new(api::TEAM_MEMBERS, team.id)).collect())
}

fn team_members(context: &Context<'_>, api: &Api<'_>, team: &str) -> Result<Vec<Task>, Failure> {
    let mut members = Vec::new();
    let listed = api.each_member(team, |member| {
        members.push(*member);
        Ok(())
    })?;
    if listed {
        // Chatwoot gives members in no order of its own.
        members.sort_unstable();
        context.emit_all(members.iter().map(|member| map::grant(team, member)))?;
        return Ok(Vec::new());
    }
    // "Not found" alone proves nothing: taken for a team without members, a fault would look like
    // everybody leaving it. Only a list of teams that no longer has it proves that the team was
    // deleted after `teams` had read it. Then nobody is a member of it, which is what is published
    // (the team itself goes with the next run), and failing would hold the whole run up for a
    // team that never comes back.
    if api.teams()?.iter().any(|listed| listed.id.to_string() == team) {
        return Err(Failure::Unexpected(format!(
            "Chatwoot lists team {team} and says that its members could not be found"
        )));
    }
    context.warn(format!("team {team} was deleted during the run: it has no members any more"));
    Ok(Vec::new())
}
