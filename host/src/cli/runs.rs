//! `muster runs`: the history, one run, and accepting one.

use super::args::{Global, RunAction};
use super::error::{self, CliError};
use super::output::Output;
use super::rows::check_connection;
use super::scene;
use crate::store::queries::{Reader, RunDetail, RunRow};
use crate::store::{Store, lock};
use crate::text::neutral;
use serde_json::Value;

/// Findings shown to people; programs get all that are kept.
const SHOWN: usize = 20;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, or no such run.
pub async fn runs(global: &Global, connection: Option<&str>, action: Option<&RunAction>) -> Result<u8, CliError> {
    let path = scene::store_path(global)?;
    let reader = Reader::open(&path)?;
    let mut out = Output::new(global.json);
    match action {
        None => {
            check_connection(&reader, connection)?;
            out.columns(&["RUN", "CONNECTION", "STATUS", "STARTED", "RESOURCES", "ENTITLEMENTS", "GRANTS", "ADDED", "CHANGED", "REMOVED"]);
            reader.runs::<CliError>(connection, &mut |row| out.row(&row, cells))?;
        }
        Some(RunAction::Show { run }) => {
            let detail = reader.run(*run)?;
            match out.is_json() {
                true => out.json(&detail)?,
                false => out.lines(&lines(&detail))?,
            }
        }
        Some(RunAction::Accept { run }) => {
            let before = reader.run(*run)?.row;
            drop(reader);
            let lead = lock::lead(&path, &before.connection)?
                .map_err(|who| CliError::failed(format!("a sync of {} is in progress ({who})", before.connection)))?;
            let (store, thread) = Store::open(&path, &tokio::runtime::Handle::current())?;
            store.accept(*run).await?;
            drop(store);
            drop(thread);
            drop(lead);
            let row = Reader::open(&path)?.run(*run)?.row;
            let line = format!("{}: published run {run}, which was {}", row.connection, before.status);
            match out.is_json() {
                true => out.json(&row)?,
                false => out.lines(&[line])?,
            }
        }
    }
    out.finish()?;
    Ok(error::OK)
}

fn cells(r: &RunRow) -> Vec<String> {
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut cells = vec![r.run.to_string(), r.connection.clone(), r.status.clone(), r.started.clone()];
    cells.extend([r.resources, r.entitlements, r.grants, r.added, r.changed, r.removed].map(number));
    cells
}

fn lines(d: &RunDetail) -> Vec<String> {
    let r = &d.row;
    let run = &d.report["run"];
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut out = vec![
        format!("run {} of {}: {}", r.run, r.connection, r.status),
        format!("  {} to {}", r.started, r.ended.as_deref().unwrap_or("(no end)")),
        format!("  connector {} {} ({})", neutral(&d.connector), neutral(&d.version), d.digest.get(..12).unwrap_or(&d.digest)),
    ];
    if let Some(account) = run["account"]["name"].as_str() {
        out.push(format!("  account {} ({})", neutral(account), neutral(run["account"]["id"].as_str().unwrap_or("?"))));
    }
    out.push(format!(
        "  {} resources, {} entitlements, {} grants; {} added, {} changed, {} removed",
        number(r.resources), number(r.entitlements), number(r.grants), number(r.added), number(r.changed), number(r.removed)
    ));
    out.push(format!(
        "  {} tasks, {} requests ({} repeated, {} denied), {} bytes received",
        run["tasks"], run["requests"], run["retries"], run["denied"], run["received_bytes"]
    ));
    let times = &run["times"];
    out.push(format!(
        "  vendor {} ms, guest {} ms, store {} ms, waited {} ms (work that ran at once is summed)",
        times["vendor_ms"], times["guest_ms"], times["store_ms"], times["waited_ms"]
    ));
    section(&mut out, "held because", list(&d.report["objections"]).map(|o| text(o).to_owned()));
    let failure = |f: &Value| format!("{}: {}: {}", text(&f["task"]), text(&f["reason"]), text(&f["message"]));
    section(&mut out, "failures", list(&run["failures"]).map(failure));
    let counts = list(&d.report["findings"]).map(|f| format!("{}: {}", text(&f["kind"]), f["count"]));
    section(&mut out, "integrity", counts);
    let findings = d.findings.iter().take(SHOWN).map(|f| format!("{}: {}", f.kind, f.subject));
    section(&mut out, "findings", findings);
    if d.findings.len() > SHOWN {
        out.push(format!("    … and {} more (--json shows them)", d.findings.len() - SHOWN));
    }
    let slow = list(&run["slowest"]).map(|s| format!("{} ms  {}", s["ms"], text(&s["task"])));
    section(&mut out, "slowest tasks", slow);
    out
}

fn section(out: &mut Vec<String>, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.map(|l| format!("    {}", neutral(&l))).peekable();
    if lines.peek().is_some() {
        out.push(format!("  {title}:"));
        out.extend(lines);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
