//! ChartHop's rows as records. Pure.

use std::borrow::Cow;
use std::collections::HashMap;

use muster_sdk::{Employment, Entitlement, Failure, Grant, Resource, ResourceId, Status, User};
use serde::Serialize;

use crate::census::{Tally, day_before};
use crate::fields::GROUP_IDS;
use crate::row::Row;

/// The resource type of people.
pub(crate) const PERSON: &str = "person";
/// The resource type of groups, whatever type ChartHop gives them.
pub(crate) const GROUP: &str = "group";
/// The slug of a group's one entitlement: being in it.
const MEMBER: &str = "member";

/// The keys are ChartHop's field codes.
#[derive(Serialize)]
struct PersonProfile<'a> {
    #[serde(rename = "jobId", skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
    /// The manager's job: see [`manager`].
    #[serde(skip_serializing_if = "Option::is_none")]
    manager: Option<&'a str>,
    #[serde(rename = "manager.contact.workEmail", skip_serializing_if = "Option::is_none")]
    manager_email: Option<&'a str>,
}

#[derive(Serialize)]
struct GroupProfile<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_name: Option<&'a str>,
    #[serde(rename = "typeId", skip_serializing_if = "Option::is_none")]
    type_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<&'a str>,
}

/// What the row of a person says.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) resource: Resource,
    /// None where the row does not speak of groups.
    pub(crate) groups: Option<Vec<String>>,
    /// What this row adds to the walk's.
    pub(crate) tally: Tally,
}

/// A person. `today` is the run's date; `all`: the list was asked for with `includeAll`.
pub(crate) fn person(row: &Row<'_>, today: &str, all: bool) -> Result<Person, Failure> {
    let id = row.text("id").ok_or_else(|| nameless("persons"))?.into_owned();
    let (start, end) = (either(row, "startDateOrg", "startDate"), either(row, "endDateOrg", "endDate"));
    // Somebody who came back: the end belongs to the time before.
    let end = end.filter(|end| start.as_ref().is_none_or(|start| start <= end));
    let job = row.text("jobId");
    let (manager, manager_job) = manager(row, &id);
    let manager_email = row.first(&["manager.contact.workEmail", "manager.workEmail"]);

    // Only `includeAll` has people who never were in a job, and nothing says that they will be.
    let idle = all && start.is_none() && end.is_none() && job.is_none() && row.text("title").is_none();
    let (status, detail) = match (&start, &end) {
        (_, Some(end)) if end.as_str() < today => (Status::Departed, None),
        (Some(start), _) if start.as_str() > today => (Status::Disabled, Some(format!("starts {start}"))),
        _ if idle => (Status::Disabled, Some("has no job".to_owned())),
        _ => (Status::Enabled, None),
    };
    let gone = status == Status::Departed;
    let left = gone && day_before(today).is_some_and(|yesterday| end.as_ref().is_some_and(|end| *end < yesterday));
    let unknown_manager = manager.is_none() && (manager_job.is_some() || manager_email.is_some());
    let tally = Tally {
        rows: 1,
        starting: u64::from(start.as_deref().is_some_and(|start| start > today)),
        left: u64::from(left),
        leaving: u64::from(gone && !left),
        idle: u64::from(idle),
        unknown_managers: u64::from(unknown_manager),
    };

    let email = row.text("contact.workEmail").map(Cow::into_owned);
    let given = row.text("name.first").map(Cow::into_owned);
    let family = row.text("name.last").map(Cow::into_owned);
    let name = name(row).or_else(|| email.clone()).unwrap_or_else(|| id.clone());
    let employment = Employment {
        employee_id: row.text("contact.employee").map(Cow::into_owned),
        title: row.text("title").map(Cow::into_owned),
        department: row.first(&["department.name", "department"]).map(Cow::into_owned),
        location: row.first(&["location.name", "location"]).map(Cow::into_owned),
        employment_type: row.text("employment").map(Cow::into_owned),
        // An id says it better: an address may change, and every report's record with it.
        manager_email: manager_email.as_deref().filter(|_| manager.is_none()).map(str::to_owned),
        manager: manager.map(|manager| ResourceId::new(PERSON, manager)),
        start_date: start,
        end_date: end,
    };
    let user = User {
        given_name: given,
        family_name: family,
        status_detail: detail,
        employment: Some(employment),
        ..User::new(status).with_email(email)
    };
    let resource = Resource::user(ResourceId::new(PERSON, &id), name, user).with_profile(&PersonProfile {
        job: job.as_deref(),
        manager: manager_job.as_deref(),
        manager_email: manager_email.as_deref(),
    });
    let groups = groups_of(row, &id)?;
    Ok(Person { id, resource, groups, tally })
}

/// The groups of a person; none where the row does not have the field. A field that is null is no group.
pub(crate) fn groups_of(row: &Row<'_>, person: &str) -> Result<Option<Vec<String>>, Failure> {
    if !row.has(GROUP_IDS) {
        return Ok(None);
    }
    match row.ids(GROUP_IDS) {
        Ok(ids) => Ok(Some(ids.unwrap_or_default())),
        Err(why) => Err(Failure::Unexpected(format!("the groups of person {person} cannot be read: {why}"))),
    }
}

/// A person's membership. A group that is not listed is granted all the same: the host lists grants of what is unknown.
pub(crate) fn grant(group: &str, person: &str) -> Grant {
    Grant::new(ResourceId::new(GROUP, group), MEMBER, ResourceId::new(PERSON, person))
}

/// The first of both that is a date.
fn either(row: &Row<'_>, of_org: &str, of_job: &str) -> Option<String> {
    row.date(of_org).or_else(|| row.date(of_job))
}

/// How a person wants to be called, and the family name; in some forms the name is one text.
fn name(row: &Row<'_>) -> Option<String> {
    let given = row.first(&["name.pref", "name.first"]);
    let family = row.first(&["name.preflast", "name.last"]);
    match (given, family) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (one, other) => one.or(other).or_else(|| row.first(&["name.full", "name"])).map(Cow::into_owned),
    }
}

/// The manager's person id, where the row gives one, and the manager's job.
///
/// A manager's job or address alone could be turned into a person only with the whole list at hand, which no task
/// has; and resolving it where page and luck allow would give another record whenever a page moves. So only an id of
/// the row itself counts, and never one that the row calls a job.
fn manager<'a>(row: &Row<'a>, person: &str) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    let job = row.first(&["manager.jobId", "manager"]);
    let is_job = |id: &Cow<'_, str>| job.as_ref() == Some(id) || row.text("manager").as_ref() == Some(id);
    let id = row.text("manager.personId").or_else(|| row.text("manager.id").filter(|id| !is_job(id)));
    (id.filter(|id| id != person), job)
}

/// The types of groups, by whatever a group may call its type.
#[derive(Debug, Default)]
pub(crate) struct GroupTypes(HashMap<String, (String, String)>);

impl GroupTypes {
    /// From the rows of `group-type`.
    pub(crate) fn of<'a>(rows: impl IntoIterator<Item = Row<'a>>) -> Self {
        let mut types = HashMap::new();
        for row in rows {
            let (Some(id), Some(name)) = (row.text("id"), row.first(&["name", "fieldName", "code"])) else { continue };
            for key in [Some(id.clone()), row.text("fieldName"), row.text("code"), row.text("name")] {
                let Some(key) = key else { continue };
                types.entry(key.to_lowercase()).or_insert_with(|| (id.clone().into_owned(), name.clone().into_owned()));
            }
        }
        GroupTypes(types)
    }

    /// Id and name of the type a group is of; a type that is not listed goes by what the group says.
    fn type_of<'a>(&'a self, group: &Row<'a>) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
        let said = group.first(&["type.id", "groupTypeId", "groupType.id", "type", "groupType"]);
        let called = group.first(&["type.name", "groupType.name"]);
        let known = [&said, &called].into_iter().flatten().find_map(|key| self.0.get(&key.to_lowercase()));
        match known {
            Some((id, name)) => (Some(Cow::Borrowed(id)), Some(Cow::Borrowed(name))),
            None => {
                let id = group.first(&["type.id", "groupTypeId", "groupType.id"]);
                (id, called.or(said))
            }
        }
    }
}

/// A group, and what being in it means.
pub(crate) fn group(row: &Row<'_>, types: &GroupTypes) -> Result<(Resource, Entitlement), Failure> {
    let id = row.text("id").ok_or_else(|| nameless("groups"))?.into_owned();
    let (code, slug) = (row.text("code"), row.text("slug"));
    let name = row.first(&["name", "code", "slug"]).map_or_else(|| id.clone(), Cow::into_owned);
    let (type_id, type_name) = types.type_of(row);
    let parent = row.first(&["parentGroupId", "parentGroup.id", "parent.id", "parent"]);
    let description = match &type_name {
        Some(of_type) => format!("Member of the {} {name}", of_type.to_lowercase()),
        None => format!("Member of {name}"),
    };
    let entitlement = Entitlement::assignment(ResourceId::new(GROUP, &id), MEMBER, format!("{name} member"))
        .with_description(description)
        .grantable_to(PERSON);
    let mut resource = Resource::group(ResourceId::new(GROUP, &id), name).with_profile(&GroupProfile {
        type_name: type_name.as_deref(),
        type_id: type_id.as_deref(),
        code: code.as_deref(),
        slug: slug.as_deref(),
    });
    // A group in itself would have no top.
    if let Some(parent) = parent.filter(|parent| *parent != id) {
        resource = resource.with_parent(ResourceId::new(GROUP, parent));
    }
    Ok((resource, entitlement))
}

fn nameless(list: &str) -> Failure {
    Failure::Unexpected(format!("ChartHop's list of {list} has a row without an id"))
}
