//! Who may ask what, and what happens in between: pages, cursors, counts, faults that belong to ChartHop alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http::Method;
use serde_json::json;

use super::query::{Query, decoded};
use super::render::Form;
use super::world::{Stage, World, mixed, number_of, person_id};
use super::writes::Writes;
use crate::server::{Answer, Request};

/// How a list of persons goes in circles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circle {
    /// The second page names itself.
    Itself,
    /// The third page names the second.
    Back,
}

/// Something that happens once so many pages of persons were served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody is hired.
    Hire,
    /// Somebody leaves.
    Depart(u64),
}

/// How this ChartHop behaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Habits {
    pub(super) form: Form,
    /// The list leaves out who has not started yet.
    pub(super) starters_unlisted: bool,
    /// The count of persons has them in it.
    pub(super) starters_counted: bool,
    pub(super) circle: Option<Circle>,
    /// After so many pages of persons.
    pub(super) events: Vec<(u64, Event)>,
    /// Not listed before so many pages of persons were served, though counted.
    pub(super) slipping: BTreeMap<u64, u64>,
    /// Never listed, though counted: the token may not see them.
    pub(super) unseen: BTreeSet<u64>,
    /// Deleted when their groups are asked for.
    pub(super) deleted_on_read: BTreeSet<u64>,
    /// Fields that the list is not asked for with success.
    pub(super) unknown_fields: BTreeSet<String>,
    /// `ids` is not understood: the list gives everybody.
    pub(super) ids_ignored: bool,
    /// So many of a hundred requests are answered 503.
    pub(super) flaky: Option<(u64, u64)>,
}

/// The data, the token, and what has happened.
pub(super) struct State {
    pub(super) world: World,
    pub(super) token: String,
    pub(super) habits: Habits,
    /// None: it can be read and no more.
    pub(super) writes: Option<Writes>,
    pages: u64,
    attempts: HashMap<String, u64>,
    pub(super) flaked: u64,
}

/// Whether a connector may make this request at all: reading of people, groups, their types, the organization, and
/// whose token it is; where it is `writable`, the writing of people, too. A request without method is known by its path.
pub(super) fn is_allowed(method: Option<&Method>, path: &str, writable: bool) -> bool {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let is = |wanted: Method| method.is_none_or(|method| *method == wanted);
    let read = match segments.as_slice() {
        ["v1", "user", "me"] | ["v1", "org", _] | ["v1", "org", _, "group-type"] => true,
        ["v2", "org", _, "person" | "group", rest @ ..] => rest.len() <= 1,
        ["v1", "org", _, "process", rest @ ..] => writable && rest.len() <= 1,
        _ => false,
    };
    let write = match segments.as_slice() {
        ["v1", "org", _, "import", "csv", "data"] | ["v1", "org", _, "change", "sync", _] => is(Method::POST),
        ["v2", "org", _, "person", id] => *id != "count" && is(Method::PATCH),
        _ => false,
    };
    read && is(Method::GET) || write && writable
}

impl State {
    pub(super) fn new(world: World, token: String, habits: Habits, writes: Option<Writes>) -> Self {
        Self { world, token, habits, writes, pages: 0, attempts: HashMap::new(), flaked: 0 }
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        if self.flakes(&request.target()) {
            return Answer::new(503, "text/plain", "upstream connect error");
        }
        if request.header("authorization") != Some(format!("Bearer {}", self.token).as_str()) {
            return Answer::json(401, r#"{"code":"unauthorized"}"#);
        }
        let path: Vec<String> = request.path.split('/').skip(1).map(decoded).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let query = Query::of(request.query.as_deref().unwrap_or_default());
        if let Some(writes) = &mut self.writes
            && let [version, "org", org, rest @ ..] = path.as_slice()
            && (*org == self.world.org.id || *org == self.world.org.slug)
            && let Some(answer) = writes.answer(&mut self.world, request, version, rest, &query)
        {
            return answer;
        }
        if request.method != Method::GET {
            return Answer::empty(405);
        }
        let scenario = match query.get("scenarioId") {
            None => None,
            // Lists of a scenario show its own copy.
            Some(id) => match self.writes.as_ref().and_then(|writes| writes.scenarios.get(id)) {
                None => return Answer::json(400, r#"{"code":"bad request","message":"unknown scenario"}"#),
                scenario => scenario.cloned(),
            },
        };
        match scenario {
            None => self.read(&path, &query),
            Some(scenario) => {
                let primary = std::mem::replace(&mut self.world, scenario);
                let answer = self.read(&path, &query);
                self.world = primary;
                answer
            }
        }
    }

    fn read(&mut self, path: &[&str], query: &Query) -> Answer {
        match path {
            // Everything an administrator would not want to see in a list of people.
            ["v1", "user", "me"] => Answer::json(
                200,
                json!({
                    "id": "588f7ee98f13f00000000001", "type": "APP", "status": "NORMAL", "name": {"first": "Login User"},
                    "email": "login.user@acme.test", "orgs": [{"id": self.world.org.id, "role": "ADMINISTRATOR"}],
                })
                .to_string(),
            ),
            ["v1", "org", org] if self.is_org(org) => {
                let org = &self.world.org;
                Answer::json(200, json!({ "id": org.id, "name": org.name, "slug": org.slug }).to_string())
            }
            ["v1", "org", org, "group-type"] if self.is_org(org) => self.types(query),
            ["v2", "org", org, "person"] if self.is_org(org) => self.persons(query),
            ["v2", "org", org, "person", "count"] if self.is_org(org) => self.count(),
            ["v2", "org", org, "person", id] if self.is_org(org) => self.person(id, query),
            ["v2", "org", org, "group"] if self.is_org(org) => self.groups(query),
            _ => Answer::json(404, r#"{"code":"not found"}"#),
        }
    }

    fn is_org(&self, org: &str) -> bool {
        org == self.world.org.id || org == self.world.org.slug
    }

    /// By the request and how often it came, so that the same run fails in the same places.
    fn flakes(&mut self, target: &str) -> bool {
        let Some((percent, seed)) = self.habits.flaky else { return false };
        let attempt = self.attempts.entry(target.to_owned()).or_default();
        *attempt += 1;
        let number = target.bytes().fold(*attempt, |sum, byte| mixed(sum, u64::from(byte)));
        let flakes = mixed(seed, number) % 100 < percent;
        self.flaked += u64::from(flakes);
        flakes
    }

    fn count(&self) -> Answer {
        let (current, starting) = (self.world.count(Stage::Current), self.world.count(Stage::Starting));
        let persons = if self.habits.starters_counted { current + starting } else { current };
        let count = json!({
            "jobCount": persons + 3, "personCount": persons, "startingCount": starting, "departingCount": 0,
        });
        Answer::json(200, count.to_string())
    }

    fn persons(&mut self, query: &Query) -> Answer {
        let fields = query.list("fields");
        if !fields.is_disjoint(&self.habits.unknown_fields) {
            return Answer::json(400, r#"{"code":"bad request","message":"unknown field"}"#);
        }
        let all = query.get("includeAll") == Some("true");
        if let Some(ids) = query.get("ids").filter(|_| !self.habits.ids_ignored) {
            let numbers = ids.split(',').filter_map(number_of).filter(|number| self.is_listed(*number, all));
            let rows = numbers.filter_map(|number| self.world.person(number));
            let rows = rows.map(|person| self.habits.form.person(&self.world, &person, &fields, true)).collect();
            return Answer::json(200, self.habits.form.page(rows, None));
        }
        let from = match query.get("from").map(number_of) {
            Some(None) => return Answer::json(400, r#"{"code":"bad request"}"#),
            from => from.flatten().unwrap_or(1),
        };
        let mut numbers = self.world.numbers(from).filter(|number| self.is_listed(*number, all));
        let rows: Vec<u64> = numbers.by_ref().take(query.limit()).collect();
        let mut next = numbers.next().map(person_id);
        drop(numbers);
        self.pages += 1;
        match self.habits.circle {
            Some(Circle::Itself) if from > 1 => next = Some(person_id(from)),
            Some(Circle::Back) if from > 1 + query.limit() as u64 => next = Some(person_id(1 + query.limit() as u64)),
            _ => {}
        }
        let rows = rows.into_iter().filter_map(|number| self.world.person(number));
        let rows = rows.map(|person| self.habits.form.person(&self.world, &person, &fields, true)).collect();
        let page = self.habits.form.page(rows, next);
        for (after, event) in self.habits.events.clone() {
            match event {
                Event::Hire if after == self.pages => drop(self.world.hire()),
                Event::Depart(number) if after == self.pages => self.world.depart(number),
                _ => {}
            }
        }
        Answer::json(200, page)
    }

    fn is_listed(&self, number: u64, all: bool) -> bool {
        let slips = self.habits.slipping.get(&number).is_some_and(|pages| self.pages < *pages);
        let stage = match self.world.stage(number) {
            Some(Stage::Current) => true,
            Some(Stage::Starting) => all || !self.habits.starters_unlisted,
            Some(Stage::Former | Stage::Idle) => all,
            None => false,
        };
        stage && !slips && !self.habits.unseen.contains(&number)
    }

    fn person(&mut self, id: &str, query: &Query) -> Answer {
        let number = number_of(id);
        if let Some(number) = number.filter(|number| self.habits.deleted_on_read.remove(number)) {
            self.world.delete(number);
        }
        match number.and_then(|number| self.world.person(number)) {
            None => Answer::json(404, r#"{"code":"not found"}"#),
            Some(person) => Answer::json(
                200,
                self.habits.form.person(&self.world, &person, &query.list("fields"), false).to_string(),
            ),
        }
    }

    fn groups(&self, query: &Query) -> Answer {
        let wanted = |archived: bool| match query.get("timeFilter") {
            None | Some("CURRENT") => !archived,
            Some("ARCHIVED") => archived,
            Some("ALL") => true,
            _ => false,
        };
        let from = query.get("from").unwrap_or_default();
        let mut groups = self.world.groups.values().filter(|group| wanted(group.archived) && group.id.as_str() >= from);
        let rows = groups.by_ref().take(query.limit());
        let rows = rows.map(|group| self.habits.form.group(&self.world, group)).collect();
        Answer::json(200, self.habits.form.page(rows, groups.next().map(|group| group.id.clone())))
    }

    fn types(&self, query: &Query) -> Answer {
        let from = query.get("from").unwrap_or_default();
        let mut types = self.world.types.iter().filter(|of| of.id.as_str() >= from);
        let rows = types.by_ref().take(query.limit()).map(|of| {
            json!({
                "id": of.id, "orgId": self.world.org.id, "name": of.name, "fieldName": of.field, "code": of.code,
                "membershipType": "SINGLE", "assignmentType": "ASSIGNED", "parentTypesAllowed": "BOTH",
                "enableApprovals": false, "defaultSensitivity": "ORG",
            })
        });
        Answer::json(200, self.habits.form.page(rows.collect(), types.next().map(|of| of.id.clone())))
    }
}
