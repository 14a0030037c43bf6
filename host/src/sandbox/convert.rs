//! From generated types to the domain's, checked on the way: what a guest hands over is refused or clean.

use super::bindings::muster::connector::{manifest as wit, types as w};
use crate::failure::{Failure, Reason};
use crate::manifest::{Credential, Manifest, Rate, ResourceType, Route, RouteUse, Setting, SettingKind};
use crate::model::{
    self, Account, Employment, Entitlement, Grant, Kind, NAME_BYTES, Record, Resource, ResourceId, Status, Task, User,
};
use crate::text::shorten;

/// Bytes kept of a failure's message.
const MESSAGE_BYTES: usize = 4096;
/// Seconds a vendor's wish counts as, at most: longer than any run may wait, and far from any overflow. At least
/// one counts, so that a wish of none cannot turn a run into a storm of requests.
const LONGEST_WAIT: u64 = 86_400;
/// Bytes of a session, of an account's texts, and warnings kept.
const SESSION_BYTES: usize = 4096;
const WARNINGS: usize = 20;

/// The manifest, as it is: [`Manifest::check`] judges it.
pub(super) fn manifest(d: wit::Description) -> Manifest {
    Manifest {
        name: d.name,
        version: d.version,
        display_name: d.display_name,
        summary: d.summary,
        documentation: d.documentation,
        resource_types: d
            .resource_types
            .into_iter()
            .map(|t| ResourceType {
                id: t.id,
                display_name: t.display_name,
                description: t.description,
                kind: kind(t.kind),
            })
            .collect(),
        settings: d
            .settings
            .into_iter()
            .map(|s| Setting {
                name: s.name,
                label: s.label,
                help: s.help,
                kind: match s.kind {
                    wit::SettingKind::Text => SettingKind::Text,
                    wit::SettingKind::Secret => SettingKind::Secret,
                    wit::SettingKind::Url => SettingKind::Url,
                    wit::SettingKind::Path => SettingKind::Path,
                    wit::SettingKind::Number => SettingKind::Number,
                    wit::SettingKind::Flag => SettingKind::Flag,
                    wit::SettingKind::Choice(of) => SettingKind::Choice(of),
                },
                required: s.required,
                default: s.default,
                pattern: s.pattern,
            })
            .collect(),
        routes: d
            .routes
            .into_iter()
            .map(|r| Route {
                origin: r.origin,
                methods: r.methods,
                path: r.path,
                usage: match r.use_ {
                    wit::RouteUse::Read => RouteUse::Read,
                    wit::RouteUse::ReadByPost => RouteUse::ReadByPost,
                    wit::RouteUse::Login => RouteUse::Login,
                    wit::RouteUse::Write => RouteUse::Write,
                },
            })
            .collect(),
        credentials: d
            .credentials
            .into_iter()
            .map(|c| Credential {
                id: c.id,
                origin: c.origin,
                scheme: c.scheme,
                parameters: c.parameters.into_iter().map(|p| (p.name, p.value)).collect(),
            })
            .collect(),
        keeps_cookies: d.keeps_cookies,
        rate: d.rate.map(|r| Rate { requests: r.requests, per_seconds: r.per_seconds, at_once: r.at_once }),
    }
}

fn kind(k: w::Kind) -> Kind {
    match k {
        w::Kind::User => Kind::User,
        w::Kind::Group => Kind::Group,
        w::Kind::Role => Kind::Role,
        w::Kind::App => Kind::App,
        w::Kind::Other => Kind::Other,
    }
}

/// A guest's failure.
pub(super) fn failure(f: w::Failure) -> Failure {
    let (reason, message, retry_after) = match f {
        w::Failure::Unauthorized(m) => (Reason::Unauthorized, m, None),
        w::Failure::Forbidden(m) => (Reason::Forbidden, m, None),
        w::Failure::RateLimited(wish) => {
            // A vendor that does not say how long counts as a minute (rule R4).
            let seconds = wish.unwrap_or(60).clamp(1, LONGEST_WAIT);
            let message = match wish {
                None => "the vendor asks to slow down and does not say for how long".to_owned(),
                Some(s) if s > LONGEST_WAIT => "the vendor asks to wait for more than a day".to_owned(),
                Some(_) => format!("the vendor asks to wait {seconds} s"),
            };
            (Reason::RateLimited, message, Some(seconds))
        }
        w::Failure::NotReady(s) => {
            let s = s.clamp(1, LONGEST_WAIT);
            (Reason::NotReady, format!("the vendor is still preparing the answer; it asks to wait {s} s"), Some(s))
        }
        w::Failure::Unavailable(m) => (Reason::Unavailable, m, None),
        w::Failure::InvalidSettings(m) => (Reason::InvalidSettings, m, None),
        w::Failure::Unexpected(m) => (Reason::Unexpected, m, None),
    };
    Failure { retry_after, ..Failure::new(reason, shorten(&message, MESSAGE_BYTES)) }
}

/// Who the vendor thinks we are.
///
/// # Errors
/// A session that is too long.
pub(super) fn account(a: w::Account) -> Result<Account, String> {
    if a.session.as_ref().is_some_and(|s| s.len() > SESSION_BYTES) {
        return Err(format!("its session has more than {SESSION_BYTES} bytes"));
    }
    let warnings = a.warnings.iter().take(WARNINGS).map(|w| shorten(w, MESSAGE_BYTES)).collect();
    Ok(Account {
        id: shorten(&a.id, SESSION_BYTES),
        name: shorten(&a.name, SESSION_BYTES),
        warnings,
        session: a.session,
    })
}

/// A follow-up task.
///
/// # Errors
/// The rule that is broken.
pub(super) fn task(t: w::Task, payload_bytes: usize) -> Result<Task, String> {
    if !model::is_slug(&t.kind) {
        return Err(format!("a task has the kind {:?}, which is no slug", shorten(&t.kind, 64)));
    }
    if t.payload.len() > payload_bytes {
        return Err(format!("a task {} has a payload of {} bytes, more than {payload_bytes}", t.kind, t.payload.len()));
    }
    Ok(Task { kind: t.kind, payload: t.payload })
}

/// For a guest's call.
pub(super) fn task_out(t: &Task) -> w::Task {
    w::Task { kind: t.kind.clone(), payload: t.payload.clone() }
}

/// One record, checked against the rules and the manifest.
///
/// # Errors
/// The rule that is broken, naming the record.
pub(super) fn record(item: w::Item, manifest: &Manifest) -> Result<Record, String> {
    match item {
        w::Item::Resource(r) => resource(r, manifest).map(|r| Record::Resource(Box::new(r))),
        w::Item::Entitlement(e) => entitlement(e, manifest).map(Record::Entitlement),
        w::Item::Grant(g) => grant(g, manifest).map(Record::Grant),
    }
}

fn id(id: w::ResourceId, manifest: &Manifest) -> Result<ResourceId, String> {
    if manifest.kind_of(&id.resource_type).is_none() {
        return Err(format!("the resource type {:?} is not declared in the manifest", shorten(&id.resource_type, 64)));
    }
    model::check_id(&id.id)
        .map_err(|why| format!("the id {:?} of a {} {why}", shorten(&id.id, 64), id.resource_type))?;
    Ok(ResourceId { resource_type: id.resource_type, id: id.id })
}

fn name(text: String, of: &dyn std::fmt::Display) -> Result<String, String> {
    match text.len() > NAME_BYTES {
        true => Err(format!("a text of {of} has {} bytes, more than {NAME_BYTES}", text.len())),
        false => Ok(text),
    }
}

fn slug(text: String) -> Result<String, String> {
    match model::is_slug(&text) {
        true => Ok(text),
        false => Err(format!("the entitlement slug {:?} is none", shorten(&text, 64))),
    }
}

fn resource(r: w::Resource, manifest: &Manifest) -> Result<Resource, String> {
    let id_ = id(r.id, manifest)?;
    let profile = model::canonical_profile(&r.profile).map_err(|why| format!("the profile of {id_} {why}"))?;
    let user = match r.details {
        w::Details::User(u) => Some(user(u, &id_, manifest)?),
        w::Details::Group | w::Details::Other => None,
    };
    Ok(Resource {
        kind: manifest.kind_of(&id_.resource_type).unwrap_or(Kind::Other),
        name: name(r.name, &id_)?,
        parent: r.parent.map(|p| id(p, manifest)).transpose()?,
        user,
        profile,
        id: id_,
    })
}

fn user(u: w::User, of: &ResourceId, manifest: &Manifest) -> Result<User, String> {
    let text = |t: Option<String>| t.filter(|t| !t.is_empty()).map(|t| name(t, of)).transpose();
    let mut other_emails = u.other_emails;
    other_emails.sort();
    other_emails.dedup();
    if other_emails.iter().map(String::len).sum::<usize>() > NAME_BYTES {
        return Err(format!("the addresses of {of} have more than {NAME_BYTES} bytes"));
    }
    Ok(User {
        email: text(u.email)?,
        other_emails,
        login: text(u.login)?,
        given_name: text(u.given_name)?,
        family_name: text(u.family_name)?,
        status: match u.status {
            w::Status::Enabled => Status::Enabled,
            w::Status::Disabled => Status::Disabled,
            w::Status::Departed => Status::Departed,
        },
        status_detail: text(u.status_detail)?,
        employment: u.employment.map(|e| employment(e, of, manifest).map(Box::new)).transpose()?,
    })
}

fn employment(e: w::Employment, of: &ResourceId, manifest: &Manifest) -> Result<Employment, String> {
    let text = |t: Option<String>| t.filter(|t| !t.is_empty()).map(|t| name(t, of)).transpose();
    let date = |d: Option<String>| match d.filter(|d| !d.is_empty()) {
        Some(d) if !model::is_date(&d) => Err(format!("the date {:?} of {of} is not YYYY-MM-DD", shorten(&d, 32))),
        other => Ok(other),
    };
    Ok(Employment {
        employee_id: text(e.employee_id)?,
        title: text(e.title)?,
        department: text(e.department)?,
        location: text(e.location)?,
        employment_type: text(e.employment_type)?,
        manager: e.manager.map(|m| id(m, manifest)).transpose()?,
        manager_email: text(e.manager_email)?,
        start_date: date(e.start_date)?,
        end_date: date(e.end_date)?,
    })
}

fn entitlement(e: w::Entitlement, manifest: &Manifest) -> Result<Entitlement, String> {
    let resource = id(e.resource, manifest)?;
    let mut grantable_to = e.grantable_to;
    grantable_to.sort();
    grantable_to.dedup();
    if let Some(unknown) = grantable_to.iter().find(|t| manifest.kind_of(t).is_none()) {
        return Err(format!(
            "{resource} has an entitlement grantable to {:?}, which is not declared",
            shorten(unknown, 64)
        ));
    }
    Ok(Entitlement {
        slug: slug(e.slug)?,
        name: name(e.name, &resource)?,
        description: name(e.description, &resource)?,
        purpose: match e.purpose {
            w::Purpose::Assignment => "assignment",
            w::Purpose::Permission => "permission",
        },
        grantable_to,
        resource,
    })
}

fn grant(g: w::Grant, manifest: &Manifest) -> Result<Grant, String> {
    Ok(Grant { resource: id(g.resource, manifest)?, slug: slug(g.slug)?, principal: id(g.principal, manifest)? })
}
