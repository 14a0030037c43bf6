//! A difference as people read it: on a terminal, and in a mail.

use crate::store::Field;
use crate::store::diff::Change;
use crate::text::{neutral, shorten};
use serde_json::Value;

/// Bytes of a value that people are shown; programs get all of it.
const VALUE_BYTES: usize = 200;

/// What happened to what, then the fields that differ; neutralised.
pub fn lines(change: &Change) -> Vec<String> {
    let sign = match change.change {
        "added" => '+',
        "changed" => '~',
        _ => '-',
    };
    let name = change.name.as_deref().unwrap_or("(unknown)");
    let first = match &change.has {
        None => format!("  {sign} {}  {name}", change.id),
        Some(has) => {
            let resource = has.resource_name.as_deref().unwrap_or("(unknown)");
            format!("  {sign} {name} ({}) has {} of {resource} ({})", has.principal, has.slug, has.resource)
        }
    };
    let mut out = vec![neutral(&first).into_owned()];
    out.extend(change.fields.iter().map(|f| neutral(&field(f)).into_owned()));
    out
}

fn field(f: &Field) -> String {
    format!("      {}: {} → {}", f.field, value(&f.old), value(&f.new))
}

fn value(value: &Value) -> String {
    let text = match (value, value.get("type").zip(value.get("id"))) {
        (Value::Null, _) => "(none)".to_owned(),
        (Value::String(text), _) => text.clone(),
        (_, Some((Value::String(of_type), Value::String(id)))) => format!("{of_type}:{id}"),
        (other, _) => other.to_string(),
    };
    shorten(&text, VALUE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::diff::Has;
    use serde_json::json;

    fn change(kind: &'static str, change: &'static str, name: Option<&str>) -> Change {
        Change { kind, change, id: "agent:1".to_owned(), name: name.map(str::to_owned), fields: Vec::new(), has: None }
    }

    #[test]
    fn a_line_says_what_happened_to_what() {
        let mut changed = change("resource", "changed", Some("Ann\u{1b}[2J"));
        let field = |name: &str, old, new| Field { field: name.to_owned(), old, new };
        changed.fields = vec![
            field("email", json!(null), json!("ann@acme.test")),
            field("parent", json!({"type": "team", "id": "a:b"}), json!(null)),
            field("profile.x", json!([1, "\u{202e}"]), json!("y".repeat(300))),
        ];
        let long = format!("      profile.x: [1,\"\\u{{202e}}\"] → {}…", "y".repeat(200));
        assert_eq!(
            lines(&changed),
            [
                "  ~ agent:1  Ann\\u{1b}[2J",
                "      email: (none) → ann@acme.test",
                "      parent: team:a:b → (none)",
                long.as_str(),
            ]
        );
        assert_eq!(lines(&change("resource", "removed", None)), ["  - agent:1  (unknown)"]);
        let mut grant = change("grant", "added", Some("Ann"));
        grant.has = Some(Has {
            principal: "agent:1".to_owned(),
            slug: "member".to_owned(),
            resource: "team:2".to_owned(),
            resource_name: None,
        });
        assert_eq!(lines(&grant), ["  + Ann (agent:1) has member of (unknown) (team:2)"]);
    }
}
