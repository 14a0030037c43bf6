//! ChartHop's requests, and what its refusals mean.
//!
//! No error has a documented body: it is quoted, capped by the SDK, and never understood.

use std::borrow::Cow;

use muster_sdk::http::{Answer, RequestBuilder};
use muster_sdk::pager::{Linked, by_cursor};
use muster_sdk::request::Method;
use muster_sdk::url::encode;
use muster_sdk::{Context, Failure, HttpError, HttpErrorKind};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::census::Count;
use crate::fields::{Fields, GROUP_IDS};
use crate::page::{Cursor, Page};
use crate::row::Row;

/// The setting of the API's origin.
pub(crate) const BASE_URL: &str = "charthop-base-url";
/// The setting of the organization's id or short name.
pub(crate) const ORG_ID: &str = "charthop-org-id";
/// The setting of the token, whose value only the host knows.
pub(crate) const API_TOKEN: &str = "charthop-api-token";
/// The setting of whether former people are read, too.
pub(crate) const INCLUDE_FORMER: &str = "charthop-include-former";
/// The setting of how the groups of a person are read.
pub(crate) const MEMBERSHIP: &str = "charthop-membership";
/// A choice of [`MEMBERSHIP`]: one request a person.
pub(crate) const PER_PERSON: &str = "per-person";
/// A choice of [`MEMBERSHIP`]: together with the list.
pub(crate) const LIST: &str = "list";

/// Rows asked for a page. ChartHop documents no maximum; others ask for 200 to 10,000. 500 rows keep an answer below
/// a megabyte, and 100,000 persons below 200 pages.
const PAGE_ROWS: usize = 500;
/// Rows taken of a page: a page names a task for each person and one more, and a call may name 10,000.
const MOST_ROWS: usize = 9_999;
/// Seconds until a snapshot is asked for again that ChartHop is still building; the host makes it more from time to
/// time.
const BUILDING: u64 = 2;

/// What a request was for: the same refusal means different things.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Proves the token.
    Me,
    /// Proves the organization.
    Org,
    /// In it.
    Within,
}

/// The API of one organization.
pub(crate) struct Api<'c> {
    context: &'c Context<'c>,
    base: String,
    /// Id or slug, as the operator wrote it.
    pub(crate) org: String,
    /// Whether former people are asked for, too.
    pub(crate) former: bool,
    /// Whether the list is asked for memberships.
    pub(crate) groups_in_list: bool,
}

impl<'c> Api<'c> {
    pub(crate) fn new(context: &'c Context<'c>) -> Result<Self, Failure> {
        let base = context.required_setting(BASE_URL)?;
        let org = context.required_setting(ORG_ID)?;
        let is = |name, value: &str| context.setting(name).as_deref() == Some(value);
        Ok(Api {
            context,
            base: base.trim_end_matches('/').to_owned(),
            org,
            former: is(INCLUDE_FORMER, "true"),
            groups_in_list: is(MEMBERSHIP, LIST),
        })
    }

    /// Proves the token. Whose it is does not matter: nothing is read of the answer.
    pub(crate) fn me(&self) -> Result<(), Failure> {
        let body = self.read::<Box<RawValue>>(Place::Me, self.get("/v1/user/me"))?;
        let is_user = Row::of(&body).is_some_and(|row| row.text("id").is_some());
        is_user.then_some(()).ok_or_else(|| {
            Failure::Unexpected(format!("GET /v1/user/me answered no user; does {BASE_URL} lead to ChartHop?"))
        })
    }

    /// The organization's id and name.
    pub(crate) fn org(&self) -> Result<(String, String), Failure> {
        let body = self.read::<Box<RawValue>>(Place::Org, self.get(&format!("/v1/org/{}", encode(&self.org))))?;
        let row = Row::of(&body);
        let text = |paths: &[&str]| row.as_ref().and_then(|row| row.first(paths)).map(Cow::into_owned);
        let id = text(&["id"]).ok_or_else(|| {
            Failure::Unexpected(format!("ChartHop's answer for the organization {} has no id", self.org))
        })?;
        Ok((id, text(&["name", "slug"]).unwrap_or_else(|| self.org.clone())))
    }

    pub(crate) fn count(&self) -> Result<Count, Failure> {
        self.read(Place::Within, self.get(&self.path("person/count")))
    }

    /// A page of the list of persons, and the fields that it has. Where ChartHop does not take the question, it is put
    /// once more with documented fields alone: that is no retry, but another question.
    pub(crate) fn persons(&self, cursor: &Cursor, fields: Fields) -> Result<(Page, Fields), Failure> {
        let (json, fields) = match (self.list(cursor, fields)?, fields) {
            (Err(error), Fields::All) if error.status() == Some(400) => {
                (self.list(cursor, Fields::Documented)?, Fields::Documented)
            }
            (json, fields) => (json, fields),
        };
        let page = json.map_err(|error| self.failure(error, Place::Within))?;
        if page.data.len() > MOST_ROWS {
            return Err(Failure::Unexpected(format!(
                "ChartHop gave {} persons on one page where {PAGE_ROWS} were asked for",
                page.data.len()
            )));
        }
        Ok((page, fields))
    }

    fn list(&self, cursor: &Cursor, fields: Fields) -> Result<Result<Page, HttpError>, Failure> {
        let request = self.get(&self.path("person")).query("fields", fields.query(self.groups_in_list));
        let request = self.with_former(request.query("limit", PAGE_ROWS));
        Ok(send(from(request, cursor.from.as_deref()))?.and_then(|answer| answer.json()))
    }

    /// A person with nothing but its groups; none where ChartHop does not find the person.
    pub(crate) fn person_groups(&self, person: &str) -> Result<Option<Box<RawValue>>, Failure> {
        let request = self.get(&self.path(&format!("person/{}", encode(person)))).query("fields", GROUP_IDS);
        match send(request)? {
            Err(error) if error.status() == Some(404) => Ok(None),
            answer => {
                let json = answer.and_then(|answer| answer.json());
                json.map(Some).map_err(|error| self.failure(error, Place::Within))
            }
        }
    }

    /// Whether the list has somebody of this id, where the list itself proves it; none where it does not.
    pub(crate) fn lists(&self, person: &str) -> Result<Option<bool>, Failure> {
        let request = self.get(&self.path("person")).query("fields", "id").query("ids", person).query("limit", 2);
        let page: Page = self.read(Place::Within, self.with_former(request))?;
        let is_person = |raw: &RawValue| Row::of(raw).is_some_and(|row| row.text("id").as_deref() == Some(person));
        Ok(match (page.data.iter().any(|raw| is_person(raw)), page.data.is_empty() && page.next().is_none()) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            // Others, though only this one was asked for: the list says nothing of this one.
            (false, false) => None,
        })
    }

    /// A page of the list of groups of every type.
    pub(crate) fn groups(&self, cursor: &Cursor) -> Result<Page, Failure> {
        let request = self.get(&self.path("group")).query("timeFilter", "CURRENT").query("limit", PAGE_ROWS);
        self.read(Place::Within, from(request, cursor.from.as_deref()))
    }

    /// Every type of group: tens, the customer's own among them.
    pub(crate) fn group_types(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        let mut types = Vec::new();
        let read = |cursor: Option<&str>| {
            let request = self.get(&format!("/v1/org/{}/group-type", encode(&self.org))).query("limit", PAGE_ROWS);
            let page: Page = self.read(Place::Within, from(request, cursor))?;
            Ok(Linked { next: page.next(), items: page.data })
        };
        by_cursor(read, |page| {
            types.extend(page);
            Ok(())
        })?;
        Ok(types)
    }

    /// Begins a request about the organization: `version` is `v1` or `v2`, `rest` the path behind it.
    pub(crate) fn about(&self, method: Method, version: &str, rest: &str) -> RequestBuilder<'c> {
        self.context.http().request(method, format!("{}/{version}/org/{}/{rest}", self.base, encode(&self.org)))
    }

    /// What a request about the organization that failed means, for the operator.
    pub(crate) fn failed(&self, error: HttpError) -> Failure {
        match error.status() {
            Some(403) => Failure::Forbidden(format!(
                "{error}: give the owner of {API_TOKEN} the right to change the people of {}",
                self.org
            )),
            _ => self.failure(error, Place::Within),
        }
    }

    fn read<T: DeserializeOwned>(&self, place: Place, request: RequestBuilder<'_>) -> Result<T, Failure> {
        let json = send(request)?.and_then(|answer| answer.json());
        json.map_err(|error| self.failure(error, place))
    }

    fn get(&self, path: &str) -> RequestBuilder<'c> {
        self.context.http().get(format!("{}{path}", self.base))
    }

    fn with_former<'r>(&self, request: RequestBuilder<'r>) -> RequestBuilder<'r> {
        if self.former { request.query("includeAll", true) } else { request }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/org/{}/{rest}", encode(&self.org))
    }

    /// What an exchange that failed means, for the operator.
    fn failure(&self, error: HttpError, place: Place) -> Failure {
        match &error.kind {
            HttpErrorKind::Status(refusal) => match (refusal.status, place) {
                (401, _) => Failure::Unauthorized(format!(
                    "ChartHop does not accept the token ({error}): copy the API token again into {API_TOKEN}, or have \
                     a new one made"
                )),
                (403, _) => Failure::Forbidden(format!(
                    "{error}: give the owner of {API_TOKEN} access to the people and groups of {}",
                    self.org
                )),
                (404, Place::Me) => Failure::InvalidSettings(format!("{error}; does {BASE_URL} lead to ChartHop?")),
                (400 | 404, Place::Org) => Failure::InvalidSettings(format!(
                    "ChartHop has no organization {} that the token may see ({error}): correct {ORG_ID}",
                    self.org
                )),
                (300..400, _) if refusal.status != 304 => {
                    Failure::InvalidSettings(format!("{error}: correct {BASE_URL}"))
                }
                _ => error.into(),
            },
            HttpErrorKind::NotJson(_) if place == Place::Me => {
                Failure::Unexpected(format!("{error}; does {BASE_URL} lead to ChartHop?"))
            }
            _ => error.into(),
        }
    }
}

/// Sends a request. A `202 snapshot currently building` has no data, whatever its body is: taken for an answer, it
/// would look like everybody leaving.
fn send(request: RequestBuilder<'_>) -> Result<Result<Answer, HttpError>, Failure> {
    let answer = request.send();
    if let Ok(answer) = &answer
        && answer.status() == 202
    {
        let asked = answer.header("retry-after").and_then(|value| value.trim().parse().ok());
        return Err(Failure::NotReady(asked.unwrap_or(BUILDING)));
    }
    Ok(answer)
}

fn from<'r>(request: RequestBuilder<'r>, cursor: Option<&str>) -> RequestBuilder<'r> {
    match cursor {
        Some(cursor) => request.query("from", cursor),
        None => request,
    }
}
