//! Who may ask what: the routes, the order of the checks, and the error bodies.

use http::Method;
use serde_json::{Map, Value};

use super::render::{self, Rendered};
use super::world::{Role, World};
use super::writes;
use crate::fault::page;
use crate::server::{Answer, Request};

/// The token of an agent bot.
pub const BOT_TOKEN: &str = "bot-token";
/// The token of a platform app.
pub const PLATFORM_TOKEN: &str = "platform-token";
/// The token of a user who is in another account only.
pub const OUTSIDER_TOKEN: &str = "outsider-token";

/// The list of teams, among the unordered lists.
const TEAMS: u64 = u64::MAX;

/// The data, what was made of them, and the token.
pub(super) struct State {
    world: World,
    rendered: Rendered,
    token: String,
    seed: u64,
}

/// Whose token it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    User(u64),
    Outsider,
    /// A bot or a platform app: real tokens that open nothing here.
    NoUser,
}

pub(super) fn error(status: u16, text: &str) -> Answer {
    Answer::json(status, serde_json::json!({ "error": text }).to_string())
}

pub(super) fn not_found() -> Answer {
    error(404, "Resource could not be found")
}

/// What a controller that raised something unforeseen answers.
pub(super) fn server_error() -> Answer {
    Answer::json(500, r#"{"status":500,"error":"Internal Server Error"}"#)
}

impl State {
    pub(super) fn new(world: World, token: String, seed: u64) -> Self {
        let mut state = Self { world, rendered: Rendered::default(), token, seed };
        state.rendered.all_agents(&state.world);
        state
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn accept(&mut self, token: &str) {
        token.clone_into(&mut self.token);
    }

    pub(super) fn edit<R>(&mut self, change: impl FnOnce(&mut World) -> R) -> R {
        let result = change(&mut self.world);
        self.rendered.clear();
        self.rendered.all_agents(&self.world);
        result
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
        let result = match segments.as_slice() {
            ["api", "v1", "profile"] if is_read(&request.method) => self.profile(request),
            ["api", "v1", "accounts", account, rest @ ..] if routed(&request.method, rest) => {
                self.in_account(request, account, rest)
            }
            ["api"] if is_read(&request.method) => Ok(Answer::json(
                200,
                r#"{"version":"4.13.0","timestamp":"2026-04-20 08:15:30","queue_services":"ok","data_services":"ok"}"#,
            )),
            // The dashboard answers for everything below it, with the same page.
            [] | ["app", ..] if is_read(&request.method) => {
                Ok(Answer::new(200, "text/html; charset=utf-8", page("Chatwoot", "Chatwoot")))
            }
            _ => Ok(unrouted(request)),
        };
        result.unwrap_or_else(|refusal| refusal)
    }

    fn caller(&self, request: &Request) -> Result<Caller, Answer> {
        // Rack folds the two spellings into one.
        let token = ["api_access_token", "api-access-token"]
            .iter()
            .find_map(|name| request.header(name))
            .map(str::trim)
            .filter(|token| !token.is_empty());
        match token {
            None => Err(Answer::json(401, r#"{"errors":["You need to sign in or sign up before continuing."]}"#)),
            Some(token) if token == self.token => Ok(Caller::User(self.world.owner)),
            Some(OUTSIDER_TOKEN) => Ok(Caller::Outsider),
            Some(BOT_TOKEN | PLATFORM_TOKEN) => Ok(Caller::NoUser),
            Some(_) => Err(error(401, "Invalid Access Token")),
        }
    }

    fn profile(&self, request: &Request) -> Result<Answer, Answer> {
        match self.caller(request)? {
            Caller::NoUser => Err(no_bots()),
            Caller::Outsider => Ok(Answer::json(200, render::outsider_profile(&self.world, OUTSIDER_TOKEN))),
            Caller::User(id) => {
                let agent = self.world.agents.get(&id).ok_or_else(|| error(401, "Invalid Access Token"))?;
                Ok(Answer::json(200, render::profile(&self.world, agent, &self.token)))
            }
        }
    }

    /// The account's checks in the order of the real server, then the route.
    fn in_account(&mut self, request: &Request, account: &str, rest: &[&str]) -> Result<Answer, Answer> {
        let caller = self.caller(request)?;
        if caller == Caller::NoUser {
            return Err(no_bots());
        }
        if account.parse() != Ok(self.world.account.id) {
            return Err(match (caller, account.parse()) {
                // The outsider's account: it exists, and the token's user is not in it.
                (Caller::User(_), Ok::<u64, _>(id)) if id == self.world.account.id + 1 => not_in_account(),
                _ => not_found(),
            });
        }
        if self.world.account.suspended {
            return Err(error(401, "Account is suspended"));
        }
        let user = match caller {
            Caller::User(id) if self.world.is_member(id) => id,
            _ => return Err(not_in_account()),
        };
        if is_read(&request.method) { self.read(user, rest) } else { self.write(request, user, rest) }
    }

    fn read(&mut self, user: u64, rest: &[&str]) -> Result<Answer, Answer> {
        let world = &self.world;
        match rest {
            ["agents"] => Ok(Answer::json(200, self.rendered.all_agents(world))),
            ["teams"] => {
                let order = self.rendered.unordered(TEAMS, self.seed, world.teams.keys().copied().collect());
                Ok(Answer::json(200, render::teams(world, order, user)))
            }
            ["teams", id] => {
                let team = number(id).and_then(|id| world.teams.get(&id)).ok_or_else(not_found)?;
                Ok(Answer::json(200, render::team(world, team, user)))
            }
            ["teams", id, "team_members"] => {
                let team = number(id).and_then(|id| world.teams.get(&id)).ok_or_else(not_found)?;
                let members: Vec<u64> =
                    team.members.iter().copied().filter(|id| world.agents.contains_key(id)).collect();
                let order = self.rendered.unordered(team.id, self.seed, members);
                Ok(Answer::json(200, self.rendered.agents(world, order)))
            }
            ["inboxes"] => Ok(Answer::json(200, r#"{"payload":[]}"#)),
            ["custom_roles"] if world.enterprise => {
                self.administrator(user)?;
                Ok(Answer::json(200, render::custom_roles(world)))
            }
            _ => Err(not_found()),
        }
    }

    fn write(&mut self, request: &Request, user: u64, rest: &[&str]) -> Result<Answer, Answer> {
        let params = params(request)?;
        // A record that does not exist is told before a lack of rights.
        match rest {
            ["agents", id] if !number(id).is_some_and(|id| self.world.is_member(id)) => return Err(not_found()),
            ["teams", id, ..] if !number(id).is_some_and(|id| self.world.teams.contains_key(&id)) => {
                return Err(not_found());
            }
            _ => {}
        }
        self.administrator(user)?;
        let mut write = writes::Write { world: &mut self.world, rendered: &mut self.rendered, user };
        match (request.method.as_str(), rest) {
            ("POST", ["agents"]) => write.create_agent(&params),
            ("PATCH" | "PUT", ["agents", id]) => write.update_agent(number(id).unwrap_or(0), &params),
            ("DELETE", ["agents", id]) => write.delete_agent(number(id).unwrap_or(0)),
            ("POST", ["teams"]) => write.create_team(&params),
            ("PATCH" | "PUT", ["teams", id]) => write.update_team(number(id).unwrap_or(0), &params),
            ("DELETE", ["teams", id]) => write.delete_team(number(id).unwrap_or(0)),
            ("POST", ["teams", id, "team_members"]) => write.add_members(number(id).unwrap_or(0), &params),
            ("PATCH" | "PUT", ["teams", id, "team_members"]) => write.set_members(number(id).unwrap_or(0), &params),
            ("DELETE", ["teams", id, "team_members"]) => write.remove_members(number(id).unwrap_or(0), &params),
            _ => Err(unrouted(request)),
        }
    }

    fn administrator(&self, user: u64) -> Result<(), Answer> {
        match self.world.agents.get(&user).and_then(|agent| agent.role) {
            Some(Role::Administrator) => Ok(()),
            _ => Err(error(401, "You are not authorized to do this action")),
        }
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether the real server has such a route below an account.
fn routed(method: &Method, rest: &[&str]) -> bool {
    let allowed: &[&str] = match rest {
        ["agents"] | ["teams"] => &["GET", "HEAD", "POST"],
        ["agents", _] => &["PATCH", "PUT", "DELETE"],
        ["teams", _] => &["GET", "HEAD", "PATCH", "PUT", "DELETE"],
        ["teams", _, "team_members"] => &["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
        ["inboxes"] | ["custom_roles"] => &["GET", "HEAD"],
        _ => &[],
    };
    allowed.contains(&method.as_str())
}

/// No such route: Rails' own answer, as a page unless JSON was asked for.
fn unrouted(request: &Request) -> Answer {
    if request.header("accept").is_some_and(|accept| accept.starts_with("application/json")) {
        return Answer::json(404, r#"{"status":404,"error":"Not Found"}"#);
    }
    let text = "The page you were looking for doesn't exist.";
    Answer::new(404, "text/html; charset=utf-8", page("The page you were looking for doesn't exist (404)", text))
}

fn no_bots() -> Answer {
    error(401, "Access to this endpoint is not authorized for bots")
}

fn not_in_account() -> Answer {
    error(401, "You are not authorized to access this account")
}

fn number(segment: &str) -> Option<u64> {
    segment.parse().ok()
}

/// The JSON object of a request; a body of another type gives no parameters.
fn params(request: &Request) -> Result<Map<String, Value>, Answer> {
    let json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !json || request.body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(params)) => Ok(params),
        Ok(_) => Ok(Map::new()),
        Err(_) => Err(Answer::json(400, r#"{"status":400,"error":"Bad Request"}"#)),
    }
}
