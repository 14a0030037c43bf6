//! A SCIM server's requests, and what its refusals mean.

use muster_sdk::http::{Answer, RequestBuilder};
use muster_sdk::url::encode;
use muster_sdk::{Context, Failure, HttpError, HttpErrorKind};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::marker::PhantomData;

use crate::list::{Envelope, List};
use crate::window::{Mark, Page, Window};
use crate::wire::Group;

/// Setting: origin of the server.
pub(crate) const BASE_URL: &str = "scim-base-url";
/// Setting: what follows the origin in the server's SCIM address.
pub(crate) const PATH: &str = "scim-path";
/// Setting: the bearer token, which only the host sees.
pub(crate) const TOKEN: &str = "scim-token";
/// Setting: the name for HTTP Basic.
pub(crate) const USERNAME: &str = "scim-username";
/// Setting: the password for HTTP Basic, which only the host sees.
pub(crate) const PASSWORD: &str = "scim-password";
/// Setting: whether the server has groups.
pub(crate) const GROUPS: &str = "scim-groups";

/// SCIM's own media type, and what servers that do not know it send.
const ACCEPT: &str = "application/scim+json, application/json";

/// The two lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Endpoint {
    Users,
    Groups,
}

impl Endpoint {
    fn segment(self) -> &'static str {
        match self {
            Endpoint::Users => "Users",
            Endpoint::Groups => "Groups",
        }
    }

    /// Records asked for in one page. A server may give fewer; then its own number is the step from page to page.
    /// Groups carry their members, and a page of them has to fit into an answer of 64 MiB.
    fn count(self) -> u64 {
        match self {
            Endpoint::Users => 100,
            Endpoint::Groups => 25,
        }
    }
}

/// What a filter by an id finds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Group,
    /// An empty list: there is none of that id.
    Nothing,
    /// The server does not do such filters, as this sentence says.
    NoFilter(String),
}

/// What a request was for: the same refusal means different things.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A list from its beginning: it shows whether the server is one.
    Beginning(Endpoint),
    Elsewhere,
}

/// A SCIM server.
pub(crate) struct Api<'c> {
    context: &'c Context<'c>,
    /// Origin and path, without a slash at the end.
    pub(crate) root: String,
    /// The settings to look at where the server refuses the credential.
    credential: String,
}

impl<'c> Api<'c> {
    pub(crate) fn new(context: &'c Context<'c>) -> Result<Self, Failure> {
        let base = context.required_setting(BASE_URL)?;
        let path = context.setting(PATH).unwrap_or_default();
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(encode);
        let root = std::iter::once(base.trim_end_matches('/').to_owned()).chain(segments).collect::<Vec<_>>().join("/");
        let credential = match context.setting(USERNAME) {
            Some(_) => format!("{USERNAME} and {PASSWORD}"),
            None => TOKEN.to_owned(),
        };
        Ok(Api { context, root, credential })
    }

    /// Whether the server describes itself. Many do not, and one that wants another right for it is as good.
    pub(crate) fn describes_itself(&self) -> Result<bool, Failure> {
        match self.get("ServiceProviderConfig").send() {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.status(), Some(400 | 403 | 404 | 405 | 501)) => Ok(false),
            Err(error) => Err(self.failure(error, Place::Elsewhere)),
        }
    }

    /// How many users there are, where the server says so: the smallest request that proves the credential.
    pub(crate) fn count_users(&self) -> Result<Option<u64>, Failure> {
        let place = Place::Beginning(Endpoint::Users);
        let request = self.get("Users").query("startIndex", 1).query("count", 1);
        let answer = request.send().map_err(|error| self.failure(error, place))?;
        Ok(self.list(&answer, place, |_: IgnoredAny| Ok(()))?.total)
    }

    /// Asks for a window of a list. None: the server refuses to look behind the end it told.
    pub(crate) fn fetch(&self, endpoint: Endpoint, window: &Window) -> Result<Option<Answer>, Failure> {
        let request = self.get(endpoint.segment());
        let request = match window.cursor() {
            Some(cursor) => request.query("cursor", cursor),
            None => request.query("startIndex", window.from()),
        };
        match request.query("count", endpoint.count()).send() {
            Ok(answer) => Ok(Some(answer)),
            // Not 404: what is not found for a moment would end a list whose total is the page's size.
            Err(error) if window.is_behind_the_end() && error.status() == Some(400) => Ok(None),
            Err(error) => Err(self.failure(error, Place::of(endpoint, window))),
        }
    }

    /// Hands over the records of an answer one by one; `take` answers their ids.
    pub(crate) fn read<'a, T: Deserialize<'a>>(
        &self,
        endpoint: Endpoint,
        window: &Window,
        answer: &'a Answer,
        mut take: impl FnMut(T) -> Result<String, Failure>,
    ) -> Result<Page, Failure> {
        let (mut count, mut mark) = (0, Mark::new());
        let envelope = self.list(answer, Place::of(endpoint, window), |record| {
            mark.add(&take(record)?);
            count += 1;
            Ok(())
        })?;
        Ok(Page { asked: endpoint.count(), count, total: envelope.total, cursor: envelope.cursor, mark: mark.number() })
    }

    /// Hands over one group. False where the server says that there is none of that id.
    pub(crate) fn group(&self, id: &str, take: impl FnOnce(Group<'_>) -> Result<(), Failure>) -> Result<bool, Failure> {
        let answer = match self.get(&format!("Groups/{}", encode(id))).send() {
            Ok(answer) => answer,
            Err(error) if error.status() == Some(404) => return Ok(false),
            Err(error) => return Err(self.failure(error, Place::Elsewhere)),
        };
        take(answer.seed(PhantomData).map_err(|error| self.failure(error, Place::Elsewhere))?).map(|()| true)
    }

    /// Looks for one group by a filter, which can hold an id that no path can, and hands it over.
    pub(crate) fn find_group(
        &self,
        id: &str,
        mut take: impl FnMut(Group<'_>) -> Result<(), Failure>,
    ) -> Result<Found, Failure> {
        let request = self
            .get("Groups")
            .query("filter", format!("id eq {}", serde_json::Value::from(id)))
            // Servers that leave the members out of lists give them where they are asked for by name.
            .query("attributes", "id,displayName,members");
        let answer = match request.send() {
            Ok(answer) => answer,
            Err(error) if matches!(error.status(), Some(400 | 404 | 501)) => {
                return Ok(Found::NoFilter(error.to_string()));
            }
            Err(error) => return Err(self.failure(error, Place::Elsewhere)),
        };
        let mut found = Found::Nothing;
        let envelope = self.list(&answer, Place::Elsewhere, |group: Group<'_>| {
            if group.id.0.as_deref() == Some(id) {
                found = Found::Group;
                return take(group);
            }
            if found == Found::Nothing {
                found = Found::NoFilter("the server answers a filter by an id with other groups".to_owned());
            }
            Ok(())
        })?;
        match (found, envelope.total) {
            (Found::Nothing, Some(total)) if total > 0 => Err(Failure::Unexpected(format!(
                "the server says that a filter by the id {id} finds {total} groups, and gives none"
            ))),
            (found, _) => Ok(found),
        }
    }

    fn get(&self, rest: &str) -> RequestBuilder<'c> {
        self.context.http().get(format!("{}/{rest}", self.root)).header("accept", ACCEPT)
    }

    fn list<'a, T: Deserialize<'a>>(
        &self,
        answer: &'a Answer,
        place: Place,
        take: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<Envelope, Failure> {
        let mut stopped = None;
        let read = answer.seed(List::new(take, &mut stopped));
        match stopped {
            Some(failure) => Err(failure),
            None => read.map_err(|error| self.failure(error, place)),
        }
    }

    /// What an exchange that failed means, for the operator.
    fn failure(&self, error: HttpError, place: Place) -> Failure {
        let leads = format!("do {BASE_URL} and {PATH} (often /scim/v2) lead to a SCIM 2.0 server?");
        match (&error.kind, error.status()) {
            (_, Some(401)) => Failure::Unauthorized(format!("{error}; check {}", self.credential)),
            (_, Some(403)) => Failure::Forbidden(format!(
                "{error}; give the owner of {} the right to read users and groups",
                self.credential
            )),
            (_, Some(300..=399)) => Failure::InvalidSettings(format!("{error}: correct {BASE_URL} or {PATH}")),
            (_, Some(404 | 501)) if place == Place::Beginning(Endpoint::Groups) => {
                Failure::InvalidSettings(format!("{error}: if this server has no groups, write {GROUPS} = false"))
            }
            (_, Some(404)) if place == Place::Beginning(Endpoint::Users) => {
                Failure::InvalidSettings(format!("{error}; {leads}"))
            }
            (HttpErrorKind::NotJson(_), _) => Failure::Unexpected(format!("{error}; {leads}")),
            _ => error.into(),
        }
    }
}

impl Place {
    fn of(endpoint: Endpoint, window: &Window) -> Self {
        match (window.from(), window.cursor()) {
            (1, None) => Place::Beginning(endpoint),
            _ => Place::Elsewhere,
        }
    }
}

/// Whether an id can stand in a path as one segment that every server reads alike. The host refuses others.
pub(crate) fn is_segment(id: &str) -> bool {
    !matches!(id, "." | "..") && !id.contains(['/', '\\', '%', ';'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_servers_could_read_as_another_path_are_no_segments() {
        for id in ["a", "a b", "ä:1?x#y", "...", "a..b"] {
            assert!(is_segment(id), "{id}");
        }
        for id in ["a/b", "a\\b", "a%2fb", "..;x", ".", ".."] {
            assert!(!is_segment(id), "{id}");
        }
    }
}
