//! Records that break a rule, and records that only look as if.

use crate::bindings::muster::connector::collector;
use crate::bindings::muster::connector::types::{
    Details, Employment, Entitlement, Grant, Item, Purpose, Resource, ResourceId, Status, User,
};
use crate::{Outcome, count, done, fail, setting, warn};

/// The key of a resource.
pub fn id(resource_type: &str, id: &str) -> ResourceId {
    ResourceId { resource_type: resource_type.to_owned(), id: id.to_owned() }
}

fn user(employment: Option<Employment>) -> User {
    User {
        email: None,
        other_emails: Vec::new(),
        login: None,
        given_name: None,
        family_name: None,
        status: Status::Enabled,
        status_detail: None,
        employment,
    }
}

fn employment(start_date: &str) -> Employment {
    Employment {
        employee_id: None,
        title: None,
        department: None,
        location: None,
        employment_type: None,
        manager: None,
        manager_email: None,
        start_date: Some(start_date.to_owned()),
        end_date: None,
    }
}

fn resource(of: ResourceId, name: &str, details: Details, profile: &str) -> Item {
    Item::Resource(Resource { id: of, name: name.to_owned(), parent: None, details, profile: profile.to_owned() })
}

/// Somebody.
pub fn person(of: &str, name: &str) -> Item {
    resource(id("user", of), name, Details::User(user(None)), "")
}

/// Somebody with an address and a job.
pub fn employee(number: usize) -> Item {
    let job = Employment { title: Some("Cook".to_owned()), ..employment("2026-02-01") };
    let user = User {
        email: Some(format!("p{number}@example.test")),
        given_name: Some("Person".to_owned()),
        family_name: Some(number.to_string()),
        ..user(Some(job))
    };
    resource(id("user", &number.to_string()), &format!("Person {number}"), Details::User(user), "")
}

/// A team with its members.
pub fn team(of: &str, members: &[&str]) -> Vec<Item> {
    let team = || id("team", of);
    let mut out = vec![resource(team(), of, Details::Group, ""), entitlement(team(), "member", "user")];
    out.extend(members.iter().map(|member| grant(team(), "member", id("user", member))));
    out
}

/// Something, with attributes.
pub fn page(of: &str, name: &str, profile: &str) -> Item {
    resource(id("page", of), name, Details::Other, profile)
}

fn entitlement(of: ResourceId, slug: &str, grantable_to: &str) -> Item {
    Item::Entitlement(Entitlement {
        resource: of,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        description: String::new(),
        purpose: Purpose::Assignment,
        grantable_to: vec![grantable_to.to_owned()],
    })
}

fn grant(resource: ResourceId, slug: &str, principal: ResourceId) -> Item {
    Item::Grant(Grant { resource, slug: slug.to_owned(), principal })
}

/// Hands over a batch and does not care whether it was taken.
pub fn emit(items: &[Item]) {
    let _ = collector::emit(items);
}

/// A record that breaks the rule of that name.
fn broken(rule: &str) -> Option<Item> {
    let team = || id("team", "t");
    Some(match rule {
        "empty-id" => person("", "Nobody"),
        "control-id" => person("a\nb", "Two lines"),
        "escape-id" => person("a\u{1b}[2Jb", "Escape"),
        "long-id" => person(&"x".repeat(1025), "Long"),
        "undeclared-type" => resource(id("robot", "1"), "Robot", Details::Other, ""),
        "odd-type" => resource(id("user\u{1b}[2J", "1"), "Robot", Details::Other, ""),
        "long-name" => person("1", &"x".repeat(4097)),
        "bad-profile" => page("1", "One", "{\"a\":"),
        "list-profile" => page("1", "One", "[]"),
        "deep-profile" => page("1", "One", &format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000))),
        "large-profile" => page("1", "One", &format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))),
        "bad-date" => resource(id("user", "1"), "One", Details::User(user(Some(employment("2026-02-30")))), ""),
        "bad-slug" => entitlement(team(), "Member Of", "user"),
        "bad-grant-slug" => grant(team(), "", id("user", "decoy")),
        "grantable-to" => entitlement(team(), "member", "robot"),
        "bad-parent" => {
            let parent = Some(id("robot", "1"));
            Item::Resource(Resource {
                id: id("page", "1"),
                name: String::new(),
                parent,
                details: Details::Other,
                profile: String::new(),
            })
        }
        "many-emails" => {
            let other_emails = (0..500).map(|n| format!("somebody-{n}@example.test")).collect();
            resource(id("user", "1"), "One", Details::User(User { other_emails, ..user(None) }), "")
        }
        _ => return None,
    })
}

/// Runs a mode of this file.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        "honest" => {
            emit(&[person("ann", "Ann"), person("bob", "Bob")]);
            done()
        }
        // The refusal is swallowed: the host has to remember it.
        "broken-record" => {
            let item = broken(&setting("target"))?;
            emit(&[item]);
            emit(&[person("late", "Late")]);
            done()
        }
        "endless-emit" => {
            let name = "x".repeat(1000);
            let mut at = 0u64;
            loop {
                let batch: Vec<Item> = (at..at + 500).map(|n| person(&n.to_string(), &name)).collect();
                at += 500;
                // A host that takes all of this would take the rest as well.
                if collector::emit(&batch).is_err() || at > 50_000 {
                    return done();
                }
            }
        }
        "large-batch" => {
            let name = "x".repeat(4000);
            let batch: Vec<Item> = (0..count()).map(|n| person(&n.to_string(), &name)).collect();
            emit(&batch);
            done()
        }
        "dangling" => {
            let team = id("team", "support");
            emit(&[
                resource(team.clone(), "Support", Details::Group, ""),
                entitlement(team.clone(), "member", "user"),
                grant(team.clone(), "member", id("user", "decoy")),
                grant(team.clone(), "member", id("user", "ghost")),
                grant(team, "owner", id("user", "decoy")),
                grant(id("team", "gone"), "member", id("user", "decoy")),
                entitlement(id("team", "lost"), "member", "user"),
            ]);
            done()
        }
        "two-contents" => {
            emit(&[person("ann", "Ann"), person("ann", "Eve"), person("ann", "Ann")]);
            done()
        }
        "escapes" => {
            emit(&[person("ann", EVIL), page("p", EVIL, &format!("{{\"k\":\"{}\"}}", "\\u001b[2J\\u202e"))]);
            warn(EVIL);
            done()
        }
        "escapes-failure" => fail(EVIL),
        _ => None,
    }
}

/// Clears the screen, turns the direction round, begins a new line and forges one of ours.
pub const EVIL: &str =
    "Nice\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\r\nerror: forged\u{2028}x\u{0}";
