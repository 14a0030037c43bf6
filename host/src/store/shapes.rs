//! Rows as the command line prints them: their JSON is fixed, see `README.md` of the project.

use super::TaskCounts;
use crate::model::{Employment, ResourceId};
use serde::Serialize;

/// A resource as the command line prints it.
#[derive(Debug, Serialize)]
pub struct ResourceRow {
    /// The connection.
    pub connection: String,
    /// Its type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The vendor's own id.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it belongs to.
    pub parent: Option<ResourceId>,
    /// `user`, `group`, …
    pub kind: String,
    /// Address for work.
    pub email: Option<String>,
    /// Name to sign in with.
    pub login: Option<String>,
    /// `enabled`, `disabled`, `departed`; null for what is no user.
    pub status: Option<String>,
    /// Why.
    pub status_detail: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Further addresses.
    pub other_emails: Vec<String>,
    /// The job.
    pub employment: Option<Employment>,
    /// The vendor's own attributes.
    pub profile: serde_json::Value,
}

/// An entitlement as the command line prints it.
#[derive(Debug, Serialize)]
pub struct EntitlementRow {
    /// The connection.
    pub connection: String,
    /// `{type}:{id}:{slug}`.
    pub id: String,
    /// Of what.
    pub resource: ResourceId,
    /// Unique within the resource.
    pub slug: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// `assignment` or `permission`.
    pub purpose: String,
    /// Resource types.
    pub grantable_to: Vec<String>,
    /// The resource's name, for tables.
    #[serde(skip)]
    pub resource_name: Option<String>,
}

/// A grant as the command line prints it.
#[derive(Debug, Serialize)]
pub struct GrantRow {
    /// The connection.
    pub connection: String,
    /// `{entitlement}:{principal-type}:{principal-id}`.
    pub id: String,
    /// `{type}:{id}:{slug}`.
    pub entitlement: String,
    /// Of what.
    pub resource: ResourceId,
    /// Of the entitlement.
    pub slug: String,
    /// Who.
    pub principal: ResourceId,
    /// The resource's name, for tables.
    #[serde(skip)]
    pub resource_name: Option<String>,
    /// The principal's name, for tables; null where nobody of that id exists.
    #[serde(skip)]
    pub principal_name: Option<String>,
}

/// A run as the command line prints it.
#[derive(Debug, Serialize)]
pub struct RunRow {
    /// Its number.
    pub run: i64,
    /// The connection.
    pub connection: String,
    /// See [`super::Status`].
    pub status: String,
    /// RFC 3339.
    pub started: String,
    /// RFC 3339.
    pub ended: Option<String>,
    /// Of the snapshot or draft.
    pub resources: Option<u64>,
    /// Likewise.
    pub entitlements: Option<u64>,
    /// Likewise.
    pub grants: Option<u64>,
    /// Over all kinds.
    pub added: Option<u64>,
    /// Likewise.
    pub changed: Option<u64>,
    /// Likewise.
    pub removed: Option<u64>,
}

/// One run with its report.
#[derive(Debug, Serialize)]
pub struct RunDetail {
    /// The row.
    #[serde(flatten)]
    pub row: RunRow,
    /// The connector and its version.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// The component's digest.
    pub digest: String,
    /// Objections of the guard, counts of findings, and what the run engine reported.
    pub report: serde_json::Value,
    /// How the tasks of a run stand that is not finished; those of a finished one are forgotten.
    pub tasks: Option<TaskCounts>,
    /// The first findings of the integrity report.
    pub findings: Vec<FindingRow>,
}

/// A finding of the integrity report.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    /// Stable label.
    pub kind: String,
    /// What it is about.
    pub subject: String,
}
