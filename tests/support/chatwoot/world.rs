//! The data of a fake Chatwoot, and what tests do to them between runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

/// A role of an account's member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Administrator,
    Agent,
}

impl Role {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Agent => "agent",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "administrator" => Some(Self::Administrator),
            "agent" => Some(Self::Agent),
            _ => None,
        }
    }
}

/// A user of the installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub id: u64,
    pub name: String,
    /// Shown instead of the name, where it is set.
    pub display_name: Option<String>,
    pub email: String,
    /// `email`, `google_oauth2` or `saml`.
    pub provider: String,
    /// Whether the invitation has been accepted.
    pub confirmed: bool,
    /// None: no member of the account any more; such a user may still be listed in a team.
    pub role: Option<Role>,
    /// `online`, `offline` or `busy`.
    pub availability: String,
    pub auto_offline: bool,
    /// Absent from the answer where it is empty.
    pub custom_attributes: Map<String, Value>,
    /// Shown by the Enterprise edition only.
    pub custom_role_id: Option<u64>,
    pub thumbnail: String,
}

impl Agent {
    /// A confirmed agent.
    pub fn new(id: u64, name: &str, email: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            display_name: None,
            email: email.to_owned(),
            provider: "email".to_owned(),
            confirmed: true,
            role: Some(Role::Agent),
            availability: "offline".to_owned(),
            auto_offline: true,
            custom_attributes: Map::new(),
            custom_role_id: None,
            thumbnail: String::new(),
        }
    }

    /// With a role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// Invited, not accepted.
    #[must_use]
    pub fn pending(mut self) -> Self {
        self.confirmed = false;
        self
    }

    /// No member of the account any more.
    #[must_use]
    pub fn left(mut self) -> Self {
        self.role = None;
        self
    }

    /// With a display name.
    #[must_use]
    pub fn display_name(mut self, name: &str) -> Self {
        self.display_name = Some(name.to_owned());
        self
    }

    /// With a custom attribute.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.custom_attributes.insert(name.to_owned(), value.into());
        self
    }

    /// With a custom role.
    #[must_use]
    pub fn custom_role(mut self, id: u64) -> Self {
        self.custom_role_id = Some(id);
        self
    }
}

/// A team and who is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    pub id: u64,
    /// The real server stores it in lower case.
    pub name: String,
    pub description: Option<String>,
    pub allow_auto_assign: bool,
    pub members: BTreeSet<u64>,
}

impl Team {
    /// A team with members by their numbers.
    pub fn new(id: u64, name: &str, members: &[u64]) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: None,
            allow_auto_assign: true,
            members: members.iter().copied().collect(),
        }
    }

    /// With a description.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.description = Some(text.to_owned());
        self
    }
}

/// A custom role of the Enterprise edition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CustomRole {
    pub id: u64,
    pub name: String,
    pub description: Option<String>,
    pub permissions: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// The account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: u64,
    pub name: String,
    pub suspended: bool,
}

/// Everything a fake Chatwoot knows.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub account: Account,
    pub enterprise: bool,
    /// How many agents the plan pays for.
    pub seats: Option<usize>,
    /// The number of the token's user.
    pub owner: u64,
    pub agents: BTreeMap<u64, Agent>,
    pub teams: BTreeMap<u64, Team>,
    pub custom_roles: Vec<CustomRole>,
    /// A deleted agent stays in the teams until [`World::clean_up`], as while the real server's job has not run.
    pub late_clean_up: bool,
}

impl World {
    /// An account without anybody.
    pub fn empty(name: &str) -> Self {
        Self {
            account: Account { id: 1, name: name.to_owned(), suspended: false },
            enterprise: false,
            seats: None,
            owner: 1,
            agents: BTreeMap::new(),
            teams: BTreeMap::new(),
            custom_roles: Vec::new(),
            late_clean_up: false,
        }
    }

    /// Adds or replaces an agent.
    pub fn add_agent(&mut self, agent: Agent) {
        self.agents.insert(agent.id, agent);
    }

    /// Adds or replaces a team.
    pub fn add_team(&mut self, team: Team) {
        self.teams.insert(team.id, team);
    }

    /// The agents of the account.
    pub fn members(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values().filter(|agent| agent.role.is_some())
    }

    /// An agent leaves the account and all teams.
    pub fn remove_agent(&mut self, id: u64) {
        self.leave_account(id);
        self.teams.values_mut().for_each(|team| {
            team.members.remove(&id);
        });
    }

    /// An agent leaves the account; the teams still list the user, with a role of null.
    pub fn leave_account(&mut self, id: u64) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.role = None;
            agent.custom_role_id = None;
        }
    }

    /// What the real server does some time after an agent left: no team lists the user any more.
    pub fn clean_up(&mut self) {
        let Self { agents, teams, .. } = self;
        for team in teams.values_mut() {
            team.members.retain(|id| agents.get(id).is_some_and(|agent| agent.role.is_some()));
        }
    }

    /// Renames an agent.
    pub fn rename_agent(&mut self, id: u64, name: &str) {
        name.clone_into(&mut self.agents.get_mut(&id).expect("that agent").name);
    }

    /// Renames a team.
    pub fn rename_team(&mut self, id: u64, name: &str) {
        name.clone_into(&mut self.teams.get_mut(&id).expect("that team").name);
    }

    /// Everybody's availability changes: nothing that a roll call should notice.
    pub fn churn_availability(&mut self) {
        for agent in self.agents.values_mut() {
            agent.availability = match agent.availability.as_str() {
                "online" => "busy",
                "busy" => "offline",
                _ => "online",
            }
            .to_owned();
        }
    }

    pub(super) fn is_member(&self, id: u64) -> bool {
        self.agents.get(&id).is_some_and(|agent| agent.role.is_some())
    }
}
