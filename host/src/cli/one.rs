//! One run of one connection, as `sync` and `serve` both do it: its connector is loaded, its settings are judged, its lead
//! is taken, its progress is shown.

use super::error::CliError;
use super::progress;
use super::scene::Scene;
use super::taping::{self, Taping};
use crate::config::Connection;
use crate::egress::dial::Resolver;
use crate::failure::{Failure, Reason};
use crate::report::{Summary, TaskFailure};
use crate::run::{self, Job, Progress, Wanted};
use crate::store::{Store, StoreError, lock};
use std::sync::Arc;
use tokio::sync::watch;

/// Connections that run at once; each may have 16 calls in progress.
pub const AT_ONCE: usize = 16;

/// What came of it.
pub enum Ran {
    /// Somebody else leads the connection.
    Elsewhere(String),
    /// It came to this. The job, where one could be put together, knows the settings it had.
    Ended(Box<Summary>, Option<Box<Job>>),
}

/// What all runs of a command share.
pub struct Shared {
    /// The tapes of the command.
    pub taping: Taping,
    /// The store.
    pub store: Store,
    /// Names to addresses.
    pub resolver: Arc<dyn Resolver>,
    /// What the operator wants of a run.
    pub wanted: Wanted,
    /// Ends it early.
    pub stop: watch::Receiver<bool>,
}

/// Runs a connection.
pub async fn one(scene: &Scene, connection: &Connection, shared: &Shared) -> Ran {
    let name = connection.name.as_str();
    let (store, mut stop) = (&shared.store, shared.stop.clone());
    // Compiling a connector may take a minute; nobody who says stop waits for it.
    let loaded = tokio::select! {
        biased;
        Ok(_) = stop.wait_for(|stop| *stop) => return ended(stopped(name)),
        loaded = load(scene, connection, &shared.taping) => loaded,
    };
    let job = match loaded {
        Ok(job) => Box::new(job),
        Err(e) => return ended(refused(name, e)),
    };
    let lead = match lock::lead(store.path(), name) {
        Ok(Ok(lead)) => lead,
        Ok(Err(who)) => return Ran::Elsewhere(who),
        Err(e) => return ended(broken(name, &e)),
    };
    if let Err(e) = taping::judge(&job.tape, store.path(), name) {
        return ended(refused(name, e));
    }
    let progress = Arc::new(Progress::default());
    let shown = progress::watch(name, Arc::clone(&progress));
    let summary = run::sync(&job, store, Arc::clone(&shared.resolver), progress, &shared.wanted, stop).await;
    drop(shown);
    drop(lead);
    Ran::Ended(Box::new(summary.unwrap_or_else(|e| broken(name, &e))), Some(job))
}

/// A run that was stopped before it began.
pub fn stopped(connection: &str) -> Summary {
    let failure = Failure::new(Reason::Unavailable, "stopped by you before it began");
    Summary { stopped: true, ..Summary::failed(connection, TaskFailure::new("sync", failure)) }
}

fn ended(summary: Summary) -> Ran {
    Ran::Ended(Box::new(summary), None)
}

async fn load(scene: &Scene, connection: &Connection, taping: &Taping) -> Result<Job, CliError> {
    scene.job(connection, taping.of(connection)?).await
}

fn refused(connection: &str, error: CliError) -> Summary {
    match error {
        CliError::Say { message, help, .. } => Summary::refused(connection, message, help),
        CliError::BrokenPipe => Summary::refused(connection, String::new(), Vec::new()),
    }
}

/// A run whose store failed: begun or not, nothing of it is seen by anybody.
fn broken(connection: &str, error: &StoreError) -> Summary {
    let failure = Failure::new(Reason::Unexpected, error.to_string());
    Summary { status: "incomplete", ..Summary::failed(connection, TaskFailure::new("store", failure)) }
}
