//! Who may ask what, pages, and the error bodies.

use std::collections::BTreeSet;

use base64::Engine as _;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use super::quirk::Quirk;
use super::render::Render;
use super::world::World;
use super::{Access, ROOT};
use crate::server::{Answer, Request};

type Edit = Box<dyn FnOnce(&mut World) + Send>;

/// A change of the data in the midst of a run.
pub(super) struct Change {
    list: &'static str,
    requests: u64,
    change: Option<Edit>,
}

impl Change {
    pub(super) fn new(list: &'static str, requests: u64, change: impl FnOnce(&mut World) + Send + 'static) -> Self {
        Change { list, requests, change: Some(Box::new(change)) }
    }
}

/// A dice that says 503.
pub(super) struct Stumbles {
    percent: u64,
    dice: u64,
    fell: u64,
}

impl Stumbles {
    pub(super) fn new(percent: u64, seed: u64) -> Self {
        Stumbles { percent, dice: seed, fell: 0 }
    }

    /// SplitMix64.
    fn falls(&mut self) -> bool {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let falls = (mixed ^ (mixed >> 31)) % 100 < self.percent;
        self.fell += u64::from(falls);
        falls
    }
}

/// The data, who may ask, and how it behaves.
pub(super) struct State {
    world: World,
    access: Access,
    quirks: Vec<Quirk>,
    stumbles: Option<Stumbles>,
    changes: Vec<Change>,
    /// Requests of `Users` and of `Groups`.
    asked: [u64; 2],
    /// The indexes of the pages behind the first that were asked for, of all lists.
    starts: BTreeSet<usize>,
    moment: u64,
}

/// An error as RFC 7644, 3.12 has it.
pub(super) fn error(status: u16, detail: &str) -> Answer {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    scim(status, &json!({"schemas": schemas, "detail": detail, "status": status.to_string()}))
}

fn scim(status: u16, body: &Value) -> Answer {
    Answer::new(status, "application/scim+json", body.to_string())
}

impl State {
    pub(super) fn new(
        world: World,
        access: Access,
        quirks: Vec<Quirk>,
        stumbles: Option<Stumbles>,
        changes: Vec<Change>,
    ) -> Self {
        State { world, access, quirks, stumbles, changes, asked: [0; 2], starts: BTreeSet::new(), moment: 0 }
    }

    pub(super) fn world(&mut self) -> &mut World {
        &mut self.world
    }

    pub(super) fn turn(&mut self, quirk: Quirk) {
        self.quirks.push(quirk);
    }

    pub(super) fn stumbled(&self) -> u64 {
        self.stumbles.as_ref().map_or(0, |stumbles| stumbles.fell)
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        self.moment += 1;
        if self.stumbles.as_mut().is_some_and(Stumbles::falls) {
            return error(503, "the service is busy");
        }
        let refused = |detail: &str| error(401, detail).header(WWW_AUTHENTICATE, "Bearer realm=\"scim\"");
        let wanted = match &self.access {
            Access::Bearer(token) => format!("Bearer {token}"),
            Access::Basic(user, password) => {
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
            }
        };
        match request.header("authorization") {
            None => return refused("authentication is required"),
            Some(given) if given != wanted => return refused("the credential is not valid"),
            Some(_) => {}
        }
        let Some(rest) = request.path.strip_prefix(ROOT) else { return error(404, "there is nothing here") };
        let segments: Vec<String> = rest.split('/').skip(1).map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let query = Query::read(request.query.as_deref().unwrap_or_default());
        let origin = format!("http://{}", request.header("host").unwrap_or("scim.test"));
        if !matches!(request.method, http::Method::GET) {
            return error(405, "this server is for reading");
        }
        let has = |quirk: &Quirk| self.quirks.contains(quirk);
        match segments.as_slice() {
            ["ServiceProviderConfig"] if !has(&Quirk::NoConfig) => scim(200, &config()),
            ["Users"] => self.listed(0, "Users", &query, &origin),
            ["Groups"] if !has(&Quirk::NoGroups) => self.listed(1, "Groups", &query, &origin),
            ["Users", id] => {
                let user = self.world.users.iter().find(|user| user.id == *id);
                user.map_or_else(|| missing(id), |user| scim(200, &self.render(&origin).user(user)))
            }
            ["Groups", id] => {
                let group = self.world.groups.iter().find(|group| group.id == *id);
                group.map_or_else(|| missing(id), |group| scim(200, &self.render(&origin).group(group, true)))
            }
            _ => error(404, "there is no such endpoint"),
        }
    }

    fn render<'q>(&'q self, origin: &'q str) -> Render<'q> {
        Render { quirks: &self.quirks, origin, moment: self.moment }
    }

    fn listed(&mut self, which: usize, list: &str, query: &Query, origin: &str) -> Answer {
        if query.from > 1 {
            self.starts.insert(query.from);
        }
        let waits = |quirk: &Quirk| matches!(quirk, Quirk::Together(pages) if self.starts.len() < *pages);
        if query.from > 1 && self.quirks.iter().any(waits) {
            return error(503, "waiting for the other pages to be asked for");
        }
        let answer = self.page(which, query, origin);
        if let Some(asked) = self.asked.get_mut(which) {
            *asked += 1;
            for change in self.changes.iter_mut().filter(|change| change.list == list && *asked >= change.requests) {
                if let Some(change) = change.change.take() {
                    change(&mut self.world);
                }
            }
        }
        answer
    }

    fn page(&self, which: usize, query: &Query, origin: &str) -> Answer {
        let render = self.render(origin);
        if let Some(filter) = &query.filter {
            return self.filtered(which, filter, &render);
        }
        let all = if which == 0 { self.world.users.len() } else { self.world.groups.len() };
        let caps = self.quirks.iter().filter_map(|quirk| if let Quirk::Cap(cap) = quirk { Some(*cap) } else { None });
        let count = if render.has(&Quirk::IgnoresCount) { all } else { query.count };
        let count = caps.fold(count, usize::min);
        let cursors = [Quirk::Cursors, Quirk::CursorsAndTotal, Quirk::CursorLoop].iter().any(|quirk| render.has(quirk));
        let mut skip = query.from.max(1) - 1;
        if cursors {
            skip = query.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap_or(0));
        }
        if render.has(&Quirk::IgnoresIndex) {
            skip = 0;
        }
        if render.has(&Quirk::RepeatsLastPage) && skip >= all && all > 0 && count > 0 {
            skip = (all - 1) / count * count;
        }
        if render.has(&Quirk::RefusesBehindEnd) && skip >= all {
            return error(400, "startIndex is behind the end");
        }
        let ends = self.quirks.iter().filter_map(|q| if let Quirk::EndsAfter(end) = q { Some(*end) } else { None });
        let end = ends.fold(skip.saturating_add(count).min(all), usize::min);
        let range = skip.min(end)..end;
        let resources: Vec<Value> = match which {
            0 => self.world.users[range].iter().map(|user| render.user(user)).collect(),
            _ => self.world.groups[range].iter().map(|group| render.group(group, false)).collect(),
        };
        let more: usize =
            self.quirks.iter().map(|quirk| if let Quirk::TotalTooHigh(more) = quirk { *more } else { 0 }).sum();
        let is_silent = render.has(&Quirk::NoTotal)
            || (cursors && !render.has(&Quirk::CursorsAndTotal))
            || (render.has(&Quirk::TotalOnFirstPage) && skip > 0);
        let total = if render.has(&Quirk::TotalIsPageSize) { resources.len() } else { all + more };
        let total = (!is_silent).then_some(total);
        let cursor = match (cursors, end < all && skip < end) {
            (true, true) => Some(end.to_string()),
            (true, false) if render.has(&Quirk::CursorLoop) => Some(count.to_string()),
            _ => None,
        };
        scim(200, &render.list(resources, query.from, total, cursor))
    }

    /// `id eq "…"`, and nothing else.
    fn filtered(&self, which: usize, filter: &str, render: &Render<'_>) -> Answer {
        let id = filter.strip_prefix("id eq ").and_then(|text| serde_json::from_str::<String>(text).ok());
        let Some(id) = id.filter(|_| !render.has(&Quirk::NoFilter)) else {
            return error(400, "this filter is not supported");
        };
        let found: Vec<Value> = match which {
            0 => self.world.users.iter().filter(|user| user.id == id).map(|user| render.user(user)).collect(),
            _ => {
                let whole = !render.has(&Quirk::NoMembersInFilters);
                self.world.groups.iter().filter(|g| g.id == id).map(|group| render.group(group, whole)).collect()
            }
        };
        let total = found.len();
        scim(200, &render.list(found, 1, Some(total), None))
    }
}

fn missing(id: &str) -> Answer {
    error(404, &format!("Resource {id} not found"))
}

fn config() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": false},
        "bulk": {"supported": false},
        "filter": {"supported": true, "maxResults": 200},
        "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Token"}],
    })
}

/// What a list is asked with.
struct Query {
    from: usize,
    count: usize,
    cursor: Option<String>,
    filter: Option<String>,
}

impl Query {
    fn read(query: &str) -> Self {
        let mut out = Query { from: 1, count: 100, cursor: None, filter: None };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decode(value);
            match name {
                "startIndex" => out.from = value.parse().unwrap_or(1),
                "count" => out.count = value.parse().unwrap_or(0),
                "cursor" => out.cursor = Some(value),
                "filter" => out.filter = Some(value),
                _ => {}
            }
        }
        out
    }
}

/// Without percent-encoding.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match pair.filter(|_| first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("a text")
}
