//! `muster prune`: deletes history that is not kept, and says what it did.

use super::args::{Global, Prune};
use super::error::{self, CliError, note};
use super::output::Output;
use super::rows::check_connection;
use super::scene;
use crate::store::keep::Keep;
use crate::store::prune::{Pruned, Pruner, Space};
use crate::store::queries::Reader;
use crate::store::{StoreError, lock};
use crate::text::{count, neutral};
use serde::Serialize;
use std::path::Path;

/// A line for programs.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    pruned: &'a Pruned,
    dry_run: bool,
    /// Who works on the connection, so that nothing was deleted.
    busy: Option<&'a str>,
}

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, an unknown connection, or `--keep` that keeps nothing.
pub fn prune(global: &Global, options: &Prune) -> Result<u8, CliError> {
    let keep = Keep::parse(&options.keep).map_err(CliError::usage)?;
    let path = scene::store_path(global)?;
    let names = names(&path, &options.names)?;
    let pruner = Pruner::open(&path, options.dry_run)?;
    let mut out = Output::new(global.json);
    let now = jiff::Timestamp::now();
    let mut busy = 0;
    for name in &names {
        let lead = match options.dry_run {
            true => Ok(None),
            false => lock::lead(&path, name)?.map(Some),
        };
        let (pruned, who) = match lead {
            Ok(_lead) => (pruner.prune(name, keep, now)?, None),
            Err(who) => (Pruned { connection: name.clone(), ..Pruned::default() }, Some(who)),
        };
        busy += usize::from(who.is_some());
        match global.json {
            true => out.json(&Line { pruned: &pruned, dry_run: options.dry_run, busy: who.as_deref() })?,
            false => out.lines(&[sentence(&pruned, options.dry_run, who.as_deref())])?,
        }
    }
    if !options.dry_run {
        let said = if options.vacuum { vacuum(&pruner, &path)? } else { given_back(pruner.give_back()?) };
        match global.json {
            true if global.quiet => {}
            true => said.iter().for_each(|line| note(line)),
            false => out.lines(&said)?,
        }
    }
    out.finish()?;
    Ok(match busy {
        0 => error::OK,
        n if n == names.len() => error::FAILED,
        _ => error::PARTLY,
    })
}

/// The connections that are meant, each once: all of the store where none is named.
fn names(path: &Path, asked: &[String]) -> Result<Vec<String>, CliError> {
    let reader = Reader::open(path)?;
    if asked.is_empty() {
        return Ok(reader.connections()?);
    }
    let mut names: Vec<String> = Vec::new();
    for name in asked {
        check_connection(&reader, Some(name))?;
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

/// Writes the file anew while nobody syncs: they would wait longer than they do.
fn vacuum(pruner: &Pruner, path: &Path) -> Result<Vec<String>, CliError> {
    let mut leads = Vec::new();
    for name in Reader::open(path)?.connections()? {
        match lock::lead(path, &name)? {
            Ok(lead) => leads.push(lead),
            Err(who) => {
                return Err(CliError::failed(format!(
                    "the file is not written anew while a sync of {name} is in progress ({who})"
                ))
                .with_help("what is not kept was deleted; say --vacuum again when it is done"));
            }
        }
    }
    Ok(given_back(pruner.vacuum().map_err(|e| match e {
        StoreError::Full(_) => CliError::failed(
            "the disk has no room for the store to be written anew; what is not kept was deleted, and the file is as it was",
        ),
        other => other.into(),
    })?))
}

fn given_back(space: Space) -> Vec<String> {
    let mut out = Vec::new();
    if space.given_back > 0 {
        out.push(format!("the store is {} smaller", size(space.given_back)));
    }
    if space.empty > 0 {
        out.push(format!(
            "{} of the file are empty, and later runs use them; --vacuum makes the file smaller now",
            size(space.empty)
        ));
    }
    out
}

fn sentence(p: &Pruned, dry_run: bool, busy: Option<&str>) -> String {
    let name = &p.connection;
    if let Some(who) = busy {
        return neutral(&format!("{name}: nothing deleted, a sync of it is in progress ({who})")).into_owned();
    }
    let rows = p.resources + p.entitlements + p.grants;
    let kept = match (p.oldest, &p.since) {
        (None, _) => "it has no run".to_owned(),
        (Some(run), since) => {
            let day = since.as_deref().and_then(|s| s.get(..10)).unwrap_or("unknown");
            format!("{} kept, back to run {run} of {day}", count(p.kept, "run"))
        }
    };
    let text = match (p.runs + rows + p.ids, dry_run) {
        (0, _) => format!("{name}: nothing to delete; {kept}"),
        (_, dry_run) => {
            let verb = if dry_run { "would be deleted" } else { "deleted" };
            let (runs, rows, ids) = (count(p.runs, "run"), count(rows, "row"), count(p.ids, "id"));
            format!("{name}: {runs}, {rows} of history and {ids} {verb}; {kept}")
        }
    };
    neutral(&text).into_owned()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_was_done() {
        let none = Pruned { connection: "hr".to_owned(), ..Pruned::default() };
        assert_eq!(sentence(&none, false, None), "hr: nothing to delete; it has no run");
        let busy = sentence(&none, false, Some("process 7"));
        assert_eq!(busy, "hr: nothing deleted, a sync of it is in progress (process 7)");
        let some = Pruned {
            runs: 1,
            resources: 2,
            grants: 3,
            ids: 1,
            kept: 30,
            oldest: Some(9),
            since: Some("2026-11-22T01:02:03Z".to_owned()),
            ..none
        };
        let kept = "30 runs kept, back to run 9 of 2026-11-22";
        assert_eq!(sentence(&some, false, None), format!("hr: 1 run, 5 rows of history and 1 id deleted; {kept}"));
        assert_eq!(
            sentence(&some, true, None),
            format!("hr: 1 run, 5 rows of history and 1 id would be deleted; {kept}")
        );
    }

    #[test]
    fn sizes_are_for_people() {
        for (bytes, text) in [(1, "1 KiB"), (8192, "8 KiB"), (1_572_864, "1.5 MiB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
