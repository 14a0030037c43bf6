//! A fake ChartHop: answers as the facts collected about the real one say, in every form that they leave open.
//!
//! It has the paths that a reading connector may ask for and no other, and remembers who asked for another. Told to be
//! `writable`, it has those that a writing one may ask for besides.

mod change;
mod import;
mod multipart;
mod person;
mod person_patch;
pub mod place;
mod process;
mod query;
mod render;
mod routes;
mod table;
#[cfg(test)]
mod tests;
pub mod world;
pub mod writable;
mod writes;
#[cfg(test)]
mod writes_tests;

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::render::{Empty, Form, Keys, Managers, Names, Refs};
pub use self::routes::{Circle, Event};
use self::routes::{Habits, State};
use self::world::{Org, Person, Size, World};
use self::writable::Writing;
use self::writes::Writes;
use crate::certificate::Tls;
use crate::fault::{Fault, FaultKind};
use crate::server::{FakeServer, Options};

/// The token that a fake accepts if it is told no other.
pub const DEMO_TOKEN: &str = "charthop-demo-token";

/// A running fake ChartHop; everything of [`FakeServer`] is there, too.
pub struct FakeChartHop {
    server: FakeServer,
    state: Arc<Mutex<State>>,
    token: String,
}

impl FakeChartHop {
    /// An organization of the size that the builder is told.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The token it accepts.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The organization.
    pub fn org(&self) -> Org {
        self.lock().world.org.clone()
    }

    /// A path of the organization's people and groups, as in `fake.path("person/count")`.
    pub fn path(&self, rest: &str) -> String {
        format!("/v2/org/{}/{rest}", self.org().slug)
    }

    /// Changes the data between requests.
    pub fn edit<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.lock().world)
    }

    /// A copy of the data as they are now.
    pub fn world(&self) -> World {
        self.lock().world.clone()
    }

    /// How often [`Builder::flaky`] struck.
    pub fn flaked(&self) -> u64 {
        self.lock().flaked
    }

    /// Requests that a reading connector has no business to make: other methods, and paths about anything but people,
    /// groups, their types, the organization and the token itself.
    pub fn strangers(&self) -> Vec<String> {
        let kept = self.server.requests().into_iter().map(|request| (request.method.clone(), request.path.clone()));
        let kept = kept.map(|(method, path)| (Some(method), path));
        // Requests that were not kept are known by their path.
        let counted = self.server.counts().into_keys().map(|path| (None, path));
        let writable = self.lock().writes.is_some();
        let strange = kept.chain(counted).filter(|(method, path)| !routes::is_allowed(method.as_ref(), path, writable));
        strange.map(|(method, path)| format!("{} {path}", method.unwrap_or(http::Method::GET))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for FakeChartHop {
    type Target = FakeServer;

    fn deref(&self) -> &FakeServer {
        &self.server
    }
}

/// What a fake ChartHop shall hold and how it shall behave.
#[derive(Clone, Debug)]
pub struct Builder {
    size: Size,
    seed: u64,
    slug: Option<String>,
    token: String,
    habits: Habits,
    options: Options,
    writing: Option<Writing>,
    /// In place of people made from numbers.
    people: Option<Vec<Person>>,
    day: Option<String>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            size: Size { current: 40, ..Size::default() },
            seed: 1,
            slug: None,
            token: DEMO_TOKEN.to_owned(),
            habits: Habits::default(),
            options: Options::default(),
            writing: None,
            people: None,
            day: None,
        }
    }
}

impl Builder {
    /// How many people work here now.
    #[must_use]
    pub fn persons(mut self, persons: u64) -> Self {
        self.size.current = persons;
        self
    }

    /// How many have not started yet.
    #[must_use]
    pub fn starting(mut self, persons: u64) -> Self {
        self.size.starting = persons;
        self
    }

    /// How many have left.
    #[must_use]
    pub fn former(mut self, persons: u64) -> Self {
        self.size.former = persons;
        self
    }

    /// How many never were in a job.
    #[must_use]
    pub fn idle(mut self, persons: u64) -> Self {
        self.size.idle = persons;
        self
    }

    /// The form of its rows.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.habits.form = form;
        self
    }

    /// The organization's short name.
    #[must_use]
    pub fn slug(mut self, slug: &str) -> Self {
        self.slug = Some(slug.to_owned());
        self
    }

    /// The token it accepts.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    /// The list has those who start later or not, the count has them or not.
    #[must_use]
    pub fn starters(mut self, listed: bool, counted: bool) -> Self {
        self.habits.starters_unlisted = !listed;
        self.habits.starters_counted = counted;
        self
    }

    /// The first so many requests of each list and of the count are answered with a snapshot that is being built.
    #[must_use]
    pub fn building(self, times: u64) -> Self {
        // An empty body, and bodies of other kinds: none is documented.
        let empty = FaultKind::json(202, "");
        let words = FaultKind::status(202);
        let list = FaultKind::json(202, r#"{"data":[]}"#);
        self.fault(Fault::get("/v2/org/*/person", list).times(times))
            .fault(Fault::get("/v2/org/*/person/count", empty).times(times))
            .fault(Fault::get("/v2/org/*/group", words).times(times))
    }

    /// The list of persons goes in circles.
    #[must_use]
    pub fn circle(mut self, circle: Circle) -> Self {
        self.habits.circle = Some(circle);
        self
    }

    /// Something happens once so many pages of persons were served.
    #[must_use]
    pub fn event(mut self, pages: u64, event: Event) -> Self {
        self.habits.events.push((pages, event));
        self
    }

    /// This person is counted, and not listed before so many pages of persons were served.
    #[must_use]
    pub fn slipping(mut self, number: u64, pages: u64) -> Self {
        self.habits.slipping.insert(number, pages);
        self
    }

    /// This person is counted and never listed.
    #[must_use]
    pub fn unseen(mut self, number: u64) -> Self {
        self.habits.unseen.insert(number);
        self
    }

    /// This person is deleted when its groups are asked for.
    #[must_use]
    pub fn deleted_on_read(mut self, number: u64) -> Self {
        self.habits.deleted_on_read.insert(number);
        self
    }

    /// The list is answered 400 where it is asked for this field.
    #[must_use]
    pub fn unknown_field(mut self, field: &str) -> Self {
        self.habits.unknown_fields.insert(field.to_owned());
        self
    }

    /// The list gives everybody where it is asked for some `ids`.
    #[must_use]
    pub fn ids_ignored(mut self) -> Self {
        self.habits.ids_ignored = true;
        self
    }

    /// So many of a hundred requests are answered 503, chosen by this seed.
    #[must_use]
    pub fn flaky(mut self, percent: u64, seed: u64) -> Self {
        self.habits.flaky = Some((percent, seed));
        self
    }

    /// A wait before each answer.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.options.latency = latency;
        self
    }

    /// Another seed: other names, other memberships.
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
        let mut world = World::new(self.size, self.seed);
        if let Some(slug) = &self.slug {
            slug.clone_into(&mut world.org.slug);
        }
        if let Some(people) = &self.people {
            writable::settle(&mut world, people, &self.today_there());
        }
        world
    }

    /// Binds and serves; an error is one of binding.
    pub fn try_start(self) -> io::Result<FakeChartHop> {
        let (world, today) = (self.world(), self.today_there());
        let writes = self.writing.map(|writing| Writes::new(writing, &world, today));
        let state = Arc::new(Mutex::new(State::new(world, self.token.clone(), self.habits, writes)));
        let handler = {
            let state = Arc::clone(&state);
            move |request: &crate::server::Request| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request)
        };
        let server = FakeServer::start(self.options, handler)?;
        Ok(FakeChartHop { server, state, token: self.token })
    }

    /// Binds and serves.
    pub fn start(self) -> FakeChartHop {
        self.try_start().expect("a free port on loopback")
    }
}
