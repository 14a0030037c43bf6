//! Muster connector for ChartHop: persons, groups and who is in them.
//!
//! | task | reads | emits | names |
//! | --- | --- | --- | --- |
//! | (none) | | | `persons`, `groups` |
//! | `persons`, where the walk is | a page of persons; before the first page and after the last one the count | a resource each; with `charthop-membership = list` their grants | the next page; `person-groups` for each whose groups are not known; where the list moved, once more the first page |
//! | `person-groups`, a person's id | the groups of the person | a grant each | |
//! | `groups`, where the walk is | the types of groups, and a page of groups | a resource and the entitlement `member` each | the next page |
//!
//! A roster is written by [`roster`], which has a table of its steps.
//!
//! Who may sign in to ChartHop, with which role, and who administers it is read nowhere and emitted nowhere.

mod api;
mod census;
mod fields;
mod map;
mod page;
mod roster;
mod row;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::HashSet;

use muster_sdk::{
    Account, Connector, Context, Credential, Description, Failure, Kind, ResourceType, Route, Setting, SettingKind,
    Task,
};

use crate::api::Api;
use crate::census::{Tally, Verdict, judge};
use crate::map::GroupTypes;
use crate::page::Cursor;
use crate::row::Row;
use crate::walk::{PERSONS, Walk};

/// The kind of the tasks that read a page of groups.
const GROUPS: &str = "groups";
/// The kind of the tasks that read the groups of one person.
const PERSON_GROUPS: &str = "person-groups";

/// The connector.
pub struct Charthop;

muster_sdk::connector!(Charthop, roster);

impl Connector for Charthop {
    fn describe() -> Description {
        /// Where every route and the credential point to.
        const ORIGIN: &str = "{charthop-base-url}";
        let in_org = |version: &str, rest: &str| format!("/{version}/org/{{charthop-org-id}}{rest}");
        Description::new(
            "charthop",
            env!("CARGO_PKG_VERSION"),
            "ChartHop",
            "Reads the people of a ChartHop organization, its groups and who is in them, and takes a roster.",
        )
        .documentation("https://docs.charthop.com")
        .resource_type(ResourceType::new(
            map::PERSON,
            Kind::User,
            "Persons",
            "The people of the organization, with their jobs; not those who may sign in to ChartHop.",
        ))
        .resource_type(ResourceType::new(
            map::GROUP,
            Kind::Group,
            "Groups",
            "Departments, teams, locations and groups of every other type.",
        ))
        .setting(
            Setting::new(
                api::API_TOKEN,
                SettingKind::Secret,
                "API Token",
                "The token of an app that may read people and groups: an administrator makes one in ChartHop's \
                 settings under API, or asks ChartHop's support for an app.",
            )
            .required(),
        )
        .setting(
            Setting::new(
                api::ORG_ID,
                SettingKind::Text,
                "Organization ID",
                "The organization's id, or its short name (slug).",
            )
            .required()
            .pattern(r"[^/\\]+"),
        )
        .setting(
            Setting::new(api::BASE_URL, SettingKind::Url, "Base URL", "The origin of ChartHop's API.")
                .default_value("https://api.charthop.com"),
        )
        .setting(
            Setting::new(
                api::INCLUDE_FORMER,
                SettingKind::Flag,
                "Include former people",
                "Whether people who have left are read, too, as departed.",
            )
            .default_value("false"),
        )
        .setting(
            Setting::new(
                api::MEMBERSHIP,
                SettingKind::Choice(vec![api::PER_PERSON.to_owned(), api::LIST.to_owned()]),
                "Membership",
                "How groups of a person are read: one request a person, as documented, or together with the list, \
                 which is far faster.",
            )
            .default_value(api::PER_PERSON),
        )
        .credential(Credential::bearer("api-token", ORIGIN, "{charthop-api-token}"))
        .route(Route::read(ORIGIN, "/v1/user/me"))
        .route(Route::read(ORIGIN, in_org("v1", "")))
        .route(Route::read(ORIGIN, in_org("v1", "/group-type")))
        .route(Route::read(ORIGIN, in_org("v2", "/person")))
        .route(Route::read(ORIGIN, in_org("v2", "/person/*")))
        .route(Route::read(ORIGIN, in_org("v2", "/group")))
        // Only for a roster.
        .route(Route::read(ORIGIN, in_org("v1", "/process")))
        .route(Route::read(ORIGIN, in_org("v1", "/process/*")))
        .route(Route::write(ORIGIN, &["POST"], in_org("v1", "/import/csv/data")))
        .route(Route::write(ORIGIN, &["POST"], in_org("v1", "/change/sync/*")))
        .route(Route::write(ORIGIN, &["PATCH"], in_org("v2", "/person/*")))
        // No pace is asked for: ChartHop documents none. The host's 16 at once hold, or what the operator sets.
    }

    fn check(context: &Context<'_>) -> Result<Account, Failure> {
        let api = Api::new(context)?;
        api.me()?;
        let (id, name) = api.org()?;
        Ok(Account::new(id, name))
    }

    fn start(_: &Context<'_>) -> Result<Vec<Task>, Failure> {
        Ok(vec![Task::new(PERSONS, ""), Task::new(GROUPS, "")])
    }

    fn sync(context: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
        let api = Api::new(context)?;
        match task.kind.as_str() {
            PERSONS => persons(context, &api, &task.payload),
            PERSON_GROUPS => person_groups(context, &api, &task.payload),
            GROUPS => groups(context, &api, &task.payload),
            other => Err(Failure::Unexpected(format!("this connector has no task {other}"))),
        }
    }
}

/// A page of persons. The payload is empty on the very first one.
fn persons(context: &Context<'_>, api: &Api<'_>, payload: &str) -> Result<Vec<Task>, Failure> {
    let today = context.run_date()?;
    let walk = if payload.is_empty() { Walk::first(api.count()?) } else { Walk::of(payload)? };
    let (page, fields) = api.persons(&walk.cursor, walk.fields)?;
    let next = walk.cursor.after(page.next(), PERSONS)?;
    let mut tasks = Vec::new();
    let (mut tally, mut ids) = (Tally::default(), HashSet::new());
    for raw in &page.data {
        let row = Row::of(raw).ok_or_else(|| no_object(PERSONS))?;
        let person = map::person(&row, &today, api.former)?;
        // Somebody twice is no second person: counted twice, one who is missing would not be missed.
        if ids.insert(person.id.clone()) {
            tally.add(&person.tally);
        }
        context.emit(person.resource)?;
        match person.groups.filter(|_| api.groups_in_list) {
            Some(groups) => context.emit_all(groups.iter().map(|group| map::grant(group, &person.id)))?,
            // Asked for and not said: whether there are none is for the documented request to tell.
            None => tasks.push(Task::new(PERSON_GROUPS, person.id)),
        }
    }
    if fields != walk.fields {
        context.warn(
            "ChartHop refused a list with the manager's person id, which it does not document, and gave it without: the \
             managers stay empty, and their jobs and addresses are in the profile",
        );
    }
    let walk = walk.counting(&tally, fields);
    let go_on = match next {
        Some(cursor) => Some(walk.at(cursor)),
        None => end(context, api, &walk)?,
    };
    if let Some(walk) = go_on {
        // Before the persons of this page: the walk is the one thing that cannot be done many at once.
        tasks.insert(0, walk.task()?);
    }
    Ok(tasks)
}

/// The last page was read: were it all? A second walk, where the list moved in the first one.
fn end(context: &Context<'_>, api: &Api<'_>, walk: &Walk) -> Result<Option<Walk>, Failure> {
    let (read, after) = (&walk.read, api.count()?);
    let verdict = judge(read, walk.before, after, api.former);
    let (rows, counted, current) = (read.rows, persons_of(after.persons), read.current(api.former));
    if verdict != Verdict::Whole
        && let Some(again) = walk.again(after)
    {
        let now = if current == rows { String::new() } else { format!(", {current} of them in the organization now") };
        context.warn(format!(
            "the list of persons moved while it was read, or is not what ChartHop counts ({rows} listed{now}, {} \
             counted before and {} after): it is read once more",
            walk.before.persons, after.persons
        ));
        return Ok(Some(again));
    }
    match verdict {
        Verdict::Whole => {}
        Verdict::Short => {
            return Err(Failure::Unexpected(format!(
                "ChartHop counts {counted} and listed {rows}{}, twice: half a list is not published; see to it \
                 that the owner of {} may see everybody, else sync again later",
                if api.former { format!(", {} of them former", read.left) } else { String::new() },
                api::API_TOKEN
            )));
        }
        Verdict::Unlisted => context.warn(format!(
            "ChartHop counts {counted} and listed {rows}, twice: exactly those who start later are missing, so \
             they are taken to be counted and not listed"
        )),
        Verdict::Unsure(missing) => context.warn(format!(
            "ChartHop counts {counted} and listed {current} who are in the organization now, twice; only with \
             others who are listed (who start later{}) there are enough, and whether ChartHop counts those cannot be \
             told: what was listed is published, and up to {} of the organization may be missing; see to it that the \
             owner of {} may see everybody",
            if api.former { ", have no job or left yesterday" } else { "" },
            persons_of(missing),
            api::API_TOKEN
        )),
        Verdict::Starters => context.warn(format!(
            "ChartHop counts {} who start later and listed {}, twice: what was listed is published, and of those who \
             start later somebody may be missing",
            persons_of(after.starting.unwrap_or(0)),
            read.starting
        )),
        Verdict::Differs => context.warn(format!(
            "ChartHop counts {} before and {} after its list of {rows}, the second time: what was listed \
             is published, and whoever came meanwhile is seen by the next sync",
            persons_of(walk.before.persons),
            after.persons
        )),
    }
    // Where it was not asked for the id, that was told.
    if read.unknown_managers > 0 && walk.fields.are_all() {
        context.warn(format!(
            "for {} ChartHop does not say who the manager is as a person, only the job or the address: these \
             are in the profile, and the manager is left open",
            persons_of(read.unknown_managers)
        ));
    }
    Ok(None)
}

/// So many persons, in words.
fn persons_of(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{number} persons") }
}

/// The groups of one person.
fn person_groups(context: &Context<'_>, api: &Api<'_>, person: &str) -> Result<Vec<Task>, Failure> {
    if let Some(body) = api.person_groups(person)? {
        let row = Row::of(&body)
            .ok_or_else(|| Failure::Unexpected(format!("ChartHop's answer for person {person} is no object")))?;
        let groups = map::groups_of(&row, person)?.unwrap_or_default();
        context.emit_all(groups.iter().map(|group| map::grant(group, person)))?;
        return Ok(Vec::new());
    }
    // "Not found" alone proves nothing: taken for a person without groups, a fault would look like leaving all of
    // them. Only a list that no longer has the person proves that it was deleted after its page was read. Then it is
    // in no group, which is what is published (the person goes with the next run), and failing would hold the whole
    // run up for somebody who never comes back.
    match api.lists(person)? {
        Some(false) => {
            context.warn(format!("person {person} was deleted during the run: it is in no group any more"));
            Ok(Vec::new())
        }
        Some(true) => Err(Failure::Unexpected(format!("ChartHop lists person {person} and says that it is not found"))),
        None => Err(Failure::Unexpected(format!(
            "ChartHop says that person {person} is not found, and its list does not tell whether that is so"
        ))),
    }
}

/// A page of groups. The payload is empty on the first one.
fn groups(context: &Context<'_>, api: &Api<'_>, payload: &str) -> Result<Vec<Task>, Failure> {
    let wrong = |error| Failure::Unexpected(format!("the payload of a task {GROUPS} is of no use: {error}"));
    let cursor = if payload.is_empty() { Cursor::first() } else { serde_json::from_str(payload).map_err(wrong)? };
    // Once a page of 500 groups: less than handing a list of the customer's own length from task to task.
    let rows = api.group_types()?;
    let types = GroupTypes::of(rows.iter().filter_map(|raw| Row::of(raw)));
    let page = api.groups(&cursor)?;
    let next = cursor.after(page.next(), GROUPS)?;
    for raw in &page.data {
        let row = Row::of(raw).ok_or_else(|| no_object(GROUPS))?;
        let (group, membership) = map::group(&row, &types)?;
        context.emit(group)?;
        context.emit(membership)?;
    }
    let task = |cursor| serde_json::to_string(&cursor).map(|payload| Task::new(GROUPS, payload)).map_err(wrong);
    next.map(task).into_iter().collect()
}

fn no_object(list: &str) -> Failure {
    Failure::Unexpected(format!("ChartHop's list of {list} has a row that is no object"))
}
