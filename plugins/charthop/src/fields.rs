//! What a person's row is asked for. Pure.

use serde::{Deserialize, Serialize};

/// What a row of the list is asked for, beside [`GROUP_IDS`]. The one place to change where a field is called
/// otherwise.
///
/// `manager` is the manager's job by the code of ChartHop's own directory connector; [`MANAGER_ID`] is assumed to be
/// the manager's person, as `id` is the row's own.
const PERSON_FIELDS: [&str; 19] = [
    "id",
    "jobId",
    "name.first",
    "name.last",
    "name.pref",
    "name.preflast",
    "contact.workEmail",
    "contact.employee",
    "title",
    "manager",
    MANAGER_ID,
    "manager.contact.workEmail",
    "department.name",
    "location.name",
    "startDate",
    "startDateOrg",
    "endDate",
    "endDateOrg",
    "employment",
];
/// The one of them that is documented nowhere.
const MANAGER_ID: &str = "manager.id";
/// The groups that ChartHop calculates for a person.
pub(crate) const GROUP_IDS: &str = "groupIds";

/// Which of the fields a list is asked for. It travels from page to page: ChartHop is not asked on each one for what
/// it refused before.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fields {
    /// All of them.
    #[default]
    All,
    /// Those that are documented.
    Documented,
}

impl Fields {
    /// Whether these are all of them.
    pub(crate) fn are_all(&self) -> bool {
        *self == Fields::All
    }

    /// As a query has them; `groups`: with the memberships.
    pub(crate) fn query(self, groups: bool) -> String {
        let known = PERSON_FIELDS.into_iter().filter(|field| self.are_all() || *field != MANAGER_ID);
        known.chain(groups.then_some(GROUP_IDS)).collect::<Vec<_>>().join(",")
    }
}
