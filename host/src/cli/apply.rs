//! `muster apply`: a plan, for real. Refused where it no longer holds, asked about, recorded change by change, gone on with
//! after a crash, and held against the target that is read again.

use super::apply_before::{before, manner, read};
use super::apply_page::{self, Outcomes};
use super::args::Global;
use super::change_args::Apply;
use super::error::{self, CliError};
use super::mailing;
use super::output::Output;
use super::signals::signals;
use super::target::Target;
use super::who::who;
use super::{consent, summary};
use crate::acting::{Came, RosterOptions};
use crate::egress::dial::{Resolver, SystemResolver};
use crate::notify;
use crate::report::Summary;
use crate::roster::options::PersonFields;
use crate::roster::{Changes, Plan, Rosters, make, newly_skipped, remaining};
use crate::run::apply::{Applied, Ended, Work};
use crate::run::{self, Progress, Session, Wanted};
use crate::store::acts::{Acts, NewAct, OpenAct};
use crate::store::queries::Reader;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::watch;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No plan, one that no longer holds, a connector that takes no roster, or nobody agreed.
pub async fn apply(global: &Global, options: &Apply) -> Result<u8, CliError> {
    let plan = read(&options.plan)?;
    let target = Target::load(global, &plan.to.connection, "roster", "take a roster").await?;
    let changes = Changes::of(&plan);
    if plan.is_empty() {
        return told_nothing(global, &plan);
    }
    let dry_run = options.consent.dry_run;
    // The target's dry run changes nothing, and may be made beside a sync.
    let _lead = if dry_run { None } else { Some(target.lead()?) };
    let from = before(&target, &plan, options)?;
    let question = apply_page::question(&plan, options.scenario.as_deref(), from.is_some());
    if !consent::given(&options.consent, &question)? {
        error::note("nothing was changed");
        return Ok(error::FAILED);
    }
    let (stop, stopped) = watch::channel(false);
    let signal = signals(stop);
    let done = perform(global, options, &target, &plan, &changes, from, stopped).await;
    signal.abort();
    let killed = signal.await.ok();
    done.map(|code| killed.unwrap_or(code))
}

fn told_nothing(global: &Global, plan: &Plan) -> Result<u8, CliError> {
    let mut out = Output::new(global.json);
    let (from, to) = (&plan.from.connection, &plan.to.connection);
    match out.is_json() {
        true => out.json(&apply_page::json(plan, None, None, "applied", &Outcomes::default(), None, None))?,
        false => out.lines(&[format!("{to}: nothing to do, the plan from {from} is empty")])?,
    }
    out.finish()?;
    Ok(error::OK)
}

async fn perform(
    global: &Global,
    options: &Apply,
    target: &Target,
    plan: &Plan,
    changes: &Changes,
    open: Option<OpenAct>,
    stop: watch::Receiver<bool>,
) -> Result<u8, CliError> {
    let name = &target.job.name;
    let clock = target.job.clock();
    let resolver: Arc<dyn Resolver> = Arc::new(SystemResolver);
    let dry_run = options.consent.dry_run;
    let mut acts = Acts::open(&target.store)?;
    let attempt = begin(&mut acts, options, target, plan, open.as_ref(), &clock.text())?;
    let from = open.unwrap_or_else(|| OpenAct { act: attempt, at: clock.text(), ..OpenAct::default() });
    let act = from.act;
    let roster_options = RosterOptions {
        dry_run,
        scenario: options.scenario.clone(),
        overwrite: plan.options.person_fields == PersonFields::Overwrite,
        create_groups: !options.no_create_groups,
        skip_errors: !options.stop_on_error,
        mark: mark(plan, act),
    };
    let mut session = match Session::open(&target.job, Arc::clone(&resolver)).await {
        Ok(session) => session,
        Err(failure) => {
            let sentence = error::sentence(failure.reason.label(), &failure.message);
            // Nothing of this attempt: one that had begun before stays open.
            acts.end(attempt, &clock.text(), "failed", &sentence, None)?;
            if !from.begun && attempt != act {
                acts.end(act, &clock.text(), "failed", &sentence, None)?;
            }
            let (message, help) = (format!("{name}: {sentence}"), failure.help.clone());
            let ended = Ended::Failed(failure);
            let nothing = Outcomes::new(&changes.subjects, vec![None; changes.list.len()]);
            mail(target, plan, &nothing, &ended, &[], dry_run).await;
            return Err(CliError::Say { message, help, code: error::FAILED });
        }
    };
    if !dry_run && options.scenario.is_none() {
        // What an interrupted run has read was before: gone on with, it would be published as the present.
        acts.outdate(name)?;
    }
    let work = Work { changes: &changes.list, subjects: &changes.subjects, options: &roster_options };
    let applied = run::apply::apply(&mut session, acts, from, &work, stop.clone()).await?;
    drop(session);
    let mut outcomes = Outcomes::new(&changes.subjects, applied.outcomes.clone());
    let mut acts = Acts::open(&target.store)?;
    let ended = match &applied.ended {
        Ended::Stopped | Ended::Failed(_) => None,
        Ended::Done => Some(()),
    };
    // Read again what was written; a scenario is in no snapshot, and a dry run in nothing.
    let read_again = match (ended, dry_run, &options.scenario) {
        (Some(()), false, None) => Some(read_again(target, plan, &resolver, stop).await?),
        _ => None,
    };
    if let Some(Again { left: Some((left, skipped)), .. }) = &read_again
        && skipped.is_empty()
    {
        let settled = outcomes.settle(left, &changes.keys);
        let rows: Vec<(usize, &str, &Came)> = settled.iter().filter_map(|at| outcomes.row(*at)).collect();
        acts.end_step(act, &rows, None)?;
    }
    let left = read_again.as_ref().and_then(|again| again.left.as_ref());
    let left = left.map(|(left, skipped)| (left, skipped.as_slice()));
    let status = match &applied.ended {
        Ended::Done => outcomes.label(),
        Ended::Stopped => "stopped",
        Ended::Failed(_) => "failed",
    };
    let run = read_again.as_ref().and_then(|again| again.summary.run);
    if ended.is_some() || dry_run {
        acts.end(act, &clock.text(), status, &outcomes.counted(), run)?;
    }
    if attempt != act {
        acts.end(attempt, &clock.text(), status, &outcomes.counted(), run)?;
    }
    let mut out = Output::new(global.json);
    match out.is_json() {
        true => out.json(&apply_page::json(
            plan,
            Some(act),
            options.scenario.as_deref(),
            status,
            &outcomes,
            left.map(|(left, _)| left),
            run,
        ))?,
        false => {
            out.lines(&apply_page::lines(plan, dry_run, &outcomes, left))?;
            if let Some(again) = &read_again {
                out.lines(&summary::lines(&again.summary))?;
            }
        }
    }
    out.finish()?;
    tell(options, &applied.ended, read_again.as_ref(), name);
    let seen = read_again.as_ref().map(|again| apply_page::seen(plan, &again.summary, left)).unwrap_or_default();
    mail(target, plan, &outcomes, &applied.ended, &seen, dry_run).await;
    // What was to be held against the plan and could not be, is not known to be done.
    let is_left = match &read_again {
        Some(Again { left: Some((left, skipped)), .. }) => !left.is_empty() || !skipped.is_empty(),
        Some(Again { left: None, .. }) => true,
        None => false,
    };
    Ok(exit_code(&applied, &outcomes, is_left))
}

/// Tells whoever wants to be told; what the target's dry run says is told to nobody else, nor what is not at its end yet.
async fn mail(target: &Target, plan: &Plan, outcomes: &Outcomes, ended: &Ended, seen: &[String], dry_run: bool) {
    let (Some(smtp), Some(notify)) = (&target.smtp, &target.job.connection.notify) else { return };
    if !dry_run && !matches!(ended, Ended::Stopped) {
        let note = apply_page::note(plan, outcomes, ended, seen);
        mailing::say(&target.job.name, notify::after_apply(smtp, notify, &note).await);
    }
}

/// A row for this attempt, whether it begins the plan or goes on with it.
fn begin(
    acts: &mut Acts,
    options: &Apply,
    target: &Target,
    plan: &Plan,
    open: Option<&OpenAct>,
    at: &str,
) -> Result<i64, StoreError> {
    let from = format!("{} from {} (run {})", apply_page::counted(plan), plan.from.connection, plan.from.run);
    let (action, what) = match open {
        _ if options.consent.dry_run => ("apply-dry-run", from),
        Some(open) => ("apply-resumed", format!("act {}: {from}", open.act)),
        None => ("apply", from),
    };
    acts.begin(&NewAct {
        at: at.to_owned(),
        who: who(),
        action: action.to_owned(),
        connection: plan.to.connection.clone(),
        what,
        plan: Some(plan.digest()),
        scenario: options.scenario.clone(),
        run: None,
        detail: manner(options),
        made_by: target.made_by(),
    })
}

/// The same for every attempt of an act, and other than that of any other act.
fn mark(plan: &Plan, act: i64) -> String {
    let digest = plan.digest();
    format!("muster-{}-{act}", digest.get(..16).unwrap_or(&digest))
}

/// What the target shows after it was written to.
struct Again {
    summary: Summary,
    /// What of the plan is still to be done, and who is left alone who was not; none where the target could not be read.
    left: Option<(Plan, Vec<String>)>,
}

/// The caller holds the lead.
async fn read_again(
    target: &Target,
    plan: &Plan,
    resolver: &Arc<dyn Resolver>,
    stop: watch::Receiver<bool>,
) -> Result<Again, CliError> {
    let (_thread, store) = Store::open(&target.store, &tokio::runtime::Handle::current())?;
    // What an interrupted run has read was before.
    let wanted = Wanted { fresh: true };
    let progress = Arc::new(Progress::default());
    let shown = super::progress::watch(&target.job.name, Arc::clone(&progress));
    let summary = run::sync(&target.job, &store, Arc::clone(resolver), progress, &wanted, stop).await?;
    drop(shown);
    if summary.status != "published" {
        return Ok(Again { summary, left: None });
    }
    let reader = Reader::open(&target.store)?;
    let rosters = Rosters::read(&reader, &plan.from.connection, &plan.to.connection)?;
    let now = make(&rosters, &plan.options)?.plan;
    Ok(Again { summary, left: Some((remaining(plan, &now), newly_skipped(plan, &now))) })
}

/// What is to be said on stderr.
fn tell(options: &Apply, ended: &Ended, again: Option<&Again>, name: &str) {
    let (file, dry_run) = (options.plan.display(), options.consent.dry_run);
    match ended {
        Ended::Done => {}
        Ended::Stopped if dry_run => error::note("stopped by you; nothing was changed"),
        Ended::Stopped => error::note(&format!("stopped by you; `muster apply {file}` goes on from here")),
        Ended::Failed(failure) => {
            let sentence = error::sentence(failure.reason.label(), &failure.message);
            let mut help = failure.help.clone();
            if !dry_run {
                help.push(format!("`muster apply {file}` goes on where it stopped"));
            }
            error::say(&format!("{name}: {sentence}"), &help);
        }
    }
    if let Some(Again { summary, left: None }) = again {
        for failure in &summary.failures {
            error::say(&format!("{name}: {}", error::sentence(failure.reason, &failure.message)), &failure.help);
        }
        error::note(&format!("{name} could not be read again: what was written is not held against the plan"));
    }
}

/// 0 all applied · 1 nothing applied · 3 in part, or nobody knows.
fn exit_code(applied: &Applied, outcomes: &Outcomes, is_left: bool) -> u8 {
    match applied.ended {
        Ended::Done if outcomes.label() == "applied" && !is_left => error::OK,
        _ if outcomes.is_nothing() && !applied.open => error::FAILED,
        _ => error::PARTLY,
    }
}
