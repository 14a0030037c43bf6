//! The directory's answers as records. Pure.

use muster_sdk::{Entitlement, Grant, Resource, ResourceId, Status, User as Person};
use serde::Serialize;

use crate::api::{Group, Member, User};

pub(crate) const USER: &str = "user";
pub(crate) const GROUP: &str = "group";
const MEMBER: &str = "member";

#[derive(Serialize)]
struct UserProfile<'a> {
    department: &'a str,
    employee_number: &'a str,
    office: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct GroupProfile<'a> {
    description: &'a str,
}

pub(crate) fn user(user: &User<'_>) -> Resource {
    let text = |text: &str| Some(text.to_owned());
    let status = if user.active { Status::Enabled } else { Status::Disabled };
    let person = Person {
        email: text(&user.email),
        login: text(&user.login),
        given_name: text(&user.given_name),
        family_name: text(&user.family_name),
        ..Person::new(status)
    };
    Resource::user(ResourceId::new(USER, user.id), &*user.name, person).with_profile(&UserProfile {
        department: &user.department,
        employee_number: &user.employee_number,
        office: &user.office,
        title: &user.title,
    })
}

pub(crate) fn group(group: &Group<'_>) -> Resource {
    let profile = GroupProfile { description: &group.description };
    Resource::group(ResourceId::new(GROUP, group.id), &*group.name).with_profile(&profile)
}

/// What being in a group means.
pub(crate) fn membership(group: &Group<'_>) -> Entitlement {
    Entitlement::assignment(ResourceId::new(GROUP, group.id), MEMBER, format!("{} member", group.name))
        .with_description(format!("Member of {}", group.name))
        .grantable_to(USER)
}

pub(crate) fn grant(group: &str, member: &Member) -> Grant {
    Grant::new(ResourceId::new(GROUP, group), MEMBER, ResourceId::new(USER, member.id))
}
