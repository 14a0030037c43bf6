//! Rows in every form that ChartHop is known or suspected to give.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::world::{Group, Person, World, job_id, person_id};

/// How a row's keys are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// `"name.first"`.
    #[default]
    Flat,
    /// `"name": {"first": …}`.
    Nested,
}

/// How a name is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Its parts, as asked for.
    #[default]
    Parts,
    /// One text, as with `format=minimal`.
    Text,
}

/// How ids in lists, and the type of a group, are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refs {
    /// As texts.
    #[default]
    Texts,
    /// As objects with an id.
    Objects,
}

/// What a row says of the manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Managers {
    /// The job, the person and the address.
    #[default]
    All,
    /// The job and the address.
    JobAndEmail,
    /// The job, and the job once more where the person should be.
    JobTwice,
}

/// What a row has where there is no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empty {
    #[default]
    Null,
    Absent,
    Text,
}

/// All of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub keys: Keys,
    pub names: Names,
    pub refs: Refs,
    pub managers: Managers,
    pub empty: Empty,
    /// Employee numbers as numbers, where nothing is lost by it.
    pub numbers: bool,
    /// Keys that nobody asked for, and that nobody knows.
    pub extra: bool,
    /// The list does not know the field `groupIds`.
    pub no_groups_in_list: bool,
}

impl Form {
    /// A row with the fields asked for.
    pub(super) fn person(&self, world: &World, person: &Person, fields: &BTreeSet<String>, in_list: bool) -> Value {
        let mut row = Map::new();
        let number = person.number;
        let manager = person.manager;
        let name = |part: Option<&str>| part.filter(|_| self.names == Names::Parts).map(Value::from);
        let manager_person = match self.managers {
            Managers::All => manager.map(person_id),
            Managers::JobAndEmail => None,
            Managers::JobTwice => manager.map(job_id),
        };
        let employee = person.employee.as_deref().map(|text| match text.parse::<u64>() {
            Ok(number) if self.numbers && number.to_string() == text => number.into(),
            _ => Value::from(text),
        });
        let groups: Vec<Value> = person.groups.iter().map(|id| self.reference(id)).collect();
        let job = person.title.is_some().then(|| job_id(number).into());
        let values: [(&str, Option<Value>); 18] = [
            ("id", Some(person_id(number).into())),
            ("jobId", job),
            ("name.first", name(Some(&person.first))),
            ("name.last", name(Some(&person.last))),
            ("name.pref", name(person.pref.as_deref())),
            ("contact.workEmail", person.email.as_deref().map(Value::from)),
            ("contact.employee", employee),
            ("title", person.title.as_deref().map(Value::from)),
            ("manager", manager.filter(|_| self.keys == Keys::Flat).map(|manager| job_id(manager).into())),
            ("manager.id", manager_person.map(Value::from)),
            ("manager.contact.workEmail", manager.map(|manager| world.manager_email(manager).into())),
            ("department.name", person.department.as_deref().map(Value::from)),
            ("location.name", person.location.as_deref().map(Value::from)),
            ("startDate", person.start.as_deref().map(Value::from)),
            ("startDateOrg", person.start.as_deref().map(Value::from)),
            ("endDateOrg", person.end.as_deref().map(Value::from)),
            ("employment", person.employment.as_deref().map(Value::from)),
            ("groupIds", Some(groups.into())),
        ];
        for (path, value) in values {
            let asked = fields.contains(path) && !(path == "groupIds" && in_list && self.no_groups_in_list);
            // In nested rows the manager's job stands in the manager.
            if !asked || (path == "manager" && self.keys == Keys::Nested) {
                continue;
            }
            self.put(&mut row, path, value);
        }
        if self.keys == Keys::Nested && fields.contains("manager") {
            self.put(&mut row, "manager.jobId", manager.map(|manager| job_id(manager).into()));
        }
        if self.names == Names::Text && fields.contains("name.first") {
            row.insert("name".to_owned(), format!("{} {}", person.first, person.last).into());
        }
        if self.extra {
            row.insert("updateAt".to_owned(), "2026-01-01T00:00:00Z".into());
            row.insert("x-future".to_owned(), json!([{"a": [1, 2.5, null]}, "ö"]));
        }
        row.into()
    }

    /// A row of a group, whole.
    pub(super) fn group(&self, world: &World, group: &Group) -> Value {
        let of = world.types.iter().find(|of| of.id == group.of_type).expect("a type for each group");
        let of_type = match (self.refs, &of.code) {
            (Refs::Objects, _) => json!({ "id": of.id, "name": of.name }),
            (Refs::Texts, Some(code)) => code.as_str().into(),
            (Refs::Texts, None) => of.id.as_str().into(),
        };
        let mut row = Map::new();
        for (path, value) in [
            ("id", Some(group.id.as_str().into())),
            ("name", Some(group.name.as_str().into())),
            ("type", Some(of_type)),
            ("parentGroupId", group.parent.as_deref().map(Value::from)),
            ("leadJobIds", Some(json!([job_id(1)]))),
        ] {
            self.put(&mut row, path, value);
        }
        row.into()
    }

    /// A page of rows.
    pub(super) fn page(&self, rows: Vec<Value>, next: Option<String>) -> String {
        let mut page = json!({ "data": rows });
        match (next, self.empty) {
            (Some(next), _) => page["next"] = next.into(),
            (None, Empty::Null) => page["next"] = Value::Null,
            (None, Empty::Text) => page["next"] = "".into(),
            (None, Empty::Absent) => {}
        }
        if self.extra {
            page["access"] = json!([{ "field": "base", "level": "NONE" }]);
            page["totalRow"] = json!({ "count": rows_of(&page) });
        }
        page.to_string()
    }

    fn reference(&self, id: &str) -> Value {
        match self.refs {
            Refs::Texts => id.into(),
            Refs::Objects => json!({ "id": id, "name": "whatever" }),
        }
    }

    fn put(&self, row: &mut Map<String, Value>, path: &str, value: Option<Value>) {
        let value = match (value, self.empty) {
            (Some(value), _) => value,
            (None, Empty::Null) => Value::Null,
            (None, Empty::Text) => "".into(),
            (None, Empty::Absent) => return,
        };
        match (self.keys, path.split_once('.')) {
            (Keys::Nested, Some((first, rest))) => {
                let inner = row.entry(first.to_owned()).or_insert_with(|| Map::new().into());
                if let Value::Object(inner) = inner {
                    self.put(inner, rest, Some(value));
                }
            }
            _ => {
                row.insert(path.to_owned(), value);
            }
        }
    }
}

fn rows_of(page: &Value) -> usize {
    page["data"].as_array().map_or(0, Vec::len)
}
