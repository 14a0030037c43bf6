//! Chatwoot's requests and answers, as far as this connector needs them, and what its refusals mean.

use muster_sdk::http::{Answer, RequestBuilder};
use muster_sdk::request::Method;
use muster_sdk::url::encode;
use muster_sdk::{Context, Failure, HttpError, HttpErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Deref;

pub(crate) const BASE_URL: &str = "chatwoot-base-url";
pub(crate) const ACCOUNT_ID: &str = "chatwoot-account-id";
pub(crate) const API_TOKEN: &str = "chatwoot-api-token";
/// The task that reads every agent.
pub(crate) const AGENTS: &str = "agents";
/// The task that reads the members of a team.
pub(crate) const TEAM_MEMBERS: &str = "team-members";

/// A text of an answer, borrowed from the body where it needs no unescaping: lists are long.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// An agent, or a member of a team in full. Availability and the picture change by themselves or
/// carry signed addresses: they are not read.
#[derive(Debug, Deserialize)]
pub(crate) struct Agent<'a> {
    pub(crate) id: u64,
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    pub(crate) available_name: Option<Text<'a>>,
    pub(crate) email: Option<Text<'a>>,
    /// False until the invitation is accepted.
    pub(crate) confirmed: bool,
    /// `agent` or `administrator`; stays `agent` under a custom role, null for somebody who is no
    /// member of the account any more.
    pub(crate) role: Option<Text<'a>>,
    /// Absent on the Community Edition.
    pub(crate) custom_role_id: Option<u64>,
    /// Absent where empty.
    pub(crate) custom_attributes: Option<&'a RawValue>,
    /// How the agent signs in: `email`, `google_oauth2`, `saml`.
    pub(crate) provider: Option<Text<'a>>,
    pub(crate) auto_offline: Option<bool>,
}

/// What a change has to know of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: u64,
    pub(crate) role: Option<String>,
    pub(crate) custom_role_id: Option<u64>,
}

impl Known {
    fn of(agent: &Agent<'_>) -> Self {
        let role = agent.role.as_deref().map(str::to_owned);
        Known { id: agent.id, role, custom_role_id: agent.custom_role_id }
    }
}

/// What came of a writing request.
#[derive(Debug, PartialEq)]
pub(crate) enum Wrote {
    /// It is done.
    Done,
    /// It was so before.
    WasSo,
    /// Chatwoot does not do it; in words for the operator.
    Refused(String),
}

/// A member of a team. The list repeats each agent in full; who it is, is all that counts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) id: u64,
}

/// A team. `is_member` speaks of the token's owner and is not read.
#[derive(Debug, Deserialize)]
pub(crate) struct Team {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) allow_auto_assign: Option<bool>,
}

/// The token's owner. The answer holds secrets beside these keys (`access_token`, `pubsub_token`,
/// `hmac_identifier`): they are not read, and the body is never shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) accounts: Vec<Membership>,
}

/// An account that the token's owner belongs to.
#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    /// `active` or `suspended`.
    pub(crate) status: Option<String>,
    pub(crate) role: Option<String>,
}

/// What a request was for: the same refusal means different things.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Profile,
    Account,
}

/// The API of one account.
pub(crate) struct Api<'c> {
    context: &'c Context<'c>,
    base: String,
    /// Digits, as the operator wrote them.
    pub(crate) account: String,
}

impl<'c> Api<'c> {
    pub(crate) fn new(context: &'c Context<'c>) -> Result<Self, Failure> {
        let base = context.required_setting(BASE_URL)?;
        let account = context.required_setting(ACCOUNT_ID)?;
        Ok(Api { context, base: base.trim_end_matches('/').to_owned(), account })
    }

    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        self.read(Place::Profile, "/api/v1/profile")
    }

    /// Hands over every agent of the account, as they are read.
    pub(crate) fn each_agent(&self, mut take: impl FnMut(&Agent<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let wrong = |error| failure(error, Place::Account, &self.account);
        let answer = self.get(&self.path("agents")).map_err(wrong)?;
        answer.each(|agent| take(&agent)).map_err(wrong)?
    }

    pub(crate) fn teams(&self) -> Result<Vec<Team>, Failure> {
        self.read(Place::Account, &self.path("teams"))
    }

    /// Hands over every member of a team. False where Chatwoot itself says that there is no such team; a page
    /// saying 404 is a fault.
    pub(crate) fn each_member(
        &self,
        team: &str,
        mut take: impl FnMut(&Member) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let wrong = |error| failure(error, Place::Account, &self.account);
        match self.get(&self.path(&format!("teams/{}/team_members", encode(team)))) {
            Ok(answer) => answer.each(|member| take(&member)).map_err(wrong)?.map(|()| true),
            Err(error) if is_not_found(&error) => Ok(false),
            Err(error) => Err(wrong(error)),
        }
    }

    /// An agent of the account, where there is one of this id. Chatwoot has no address for a single one.
    pub(crate) fn agent(&self, id: u64) -> Result<Option<Known>, Failure> {
        self.find_agent(|agent| agent.id == id)
    }

    /// The same by its address, which Chatwoot keeps in small letters.
    pub(crate) fn agent_of(&self, email: &str) -> Result<Option<Known>, Failure> {
        let email = email.to_lowercase();
        self.find_agent(|agent| agent.email.as_deref().is_some_and(|known| known.to_lowercase() == email))
    }

    fn find_agent(&self, fits: impl Fn(&Agent<'_>) -> bool) -> Result<Option<Known>, Failure> {
        let mut found = None;
        self.each_agent(|agent| {
            if fits(agent) {
                found = Some(Known::of(agent));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Puts an agent into a team, or takes it out. The ids have to be integers: Chatwoot compares them with its own.
    pub(crate) fn set_member(&self, team: u64, agent: u64, wanted: bool) -> Result<Wrote, Failure> {
        let method = if wanted { Method::Post } else { Method::Delete };
        let path = self.path(&format!("teams/{team}/team_members"));
        let answer = match self.write(method, &path).json(&json!({"user_ids": [agent]})).send() {
            Ok(answer) => answer,
            Err(error) => return self.refusal(error),
        };
        if !wanted {
            // Empty, whoever was in the team.
            return Ok(Wrote::Done);
        }
        // Those who were added now.
        let wrong = |error| failure(error, Place::Account, &self.account);
        let added: Vec<Member> = answer.json().map_err(wrong)?;
        Ok(if added.iter().any(|member| member.id == agent) { Wrote::Done } else { Wrote::WasSo })
    }

    /// Invites somebody.
    pub(crate) fn create_agent(&self, name: &str, email: &str, role: &str) -> Result<Wrote, Failure> {
        let body = json!({"name": name, "email": email, "role": role});
        self.done(self.write(Method::Post, &self.path(AGENTS)).json(&body))
    }

    /// Takes an agent out of the account.
    pub(crate) fn delete_agent(&self, agent: u64) -> Result<Wrote, Failure> {
        match self.write(Method::Delete, &self.path(&format!("agents/{agent}"))).send() {
            Err(error) if is_not_found(&error) => Ok(Wrote::WasSo),
            Err(error) => self.refusal(error),
            Ok(_) => Ok(Wrote::Done),
        }
    }

    /// Gives an agent another role. On Enterprise every change without `custom_role_id` clears it, so it is echoed
    /// (`enterprise/app/controllers/enterprise/api/v1/accounts/agents_controller.rb`).
    pub(crate) fn set_role(&self, agent: &Known, role: &str) -> Result<Wrote, Failure> {
        let mut body = json!({"role": role});
        if let (Some(custom), Some(fields)) = (agent.custom_role_id, body.as_object_mut()) {
            fields.insert("custom_role_id".to_owned(), custom.into());
        }
        self.done(self.write(Method::Patch, &self.path(&format!("agents/{}", agent.id))).json(&body))
    }

    fn done(&self, request: RequestBuilder<'_>) -> Result<Wrote, Failure> {
        match request.send() {
            Ok(_) => Ok(Wrote::Done),
            Err(error) => self.refusal(error),
        }
    }

    /// What Chatwoot refuses is an outcome; what is about the token, the account or the way there is a failure.
    fn refusal(&self, error: HttpError) -> Result<Wrote, Failure> {
        let Some(refusal) = error.refusal() else {
            return Err(failure(error, Place::Account, &self.account));
        };
        let words = refusal.vendor_message().unwrap_or_else(|| "it does not say more".to_owned());
        match refusal.status {
            402 => Ok(Wrote::Refused(format!("Chatwoot's seats are used up: {words}"))),
            422 => Ok(Wrote::Refused(format!("Chatwoot does not take it: {words}"))),
            // Not about the token, whatever the status says.
            401 if words == "Invalid User IDs" => {
                Ok(Wrote::Refused(format!("that is no agent of account {} (Chatwoot: {words})", self.account)))
            }
            404 if is_not_found(&error) => Ok(Wrote::Refused(format!("it is gone from Chatwoot ({words})"))),
            _ => Err(failure(error, Place::Account, &self.account)),
        }
    }

    fn write(&self, method: Method, path: &str) -> RequestBuilder<'c> {
        self.context.http().request(method, format!("{}{path}", self.base))
    }

    /// None of these lists has pages: Chatwoot answers the whole array.
    fn read<T: DeserializeOwned>(&self, place: Place, path: &str) -> Result<T, Failure> {
        self.get(path).and_then(|answer| answer.json()).map_err(|error| failure(error, place, &self.account))
    }

    fn get(&self, path: &str) -> Result<Answer, HttpError> {
        self.context.http().get(format!("{}{path}", self.base)).send()
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/accounts/{}/{rest}", encode(&self.account))
    }
}

/// Whether Chatwoot said 404, and not something in front of it.
fn is_not_found(error: &HttpError) -> bool {
    error.refusal().is_some_and(|refusal| {
        refusal.status == 404 && refusal.vendor_message().as_deref() == Some("Resource could not be found")
    })
}

/// What an exchange that failed means, for the operator.
fn failure(error: HttpError, place: Place, account: &str) -> Failure {
    let asked = match place {
        Place::Profile => format!("; does {BASE_URL} lead to a Chatwoot server?"),
        Place::Account => String::new(),
    };
    match &error.kind {
        HttpErrorKind::Status(refusal) if refusal.status == 401 => {
            unauthorized(&error, refusal.vendor_message().as_deref(), account)
        }
        HttpErrorKind::Status(refusal) if (300..400).contains(&refusal.status) && refusal.status != 304 => {
            Failure::InvalidSettings(format!("{error}: correct {BASE_URL}"))
        }
        HttpErrorKind::Status(refusal) if refusal.status == 404 && place == Place::Profile => {
            Failure::InvalidSettings(format!("{error}{asked}"))
        }
        HttpErrorKind::Status(_) if is_not_found(&error) => {
            Failure::InvalidSettings(format!("Chatwoot has no account {account}: correct {ACCOUNT_ID}"))
        }
        HttpErrorKind::NotJson(_) => Failure::Unexpected(format!("{error}{asked}")),
        _ => error.into(),
    }
}

/// Chatwoot never answers 403: a 401 may be about the token, the account or the role, and only
/// its text tells. (`app/controllers/concerns/request_exception_handler.rb` and the access token helper.)
fn unauthorized(error: &HttpError, text: Option<&str>, account: &str) -> Failure {
    let text = text.unwrap_or_default().to_ascii_lowercase();
    let about = |start: &str| text.starts_with(start);
    if about("invalid access token") || about("invalid access_token") {
        Failure::Unauthorized(format!(
            "Chatwoot does not know the API access token: copy it again from Profile Settings into \
             {API_TOKEN}"
        ))
    } else if about("you need to sign in") {
        Failure::Unauthorized(format!(
            "no API access token reached Chatwoot: a reverse proxy may drop header fields with \
             underscores (nginx needs `underscores_in_headers on;`), else check {API_TOKEN}"
        ))
    } else if about("you are not authorized to access this account") {
        Failure::Forbidden(format!(
            "the owner of {API_TOKEN} is no member of account {account}: correct {ACCOUNT_ID} or \
             use a member's token"
        ))
    } else if about("account is suspended") {
        Failure::Forbidden(suspended(account))
    } else if about("you are not authorized to do this action") {
        let what = if error.method == Method::Get { "read" } else { "change" };
        Failure::Forbidden(format!(
            "the owner of {API_TOKEN} may not {what} {}: use an administrator's token",
            error.path
        ))
    } else if about("access to this endpoint is not authorized for bots") {
        Failure::Forbidden(format!(
            "{API_TOKEN} is the token of a bot or a platform app, which may not read this: use a \
             user's token from Profile Settings"
        ))
    } else {
        Failure::Unauthorized(format!("{error}; check {API_TOKEN}"))
    }
}

/// The sentence for an account that Chatwoot has suspended.
pub(crate) fn suspended(account: &str) -> String {
    format!("account {account} is suspended: have it reactivated in Chatwoot, or correct {ACCOUNT_ID}")
}
