//! `muster sync`: runs connections at once, shows how far they are, and sums up.

use super::args::{self, Global};
use super::error::{self, CliError};
use super::output::Output;
use super::progress;
use super::scene::Scene;
use super::taping::{self, Taping};
use crate::config::Connection;
use crate::egress::dial::{Resolver, SystemResolver};
use crate::failure::{Failure, Reason};
use crate::report::{Summary, TaskFailure};
use crate::run::{self, Job, Progress, Wanted};
use crate::store::{Store, StoreError, lock};
use crate::text::{count, neutral};
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long stopping may take: within two seconds the process is gone.
const PATIENCE: Duration = Duration::from_millis(1800);
/// Connections that run at once; each may have 16 calls in progress.
const AT_ONCE: usize = 16;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// What the host can judge before it calls anybody, or a store that fails.
pub async fn sync(global: &Global, options: &args::Sync) -> Result<u8, CliError> {
    let mut scene = Scene::new(global, &options.targets)?;
    let taping = Taping::open(options, &mut scene.connections)?;
    let runtime = tokio::runtime::Handle::current();
    let (thread, store) = Store::open(&scene.store, &runtime)?;
    let taping = taping.begin(options)?;
    let (stop, stopped) = watch::channel(false);
    let signal = signals(stop);
    let resolver: Arc<dyn Resolver> = Arc::new(SystemResolver);
    let wanted = Wanted { fresh: options.fresh };
    let mut out = Output::new(global.json);
    let mut summaries = Vec::new();
    // A reader who leaves ends the listing, not the runs.
    let mut written = Ok(());
    {
        let jobs =
            scene.connections.iter().map(|c| one(&scene, c, &taping, &store, &resolver, &wanted, stopped.clone()));
        let mut running = stream::iter(jobs).buffer_unordered(AT_ONCE);
        while let Some(summary) = running.next().await {
            written = written.and_then(|()| show(&mut out, &summary));
            summaries.push(summary);
        }
    }
    let written = written.and_then(|()| out.finish());
    // The writer ends when its last sender is gone, and the process not before it.
    drop(store);
    drop(thread);
    signal.abort();
    let killed = signal.await.ok();
    match written {
        Ok(()) | Err(CliError::BrokenPipe) => {}
        Err(other) => return Err(other),
    }
    let taped = taping.finish().map(|line| line.filter(|_| !global.quiet).iter().for_each(|line| error::note(line)));
    let code = match taped {
        Ok(()) => exit_code(&summaries),
        Err(e) => e.report().max(error::PARTLY),
    };
    Ok(killed.unwrap_or(code))
}

/// Waits for Ctrl-C or SIGTERM; the answer is the exit code. A second one ends the process at once, and so does a store
/// that does not come to an end: leaving it in the middle loses no more than a crash would (rule R2).
fn signals(stop: watch::Sender<bool>) -> tokio::task::JoinHandle<u8> {
    use tokio::signal::unix::{SignalKind, signal};
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return std::future::pending().await;
        };
        let code = tokio::select! {
            _ = interrupt.recv() => error::INTERRUPTED,
            _ = terminate.recv() => error::TERMINATED,
        };
        // Nobody left to tell means that every run has ended already.
        let _ = stop.send(true);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = tokio::time::sleep(PATIENCE) => {
                    error::note("the store is busy: what is not written yet is done again by the next sync");
                }
            }
            std::process::exit(code.into());
        });
        code
    })
}

async fn one(
    scene: &Scene,
    connection: &Connection,
    taping: &Taping,
    store: &Store,
    resolver: &Arc<dyn Resolver>,
    wanted: &Wanted,
    mut stop: watch::Receiver<bool>,
) -> Summary {
    // Compiling a connector may take a minute; nobody who says stop waits for it.
    let loaded = tokio::select! {
        biased;
        Ok(_) = stop.wait_for(|stop| *stop) => {
            let failure = Failure::new(Reason::Unavailable, "stopped by you before it began");
            return Summary { stopped: true, ..Summary::failed(&connection.name, TaskFailure::new("sync", failure)) };
        }
        loaded = load(scene, connection, taping) => loaded,
    };
    let job = match loaded {
        Ok(job) => job,
        Err(e) => return refused(&connection.name, e),
    };
    let lead = match lock::lead(store.path(), &connection.name) {
        Ok(Ok(lead)) => lead,
        Ok(Err(who)) => {
            let message = format!("another sync of {} is in progress ({who})", connection.name);
            let failure = Failure::new(Reason::Unavailable, message).with_help("wait for it, or stop that process");
            return Summary::failed(&connection.name, TaskFailure::new("lock", failure));
        }
        Err(e) => return broken(&connection.name, &e),
    };
    if let Err(e) = taping::judge(&job.tape, store.path(), &connection.name) {
        return refused(&connection.name, e);
    }
    let progress = Arc::new(Progress::default());
    let shown = progress::watch(&connection.name, Arc::clone(&progress));
    let summary = run::sync(&job, store, Arc::clone(resolver), progress, wanted, stop).await;
    drop(shown);
    drop(lead);
    summary.unwrap_or_else(|e| broken(&connection.name, &e))
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

/// 0 all published · 1 every one failed · 2 every one refused by the host itself · 3 otherwise.
fn exit_code(summaries: &[Summary]) -> u8 {
    let all = |test: fn(&Summary) -> bool| summaries.iter().all(test);
    if all(|s| s.status == "published") {
        error::OK
    } else if all(|s| s.refused) {
        error::REFUSED
    } else if all(|s| s.status == "failed") {
        error::FAILED
    } else {
        error::PARTLY
    }
}

fn show(out: &mut Output, summary: &Summary) -> Result<(), CliError> {
    for failure in &summary.failures {
        let task = match failure.task.as_str() {
            "configuration" | "check" | "lock" | "store" | "sync" => String::new(),
            task => format!(" ({task})"),
        };
        error::say(
            &format!("{}{task}: {}", summary.connection, error::sentence(failure.reason, &failure.message)),
            &failure.help,
        );
    }
    if out.is_json() {
        return out.json(summary);
    }
    out.lines(&lines(summary))
}

/// The summary for people.
fn lines(s: &Summary) -> Vec<String> {
    let elapsed = match s.elapsed_ms {
        ms @ 0..1000 => format!("{ms} ms"),
        ms => format!("{}.{:02} s", ms / 1000, ms % 1000 / 10),
    };
    let Some(run) = s.run else {
        return vec![format!("{}: {}", s.connection, s.status)];
    };
    let verb = match s.status {
        "published" => format!("published as run {run} in"),
        "failed" => format!("run {run} failed after"),
        other => format!("run {run} is {other} after"),
    };
    let resumed = if s.resumed { ", resumed" } else { "" };
    let mut out = vec![format!("{}: {verb} {elapsed}{resumed}", s.connection)];
    if s.status != "failed" {
        let counts = [count(s.resources, "resource"), count(s.entitlements, "entitlement"), count(s.grants, "grant")];
        out.push(format!("  {}", counts.join(", ")));
        let repeated = if s.retries > 0 { format!(", {} of them repeated", s.retries) } else { String::new() };
        let changes = format!("{} added, {} changed, {} removed", s.added, s.changed, s.removed);
        let waited = match s.times.waited_ms {
            0..1000 => String::new(),
            ms => format!(", {} s of waiting", ms / 1000),
        };
        out.push(format!("  {changes}; {}{repeated}{waited}", count(s.requests, "request")));
    }
    out.extend(s.objections.iter().map(|o| format!("  held because {}", neutral(o))));
    if s.status == "held" {
        out.push(format!("  look with `muster runs show {run}`, publish with `muster runs accept {run}`"));
    }
    if s.status == "incomplete" {
        out.push("  nothing was published; what was published before still stands".to_owned());
        out.push(match s.stopped {
            true => format!("  stopped by you; run `muster sync {}` again, and it goes on from here", s.connection),
            false => format!("  run `muster sync {}` again: it does only what is not done", s.connection),
        });
    }
    out.extend(s.findings.iter().map(|(kind, n)| format!("  {kind}: {n} (see `muster runs show {run}`)")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: &'static str, refused: bool) -> Summary {
        let failure = TaskFailure::new("check", Failure::new(Reason::Unauthorized, "no"));
        Summary { status, refused, ..Summary::failed("a", failure) }
    }

    #[test]
    fn the_exit_code_says_how_much_worked() {
        let (good, bad, refused) = (("published", false), ("failed", false), ("failed", true));
        let (held, incomplete) = (("held", false), ("incomplete", false));
        let table: [(&[(&'static str, bool)], u8); 9] = [
            (&[good, good], 0),
            (&[bad, bad], 1),
            (&[bad, refused], 1),
            (&[refused, refused], 2),
            (&[good, bad], 3),
            (&[good, refused], 3),
            (&[held], 3),
            (&[incomplete], 3),
            (&[good, held], 3),
        ];
        for (statuses, code) in table {
            let summaries: Vec<Summary> = statuses.iter().map(|(s, r)| of(s, *r)).collect();
            assert_eq!(exit_code(&summaries), code, "{statuses:?}");
        }
    }
}
