//! What a snapshot of the data has to be, row for row. Written from the data, and not from the connector.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{Kind, User, World};

impl World {
    /// Every resource by `type:id`, with the keys of `muster resources --json` that hold what the server says.
    pub fn resources(&self) -> BTreeMap<String, Value> {
        let users = self.users.iter().map(|user| (format!("user:{}", user.id), self.expected(user)));
        let groups = self.groups.iter().map(|group| {
            let row = json!({"name": group.name, "kind": "group", "email": null, "login": null, "status": null});
            (format!("group:{}", group.id), row)
        });
        users.chain(groups).collect()
    }

    /// The id of every grant, sorted.
    pub fn grants(&self) -> Vec<String> {
        let of = |kind: Kind| if kind == Kind::User { "user" } else { "group" };
        let mut ids: Vec<String> = self
            .groups
            .iter()
            .flat_map(|group| group.members.iter().map(move |member| (group, member)))
            .map(|(group, member)| format!("group:{}:member:{}:{}", group.id, of(member.kind), member.id))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn expected(&self, user: &User) -> Value {
        let mut emails: Vec<_> = user.emails.iter().collect();
        emails.sort_by_key(|(address, kind, primary)| (!primary, *kind != "work", address.clone()));
        let name = user.display_name.as_ref().unwrap_or(&user.user_name);
        json!({
            "name": name,
            "kind": "user",
            "email": emails.first().map(|(address, ..)| address),
            "login": user.user_name,
            "status": if user.inactive { "disabled" } else { "enabled" },
            "title": user.title,
            "department": user.department,
            "employee_id": user.employee_number,
            "employment_type": user.user_type,
            "manager": user.manager.as_ref().map(|id| json!({"type": "user", "id": id})),
            "externalId": user.external_id,
            "costCenter": user.cost_center,
        })
    }
}

/// The same keys of a row.
pub fn seen(row: &Value) -> Value {
    let mut out = json!({});
    for key in ["name", "kind", "email", "login", "status"] {
        out[key] = row[key].clone();
    }
    if row["kind"] == "user" {
        for key in ["title", "department", "employee_id", "employment_type", "manager"] {
            out[key] = row["employment"].get(key).cloned().unwrap_or_default();
        }
        for key in ["externalId", "costCenter"] {
            out[key] = row["profile"].get(key).cloned().unwrap_or_default();
        }
    }
    out
}
