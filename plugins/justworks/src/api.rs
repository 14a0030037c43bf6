//! The requests to Justworks, and what its refusals mean.
//!
//! Pages first: a login is pages and forms, whose refusals come under any status. Then the roster.

use muster_sdk::http::Answer;
use muster_sdk::url::Url;
use muster_sdk::{Context, Failure, HttpError, HttpErrorKind};
use serde::de::IgnoredAny;

use crate::page;
use crate::roster::{self, Roster, Wrong};
use crate::settings::{BASE_URL, PASSWORD, ROSTER_PATH, USERNAME};

/// Bytes of a page that are read: they carry their data, and some pictures.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Seconds after which a roster that is still being made is asked for again.
const NOT_READY_SECONDS: u64 = 5;

/// What a page or a form answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// 200, and the page.
    Page(String),
    /// It leads elsewhere on the same site: the path.
    Away(String),
    /// Another status that speaks of the request, and the beginning of the page.
    Refused { status: u16, page: String, sentence: String },
}

impl Seen {
    /// Whether it is, or leads to, the login.
    pub(crate) fn is_login(&self) -> bool {
        match self {
            Seen::Page(page) => page::is_login(page),
            Seen::Away(path) => is_below(path, "/login"),
            Seen::Refused { .. } => false,
        }
    }
}

/// Whether a path is this one or below it.
pub(crate) fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Justworks, as far as this connector asks it.
pub(crate) struct Site<'c> {
    context: &'c Context<'c>,
    base: String,
    /// Begins with `/`.
    pub(crate) roster_path: String,
}

impl<'c> Site<'c> {
    pub(crate) fn new(context: &'c Context<'c>) -> Result<Self, Failure> {
        let base = context.required_setting(BASE_URL)?;
        let path = context.required_setting(ROSTER_PATH)?;
        Ok(Site {
            context,
            base: base.trim_end_matches('/').to_owned(),
            roster_path: format!("/{}", encoded(path.trim_matches('/'))),
        })
    }

    /// Reads a page; a token that is known is shown.
    pub(crate) fn page(&self, path: &str, token: Option<&str>) -> Result<Seen, Failure> {
        let request =
            self.context.http().get(format!("{}{path}", self.base)).header("accept", "text/html").limit(PAGE_BYTES);
        let request = match token {
            Some(token) => request.header("x-csrf-token", token),
            None => request,
        };
        self.seen(request.send())
    }

    /// Posts a form. Secrets are the host's to add.
    pub(crate) fn post(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Result<Seen, Failure> {
        let request = self.context.http().post(format!("{}{path}", self.base)).form(fields);
        let request = request.header("accept", "text/html, application/json").header("x-csrf-token", token);
        self.seen(request.limit(PAGE_BYTES).send())
    }

    fn seen(&self, sent: Result<Answer, HttpError>) -> Result<Seen, Failure> {
        let error = match sent {
            Ok(answer) => {
                let page = String::from_utf8_lossy(answer.bytes()).into_owned();
                return Ok(match answer.status() {
                    200 => Seen::Page(page),
                    status => {
                        Seen::Refused { status, page, sentence: format!("{} answered {status}", answer.url().path()) }
                    }
                });
            }
            Err(error) => error,
        };
        let Some(refusal) = error.refusal() else { return Err(error.into()) };
        match refusal.status {
            300..=399 => self.away(&error).map(Seen::Away),
            // A wall before the site answers so, too.
            status if page::is_captcha(&refusal.body) => {
                Ok(Seen::Refused { status, page: refusal.body.clone(), sentence: error.to_string() })
            }
            429 | 500.. => Err(error.into()),
            status => Ok(Seen::Refused { status, page: refusal.body.clone(), sentence: error.to_string() }),
        }
    }

    /// The path a redirect leads to; another site is none of ours.
    fn away(&self, error: &HttpError) -> Result<String, Failure> {
        let here = Url::parse(&self.base).map_err(|why| Failure::InvalidSettings(format!("{BASE_URL}: {why}")))?;
        let location = error.refusal().and_then(|refusal| refusal.location.as_deref());
        match location.map(|location| here.join(location)) {
            Some(Ok(there)) if there.origin() == here.origin() => Ok(there.path().to_owned()),
            _ => Err(Failure::InvalidSettings(format!("{error}: correct {BASE_URL}"))),
        }
    }

    /// The roster's answer, unread.
    pub(crate) fn roster(&self) -> Result<Answer, Failure> {
        let path = &self.roster_path;
        let answer = match self.context.http().get(format!("{}{path}", self.base)).send() {
            Ok(answer) => answer,
            Err(error) => return Err(self.roster_refused(error)),
        };
        match answer.status() {
            200 => Ok(answer),
            202 => Err(Failure::NotReady(NOT_READY_SECONDS)),
            status => Err(Failure::Unexpected(format!(
                "GET {path} answered {status}; does {ROSTER_PATH} lead to the roster?"
            ))),
        }
    }

    fn roster_refused(&self, error: HttpError) -> Failure {
        let Some(refusal) = error.refusal() else { return error.into() };
        match refusal.status {
            300..=399 => match self.away(&error) {
                Ok(path) if is_below(&path, "/login") || is_below(&path, "/tfa") => {
                    self.session_over(&error.to_string())
                }
                Ok(_) => Failure::InvalidSettings(format!("{error}: correct {ROSTER_PATH}")),
                Err(failure) => failure,
            },
            401 => self.session_over(&error.to_string()),
            403 => Failure::Forbidden(format!(
                "{error}: the user of {USERNAME} needs the permission to view all employee information"
            )),
            404 | 410 => Failure::InvalidSettings(format!("{error}: correct {ROSTER_PATH}")),
            _ => error.into(),
        }
    }

    fn session_over(&self, sentence: &str) -> Failure {
        Failure::Unauthorized(format!(
            "{sentence}: the session is over, or the user of {USERNAME} may not read the roster (check its permissions and {ROSTER_PATH})"
        ))
    }

    /// The members of an answer.
    pub(crate) fn members<'a>(&self, answer: &'a Answer) -> Result<Roster<'a>, Failure> {
        let asked = format!("; does {ROSTER_PATH} lead to the roster?");
        let wrong = match roster::read(answer.bytes()) {
            Ok(roster) => return Ok(roster),
            Err(wrong) => wrong,
        };
        let clause = match wrong {
            Wrong::Shape(clause) => clause,
            Wrong::Json => match answer.json::<IgnoredAny>() {
                // JSON, but another: its own error may quote what is in it.
                Ok(_) => "it has no list `members` of objects".to_owned(),
                Err(error) if matches!(error.kind, HttpErrorKind::NotJson(_)) && is_login_page(answer) => {
                    let sentence = format!("GET {} answered with the login page", self.roster_path);
                    return Err(self.session_over(&sentence));
                }
                Err(error) => return Err(Failure::Unexpected(format!("{error}{asked}"))),
            },
        };
        Err(Failure::Unexpected(format!(
            "GET {}: the answer is no roster as this connector knows it: {clause}{asked}",
            self.roster_path
        )))
    }
}

fn is_login_page(answer: &Answer) -> bool {
    page::is_login(&String::from_utf8_lossy(answer.bytes()))
}

/// The segments of a path, each encoded.
fn encoded(path: &str) -> String {
    path.split('/').map(muster_sdk::url::encode).collect::<Vec<_>>().join("/")
}

/// What a login that was refused is told.
pub(crate) fn login_refused() -> Failure {
    Failure::Unauthorized(format!(
        "Justworks refused the login: check {USERNAME} and {PASSWORD}; it was tried once only, because repeated failures lock the account"
    ))
}
