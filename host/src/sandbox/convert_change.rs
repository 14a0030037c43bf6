//! Changes and what came of them, between generated types and the domain's.

use super::bindings::exports::muster::connector::{provisioning as p, roster as r};
use super::bindings::muster::connector::types as w;
pub(super) use super::convert::failure;
use super::convert::{task, task_out};
use crate::acting::{Advance, Came, Change, Changed, FieldChange, RosterChange, RosterOptions, Step};
use crate::model::{Grant, ResourceId};
use crate::text::shorten;

/// Bytes kept of what a vendor says about one change.
const WORDS_BYTES: usize = 1024;

fn id(id: &ResourceId) -> w::ResourceId {
    w::ResourceId { resource_type: id.resource_type.clone(), id: id.id.clone() }
}

fn grant(grant: &Grant) -> w::Grant {
    w::Grant { resource: id(&grant.resource), slug: grant.slug.clone(), principal: id(&grant.principal) }
}

/// Somebody who is to have an account.
fn nobody_yet() -> w::User {
    w::User {
        email: None,
        other_emails: Vec::new(),
        login: None,
        given_name: None,
        family_name: None,
        status: w::Status::Enabled,
        status_detail: None,
        employment: None,
    }
}

/// For a guest's call.
pub(super) fn change(change: &Change) -> p::Change {
    match change {
        Change::Grant(it) => p::Change::Grant(grant(it)),
        Change::Revoke(it) => p::Change::Revoke(grant(it)),
        Change::CreateUser(account) => p::Change::CreateUser(p::NewAccount {
            resource_type: account.resource_type.clone(),
            name: account.name.clone(),
            user: w::User { email: Some(account.email.clone()), ..nobody_yet() },
            role: account.role.clone(),
        }),
        Change::DisableUser(who) => p::Change::DisableUser(id(who)),
        Change::RemoveUser(who) => p::Change::RemoveUser(id(who)),
        Change::SetRole(who, role) => p::Change::SetRole((id(who), role.clone())),
    }
}

/// What came of it.
///
/// # Errors
/// The rule that is broken.
pub(super) fn changed(
    outcome: p::Outcome,
    payload_bytes: usize,
    mask: &dyn Fn(&str) -> String,
) -> Result<Changed, String> {
    let came = match outcome.result {
        p::ResultOf::Applied => Came::Applied,
        p::ResultOf::AlreadySo => Came::AlreadySo,
        p::ResultOf::Refused(words) => Came::Refused(shorten(&mask(&words), WORDS_BYTES)),
    };
    Ok(Changed { came, reread: outcome.reread.map(|t| task(t, payload_bytes)).transpose()? })
}

/// For a guest's call.
pub(super) fn step(step: &Step) -> r::Step {
    r::Step { task: step.task.as_ref().map(task_out), again: step.again }
}

/// For a guest's call.
pub(super) fn roster_options(options: &RosterOptions) -> r::RosterOptions {
    r::RosterOptions {
        dry_run: options.dry_run,
        scenario: options.scenario.clone(),
        overwrite: options.overwrite,
        create_groups: options.create_groups,
        skip_errors: options.skip_errors,
        mark: options.mark.clone(),
    }
}

/// For a guest's call.
pub(super) fn roster_change(change: &RosterChange) -> r::RosterChange {
    match change {
        RosterChange::Hire { name, email, fields } => r::RosterChange::Hire(hire(name, email, fields)),
        RosterChange::Update { id: who, email, fields } => r::RosterChange::Update(r::Update {
            id: id(who),
            email: email.clone(),
            fields: fields.iter().map(field_change).collect(),
            effective: None,
        }),
        RosterChange::Depart { id: who, email, date, backfill } => r::RosterChange::Depart(r::Departure {
            id: id(who),
            email: email.clone(),
            date: date.clone(),
            backfill: *backfill,
        }),
    }
}

fn field_change(change: &FieldChange) -> r::FieldChange {
    r::FieldChange { field: change.field.clone(), value: change.value.clone() }
}

fn hire(name: &str, email: &str, fields: &[FieldChange]) -> r::Person {
    let field = |name: &str| fields.iter().find(|f| f.field == name).map(|f| f.value.clone());
    r::Person {
        name: name.to_owned(),
        user: w::User {
            email: Some(email.to_owned()),
            given_name: field("given_name"),
            family_name: field("family_name"),
            employment: Some(w::Employment {
                employee_id: field("employee_id"),
                title: field("title"),
                department: field("department"),
                location: field("location"),
                employment_type: field("employment_type"),
                manager: None,
                manager_email: None,
                start_date: field("start_date"),
                end_date: None,
            }),
            ..nobody_yet()
        },
        manager: field("manager"),
    }
}

/// What a step came to. `changes`: how many there are.
///
/// # Errors
/// The rule that is broken.
pub(super) fn advance(
    progress: r::Progress,
    changes: usize,
    payload_bytes: usize,
    mask: &dyn Fn(&str) -> String,
) -> Result<Advance, String> {
    if progress.outcomes.len() > changes {
        return Err(format!("it told {} outcomes of {changes} changes in one step", progress.outcomes.len()));
    }
    let outcome = |o: r::Outcome| {
        let index = usize::try_from(o.index).unwrap_or(usize::MAX);
        if index >= changes {
            return Err(format!("it told an outcome of change {index}, and there are {changes}"));
        }
        let words = |words: &str| shorten(&mask(words), WORDS_BYTES);
        Ok((
            index,
            match o.result {
                r::ResultOf::Applied => Came::Applied,
                r::ResultOf::AlreadySo => Came::AlreadySo,
                r::ResultOf::Accepted => Came::Accepted,
                r::ResultOf::Refused(why) => Came::Refused(words(&why)),
                r::ResultOf::Unclear(why) => Came::Unclear(words(&why)),
            },
        ))
    };
    let outcomes = progress.outcomes.into_iter().map(outcome).collect::<Result<_, _>>()?;
    Ok(Advance { outcomes, next: progress.next.map(|t| task(t, payload_bytes)).transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcomes: &[(u32, r::ResultOf)]) -> r::Progress {
        let outcomes = outcomes.iter().map(|(index, result)| r::Outcome { index: *index, result: result.clone() });
        r::Progress { outcomes: outcomes.collect(), next: None }
    }

    #[test]
    fn outcomes_are_of_changes_that_there_are_and_masked() {
        let mask = |text: &str| text.replace("s3cret", "***");
        let refused = told(&[(1, r::ResultOf::Refused("no s3cret".into()))]);
        let advance = advance(refused, 2, 10, &mask).unwrap();
        assert_eq!(advance.outcomes, [(1, Came::Refused("no ***".to_owned()))]);
    }

    #[test]
    fn an_outcome_of_nothing_breaks_the_contract() {
        let same = |text: &str| text.to_owned();
        let beyond = advance(told(&[(2, r::ResultOf::Applied)]), 2, 10, &same);
        assert_eq!(beyond.unwrap_err(), "it told an outcome of change 2, and there are 2");
        let many = advance(told(&[(0, r::ResultOf::Applied), (0, r::ResultOf::Applied)]), 1, 10, &same);
        assert_eq!(many.unwrap_err(), "it told 2 outcomes of 1 changes in one step");
    }

    #[test]
    fn somebody_hired_carries_the_fields_in_their_places() {
        let fields = [("title", "Cook"), ("manager", "boss@a.test"), ("start_date", "2026-02-01")];
        let fields: Vec<FieldChange> =
            fields.map(|(field, value)| FieldChange { field: field.to_owned(), value: value.to_owned() }).into();
        let hired = hire("Ann Lee", "ann@a.test", &fields);
        let job = hired.user.employment.unwrap();
        assert_eq!((hired.name.as_str(), hired.user.email.as_deref()), ("Ann Lee", Some("ann@a.test")));
        assert_eq!((hired.manager.as_deref(), job.title.as_deref()), (Some("boss@a.test"), Some("Cook")));
        assert_eq!((job.start_date.as_deref(), job.manager.is_none()), (Some("2026-02-01"), true));
    }
}
