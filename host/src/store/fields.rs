//! Which fields of two contents differ. Pure.
//!
//! Employment and profile are compared key by key, as `employment.title` and `profile.team`; what lies deeper in a profile
//! is one value. A key that is not there and one that is null are two things, though both are shown as null.

use serde::Serialize;
use serde_json::{Map, Value};

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name.
    pub field: String,
    /// Before; null where it was empty.
    pub old: Value,
    /// After; null where it is empty.
    pub new: Value,
}

impl Field {
    /// The same, seen from the other side.
    #[must_use]
    pub fn reversed(self) -> Field {
        Field { field: self.field, old: self.new, new: self.old }
    }
}

/// The content of a row.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Every row of a kind has the same, in the same order.
    pub(super) plain: Vec<(&'static str, Value)>,
    /// Objects, likewise; empty where a row has none.
    pub(super) nested: Vec<(&'static str, Map<String, Value>)>,
}

/// The fields that differ: the plain ones in their order, then those of each object by name.
pub(super) fn differing(old: &Content, new: &Content) -> Vec<Field> {
    let mut out = Vec::new();
    let mut note = |field: String, old: Option<&Value>, new: Option<&Value>| {
        if old != new {
            let value = |v: Option<&Value>| v.cloned().unwrap_or_default();
            out.push(Field { field, old: value(old), new: value(new) });
        }
    };
    for ((name, old), (_, new)) in old.plain.iter().zip(&new.plain) {
        note((*name).to_owned(), Some(old), Some(new));
    }
    for ((name, old), (_, new)) in old.nested.iter().zip(&new.nested) {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            note(format!("{name}.{key}"), old.get(key), new.get(key));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn content(name: Value, profile: Value) -> Content {
        let Value::Object(profile) = profile else { panic!("an object") };
        Content { plain: vec![("name", name), ("kind", json!("user"))], nested: vec![("profile", profile)] }
    }

    #[test]
    fn only_what_differs_is_named() {
        type Case = ((Value, Value), (Value, Value), &'static [(&'static str, &'static str)]);
        let table: [Case; 7] = [
            ((json!("Ann"), json!({})), (json!("Ann"), json!({})), &[]),
            ((json!("Ann"), json!({})), (json!("Anne"), json!({})), &[("name", r#""Ann" to "Anne""#)]),
            ((json!(null), json!({"a": 1})), (json!(null), json!({"a": 2})), &[("profile.a", "1 to 2")]),
            (
                (json!("Ann"), json!({"b": 1, "a": 1})),
                (json!("Ann"), json!({"c": [2]})),
                &[("profile.a", "1 to null"), ("profile.b", "1 to null"), ("profile.c", "null to [2]")],
            ),
            (
                (json!(1), json!({"a": {"x": 1}})),
                (json!(1), json!({"a": {"x": 2}})),
                &[("profile.a", r#"{"x":1} to {"x":2}"#)],
            ),
            ((json!(1), json!({"a": null})), (json!(1), json!({})), &[("profile.a", "null to null")]),
            ((json!(1), json!({"a": "1"})), (json!(1), json!({"a": 1})), &[("profile.a", r#""1" to 1"#)]),
        ];
        for (old, new, expected) in table {
            let fields = differing(&content(old.0.clone(), old.1.clone()), &content(new.0, new.1));
            let shown: Vec<(String, String)> =
                fields.into_iter().map(|f| (f.field, format!("{} to {}", f.old, f.new))).collect();
            let expected: Vec<(String, String)> =
                expected.iter().map(|(f, v)| ((*f).to_owned(), (*v).to_owned())).collect();
            assert_eq!(shown, expected, "{old:?}");
        }
    }
}
