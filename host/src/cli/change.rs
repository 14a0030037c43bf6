//! One change of access, from the question to what the store shows afterwards.

use super::args::Global;
use super::change_args::Consent;
use super::consent;
use super::error::{self, CliError};
use super::output::Output;
use super::signals::signals;
use super::target::Target;
use super::who::who;
use crate::acting::{Came, Change, Changed};
use crate::egress::dial::SystemResolver;
use crate::run::Session;
use crate::run::provision::{self, Unmade};
use crate::run::refresh::Refreshed;
use crate::store::acts::{Acts, NewAct};
use crate::store::{Status, Store};
use crate::text::{count, neutral};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;

/// A change as it was typed, and in words.
pub struct Asked {
    /// `grant`, `revoke`, `account-add` and so on, as the audit has it.
    pub action: &'static str,
    /// The change.
    pub change: Change,
    /// As an order, without a full stop: `grant member of billing (team:2) to Emeka Obi (agent:5)`.
    pub order: String,
    /// As the audit has it: `team:2:member to agent:5`.
    pub what: String,
}

/// Asks, makes the change, and reads again what it touched. The answer is the exit code.
///
/// # Errors
/// Nobody agreed, another process works on the connection, the credentials are refused, or the store fails.
pub async fn perform(global: &Global, target: &Target, consent: &Consent, asked: Asked) -> Result<u8, CliError> {
    if !consent::given(consent, &format!("{}: {}?", target.job.name, asked.order))? {
        error::note("nothing was changed");
        return Ok(error::FAILED);
    }
    let (stop, stopped) = watch::channel(false);
    let signal = signals(stop);
    let done = made_and_seen(global, target, consent.dry_run, &asked, stopped).await;
    signal.abort();
    match (done, signal.await.ok()) {
        (Ok(code), killed) => Ok(killed.unwrap_or(code)),
        (Err(CliError::Say { message, help, .. }), Some(code)) => Err(CliError::Say { message, help, code }),
        (Err(e), _) => Err(e),
    }
}

/// What came of asking for a change.
enum Ended<'t> {
    Made(Box<Session<'t>>, Changed),
    Unmade(Unmade),
    Stopped,
}

/// Makes the change, keeps what came of it, reads again what it touched, and tells. The answer is the exit code.
async fn made_and_seen(
    global: &Global,
    target: &Target,
    dry_run: bool,
    asked: &Asked,
    mut stop: watch::Receiver<bool>,
) -> Result<u8, CliError> {
    let name = &target.job.name;
    // A dry run only reads: it may do so beside a sync, and leaves no trace.
    let _lead = if dry_run { None } else { Some(target.lead()?) };
    let mut acts = if dry_run { None } else { Some(Acts::open(&target.store)?) };
    let clock = target.job.clock();
    let act = match &mut acts {
        None => None,
        Some(acts) => Some(acts.begin(&NewAct {
            at: clock.text(),
            who: who(),
            action: asked.action.to_owned(),
            connection: name.clone(),
            what: asked.what.clone(),
            made_by: target.made_by(),
            ..NewAct::default()
        })?),
    };
    // Whether the vendor was asked to change something.
    let mut is_asked = false;
    let ended = {
        let made = async {
            let mut session = match Session::open(&target.job, Arc::new(SystemResolver)).await {
                Ok(session) => session,
                Err(failure) => return Ok(Ended::Unmade(Unmade { failure, wrote: false })),
            };
            if let Some(acts) = &mut acts {
                // Before it is made, whatever comes of it: what an interrupted run has read is of the time before, and
                // would be published as the present.
                acts.outdate(name)?;
            }
            is_asked = !dry_run;
            Ok::<_, CliError>(match provision::change(&mut session, &asked.change, dry_run).await {
                Ok(changed) => Ended::Made(Box::new(session), changed),
                Err(unmade) => Ended::Unmade(unmade),
            })
        };
        tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop) => Ended::Stopped,
            ended = made => ended?,
        }
    };
    let open = format!("it may have been made all the same: `muster sync {name}` shows it");
    let mut end = |outcome: &str, words: &str, run| match (&mut acts, act) {
        (Some(acts), Some(act)) => acts.end(act, &clock.text(), outcome, words, run),
        _ => Ok(()),
    };
    let (mut session, changed) = match ended {
        Ended::Made(session, changed) => (session, changed),
        Ended::Unmade(Unmade { failure, wrote }) => {
            let sentence = error::sentence(failure.reason.label(), &failure.message);
            end(if wrote { "unclear" } else { "failed" }, &sentence, None)?;
            let mut help = failure.help;
            if wrote {
                help.push(open);
            }
            return Err(CliError::Say { message: format!("{name}: {sentence}"), help, code: error::FAILED });
        }
        Ended::Stopped => {
            let (outcome, help) = match is_asked {
                true => ("unclear", vec![open]),
                false => ("failed", vec!["nothing was changed".to_owned()]),
            };
            end(outcome, "stopped by you", None)?;
            return Err(CliError::Say { message: format!("{name}: stopped by you"), help, code: error::FAILED });
        }
    };
    // Before anything else may fail: what came of it is true whatever the store shows.
    end(changed.came.label(), changed.came.words(), None)?;
    let seen = match (&changed.came, dry_run) {
        (Came::Applied | Came::AlreadySo | Came::Accepted, false) => {
            let (_thread, store) = Store::open(&target.store, &tokio::runtime::Handle::current())?;
            let see = provision::see(&mut session, &store, &asked.change, &changed);
            tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => Err("stopped by you".to_owned()),
                seen = see => seen.map_err(|failure| failure.message),
            }
        }
        _ => Ok(None),
    };
    let run = seen.as_ref().ok().and_then(|seen| seen.as_ref().map(|s| s.run));
    if run.is_some() {
        end(changed.came.label(), changed.came.words(), run)?;
    }
    let mut out = Output::new(global.json);
    match out.is_json() {
        true => out.json(&json!({
            "connection": name, "action": asked.action, "what": asked.what, "outcome": changed.came.label(),
            "words": changed.came.words(), "dry_run": dry_run, "act": act, "run": run,
        }))?,
        false => out.lines(&lines(name, asked, &changed.came, dry_run, seen.as_ref().ok().and_then(Option::as_ref)))?,
    }
    out.finish()?;
    if let Err(why) = seen {
        error::note(&format!("warning: {name}: the store does not show it yet: {why}"));
        error::note(&format!("help: `muster sync {name}` reads it"));
    }
    match &changed.came {
        Came::Applied | Came::AlreadySo | Came::Accepted => Ok(error::OK),
        Came::Refused(words) | Came::Unclear(words) => {
            error::say(&format!("{name}: {words}"), &[]);
            Ok(error::FAILED)
        }
    }
}

fn lines(name: &str, asked: &Asked, came: &Came, dry_run: bool, seen: Option<&Refreshed>) -> Vec<String> {
    let order = neutral(&asked.order);
    let said = match (came, dry_run) {
        (Came::Applied, false) => format!("done: {order}"),
        (Came::Applied, true) => format!("would be done: {order}"),
        (Came::AlreadySo, _) => format!("already so, nothing to do: {order}"),
        (Came::Accepted, _) => format!("accepted, not confirmed yet: {order}"),
        (Came::Refused(_) | Came::Unclear(_), false) => format!("not done: {order}"),
        (Came::Refused(_) | Came::Unclear(_), true) => format!("would not be done: {order}"),
    };
    let mut out = vec![format!("{name}: {said}")];
    if let Some(Refreshed { run, closed }) = seen {
        let changes = format!("{} added, {} changed, {} removed", closed.added, closed.changed, closed.removed);
        out.push(match closed.status {
            Status::Published => format!("  read again, published as run {run}: {changes}"),
            other => format!("  read again, run {run} is {}: {changes}", other.label()),
        });
        out.extend(closed.objections.iter().map(|o| format!("  held because {}", neutral(o))));
        if !closed.objections.is_empty() {
            out.push(format!("  look with `muster runs show {run}`, publish with `muster runs accept {run}`"));
        }
        let findings: u64 = closed.findings.iter().map(|(_, n)| n).sum();
        if findings > 0 {
            out.push(format!("  {} (see `muster runs show {run}`)", count(findings, "finding")));
        }
    }
    out
}
