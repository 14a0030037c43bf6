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
            out.columns(&[
                "RUN",
                "CONNECTION",
                "STATUS",
                "STARTED",
                "RESOURCES",
                "ENTITLEMENTS",
                "GRANTS",
                "ADDED",
                "CHANGED",
                "REMOVED",
            ]);
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
            let (thread, store) = Store::open(&path, &tokio::runtime::Handle::current())?;
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
    let at = |path: &str| d.report.pointer(path).unwrap_or(&Value::Null);
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut out = vec![
        format!("run {} of {}: {}", r.run, r.connection, r.status),
        format!("  {} to {}", r.started, r.ended.as_deref().unwrap_or("(no end)")),
        format!(
            "  connector {} {} ({})",
            neutral(&d.connector),
            neutral(&d.version),
            d.digest.get(..12).unwrap_or(&d.digest)
        ),
    ];
    if let (Some(name), Some(id)) = (at("/run/account/name").as_str(), at("/run/account/id").as_str()) {
        out.push(format!("  account {} ({})", neutral(name), neutral(id)));
    }
    if at("/run/replayed").as_bool() == Some(true) {
        out.push("  replayed from a tape: times are the tape's, and nobody was asked".to_owned());
    }
    let counts = [r.resources, r.entitlements, r.grants, r.added, r.changed, r.removed].map(number);
    let [resources, entitlements, grants, added, changed, removed] = counts;
    out.push(format!("  resources {resources}, entitlements {entitlements}, grants {grants}"));
    out.push(format!("  added {added}, changed {changed}, removed {removed}"));
    if d.report.get("run").is_some() {
        out.push(format!(
            "  tasks {}, requests {} ({} repeated, {} denied), bytes received {}",
            at("/run/tasks"),
            at("/run/requests"),
            at("/run/retries"),
            at("/run/denied"),
            at("/run/received_bytes")
        ));
        out.push(format!(
            "  vendor {} ms, guest {} ms, store {} ms, waited {} ms (work that ran at once is summed)",
            at("/run/times/vendor_ms"),
            at("/run/times/guest_ms"),
            at("/run/times/store_ms"),
            at("/run/times/waited_ms")
        ));
    }
    section(&mut out, "held because", list(at("/objections")).map(|o| text(Some(o)).to_owned()));
    let failure = |f: &Value| format!("{}: {}: {}", text(f.get("task")), text(f.get("reason")), text(f.get("message")));
    section(&mut out, "failures", list(at("/run/failures")).map(failure));
    let count = |f: &Value| format!("{}: {}", text(f.get("kind")), f.get("count").unwrap_or(&Value::Null));
    section(&mut out, "integrity", list(at("/findings")).map(count));
    let findings = d.findings.iter().take(SHOWN).map(|f| format!("{}: {}", f.kind, f.subject));
    section(&mut out, "findings", findings);
    if d.findings.len() > SHOWN {
        out.push(format!("    … and {} more (--json shows them)", d.findings.len() - SHOWN));
    }
    let slow = |s: &Value| format!("{} ms  {}", s.get("ms").unwrap_or(&Value::Null), text(s.get("task")));
    section(&mut out, "slowest tasks", list(at("/run/slowest")).map(slow));
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

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or("?")
}
