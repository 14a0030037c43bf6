//! The bodies, with the keys in the order of the real server's views.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::world::{Agent, Role, Team, World};

#[derive(Serialize)]
struct AgentBody<'a> {
    id: u64,
    account_id: u64,
    availability_status: Option<&'a str>,
    auto_offline: Option<bool>,
    confirmed: bool,
    email: &'a str,
    provider: &'a str,
    available_name: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    custom_attributes: &'a Map<String, Value>,
    name: &'a str,
    role: Option<Role>,
    thumbnail: &'a str,
    /// Some on Enterprise, whatever the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_role_id: Option<Option<u64>>,
}

fn is_empty(map: &&Map<String, Value>) -> bool {
    map.is_empty()
}

#[derive(Serialize)]
struct TeamBody<'a> {
    id: u64,
    name: &'a str,
    description: Option<&'a str>,
    allow_auto_assign: bool,
    account_id: u64,
    is_member: bool,
}

/// JSON as Rails writes it: what could matter in a web page is escaped.
fn rails_json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Agent bodies, made once and kept until the data change.
#[derive(Default)]
pub(super) struct Rendered {
    agents: HashMap<u64, Bytes>,
    list: Option<Bytes>,
    /// How often each unordered list was asked for; its order turns with that.
    turns: HashMap<u64, usize>,
}

impl Rendered {
    /// Forgets what was made of the data.
    pub(super) fn clear(&mut self) {
        self.agents.clear();
        self.list = None;
    }

    /// Forgets what was made of one agent.
    pub(super) fn agent_changed(&mut self, id: u64) {
        self.agents.remove(&id);
        self.list = None;
    }

    pub(super) fn agent(&mut self, world: &World, id: u64) -> Bytes {
        if let Some(body) = self.agents.get(&id) {
            return body.clone();
        }
        let body = world.agents.get(&id).map_or_else(Bytes::new, |agent| agent_body(world, agent).into());
        self.agents.insert(id, body.clone());
        body
    }

    /// The account's agents by name in lower case.
    pub(super) fn all_agents(&mut self, world: &World) -> Bytes {
        if let Some(list) = &self.list {
            return list.clone();
        }
        let mut members: Vec<(String, u64)> =
            world.members().map(|agent| (agent.name.to_lowercase(), agent.id)).collect();
        members.sort_unstable();
        let bodies: Vec<Bytes> = members.into_iter().map(|(_, id)| self.agent(world, id)).collect();
        let list = array(&bodies);
        self.list = Some(list.clone());
        list
    }

    /// These agents as an array, in this order.
    pub(super) fn agents(&mut self, world: &World, ids: impl IntoIterator<Item = u64>) -> Bytes {
        let bodies: Vec<Bytes> = ids.into_iter().map(|id| self.agent(world, id)).collect();
        array(&bodies)
    }

    /// Another order each time the list is asked for, if it has two entries or more.
    pub(super) fn unordered(&mut self, list: u64, seed: u64, mut ids: Vec<u64>) -> Vec<u64> {
        let mut random = super::data::Random::new(seed ^ list.rotate_left(17));
        for end in (1..ids.len()).rev() {
            ids.swap(end, random.below(end + 1));
        }
        let turn = self.turns.entry(list).or_default();
        if !ids.is_empty() {
            let by = *turn % ids.len();
            ids.rotate_left(by);
        }
        *turn = turn.wrapping_add(1);
        ids
    }
}

fn array(bodies: &[Bytes]) -> Bytes {
    let mut all = Vec::with_capacity(bodies.iter().map(|body| body.len() + 1).sum::<usize>() + 2);
    all.push(b'[');
    for (index, body) in bodies.iter().enumerate() {
        if index > 0 {
            all.push(b',');
        }
        all.extend_from_slice(body);
    }
    all.push(b']');
    all.into()
}

fn agent_body(world: &World, agent: &Agent) -> String {
    let member = agent.role.is_some();
    rails_json(&AgentBody {
        id: agent.id,
        account_id: world.account.id,
        availability_status: member.then_some(&agent.availability),
        auto_offline: member.then_some(agent.auto_offline),
        confirmed: agent.confirmed,
        email: &agent.email,
        provider: &agent.provider,
        available_name: shown_name(agent),
        custom_attributes: &agent.custom_attributes,
        name: &agent.name,
        role: agent.role,
        thumbnail: &agent.thumbnail,
        custom_role_id: world.enterprise.then_some(agent.custom_role_id),
    })
}

fn shown_name(agent: &Agent) -> &str {
    agent.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&agent.name)
}

pub(super) fn team(world: &World, team: &Team, user: u64) -> String {
    rails_json(&TeamBody {
        id: team.id,
        name: &team.name,
        description: team.description.as_deref(),
        allow_auto_assign: team.allow_auto_assign,
        account_id: world.account.id,
        is_member: team.members.contains(&user),
    })
}

pub(super) fn teams(world: &World, order: Vec<u64>, user: u64) -> String {
    let bodies: Vec<String> = order.iter().map(|id| team(world, &world.teams[id], user)).collect();
    format!("[{}]", bodies.join(","))
}

pub(super) fn custom_roles(world: &World) -> String {
    rails_json(&world.custom_roles)
}

#[derive(Serialize)]
struct ProfileBody<'a> {
    id: u64,
    access_token: &'a str,
    account_id: Option<u64>,
    available_name: &'a str,
    avatar_url: &'a str,
    confirmed: bool,
    display_name: Option<&'a str>,
    message_signature: Option<&'a str>,
    email: &'a str,
    hmac_identifier: String,
    inviter_id: Option<u64>,
    name: &'a str,
    provider: &'a str,
    pubsub_token: String,
    #[serde(skip_serializing_if = "is_empty")]
    custom_attributes: &'a Map<String, Value>,
    role: Option<Role>,
    ui_settings: Value,
    uid: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    accounts: Vec<ProfileAccount<'a>>,
}

#[derive(Serialize)]
struct ProfileAccount<'a> {
    id: u64,
    name: &'a str,
    status: &'a str,
    active_at: &'a str,
    role: Role,
    permissions: [&'a str; 1],
    availability: &'a str,
    availability_status: &'a str,
    auto_offline: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_role_id: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_role: Option<Value>,
}

/// The profile of a token's user: it echoes the token, and holds two more secrets.
pub(super) fn profile(world: &World, agent: &Agent, token: &str) -> String {
    let accounts = agent.role.map(|role| {
        let custom = world.custom_roles.iter().find(|custom| Some(custom.id) == agent.custom_role_id);
        ProfileAccount {
            id: world.account.id,
            name: &world.account.name,
            status: if world.account.suspended { "suspended" } else { "active" },
            active_at: "2026-04-20T08:15:30.123Z",
            role,
            permissions: [role.as_str()],
            availability: &agent.availability,
            availability_status: &agent.availability,
            auto_offline: agent.auto_offline,
            custom_role_id: world.enterprise.then_some(agent.custom_role_id),
            custom_role: world.enterprise.then(|| json!(custom)),
        }
    });
    rails_json(&ProfileBody {
        id: agent.id,
        access_token: token,
        account_id: agent.role.map(|_| world.account.id),
        available_name: shown_name(agent),
        avatar_url: &agent.thumbnail,
        confirmed: agent.confirmed,
        display_name: agent.display_name.as_deref(),
        message_signature: None,
        email: &agent.email,
        hmac_identifier: format!("hmac-{:016x}-of-user-{}", agent.id.wrapping_mul(0x9e37_79b9_7f4a_7c15), agent.id),
        inviter_id: None,
        name: &agent.name,
        provider: &agent.provider,
        pubsub_token: format!("pubsub-token-of-user-{}", agent.id),
        custom_attributes: &agent.custom_attributes,
        role: agent.role,
        ui_settings: json!({}),
        uid: &agent.email,
        kind: None,
        accounts: accounts.into_iter().collect(),
    })
}

/// The profile of somebody whose only account is another one.
pub(super) fn outsider_profile(world: &World, token: &str) -> String {
    let mut elsewhere = World::empty("Somewhere Else");
    elsewhere.account.id = world.account.id + 1;
    elsewhere.enterprise = world.enterprise;
    let mut agent = Agent::new(999_999, "Olaf Outsider", "olaf@elsewhere.test");
    agent.role = Some(Role::Administrator);
    profile(&elsewhere, &agent, token)
}
