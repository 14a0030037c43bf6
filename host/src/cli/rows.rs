//! `muster resources`, `entitlements`, `grants`: rows of snapshots, streamed.

use super::args::{Global, Rows};
use super::error::{self, CliError};
use super::output::Output;
use super::scene;
use crate::model::is_date;
use crate::store::queries::{AsOf, EntitlementRow, Filter, GrantRow, Reader, ResourceRow};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Who and what exists.
    Resources,
    /// What can be had.
    Entitlements,
    /// Who has what.
    Grants,
}

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, an unknown connection or run.
pub fn rows(global: &Global, rows: &Rows, what: What) -> Result<u8, CliError> {
    let reader = Reader::open(&scene::store_path(global)?)?;
    let as_of = as_of(rows.as_of.as_deref())?;
    check_connection(&reader, rows.connection.as_deref())?;
    let filter = Filter { connection: rows.connection.clone(), resource_type: rows.resource_type.clone(), as_of };
    let mut out = Output::new(global.json);
    let mut count = 0u64;
    match what {
        What::Resources => {
            out.columns(&["CONNECTION", "TYPE", "ID", "NAME", "EMAIL", "STATUS"]);
            reader.resources::<CliError>(&filter, &mut |row| {
                count += 1;
                out.row(&row, resource_cells)
            })?;
        }
        What::Entitlements => {
            out.columns(&["CONNECTION", "ENTITLEMENT", "RESOURCE", "NAME", "PURPOSE", "GRANTABLE TO"]);
            reader.entitlements::<CliError>(&filter, &mut |row| {
                count += 1;
                out.row(&row, entitlement_cells)
            })?;
        }
        What::Grants => {
            out.columns(&["CONNECTION", "PRINCIPAL", "NAME", "HAS", "OF", "RESOURCE"]);
            reader.grants::<CliError>(&filter, &mut |row| {
                count += 1;
                out.row(&row, grant_cells)
            })?;
        }
    }
    out.finish()?;
    if !global.quiet {
        if let AsOf::Date(day) = &filter.as_of {
            let later = reader.later(day, filter.connection.as_deref())?;
            not_yet(day, &later).iter().for_each(|line| error::note(line));
        }
        if count == 0 && !global.json {
            eprintln!("no rows");
        }
    }
    Ok(error::OK)
}

/// Refuses a connection the store has never seen.
///
/// # Errors
/// Its name, and the nearest one.
pub fn check_connection(reader: &Reader, name: Option<&str>) -> Result<(), CliError> {
    let Some(name) = name else { return Ok(()) };
    let known = reader.connections()?;
    match known.iter().any(|k| k == name) {
        true => Ok(()),
        false => Err(scene::unknown_connection(name, known.iter().map(String::as_str))),
    }
}

/// Connections that are named; more are counted.
const NAMED: usize = 3;

/// What to say of connections of which nothing had been published by a day: an answer without them is not all there is.
fn not_yet(day: &str, later: &[(String, i64, String)]) -> Vec<String> {
    let mut out: Vec<String> = later
        .iter()
        .take(NAMED)
        .map(|(name, run, since)| {
            format!("{name}: no run of {day} or before; the oldest in the store is run {run} of {since}")
        })
        .collect();
    if later.len() > NAMED {
        out.push(format!("and {} more connections have none of {day} or before", later.len() - NAMED));
    }
    out
}

fn as_of(text: Option<&str>) -> Result<AsOf, CliError> {
    match text {
        None => Ok(AsOf::Now),
        Some(date) if is_date(date) => Ok(AsOf::Date(date.to_owned())),
        Some(run) => run
            .parse()
            .map(AsOf::Run)
            .map_err(|_| CliError::usage(format!("--as-of {run} is neither a run's number nor a day (YYYY-MM-DD)"))),
    }
}

fn resource_cells(r: &ResourceRow) -> Vec<String> {
    let status = match (&r.status, &r.status_detail) {
        (Some(status), Some(detail)) => format!("{status} ({detail})"),
        (Some(status), None) => status.clone(),
        (None, _) => "-".to_owned(),
    };
    let email = r.email.clone().unwrap_or_else(|| "-".to_owned());
    vec![r.connection.clone(), r.resource_type.clone(), r.id.clone(), r.name.clone(), email, status]
}

fn entitlement_cells(e: &EntitlementRow) -> Vec<String> {
    let resource = e.resource_name.clone().unwrap_or_else(|| "(unknown)".to_owned());
    vec![e.connection.clone(), e.id.clone(), resource, e.name.clone(), e.purpose.clone(), e.grantable_to.join(", ")]
}

fn grant_cells(g: &GrantRow) -> Vec<String> {
    let name = |n: &Option<String>| n.clone().unwrap_or_else(|| "(unknown)".to_owned());
    vec![
        g.connection.clone(),
        g.principal.to_string(),
        name(&g.principal_name),
        g.slug.clone(),
        g.resource.to_string(),
        name(&g.resource_name),
    ]
}
