//! `muster audit`: what was changed at vendors or agreed to, by whom, and what came of it.

use super::args::Global;
use super::change_args::Audit;
use super::error::{self, CliError};
use super::output::Output;
use super::scene;
use crate::store::acts::{self, ActRow, OutcomeRow};
use crate::store::queries::Reader;
use crate::text::{neutral, shorten};
use serde_json::json;

/// Characters of a plan's digest that people are shown.
const DIGEST: usize = 12;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, or no such act.
pub fn audit(global: &Global, options: &Audit) -> Result<u8, CliError> {
    let path = scene::store_path(global)?;
    let mut out = Output::new(global.json);
    match options.act {
        None => {
            out.columns(&["ACT", "AT", "WHO", "ACTION", "CONNECTION", "WHAT", "OUTCOME"]);
            let mut any = false;
            acts::list::<CliError>(&path, options.connection.as_deref(), &mut |row| {
                any = true;
                out.row(&row, cells)
            })?;
            // Nobody changed anything at a connection that there is; one that there is not is a slip of the pen.
            if let (false, Some(name)) = (any, &options.connection) {
                scene::check_name(global, &Reader::open(&path)?.connections()?, name)?;
            }
            if !any && !global.json && !global.quiet {
                error::note("no rows");
            }
        }
        Some(act) => {
            let found = acts::show(&path, act)?;
            let (row, outcomes) = found.ok_or_else(|| CliError::usage(format!("there is no act {act}")))?;
            match out.is_json() {
                true => {
                    let mut object = json!(row);
                    if let Some(fields) = object.as_object_mut() {
                        fields.insert("outcomes".to_owned(), json!(outcomes));
                    }
                    out.json(&object)?;
                }
                false => out.lines(&lines(&row, &outcomes))?,
            }
        }
    }
    out.finish()?;
    Ok(error::OK)
}

fn cells(row: &ActRow) -> Vec<String> {
    let mut what = row.what.clone();
    if let Some(scenario) = &row.scenario {
        what = format!("{what}, scenario {scenario}");
    }
    vec![
        row.act.to_string(),
        row.at.clone(),
        row.who.clone(),
        row.action.clone(),
        row.connection.clone(),
        what,
        row.outcome.clone(),
    ]
}

fn lines(row: &ActRow, outcomes: &[OutcomeRow]) -> Vec<String> {
    let mut out = vec![
        format!("act {}: {} at {}: {}", row.act, row.action, row.connection, neutral(&row.outcome)),
        match &row.ended {
            Some(ended) => format!("  {} to {ended} by {}", row.at, neutral(&row.who)),
            None => format!("  {} by {}: it goes on, or was interrupted", row.at, neutral(&row.who)),
        },
        format!("  {}", neutral(&row.what)),
    ];
    if !row.made_by.is_empty() {
        out.push(format!("  with {}", neutral(&row.made_by)));
    }
    if let Some(plan) = &row.plan {
        out.push(format!("  plan {}", shorten(plan, DIGEST)));
    }
    if let Some(scenario) = &row.scenario {
        out.push(format!("  scenario {}", neutral(scenario)));
    }
    if let Some(run) = row.run {
        out.push(format!("  run {run}"));
    }
    if !row.detail.is_empty() {
        out.push(format!("  {}", neutral(&row.detail)));
    }
    if row.ended.is_none() && row.plan.is_none() {
        out.push(format!("  if it was interrupted, it may have been made: `muster sync {}` shows it", row.connection));
    }
    if !outcomes.is_empty() {
        out.push("  outcomes:".to_owned());
    }
    out.extend(outcomes.iter().map(|o| {
        let words = if o.words.is_empty() { String::new() } else { format!(": {}", neutral(&o.words)) };
        format!("    {}: {}{words}", neutral(&o.subject), o.outcome)
    }));
    out
}
