//! Changes over the API, with the traps of the real server.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::render::{self, Rendered};
use super::routes::{error, server_error};
use super::world::{Agent, Role, Team, World};
use crate::server::Answer;

type Params = Map<String, Value>;

/// One change, already allowed.
pub(super) struct Write<'a> {
    pub(super) world: &'a mut World,
    pub(super) rendered: &'a mut Rendered,
    /// Who makes it.
    pub(super) user: u64,
}

/// Note `message`, where other errors say `error`.
fn invalid(message: &str, attribute: &str) -> Answer {
    let message = Value::from(message);
    Answer::json(422, format!("{{\"message\":{message},\"attributes\":[\"{attribute}\"]}}"))
}

fn missing(root: &str) -> Answer {
    error(422, &format!("param is missing or the value is empty: {root}"))
}

/// A text parameter; null and absence are the same.
fn text<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str)
}

fn role(params: &Params) -> Result<Option<Role>, Answer> {
    match params.get("role").filter(|value| !value.is_null()) {
        None => Ok(None),
        // An unknown value of an enumeration is an exception that nobody rescues.
        Some(value) => value.as_str().and_then(Role::parse).map(Some).ok_or_else(server_error),
    }
}

impl Write<'_> {
    fn agent_body(&mut self, id: u64) -> Answer {
        self.rendered.agent_changed(id);
        Answer::json(200, self.rendered.agent(self.world, id))
    }

    pub(super) fn create_agent(&mut self, params: &Params) -> Result<Answer, Answer> {
        if self.world.seats.is_some_and(|seats| self.world.members().count() >= seats) {
            return Err(error(402, "Account limit exceeded. Please purchase more licenses"));
        }
        if params.is_empty() {
            return Err(missing("agent"));
        }
        let role = role(params)?.unwrap_or(Role::Agent);
        let email = text(params, "email").unwrap_or_default().to_lowercase();
        if !email.contains('@') {
            return Err(invalid("Email is invalid", "email"));
        }
        let known = self.world.agents.values().find(|agent| agent.email == email).cloned();
        let mut agent = match known {
            Some(agent) if agent.role.is_some() => return Err(invalid("User has already been taken", "user_id")),
            // A user of the installation: the name stays as it was.
            Some(agent) => agent,
            None => {
                let id = self.world.agents.keys().last().copied().unwrap_or(0) + 1;
                let name = text(params, "name").filter(|name| !name.is_empty()).unwrap_or(&email);
                Agent::new(id, name, &email).pending()
            }
        };
        agent.role = Some(role);
        set_membership(&mut agent, params, self.world.enterprise);
        let id = agent.id;
        self.world.add_agent(agent);
        Ok(self.agent_body(id))
    }

    pub(super) fn update_agent(&mut self, id: u64, params: &Params) -> Result<Answer, Answer> {
        if params.is_empty() {
            return Err(missing("agent"));
        }
        let role = role(params)?;
        let enterprise = self.world.enterprise;
        if let Some(agent) = self.world.agents.get_mut(&id) {
            if let Some(name) = text(params, "name") {
                name.clone_into(&mut agent.name);
            }
            agent.role = role.or(agent.role);
            set_membership(agent, params, enterprise);
        }
        Ok(self.agent_body(id))
    }

    pub(super) fn delete_agent(&mut self, id: u64) -> Result<Answer, Answer> {
        if self.world.late_clean_up {
            self.world.leave_account(id)
        } else {
            self.world.remove_agent(id)
        }
        self.rendered.agent_changed(id);
        Ok(Answer::empty(200))
    }

    fn team_name(&self, params: &Params, but: u64) -> Result<String, Answer> {
        let name = text(params, "name").unwrap_or_default().to_lowercase();
        if name.trim().is_empty() {
            return Err(invalid("Name must not be blank", "name"));
        }
        if self.world.teams.values().any(|team| team.name == name && team.id != but) {
            return Err(invalid("Name has already been taken", "name"));
        }
        Ok(name)
    }

    pub(super) fn create_team(&mut self, params: &Params) -> Result<Answer, Answer> {
        if !has_team_params(params) {
            return Err(missing("team"));
        }
        let name = self.team_name(params, 0)?;
        let id = self.world.teams.keys().last().copied().unwrap_or(0) + 1;
        let mut team = Team::new(id, &name, &[]);
        set_team(&mut team, params);
        let body = render::team(self.world, &team, self.user);
        self.world.add_team(team);
        Ok(Answer::json(200, body))
    }

    pub(super) fn update_team(&mut self, id: u64, params: &Params) -> Result<Answer, Answer> {
        if !has_team_params(params) {
            return Err(missing("team"));
        }
        let name = if params.contains_key("name") { Some(self.team_name(params, id)?) } else { None };
        let Some(team) = self.world.teams.get_mut(&id) else { return Err(super::routes::not_found()) };
        if let Some(name) = name {
            team.name = name;
        }
        set_team(team, params);
        let team = team.clone();
        Ok(Answer::json(200, render::team(self.world, &team, self.user)))
    }

    pub(super) fn delete_team(&mut self, id: u64) -> Result<Answer, Answer> {
        self.world.teams.remove(&id);
        Ok(Answer::empty(200))
    }

    /// The numbers asked for, if all of them belong to the account.
    fn user_ids(&self, params: &Params) -> Result<Vec<u64>, Answer> {
        // The real code calls `map` on nothing.
        let Some(Value::Array(ids)) = params.get("user_ids") else { return Err(server_error()) };
        let ids: Vec<Option<u64>> = ids
            .iter()
            .map(|id| id.as_u64().or_else(|| id.as_str().and_then(|text| text.parse().ok())))
            .map(|id| id.filter(|&id| self.world.is_member(id)))
            .collect();
        ids.into_iter().collect::<Option<Vec<u64>>>().ok_or_else(|| error(401, "Invalid User IDs"))
    }

    fn members(&mut self, team: u64) -> Result<&mut BTreeSet<u64>, Answer> {
        self.world.teams.get_mut(&team).map(|team| &mut team.members).ok_or_else(super::routes::not_found)
    }

    /// Answers with those who were not in the team before.
    pub(super) fn add_members(&mut self, team: u64, params: &Params) -> Result<Answer, Answer> {
        let ids = self.user_ids(params)?;
        let members = self.members(team)?;
        let added: Vec<u64> = ids.into_iter().filter(|&id| members.insert(id)).collect();
        Ok(Answer::json(200, self.rendered.agents(self.world, added)))
    }

    /// Removes everybody who is not listed.
    pub(super) fn set_members(&mut self, team: u64, params: &Params) -> Result<Answer, Answer> {
        let ids: BTreeSet<u64> = self.user_ids(params)?.into_iter().collect();
        ids.clone_into(self.members(team)?);
        Ok(Answer::json(200, self.rendered.agents(self.world, ids)))
    }

    pub(super) fn remove_members(&mut self, team: u64, params: &Params) -> Result<Answer, Answer> {
        let ids = self.user_ids(params)?;
        let members = self.members(team)?;
        for id in ids {
            members.remove(&id);
        }
        Ok(Answer::empty(200))
    }
}

fn set_membership(agent: &mut Agent, params: &Params, enterprise: bool) {
    if let Some(availability) = text(params, "availability") {
        availability.clone_into(&mut agent.availability);
    }
    if let Some(auto_offline) = params.get("auto_offline").and_then(Value::as_bool) {
        agent.auto_offline = auto_offline;
    }
    if enterprise {
        // Left out is the same as null: the custom role is gone.
        agent.custom_role_id = params.get("custom_role_id").and_then(Value::as_u64);
    }
}

fn has_team_params(params: &Params) -> bool {
    ["name", "description", "allow_auto_assign"].iter().any(|name| params.contains_key(*name))
}

fn set_team(team: &mut Team, params: &Params) {
    if params.contains_key("description") {
        team.description = text(params, "description").map(str::to_owned);
    }
    if let Some(allow) = params.get("allow_auto_assign").and_then(Value::as_bool) {
        team.allow_auto_assign = allow;
    }
}
