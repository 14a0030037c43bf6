//! `muster runs`: the history, one run, and accepting one.

use super::args::{Global, RunAction};
use super::error::{self, CliError};
use super::output::Output;
use super::rows::check_connection;
use super::who::who;
use super::{run_page, scene};
use crate::clock::Clock;
use crate::store::acts::{Acts, NewAct};
use crate::store::queries::{Reader, RunRow};
use crate::store::{Ledger, Store, lock};

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
                false => out.lines(&run_page::lines(&detail))?,
            }
        }
        Some(RunAction::Accept { run }) => {
            let before = reader.run(*run)?.row;
            drop(reader);
            let lead = lock::lead(&path, &before.connection)?
                .map_err(|who| CliError::failed(format!("a sync of {} is in progress ({who})", before.connection)))?;
            let (thread, store) = Store::open(&path, &tokio::runtime::Handle::current())?;
            // Who agreed is on the disk before it counts.
            let mut acts = Acts::open(&path)?;
            let clock = Clock::real();
            let act = acts.begin(&NewAct {
                at: clock.text(),
                who: who(),
                action: "accept".to_owned(),
                connection: before.connection.clone(),
                what: format!("run {run}, which was {}", before.status),
                run: Some(*run),
                ..NewAct::default()
            })?;
            let accepted = store.accept(*run).await;
            let (outcome, detail) = match &accepted {
                Ok(_) => ("applied", String::new()),
                Err(error) => ("failed", error.to_string()),
            };
            acts.end(act, &clock.text(), outcome, &detail, None)?;
            accepted?;
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
