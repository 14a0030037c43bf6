//! New values of a person's own fields.

use serde_json::Value;

use super::change::Refusal;
use super::import::differences;
use super::world::{World, number_of, person_id};
use super::writable::Applied;

/// Applies free-form field values, flat with dots or nested.
pub(super) fn patch(
    world: &mut World,
    id: &str,
    body: &Value,
    scenario: Option<&str>,
) -> Result<Vec<Applied>, Refusal> {
    let before =
        number_of(id).and_then(|number| world.person(number)).ok_or_else(|| (404, "person not found".to_owned()))?;
    let mut after = before.clone();
    let mut fields = Vec::new();
    flatten("", body, &mut fields);
    for (path, value) in fields {
        let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if text.is_none() && !value.is_null() && value != "" {
            return Err((400, format!("{path} has to be a text")));
        }
        match path.as_str() {
            "name.first" => after.first = text.unwrap_or_default(),
            "name.last" => after.last = text.unwrap_or_default(),
            "name.pref" => after.pref = text,
            "contact.employee" => after.employee = text,
            "contact.workEmail" => {
                let others = text.as_deref().and_then(|email| world.by_email(email));
                if others.is_some_and(|other| other.number != before.number) {
                    return Err((400, "somebody else has this contact.workEmail".to_owned()));
                }
                after.email = text;
            }
            _ => return Err((400, format!("unknown field {path}"))),
        }
    }
    let who = before.email.clone().unwrap_or_else(|| person_id(before.number));
    let note = |(field, value)| Applied::new(scenario, "update", &who, &format!("{field}={value}"));
    let applied = differences(&before, &after).into_iter().map(note).collect();
    world.put(after);
    Ok(applied)
}

fn flatten(path: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    match value.as_object() {
        Some(object) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, into);
            }
        }
        None => into.push((path.to_owned(), value.clone())),
    }
}
