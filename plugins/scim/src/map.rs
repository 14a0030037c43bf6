//! SCIM's resources as records. Pure.

use muster_sdk::{Employment, Entitlement, Failure, Grant, Resource, ResourceId, User};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use crate::wire::{Attributes, Group, Loose, Member, attribute, text, values};

/// The resource type of users.
pub(crate) const USER: &str = "user";
/// The resource type of groups.
pub(crate) const GROUP: &str = "group";
/// The entitlement of being in a group.
const MEMBER: &str = "member";

/// Attributes of the core schema that go into a profile as they are: texts that only an administrator changes.
const CORE: [&str; 5] = ["externalId", "nickName", "preferredLanguage", "locale", "timezone"];
/// The same of the enterprise extension.
const ENTERPRISE: [&str; 3] = ["costCenter", "organization", "division"];
/// Lists of the core schema that say what somebody may do; their values go into a profile, sorted.
const RIGHTS: [&str; 2] = ["roles", "entitlements"];

pub(crate) fn user(user: &Attributes) -> Result<Resource, Failure> {
    let of = |name: &str| attribute(user, name).and_then(text).map(|text| text.into_owned());
    let login = of("userName");
    let id = of("id").ok_or_else(|| {
        let login = login.as_deref().unwrap_or("without one");
        Failure::Unexpected(format!("a user came without an id (userName {login})"))
    })?;
    let part = |name: &str| attribute(user, "name").and_then(Value::as_object).and_then(|n| attribute(n, name));
    let part = |name: &str| part(name).and_then(text).map(|text| text.into_owned());
    let (given, family) = (part("givenName"), part("familyName"));
    let both: Vec<&str> = [&given, &family].into_iter().filter_map(|name| name.as_deref()).collect();
    let both = (!both.is_empty()).then(|| both.join(" "));
    let (email, other_emails) = emails(user);
    let name = of("displayName").or_else(|| part("formatted")).or(both).or_else(|| of("name"));
    let name = name.or_else(|| login.clone()).or_else(|| email.clone()).unwrap_or_else(|| id.clone());
    let details = match is_active(user, &id)? {
        true => User::enabled(),
        false => User::disabled("not active"),
    };
    let details = User {
        email,
        other_emails,
        login,
        given_name: given,
        family_name: family,
        employment: employment(user),
        ..details
    };
    Ok(Resource::user(ResourceId::new(USER, id), name, details).with_profile(&profile(user)))
}

/// Whether the account can be used. A server that does not say knows no accounts that cannot.
fn is_active(user: &Attributes, id: &str) -> Result<bool, Failure> {
    let Some(active) = attribute(user, "active") else { return Ok(true) };
    if let Value::Bool(active) = active {
        return Ok(*active);
    }
    match text(active).as_deref().map(str::trim) {
        None if *active == "" => Ok(true),
        Some(word) if word.eq_ignore_ascii_case("true") || word == "1" => Ok(true),
        Some(word) if word.eq_ignore_ascii_case("false") || word == "0" => Ok(false),
        _ => Err(Failure::Unexpected(format!("active of the user {id} is {active}, neither true nor false"))),
    }
}

/// The primary address, else one for work, else any; and the others.
fn emails(user: &Attributes) -> (Option<String>, Vec<String>) {
    let mut ranked = BTreeSet::new();
    for email in attribute(user, "emails").map(values).unwrap_or_default() {
        let of = |name: &str| email.as_object().and_then(|email| attribute(email, name));
        let Some(address) = of("value").map_or_else(|| text(email), text) else { continue };
        let is = |name: &str, word: &str| of(name).and_then(text).is_some_and(|t| t.eq_ignore_ascii_case(word));
        let rank = match of("primary") == Some(&Value::Bool(true)) || is("primary", "true") {
            true => 0,
            false if is("type", "work") => 1,
            false => 2,
        };
        ranked.insert((rank, address.into_owned()));
    }
    // A list has no order: of two that are as good, the first by letter.
    let mut addresses = ranked.into_iter().map(|(_, address)| address);
    let email = addresses.next();
    let others: BTreeSet<String> = addresses.filter(|other| Some(other) != email.as_ref()).collect();
    (email, others.into_iter().collect())
}

/// An attribute of the enterprise extension, or of the user where a server puts it there.
fn enterprise<'u>(user: &'u Attributes, name: &str) -> Option<&'u Value> {
    let extension = user.iter().find(|(urn, _)| urn.to_ascii_lowercase().contains(":extension:enterprise:"));
    let inside = extension.and_then(|(_, value)| value.as_object()).and_then(|of| attribute(of, name));
    inside.or_else(|| attribute(user, name))
}

fn employment(user: &Attributes) -> Option<Employment> {
    let own = |value: Option<&Value>| value.and_then(text).map(|text| text.into_owned());
    let employment = Employment {
        employee_id: own(enterprise(user, "employeeNumber")),
        title: own(attribute(user, "title")),
        department: own(enterprise(user, "department")),
        location: None,
        employment_type: own(attribute(user, "userType")),
        manager: enterprise(user, "manager").and_then(manager).map(|id| ResourceId::new(USER, id)),
        manager_email: None,
        start_date: None,
        end_date: None,
    };
    let says_nothing =
        [&employment.employee_id, &employment.title, &employment.department, &employment.employment_type]
            .into_iter()
            .all(Option::is_none)
            && employment.manager.is_none();
    (!says_nothing).then_some(employment)
}

/// The manager's id: the value, an older draft's `managerId`, the end of the reference, or the text itself.
fn manager(manager: &Value) -> Option<String> {
    // Some servers make a list of it.
    let manager = values(manager).first()?;
    let Some(object) = manager.as_object() else { return text(manager).map(|text| text.into_owned()) };
    let of = |name: &str| attribute(object, name).and_then(text).map(|text| text.into_owned());
    of("value").or_else(|| of("managerId")).or_else(|| referred(&of("$ref")?).map(|(_, id)| id))
}

fn profile(user: &Attributes) -> Map<String, Value> {
    let core = CORE.iter().map(|name| (*name, attribute(user, name)));
    let enterprise = ENTERPRISE.iter().map(|name| (*name, enterprise(user, name)));
    let texts = core.chain(enterprise).filter_map(|(name, value)| {
        let text = value.and_then(text)?.into_owned();
        Some((name.to_owned(), Value::from(text)))
    });
    let rights = RIGHTS.iter().filter_map(|name| {
        let list = attribute(user, name).map(values)?;
        let word = |of: &Value| {
            let object = of.as_object();
            let inside = object.and_then(|of| attribute(of, "value").or_else(|| attribute(of, "display")));
            inside.or(Some(of)).and_then(text).map(|text| text.into_owned())
        };
        let words: BTreeSet<String> = list.iter().filter_map(word).collect();
        (!words.is_empty()).then(|| ((*name).to_owned(), words.into_iter().collect()))
    });
    texts.chain(rights).collect()
}

/// A group's id, which it has to have.
pub(crate) fn group_id(group: &Group<'_>) -> Result<String, Failure> {
    let name = group.display_name.0.as_deref().unwrap_or("without one");
    let id = group.id.0.as_deref().map(str::to_owned);
    id.ok_or_else(|| Failure::Unexpected(format!("a group came without an id (displayName {name})")))
}

pub(crate) fn group(id: &str, group: &Group<'_>) -> Resource {
    let profile: Map<String, Value> =
        group.external_id.0.iter().map(|id| ("externalId".to_owned(), Value::from(id.as_ref()))).collect();
    Resource::group(ResourceId::new(GROUP, id), group_name(id, group)).with_profile(&profile)
}

/// What being in a group means.
pub(crate) fn membership(id: &str, group: &Group<'_>) -> Entitlement {
    let name = group_name(id, group);
    Entitlement::assignment(ResourceId::new(GROUP, id), MEMBER, format!("{name} member"))
        .with_description(format!("Member of the group {name}"))
        .grantable_to(USER)
        .grantable_to(GROUP)
}

/// What a group is called.
pub(crate) fn group_name<'g>(id: &'g str, group: &'g Group<'_>) -> &'g str {
    group.display_name.0.as_deref().unwrap_or(id)
}

/// Who a member is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Principal {
    User(String),
    Group(String),
    /// Nobody says which: only the list of groups can tell.
    Untyped(String),
}

/// Reads a member of the group `group`.
pub(crate) fn principal(group: &str, member: &Member<'_>) -> Result<Principal, Failure> {
    let of = |text: &Loose<'_>| text.0.as_deref().map(str::to_owned);
    let reference = of(&member.reference).and_then(|reference| referred(&reference));
    let id = of(&member.value).or_else(|| reference.as_ref().map(|(_, id)| id.clone())).ok_or_else(|| {
        Failure::Unexpected(format!("a member of the group {group} came with neither a value nor a $ref"))
    })?;
    let folder = reference.map(|(folder, _)| folder);
    // A type that SCIM does not know says nothing.
    let typed = |kind: &str| member.kind.0.as_deref().is_some_and(|word| word.trim().eq_ignore_ascii_case(kind));
    let referred_to = |of: &str| folder.as_deref().is_some_and(|folder| folder.eq_ignore_ascii_case(of));
    Ok(if typed("User") {
        Principal::User(id)
    } else if typed("Group") {
        Principal::Group(id)
    } else if referred_to("Users") {
        Principal::User(id)
    } else if referred_to("Groups") {
        Principal::Group(id)
    } else {
        Principal::Untyped(id)
    })
}

pub(crate) fn grant(group: &str, resource_type: &str, principal: impl ToString) -> Grant {
    Grant::new(ResourceId::new(GROUP, group), MEMBER, ResourceId::new(resource_type, principal))
}

/// The last two segments of a reference: `…/Users/7` is `Users` and `7`.
fn referred(reference: &str) -> Option<(String, String)> {
    let path = reference.split(['?', '#']).next()?.trim_end_matches('/');
    let (before, id) = path.rsplit_once('/')?;
    let folder = before.rsplit('/').next()?;
    (!id.is_empty()).then(|| (folder.to_owned(), decoded(id)))
}

/// A segment without its percent-encoding; one that is broken stays as it is.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut nibble =
            || rest.next().and_then(|digit| char::from(digit).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (nibble(), nibble()) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return segment.to_owned(),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}
