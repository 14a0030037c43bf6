//! The bodies.

use serde_json::{Map, Value, json};

use super::ROOT;
use super::quirk::Quirk;
use super::world::{Group, Kind, User};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Writes resources as a server with these oddities does.
pub(super) struct Render<'q> {
    pub(super) quirks: &'q [Quirk],
    pub(super) origin: &'q str,
    /// Grows from answer to answer.
    pub(super) moment: u64,
}

impl Render<'_> {
    pub(super) fn has(&self, quirk: &Quirk) -> bool {
        self.quirks.contains(quirk)
    }

    pub(super) fn user(&self, user: &User) -> Value {
        let mut out = Map::new();
        let urn =
            if self.has(&Quirk::OtherCase) { &ENTERPRISE.to_uppercase().replace("URN", "urn") } else { ENTERPRISE };
        out.insert("schemas".into(), json!([format!("{CORE}:User"), urn]));
        out.insert("id".into(), self.id(&user.id));
        out.insert("userName".into(), user.user_name.clone().into());
        put(&mut out, "displayName", user.display_name.as_ref());
        put(&mut out, "externalId", user.external_id.as_ref());
        put(&mut out, "title", user.title.as_ref());
        put(&mut out, "userType", user.user_type.as_ref());
        if user.given_name.is_some() || user.family_name.is_some() {
            let mut name = Map::new();
            put(&mut name, "givenName", user.given_name.as_ref());
            put(&mut name, "familyName", user.family_name.as_ref());
            out.insert("name".into(), name.into());
        }
        if self.has(&Quirk::ActiveAsText) {
            out.insert("active".into(), if user.inactive { "False" } else { "True" }.into());
        } else if user.inactive || !self.has(&Quirk::NoActive) {
            out.insert("active".into(), (!user.inactive).into());
        }
        if let Some(emails) = self.emails(user) {
            out.insert("emails".into(), emails);
        }
        let mut work = Map::new();
        put(&mut work, "department", user.department.as_ref());
        put(&mut work, "employeeNumber", user.employee_number.as_ref());
        put(&mut work, "costCenter", user.cost_center.as_ref());
        if let Some(manager) = &user.manager {
            let manager = if self.has(&Quirk::ManagerAsText) {
                json!(manager)
            } else if self.has(&Quirk::ManagerId) {
                json!({"managerId": manager, "displayName": "Somebody"})
            } else {
                json!({"value": self.id(manager), "$ref": format!("{}{ROOT}/Users/{}", self.origin, encode(manager))})
            };
            work.insert("manager".into(), manager);
        }
        if !work.is_empty() {
            out.insert(urn.to_owned(), work.into());
        }
        out.insert("meta".into(), self.meta("User", &user.id));
        self.cased(out)
    }

    fn emails(&self, user: &User) -> Option<Value> {
        let (first, ..) = user.emails.iter().find(|(_, _, primary)| *primary).or(user.emails.first())?;
        if self.has(&Quirk::EmailAsText) {
            return Some(json!(first));
        }
        if self.has(&Quirk::EmailAsObject) {
            return Some(json!({"value": first}));
        }
        let one = |(address, kind, primary): &(String, &str, bool)| match primary {
            true => json!({"value": address, "type": kind, "primary": true}),
            false => json!({"value": address, "type": kind}),
        };
        let mut list: Vec<Value> = user.emails.iter().map(one).collect();
        if self.has(&Quirk::Restless) && self.moment % 2 == 1 {
            list.reverse();
        }
        Some(list.into())
    }

    /// `whole` is one group asked for by its id or its members by name.
    pub(super) fn group(&self, group: &Group, whole: bool) -> Value {
        let mut out = Map::new();
        out.insert("schemas".into(), json!([format!("{CORE}:Group")]));
        out.insert("id".into(), self.id(&group.id));
        out.insert("displayName".into(), group.name.clone().into());
        // What has no value is not said (RFC 7643, 2.5).
        if (whole || !(self.has(&Quirk::NoMembersInLists) || self.has(&Quirk::NoMembersInFilters)))
            && !group.members.is_empty()
        {
            let mut members: Vec<Value> =
                group.members.iter().map(|member| self.member(&member.id, member.kind)).collect();
            if self.has(&Quirk::Restless) && self.moment % 2 == 1 {
                members.reverse();
            }
            out.insert("members".into(), members.into());
        }
        out.insert("meta".into(), self.meta("Group", &group.id));
        self.cased(out)
    }

    fn member(&self, id: &str, kind: Kind) -> Value {
        let folder = if kind == Kind::User { "Users" } else { "Groups" };
        let reference = format!("{}{ROOT}/{folder}/{}", self.origin, encode(id));
        if self.has(&Quirk::MembersAsTexts) {
            json!(id)
        } else if self.has(&Quirk::BareMembers) {
            json!({"value": self.id(id), "display": "somebody"})
        } else if self.has(&Quirk::MembersWithoutType) {
            json!({"value": self.id(id), "$ref": reference})
        } else if self.has(&Quirk::SmallTypes) {
            json!({"value": self.id(id), "type": kind.as_str().to_lowercase()})
        } else {
            json!({"value": self.id(id), "$ref": reference, "type": kind.as_str()})
        }
    }

    fn id(&self, id: &str) -> Value {
        match id.parse::<u64>() {
            Ok(number) if self.has(&Quirk::NumbersAsIds) => number.into(),
            _ => id.into(),
        }
    }

    fn meta(&self, kind: &str, id: &str) -> Value {
        let moment = if self.has(&Quirk::Restless) { self.moment } else { 0 };
        json!({
            "resourceType": kind,
            "lastModified": format!("2026-03-02T09:00:00.{:03}Z", moment % 1_000),
            "version": format!("W/\"{moment}\""),
            "location": format!("{}{ROOT}/{kind}s/{}", self.origin, encode(id)),
        })
    }

    fn cased(&self, out: Map<String, Value>) -> Value {
        if !self.has(&Quirk::OtherCase) {
            return out.into();
        }
        let key = |name: String| if name.starts_with("urn:") { name } else { name.to_uppercase() };
        Value::Object(out.into_iter().map(|(name, value)| (key(name), value)).collect())
    }

    /// A page; `total` and `cursor` as far as they are said.
    pub(super) fn list(
        &self,
        resources: Vec<Value>,
        from: usize,
        total: Option<usize>,
        cursor: Option<String>,
    ) -> Value {
        let mut out = Map::new();
        out.insert("schemas".into(), json!([LIST]));
        if let Some(total) = total {
            let text = self.has(&Quirk::TotalAsText);
            out.insert("totalResults".into(), if text { json!(total.to_string()) } else { json!(total) });
        }
        if let Some(cursor) = cursor {
            out.insert("nextCursor".into(), cursor.into());
        }
        out.insert("itemsPerPage".into(), resources.len().into());
        out.insert("startIndex".into(), from.into());
        out.insert("Resources".into(), resources.into());
        self.cased(out)
    }
}

fn put(out: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        out.insert(name.to_owned(), value.clone().into());
    }
}

/// A text as one path segment.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
