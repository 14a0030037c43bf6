//! Members as records. Pure.

use std::collections::BTreeSet;

use muster_sdk::{Details, Employment, Entitlement, Grant, Item, Resource, ResourceId, Status, User};
use serde::Serialize;

use crate::chart::Chart;
use crate::roster::{Member, Roster};
use crate::text;

/// The resource type of everybody in the roster.
pub(crate) const MEMBER: &str = "member";
/// The resource type of departments.
pub(crate) const DEPARTMENT: &str = "department";
/// The resource type of offices.
pub(crate) const OFFICE: &str = "office";
/// The slug of belonging to a department or an office.
const BELONGING: &str = "member";
/// Bytes of an id: the contract's limit.
const ID_BYTES: usize = 1024;

/// A profile's keys are the vendor's own.
#[derive(Serialize)]
struct Profile<'a> {
    #[serde(rename = "preferredName", skip_serializing_if = "Option::is_none")]
    preferred_name: Option<&'a str>,
}

/// Every record of a roster, in an order of its own: departments and offices first, then who is in them.
pub(crate) fn records<'r>(
    roster: &'r Roster<'_>,
    chart: &'r Chart,
    today: &'r str,
) -> impl Iterator<Item = Item> + use<'r> {
    let of = |group: fn(&Member<'_>) -> Option<String>| {
        roster.members.iter().filter_map(group).collect::<BTreeSet<String>>()
    };
    let groups = [(DEPARTMENT, of(department)), (OFFICE, of(office))];
    let groups =
        groups.into_iter().flat_map(|(kind, names)| names.into_iter().flat_map(move |name| group(kind, &name)));
    let people = roster.members.iter().enumerate().flat_map(move |(place, person)| {
        let manager = chart.managers.get(place).copied().flatten().and_then(|at| roster.members.get(at));
        std::iter::once(Item::from(member(person, manager, today))).chain(grants(person, today))
    });
    groups.chain(people)
}

/// Names are all that is known of departments and offices: the name is the id.
fn group(kind: &str, name: &str) -> [Item; 2] {
    let id = ResourceId::new(kind, name);
    let entitlement = Entitlement::assignment(id.clone(), BELONGING, format!("{name} member"))
        .with_description(format!("Member of the {kind} {name}"))
        .grantable_to(MEMBER);
    [Resource::group(id, name).into(), entitlement.into()]
}

fn department(member: &Member<'_>) -> Option<String> {
    group_name(member.department.as_deref())
}

fn office(member: &Member<'_>) -> Option<String> {
    group_name(member.location.as_deref())
}

/// The name as it becomes an id.
fn group_name(name: Option<&str>) -> Option<String> {
    let mut name = text::as_id(name?);
    name.truncate(name.floor_char_boundary(ID_BYTES));
    Some(name).filter(|name| !name.is_empty())
}

/// Who has left belongs to nothing any more.
fn grants(member: &Member<'_>, today: &str) -> impl Iterator<Item = Item> + use<> {
    let groups = match member.has_left(today) {
        true => [None, None],
        false => [department(member).map(|name| (DEPARTMENT, name)), office(member).map(|name| (OFFICE, name))],
    };
    let who = id(member);
    groups
        .into_iter()
        .flatten()
        .map(move |(kind, name)| Grant::new(ResourceId::new(kind, name), BELONGING, who.clone()).into())
}

fn id(member: &Member<'_>) -> ResourceId {
    ResourceId::new(MEMBER, &member.uuid)
}

pub(crate) fn member(member: &Member<'_>, manager: Option<&Member<'_>>, today: &str) -> Resource {
    let own = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let (status, status_detail) = match (member.has_left(today), member.start.as_deref()) {
        (true, _) => (Status::Departed, None),
        (false, Some(start)) if start > today => (Status::Disabled, Some(format!("starts {start}"))),
        (false, _) => (Status::Enabled, None),
    };
    let user = User {
        email: own(&member.work_email),
        other_emails: own(&member.home_email).into_iter().collect(),
        given_name: own(&member.first),
        family_name: own(&member.last),
        status_detail,
        employment: Some(Employment {
            employee_id: own(&member.employee_id),
            title: own(&member.title),
            department: department(member),
            location: office(member),
            employment_type: own(&member.member_type),
            manager: manager.map(id),
            manager_email: None,
            start_date: own(&member.start),
            end_date: own(&member.terminated),
        }),
        ..User::new(status)
    };
    Resource {
        id: id(member),
        name: member.display(),
        parent: None,
        details: Details::User(user),
        profile: String::new(),
    }
    .with_profile(&Profile { preferred_name: member.preferred.as_deref() })
}
