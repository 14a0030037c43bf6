//! `muster diff`: what was added, changed and removed between two states of a connection, streamed.

use super::args::{Diff, Global};
use super::colour::{self, Paint, paint};
use super::error::{self, CliError};
use super::output::Output;
use super::rows::check_connection;
use super::scene;
use crate::store::diff::{Change, Comparison};
use crate::store::queries::Reader;
use crate::store::{Field, Moment};
use crate::text::{neutral, shorten};
use serde_json::Value;

/// Bytes of a value that people are shown; programs get all of it.
const VALUE_BYTES: usize = 200;

/// What a kind of row is called in a heading.
const KINDS: [(&str, &str); 3] = [("resource", "resources"), ("entitlement", "entitlements"), ("grant", "grants")];

/// Added, changed and removed rows of a kind.
type Counts = [u64; 3];

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, an unknown connection, or a run without a state.
pub fn diff(global: &Global, options: &Diff) -> Result<u8, CliError> {
    let reader = Reader::open(&scene::store_path(global)?)?;
    let name = options.connection.as_str();
    check_connection(&reader, Some(name))?;
    let comparison = Comparison::new(&reader, name, options.from, options.to)?;
    let mut out = Output::new(global.json);
    let coloured = colour::on_stdout();
    let mut counts = [Counts::default(); KINDS.len()];
    let mut heading = "";
    if !global.json {
        out.lines(&[title(name, comparison.from(), comparison.to())])?;
    }
    comparison.changes::<CliError>(&mut |change| {
        for (of_kind, (kind, _)) in counts.iter_mut().zip(KINDS) {
            if kind == change.kind {
                count(of_kind, change.change);
            }
        }
        if global.json {
            return out.json(&change);
        }
        if heading != change.kind {
            heading = change.kind;
            let (_, plural) = KINDS.into_iter().find(|(kind, _)| *kind == heading).unwrap_or_default();
            out.lines(&[paint(coloured, Paint::Bold, plural)])?;
        }
        out.lines(&lines(&change, coloured))
    })?;
    if !global.json {
        out.lines(&totals(&counts))?;
    }
    out.finish()?;
    let differs = counts.iter().flatten().any(|n| *n > 0);
    Ok(if options.exit_code && differs { error::FAILED } else { error::OK })
}

fn count(counts: &mut Counts, change: &str) {
    let [added, changed, removed] = counts;
    *match change {
        "added" => added,
        "changed" => changed,
        _ => removed,
    } += 1;
}

fn title(name: &str, from: Option<&Moment>, to: &Moment) -> String {
    let shown = |m: &Moment| match m.status.as_str() {
        "published" => format!("run {} ({})", m.run, m.started),
        status => format!("run {} ({}, {status})", m.run, m.started),
    };
    let from = from.map_or_else(|| "nothing, before the first run".to_owned(), shown);
    neutral(&format!("{name}: from {from} to {}", shown(to))).into_owned()
}

fn lines(change: &Change, coloured: bool) -> Vec<String> {
    let (sign, colour) = match change.change {
        "added" => ('+', Paint::Green),
        "changed" => ('~', Paint::Yellow),
        _ => ('-', Paint::Red),
    };
    let name = change.name.as_deref().unwrap_or("(unknown)");
    let first = match &change.has {
        None => format!("  {sign} {}  {name}", change.id),
        Some(has) => {
            let resource = has.resource_name.as_deref().unwrap_or("(unknown)");
            format!("  {sign} {name} ({}) has {} of {resource} ({})", has.principal, has.slug, has.resource)
        }
    };
    let mut out = vec![paint(coloured, colour, &neutral(&first))];
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

fn totals(counts: &[Counts; KINDS.len()]) -> Vec<String> {
    let mut out = Vec::new();
    for (counts, (_, plural)) in counts.iter().zip(KINDS) {
        let [added, changed, removed] = *counts;
        if added + changed + removed > 0 {
            out.push(format!("{plural}: {added} added, {changed} changed, {removed} removed"));
        }
    }
    if out.is_empty() {
        out.push("nothing differs".to_owned());
    }
    out
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
            lines(&changed, false),
            [
                "  ~ agent:1  Ann\\u{1b}[2J",
                "      email: (none) → ann@acme.test",
                "      parent: team:a:b → (none)",
                long.as_str(),
            ]
        );
        assert_eq!(lines(&change("resource", "removed", None), true), ["\u{1b}[31m  - agent:1  (unknown)\u{1b}[0m"]);
        let mut grant = change("grant", "added", Some("Ann"));
        grant.has = Some(Has {
            principal: "agent:1".to_owned(),
            slug: "member".to_owned(),
            resource: "team:2".to_owned(),
            resource_name: None,
        });
        assert_eq!(lines(&grant, false), ["  + Ann (agent:1) has member of (unknown) (team:2)"]);
    }

    #[test]
    fn the_last_lines_count() {
        assert_eq!(totals(&[[0; 3]; 3]), ["nothing differs"]);
        assert_eq!(
            totals(&[[1, 2, 3], [0; 3], [0, 0, 4]]),
            ["resources: 1 added, 2 changed, 3 removed", "grants: 0 added, 0 changed, 4 removed"]
        );
    }
}
