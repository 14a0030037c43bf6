//! The site: sessions, fresh tokens, the password, the code, the roster. What is not right is refused.

use std::collections::{BTreeMap, BTreeSet};

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Method};

use super::pages::{self, SecondFactor};
use super::totp;
use super::world::World;
use crate::server::{Answer, Request};

/// Wrong passwords and codes after which the account is locked.
const LOCKED_AFTER: u32 = 5;
/// The cookie of the session, out of reach of scripts.
const SESSION: &str = "_justworks_session";
/// A second cookie that every page wants back.
const DEVICE: &str = "jw_device";

/// Who may log in, and how.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) username: String,
    pub(super) password: String,
    /// Base32.
    pub(super) secret: String,
    pub(super) second_factor: SecondFactor,
    /// The page of the second factor holds no token: it has to be fetched from the login page.
    pub(super) token_on_login_page_only: bool,
    /// The login wants a captcha: before anything, or beside the password.
    pub(super) wall: bool,
    pub(super) captcha: bool,
    /// So many right codes are refused, as by a clock that goes wrong.
    pub(super) refuse_codes: u32,
    /// Forms answer with a redirect, as browsers are answered.
    pub(super) redirects: bool,
    /// The roster's path.
    pub(super) roster_path: String,
    /// All sessions end after so many rosters.
    pub(super) revoke_after: Option<u64>,
    /// An ended session is answered 401 instead of being led to the login.
    pub(super) says_401: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Password,
    In,
}

#[derive(Clone, Debug)]
struct Session {
    stage: Stage,
    /// The one token that the next form has to show.
    csrf: Option<String>,
    key: String,
}

/// What happened at the door.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// Wrong passwords and codes.
    pub wrong: u32,
    /// Logins that went through.
    pub opened: u32,
    /// Every code that came, right or wrong, in order.
    pub codes: Vec<String>,
    /// A code that had been accepted came again.
    pub repeated_codes: u32,
    /// Forms without a fresh token, without cookies, or with fields that are not theirs.
    pub malformed: Vec<String>,
    /// Rosters that were handed out.
    pub rosters: u64,
}

pub(super) struct Site {
    pub(super) world: World,
    pub(super) account: Account,
    pub(super) door: Door,
    sessions: BTreeMap<String, Session>,
    used: BTreeSet<u64>,
    made: u64,
}

fn html(page: String) -> Answer {
    Answer::new(200, "text/html; charset=utf-8", page)
}

fn redirect(to: &str) -> Answer {
    Answer::new(302, "text/html; charset=utf-8", "<a>Found</a>").header(LOCATION, to)
}

impl Site {
    pub(super) fn new(world: World, account: Account) -> Self {
        Self { world, account, door: Door::default(), sessions: BTreeMap::new(), used: BTreeSet::new(), made: 0 }
    }

    /// Ends all sessions.
    pub(super) fn revoke(&mut self) {
        self.sessions.clear();
    }

    /// Forgets which codes were used.
    pub(super) fn forget_codes(&mut self) {
        self.used.clear();
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let path = request.path.as_str();
        match (request.method.clone(), path) {
            (Method::GET, "/login") => self.login_page(request),
            (Method::POST, "/login") => self.password(request),
            (Method::GET, "/tfa") => self.factor_page(request),
            (Method::POST, "/tfa") => self.code(request),
            (Method::GET, "/") => html(pages::home()),
            (Method::GET, path) if path == self.account.roster_path => self.roster(request),
            _ => Answer::new(404, "text/html; charset=utf-8", "<h1>The page does not exist</h1>"),
        }
    }

    /// Something that cannot be guessed is not needed here; that it is new each time is.
    fn new_text(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}{:032x}", u128::from(self.made).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    }

    /// The session that the request's cookies name.
    fn session(&mut self, request: &Request) -> Option<(String, &mut Session)> {
        let cookies = request.header("cookie")?;
        let value = |name: &str| {
            cookies.split("; ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        value(DEVICE)?;
        let id = value(SESSION)?;
        let session = self.sessions.get_mut(&id)?;
        Some((id, session))
    }

    /// A session of this stage under a new name, and the answer that sets it.
    fn open(&mut self, stage: Stage, csrf: Option<String>, answer: Answer) -> Answer {
        let (id, key) = (self.new_text("s"), self.new_text("k"));
        let cookies = [
            format!("{SESSION}={id}; path=/; HttpOnly; SameSite=Lax"),
            format!("{DEVICE}=browser; path=/; Max-Age=31536000"),
        ];
        self.sessions.insert(id, Session { stage, csrf, key });
        let mut answer = answer;
        answer.headers.extend(cookies.map(|cookie| (SET_COOKIE, HeaderValue::from_str(&cookie).unwrap())));
        answer
    }

    fn login_page(&mut self, request: &Request) -> Answer {
        if self.account.wall {
            return html(pages::wall());
        }
        let csrf = self.new_text("csrf+/");
        match self.session(request) {
            Some((_, session)) if session.stage == Stage::In => redirect("/"),
            Some((_, session)) => {
                session.csrf = Some(csrf.clone());
                html(pages::login(&csrf))
            }
            None => self.open(Stage::New, Some(csrf.clone()), html(pages::login(&csrf))),
        }
    }

    /// The fields of a form that shows a fresh token in a session of this stage; none is refused as Rails does.
    fn form(&mut self, request: &Request, stage: Stage) -> Result<(String, BTreeMap<String, String>), Answer> {
        let token = request.header("x-csrf-token").map(str::to_owned);
        let refused =
            |why: &str| Err((why.to_owned(), Answer::new(422, "text/html", "<h1>The change was rejected</h1>")));
        let judged = match self.session(request) {
            None => refused("no session"),
            // A token is good for one form.
            Some((id, session)) => match session.csrf.take() {
                Some(fresh) if token.as_ref() == Some(&fresh) && session.stage == stage => Ok(id),
                Some(fresh) if token.as_ref() == Some(&fresh) => refused("another stage"),
                _ => refused("a token that is not fresh"),
            },
        };
        let kind = request.header("content-type").unwrap_or_default();
        let judged = match judged {
            Ok(_) if kind != "application/x-www-form-urlencoded" => refused("no form"),
            other => other,
        };
        match judged {
            Ok(id) => {
                let decoded = |text: &str| super::percent_decoded(text);
                let body = String::from_utf8_lossy(&request.body).into_owned();
                let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
                Ok((id, pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()))
            }
            Err((why, answer)) => {
                self.door.malformed.push(format!("{} {}: {why}", request.method, request.path));
                Err(answer)
            }
        }
    }

    fn wrong(&mut self) -> Answer {
        self.door.wrong += 1;
        if self.account.captcha {
            return html(pages::captcha());
        }
        Answer::json(200, pages::refused())
    }

    fn password(&mut self, request: &Request) -> Answer {
        let (id, fields) = match self.form(request, Stage::New) {
            Ok(form) => form,
            Err(answer) => return answer,
        };
        if self.door.wrong >= LOCKED_AFTER {
            return Answer::json(200, pages::locked());
        }
        let expected = BTreeMap::from([
            ("username".to_owned(), self.account.username.clone()),
            ("password".to_owned(), self.account.password.clone()),
        ]);
        if fields.keys().ne(expected.keys()) {
            self.door.malformed.push(format!("POST /login: the fields {:?}", fields.keys()));
        }
        if fields != expected || self.account.captcha {
            return self.wrong();
        }
        self.sessions.remove(&id);
        let stage = if self.account.second_factor == SecondFactor::None { Stage::In } else { Stage::Password };
        let answer = if self.account.redirects { redirect("/tfa") } else { html(pages::home()) };
        self.open(stage, None, answer)
    }

    fn factor_page(&mut self, request: &Request) -> Answer {
        let kind = self.account.second_factor;
        let csrf = (!self.account.token_on_login_page_only).then(|| self.new_text("csrf+/"));
        match self.session(request) {
            Some((_, session)) if session.stage == Stage::Password => {
                session.csrf.clone_from(&csrf);
                let key = session.key.clone();
                html(pages::second_factor(kind, csrf.as_deref(), &key))
            }
            Some((_, session)) if session.stage == Stage::In => redirect("/"),
            _ => redirect("/login"),
        }
    }

    fn code(&mut self, request: &Request) -> Answer {
        let (id, mut fields) = match self.form(request, Stage::Password) {
            Ok(form) => form,
            Err(answer) => return answer,
        };
        let code = fields.remove("auth_code").unwrap_or_default();
        let mut expected = BTreeMap::from([
            ("method".to_owned(), "app".to_owned()),
            ("remember_this_device".to_owned(), "false".to_owned()),
        ]);
        let key = self.sessions.get(&id).map(|session| session.key.clone()).unwrap_or_default();
        if self.account.second_factor == SecondFactor::App {
            expected.insert("key".to_owned(), key);
        }
        if fields != expected {
            self.door.malformed.push(format!("POST /tfa: the fields {fields:?}"));
        }
        self.door.codes.push(code.clone());
        // The code of this moment, or of the one before: it may have been long on its way.
        let now = totp::step();
        let step = [now, now - 1].into_iter().find(|step| totp::code(&self.account.secret, *step) == code);
        let Some(step) = step.filter(|_| fields == expected) else { return self.wrong() };
        if !self.used.insert(step) {
            self.door.repeated_codes += 1;
            return self.wrong();
        }
        if self.account.refuse_codes > 0 {
            self.account.refuse_codes -= 1;
            return self.wrong();
        }
        self.sessions.remove(&id);
        self.door.opened += 1;
        let answer = if self.account.redirects { redirect("/") } else { html(pages::home()) };
        self.open(Stage::In, None, answer)
    }

    fn roster(&mut self, request: &Request) -> Answer {
        let inside = self.session(request).is_some_and(|(_, session)| session.stage == Stage::In);
        if !inside {
            return match self.account.says_401 {
                true => Answer::json(401, r#"{"message":"Please log in"}"#),
                false => redirect("/login"),
            };
        }
        self.door.rosters += 1;
        if self.account.revoke_after == Some(self.door.rosters) {
            self.revoke();
        }
        Answer::json(200, self.world.json())
    }
}
