//! The domain's records, free of generated and of storage types, and the rules a record keeps.
//!
//! Texts for people and other tools: resource `{type}:{id}`, entitlement `{type}:{id}:{slug}`, grant
//! `{entitlement}:{principal-type}:{principal-id}`. Inside, the tuple is the key: ids may hold colons.

use crate::canonical::is_canonical_object;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes of a vendor's id.
pub const ID_BYTES: usize = 1024;
/// Bytes of a name or a description.
pub const NAME_BYTES: usize = 4096;
/// Bytes of a profile, as the guest wrote it.
pub const PROFILE_BYTES: usize = 64 * 1024;

/// The key of a resource within a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceId {
    /// The resource type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The vendor's own id.
    pub id: String,
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)
    }
}

/// What a resource type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Somebody who can hold access.
    User,
    /// A set of principals.
    Group,
    /// A role.
    Role,
    /// An application.
    App,
    /// Anything else.
    Other,
}

impl Kind {
    /// The stable label.
    pub fn label(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
            Kind::App => "app",
            Kind::Other => "other",
        }
    }
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It can.
    Enabled,
    /// It exists and cannot be used now.
    Disabled,
    /// The person has left.
    Departed,
}

impl Status {
    /// The stable label.
    pub fn label(self) -> &'static str {
        match self {
            Status::Enabled => "enabled",
            Status::Disabled => "disabled",
            Status::Departed => "departed",
        }
    }
}

/// Somebody's job. Serialised with these names, `null` where empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Employment {
    /// The employer's number for the person.
    pub employee_id: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Name of the department.
    pub department: Option<String>,
    /// Name of the location.
    pub location: Option<String>,
    /// The vendor's own word.
    pub employment_type: Option<String>,
    /// Who this person reports to.
    pub manager: Option<ResourceId>,
    /// The manager's address for work, where the vendor names the manager by it and not by an id. Left out where it is
    /// not known, so that what was stored before it existed reads the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager_email: Option<String>,
    /// `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// `YYYY-MM-DD`.
    pub end_date: Option<String>,
}

/// What is known of a user beside its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Address for work.
    pub email: Option<String>,
    /// Further addresses, sorted.
    pub other_emails: Vec<String>,
    /// Name to sign in with.
    pub login: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Whether the account can be used.
    pub status: Status,
    /// Why not.
    pub status_detail: Option<String>,
    /// The job; boxed, because most vendors know none and records wait in memory until their task succeeds.
    pub employment: Option<Box<Employment>>,
}

/// Somebody or something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The key.
    pub id: ResourceId,
    /// What its type stands for, from the manifest.
    pub kind: Kind,
    /// As the vendor gave it.
    pub name: String,
    /// What it belongs to.
    pub parent: Option<ResourceId>,
    /// Only for users.
    pub user: Option<User>,
    /// A JSON object with sorted keys and exact number text.
    pub profile: String,
}

/// Something that can be had of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// The resource.
    pub resource: ResourceId,
    /// Unique within the resource.
    pub slug: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// `assignment` or `permission`.
    pub purpose: &'static str,
    /// Resource types that may hold it, sorted, each once.
    pub grantable_to: Vec<String>,
}

/// A principal has an entitlement of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The resource.
    pub resource: ResourceId,
    /// The entitlement's slug.
    pub slug: String,
    /// Who has it.
    pub principal: ResourceId,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A resource.
    Resource(Box<Resource>),
    /// An entitlement.
    Entitlement(Entitlement),
    /// A grant.
    Grant(Grant),
}

/// A unit of work, as the connector named it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// A word of the connector's own table.
    pub kind: String,
    /// What the call needs to know.
    pub payload: String,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload.is_empty() {
            true => f.write_str(&self.kind),
            false => write!(f, "{} {}", self.kind, crate::text::shorten(&self.payload, 60)),
        }
    }
}

/// Who the vendor thinks we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The vendor's id.
    pub id: String,
    /// For people.
    pub name: String,
    /// It works, but.
    pub warnings: Vec<String>,
    /// Handed to later calls of the run.
    pub session: Option<String>,
}

/// Whether a text is a resource type or a slug: `[a-z][a-z0-9-]{0,63}`.
pub fn is_slug(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Checks a vendor's id: 1 to 1,024 bytes, no control characters.
///
/// # Errors
/// The rule that is broken, as half a sentence.
pub fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("is empty".to_owned());
    }
    if id.len() > ID_BYTES {
        return Err(format!("has {} bytes, more than {ID_BYTES}", id.len()));
    }
    // Most ids are ASCII, which needs no decoding.
    let plain = id.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !plain && id.chars().any(char::is_control) {
        return Err("holds a control character".to_owned());
    }
    Ok(())
}

/// Whether a text is a date `YYYY-MM-DD` that exists.
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// A JSON object with sorted keys and exact number text; empty text means `{}`.
///
/// # Errors
/// What is wrong with the text, as half a sentence.
pub fn canonical_profile(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok("{}".to_owned());
    }
    if text.len() > PROFILE_BYTES {
        return Err(format!("has {} bytes, more than {PROFILE_BYTES}", text.len()));
    }
    if is_canonical_object(text) {
        return Ok(text.to_owned());
    }
    // serde_json's map is a BTreeMap and its numbers keep their text: no feature `preserve_order`, and
    // `arbitrary_precision` on. A test below holds both.
    let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|_| "is not a JSON object (or one that is nested too deeply to be read)".to_owned())?;
    serde_json::to_string(&value).map_err(|_| "cannot be written as JSON".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_lower_case_words() {
        for good in ["agent", "a", "team-member2"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "Agent", "2fa", "-a", "a_b", "a b", &"a".repeat(65)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn ids_are_any_text_without_control_characters() {
        assert!(check_id("a:b/c é").is_ok());
        for bad in ["", "a\nb", &"x".repeat(1025)] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_profile_has_sorted_keys_and_exact_numbers() {
        let given = r#"{"b":12345678901234567890123,"a":1.10,"c":{"z":1e400,"y":null}}"#;
        assert_eq!(
            canonical_profile(given).as_deref(),
            Ok(r#"{"a":1.10,"b":12345678901234567890123,"c":{"y":null,"z":1e+400}}"#)
        );
        assert_eq!(canonical_profile("").as_deref(), Ok("{}"));
        for bad in ["[]", "{", "1", "{\"a\":1}x"] {
            assert!(canonical_profile(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_exist() {
        assert!(is_date("2026-02-28"));
        for bad in ["2026-02-30", "2026-2-3", "", "20260203", "2026-02-28T00:00"] {
            assert!(!is_date(bad), "{bad}");
        }
    }
}
