//! A fake Chatwoot: answers as the source of Chatwoot 4.13 says the real server does.
//!
//! No list is paged. Agents come sorted by name; teams and team members come in no order at all, here in another
//! one from request to request. A forbidden action is a 401 like a bad token.

mod data;
mod render;
mod routes;
#[cfg(test)]
mod tests;
mod world;
mod writes;

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::routes::{BOT_TOKEN, OUTSIDER_TOKEN, PLATFORM_TOKEN};
pub use self::world::{Account, Agent, CustomRole, Role, Team, World};
use crate::certificate::Tls;
use crate::fault::Fault;
use crate::server::{FakeServer, Options};

/// The token that a fake accepts if it is told no other.
pub const DEMO_TOKEN: &str = "demo-token";

/// A running fake Chatwoot; everything of [`FakeServer`] is there, too.
pub struct FakeChatwoot {
    server: FakeServer,
    state: Arc<Mutex<routes::State>>,
    token: String,
    account: u64,
}

impl FakeChatwoot {
    /// A small account with plausible people: eight agents of which one has not accepted the invitation, three
    /// teams, and a former agent who is still in one of them.
    pub fn demo() -> Builder {
        Builder { demo: true, ..Builder::default() }
    }

    /// An account of the size that the builder is told, otherwise empty but for the token's own user.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The token of the account's user.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Accepts another token from now on, and no longer the one that it was started with.
    pub fn rotate_token(&self, token: &str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).accept(token);
    }

    /// The account's number.
    pub fn account_id(&self) -> u64 {
        self.account
    }

    /// The path below the account, as in `fake.path("teams")`.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/accounts/{}/{rest}", self.account)
    }

    /// Changes the data between requests.
    pub fn edit<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).edit(change)
    }

    /// A copy of the data as they are now.
    pub fn world(&self) -> World {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).world().clone()
    }
}

impl Deref for FakeChatwoot {
    type Target = FakeServer;

    fn deref(&self) -> &FakeServer {
        &self.server
    }
}

/// What a fake Chatwoot shall hold and how it shall behave.
#[derive(Clone, Debug)]
pub struct Builder {
    demo: bool,
    odd_names: bool,
    agents: u64,
    pending: u64,
    teams: u64,
    members_per_team: u64,
    more_agents: Vec<Agent>,
    more_teams: Vec<Team>,
    account: u64,
    suspended: bool,
    token: String,
    role: Role,
    enterprise: bool,
    seats: Option<usize>,
    seed: u64,
    options: Options,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            demo: false,
            odd_names: false,
            agents: 1,
            pending: 0,
            teams: 0,
            members_per_team: 0,
            more_agents: Vec::new(),
            more_teams: Vec::new(),
            account: 1,
            suspended: false,
            token: DEMO_TOKEN.to_owned(),
            role: Role::Administrator,
            enterprise: false,
            seats: None,
            seed: 1,
            options: Options::default(),
        }
    }
}

impl Builder {
    /// How many agents there are, the token's user among them.
    #[must_use]
    pub fn agents(mut self, agents: u64) -> Self {
        self.agents = agents;
        self
    }

    /// How many of the agents have not accepted their invitation yet.
    #[must_use]
    pub fn pending(mut self, pending: u64) -> Self {
        self.pending = pending;
        self
    }

    /// How many teams there are.
    #[must_use]
    pub fn teams(mut self, teams: u64) -> Self {
        self.teams = teams;
        self
    }

    /// How many agents are in each team, at most all.
    #[must_use]
    pub fn members_per_team(mut self, members: u64) -> Self {
        self.members_per_team = members;
        self
    }

    /// One more agent; replaces the one of the same number. Without a role: a user who has left the account.
    #[must_use]
    pub fn agent(mut self, agent: Agent) -> Self {
        self.more_agents.push(agent);
        self
    }

    /// One more team; replaces the one of the same number.
    #[must_use]
    pub fn team(mut self, team: Team) -> Self {
        self.more_teams.push(team);
        self
    }

    /// Adds agents and teams whose names are hard to print: scripts of the world, control, escape and
    /// bidirectional characters, quotes, markup, blanks, emptiness, length.
    #[must_use]
    pub fn odd_names(mut self) -> Self {
        self.odd_names = true;
        self
    }

    /// The account's number.
    #[must_use]
    pub fn account_id(mut self, account: u64) -> Self {
        self.account = account;
        self
    }

    /// The account is suspended.
    #[must_use]
    pub fn suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    /// The token of the account's user.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    /// The role of the token's user.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Answers as the Enterprise edition and Chatwoot Cloud do: agents have `custom_role_id`.
    #[must_use]
    pub fn enterprise(mut self, enterprise: bool) -> Self {
        self.enterprise = enterprise;
        self
    }

    /// How many agents the plan pays for; one more is refused with 402.
    #[must_use]
    pub fn seats(mut self, seats: usize) -> Self {
        self.seats = Some(seats);
        self
    }

    /// A wait before each answer.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.options.latency = latency;
        self
    }

    /// Another seed: other names, other memberships, another order of what is unordered.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Listens on this port (0, the default: any).
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.options.port = port;
        self
    }

    /// Speaks TLS.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.options.tls = Some(tls);
        self
    }

    /// A line on stderr for each request.
    #[must_use]
    pub fn log(mut self, log: bool) -> Self {
        self.options.log = log;
        self
    }

    /// How many requests are kept as they arrived (default: the first 10,000).
    #[must_use]
    pub fn keep(mut self, requests: usize) -> Self {
        self.options.keep = requests;
        self
    }

    /// A fault from the start on; later ones come with [`FakeServer::inject`].
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.options.faults.push(fault);
        self
    }

    /// The data, without a server.
    pub fn world(&self) -> World {
        let mut world = if self.demo { data::demo() } else { data::generated(self) };
        world.account.id = self.account;
        world.account.suspended = self.suspended;
        world.enterprise = self.enterprise;
        world.seats = self.seats;
        if self.odd_names {
            data::add_odd_names(&mut world);
        }
        for agent in &self.more_agents {
            world.agents.insert(agent.id, agent.clone());
        }
        for team in &self.more_teams {
            world.teams.insert(team.id, team.clone());
        }
        if let Some(owner) = world.agents.get_mut(&world.owner) {
            owner.role = Some(self.role);
        }
        world
    }

    /// Binds and serves; an error is one of binding.
    pub fn try_start(self) -> io::Result<FakeChatwoot> {
        let state = Arc::new(Mutex::new(routes::State::new(self.world(), self.token.clone(), self.seed)));
        let handler = {
            let state = Arc::clone(&state);
            move |request: &crate::server::Request| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request)
        };
        let server = FakeServer::start(self.options, handler)?;
        Ok(FakeChatwoot { server, state, token: self.token, account: self.account })
    }

    /// Binds and serves.
    pub fn start(self) -> FakeChatwoot {
        self.try_start().expect("a free port on loopback")
    }
}
