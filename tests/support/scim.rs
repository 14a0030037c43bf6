//! A fake SCIM 2.0 server: answers as RFC 7643 and RFC 7644 say, and with the oddities of servers that do not.

mod data;
mod expect;
mod quirk;
mod render;
mod routes;
#[cfg(test)]
mod tests;
mod world;

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::expect::seen;
pub use self::quirk::Quirk;
pub use self::world::{Group, Kind, Member, User, World};
use crate::fault::Fault;
use crate::scene::{Profile, Scene};
use crate::server::{FakeServer, Options};

/// The token that a fake accepts if it is told no other.
pub const DEMO_TOKEN: &str = "scim-demo-token";
/// The variable that holds the token.
pub const TOKEN: &str = "SCIM_TOKEN";
/// The variable that holds the password.
pub const PASSWORD: &str = "SCIM_PASSWORD";
/// The path below which a fake answers.
pub const ROOT: &str = "/scim/v2";

/// Who may ask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Access {
    Bearer(String),
    Basic(String, String),
}

/// A running fake SCIM server; everything of [`FakeServer`] is there, too.
pub struct FakeScim {
    server: FakeServer,
    state: Arc<Mutex<routes::State>>,
    access: Access,
}

impl FakeScim {
    /// A small company: seven users of whom one is not active, and four groups, of which one is in another and two
    /// are in each other.
    pub fn demo() -> Builder {
        Builder { world: data::demo(), ..Builder::default() }
    }

    /// So many users and groups, and so many members in each group.
    pub fn sized(users: usize, groups: usize, members: usize) -> Builder {
        Builder { world: data::generated(users, groups, members), ..Builder::default() }
    }

    /// Changes the data between requests.
    pub fn edit<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(self.state().world())
    }

    /// A copy of the data as they are now.
    pub fn world(&self) -> World {
        self.state().world().clone()
    }

    /// Has the server behave in this way from now on.
    pub fn turn(&self, quirk: Quirk) {
        self.state().turn(quirk);
    }

    /// How many requests were answered with a random 503.
    pub fn stumbled(&self) -> u64 {
        self.state().stumbled()
    }

    /// A scene with this server as the connection `people`.
    pub fn scene(&self) -> Scene {
        self.scene_as(|profile| profile)
    }

    /// The same with a connection that is changed before it is written.
    pub fn scene_as(&self, change: impl FnOnce(Profile) -> Profile) -> Scene {
        let profile = Profile::new("people", "scim")
            .setting("scim-base-url", &self.origin())
            .setting("scim-path", ROOT)
            .allow_private(&self.address().to_string());
        let scene = Scene::new().built_connector("scim");
        match &self.access {
            Access::Bearer(token) => scene
                .env(TOKEN, token)
                .connection(change(profile.setting_toml("scim-token", &format!("{{ env = \"{TOKEN}\" }}")))),
            Access::Basic(user, password) => scene.env(PASSWORD, password).connection(change(
                profile
                    .setting("scim-username", user)
                    .setting_toml("scim-password", &format!("{{ env = \"{PASSWORD}\" }}")),
            )),
        }
    }

    fn state(&self) -> MutexGuard<'_, routes::State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for FakeScim {
    type Target = FakeServer;

    fn deref(&self) -> &FakeServer {
        &self.server
    }
}

/// What a fake SCIM server shall hold and how it shall behave.
pub struct Builder {
    world: World,
    access: Access,
    quirks: Vec<Quirk>,
    stumbles: Option<routes::Stumbles>,
    changes: Vec<routes::Change>,
    options: Options,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            world: World::default(),
            access: Access::Bearer(DEMO_TOKEN.to_owned()),
            quirks: Vec::new(),
            stumbles: None,
            changes: Vec::new(),
            options: Options::default(),
        }
    }
}

impl Builder {
    /// With one oddity more.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// One more user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.world.users.push(user);
        self
    }

    /// One more group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.world.groups.push(group);
        self
    }

    /// Adds users and groups whose names are hard to print.
    #[must_use]
    pub fn odd_names(mut self) -> Self {
        data::add_odd_names(&mut self.world);
        self
    }

    /// Wants HTTP Basic in place of a token.
    #[must_use]
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        self.access = Access::Basic(user.to_owned(), password.to_owned());
        self
    }

    /// Answers so many of a hundred requests with 503, by a seeded dice.
    #[must_use]
    pub fn stumbling(mut self, percent: u64, seed: u64) -> Self {
        self.stumbles = Some(routes::Stumbles::new(percent, seed));
        self
    }

    /// Changes the data when so many requests of a list (`Users`, `Groups`) have been answered. The check's own
    /// request counts.
    #[must_use]
    pub fn after(
        mut self,
        list: &'static str,
        requests: u64,
        change: impl FnOnce(&mut World) + Send + 'static,
    ) -> Self {
        self.changes.push(routes::Change::new(list, requests, change));
        self
    }

    /// A wait before each answer.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.options.latency = latency;
        self
    }

    /// A fault from the start on; later ones come with [`FakeServer::inject`].
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.options.faults.push(fault);
        self
    }

    /// Binds and serves; an error is one of binding.
    pub fn try_start(self) -> io::Result<FakeScim> {
        let access = self.access.clone();
        let state = routes::State::new(self.world, self.access, self.quirks, self.stumbles, self.changes);
        let state = Arc::new(Mutex::new(state));
        let handler = {
            let state = Arc::clone(&state);
            move |request: &crate::server::Request| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request)
        };
        let server = FakeServer::start(self.options, handler)?;
        Ok(FakeScim { server, state, access })
    }

    /// Binds and serves.
    pub fn start(self) -> FakeScim {
        self.try_start().expect("a free port on loopback")
    }
}
