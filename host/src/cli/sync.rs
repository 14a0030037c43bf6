//! `muster sync`: runs connections at once, shows how far they are, and sums up.

use super::args::{self, Global};
use super::error::{self, CliError};
use super::mailing::Mailing;
use super::one::{AT_ONCE, Ran, Shared, one};
use super::output::Output;
use super::scene::Scene;
use super::signals::signals;
use super::summary;
use super::taping::Taping;
use crate::config::Connection;
use crate::egress::dial::SystemResolver;
use crate::failure::{Failure, Reason};
use crate::report::{Summary, TaskFailure};
use crate::run::Wanted;
use crate::store::Store;
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;
use tokio::sync::watch;

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
    // A replay tells nobody: what it shows is past.
    let smtp = scene.smtp.clone().filter(|_| !matches!(taping, Taping::Replay(..)));
    let mut mailing = Mailing::new(scene.store.clone(), stopped.clone());
    let wanted = Wanted { fresh: options.fresh };
    let shared = Shared { taping, store, resolver: Arc::new(SystemResolver), wanted, stop: stopped };
    let mut out = Output::new(global.json);
    let mut summaries = Vec::new();
    // A reader who leaves ends the listing, not the runs.
    let mut written = Ok(());
    {
        let jobs = scene.connections.iter().map(|c| run(&scene, c, &shared));
        let mut running = stream::iter(jobs).buffer_unordered(AT_ONCE);
        while let Some((connection, summary, was_run)) = running.next().await {
            written = written.and_then(|()| show(&mut out, &summary));
            if was_run {
                mailing.after_run(smtp.as_ref(), connection, &summary);
            }
            summaries.push(summary);
        }
    }
    let written = written.and_then(|()| out.finish());
    mailing.finish().await;
    // The writer ends when its last sender is gone, and the process not before it.
    let Shared { taping, store, .. } = shared;
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

/// A run's summary, and whether it was ours: what somebody else runs, somebody else tells of.
async fn run<'c>(scene: &Scene, connection: &'c Connection, shared: &Shared) -> (&'c Connection, Summary, bool) {
    match one(scene, connection, shared).await {
        Ran::Ended(summary, _) => (connection, *summary, true),
        Ran::Elsewhere(who) => {
            let message = format!("another sync of {} is in progress ({who})", connection.name);
            let failure = Failure::new(Reason::Unavailable, message).with_help("wait for it, or stop that process");
            (connection, Summary::failed(&connection.name, TaskFailure::new("lock", failure)), false)
        }
    }
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
    summary::complain(summary);
    if out.is_json() {
        return out.json(summary);
    }
    out.lines(&summary::lines(summary))
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
