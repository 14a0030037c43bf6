//! `muster diff`: what was added, changed and removed between two states of a connection, streamed.

use super::args::{Diff, Global};
use super::colour::{self, Paint, paint};
use super::error::{self, CliError};
use super::output::Output;
use super::rows::check_connection;
use super::scene;
use crate::difference;
use crate::store::Moment;
use crate::store::diff::{Change, Comparison};
use crate::store::queries::Reader;
use crate::text::neutral;

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
    let colour = match change.change {
        "added" => Paint::Green,
        "changed" => Paint::Yellow,
        _ => Paint::Red,
    };
    let mut lines = difference::lines(change);
    if let Some(first) = lines.first_mut() {
        *first = paint(coloured, colour, first);
    }
    lines
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

    #[test]
    fn the_first_line_of_a_difference_has_its_colour() {
        let change = |change| Change {
            kind: "resource",
            change,
            id: "agent:1".to_owned(),
            name: None,
            fields: Vec::new(),
            has: None,
        };
        for (what, code, sign) in [("added", 32, '+'), ("changed", 33, '~'), ("removed", 31, '-')] {
            assert_eq!(lines(&change(what), true), [format!("\u{1b}[{code}m  {sign} agent:1  (unknown)\u{1b}[0m")]);
            assert_eq!(lines(&change(what), false), [format!("  {sign} agent:1  (unknown)")]);
        }
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
