//! `muster apply`: a plan, for real. Refused where it no longer holds, asked about, recorded change by change, gone on with
//! after a crash, and held against the target that is read again.

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
use crate::roster::{Changes, Plan, Rosters, Verdict, make, remaining, verdict};
use crate::run::apply::{Ended, Work};
use crate::run::{self, Progress, Session, Wanted};
use crate::store::acts::{Acts, NewAct, OpenAct};
use crate::store::diff::Comparison;
use crate::store::queries::Reader;
use crate::store::{Store, StoreError};
use crate::text::io_words;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Bytes of a plan that are read: a plan of 100,000 hires has some 40 MB.
const PLAN_BYTES: u64 = 512 * 1024 * 1024;

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

fn read(path: &Path) -> Result<Plan, CliError> {
    let wrong = |why: &str| CliError::usage(format!("cannot read the plan {}: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|e| wrong(&io_words(&e)))?.len();
    if length > PLAN_BYTES {
        return Err(wrong(&format!("it has {length} bytes, more than {PLAN_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| wrong(&io_words(&e)))?;
    Plan::read(&text).map_err(|e| CliError::usage(format!("{}: {e}", path.display())))
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

/// Where an earlier attempt of this plan had ended, or nothing where it was never begun. Refuses a plan that no longer holds.
fn before(target: &Target, plan: &Plan, options: &Apply) -> Result<Option<OpenAct>, CliError> {
    let (digest, to, scenario) = (plan.digest(), plan.to.connection.as_str(), options.scenario.as_deref());
    let reader = Reader::open(&target.store)?;
    if !options.consent.dry_run {
        let mut acts = Acts::open(&target.store)?;
        if let Some(open) = acts.open_apply(&digest, to, scenario)? {
            // What it wrote itself has changed the target; the source has to be what the operator saw.
            if has_changed(&reader, plan)? {
                let why = format!("given up, because {} has changed since", plan.from.connection);
                acts.end(open.act, &target.job.clock().text(), "in-part", &why, None)?;
                return Err(stale(plan, options).with_help(format!(
                    "some of it was applied already (`muster audit {}`); `muster sync {to}` first",
                    open.act
                )));
            }
            return Ok(Some(open));
        }
        if let Some(ended) = acts.ended_apply(&digest, to, scenario)?
            && ["applied", "in-part"].contains(&ended.outcome.as_str())
        {
            let message = format!("this plan was applied before, at {} (act {})", ended.at, ended.act);
            return Err(CliError::failed(message).with_help(again(plan, options)));
        }
    }
    let rosters = Rosters::read(&reader, &plan.from.connection, to)?;
    match verdict(plan, &make(&rosters, &plan.options)?.plan) {
        Verdict::Holds => Ok(None),
        Verdict::Stale { differences, more } => {
            let mut error = stale(plan, options);
            for line in differences {
                error = error.with_help(format!("  {line}"));
            }
            if more > 0 {
                error = error.with_help(format!("  … and {more} more"));
            }
            Err(error)
        }
    }
}

fn stale(plan: &Plan, options: &Apply) -> CliError {
    let (from, to) = (&plan.from.connection, &plan.to.connection);
    CliError::failed(format!("the plan no longer holds: {from} or {to} has changed since it was made"))
        .with_help(again(plan, options))
}

fn again(plan: &Plan, options: &Apply) -> String {
    let (from, to) = (&plan.from.connection, &plan.to.connection);
    format!("make a new one: muster plan {from} {to} -o {}", options.plan.display())
}

/// Whether the source has other people now than when the plan was made.
fn has_changed(reader: &Reader, plan: &Plan) -> Result<bool, StoreError> {
    let name = plan.from.connection.as_str();
    if reader.published(name)?.run == plan.from.run {
        return Ok(false);
    }
    // A state that was pruned cannot be compared: then nobody knows, which is no yes.
    let Ok(comparison) = Comparison::new(reader, name, Some(plan.from.run), None) else { return Ok(true) };
    let mut differs = false;
    comparison.changes::<StoreError>(&mut |change| {
        differs |= change.kind == "resource";
        Ok(())
    })?;
    Ok(differs)
}

async fn perform(
    global: &Global,
    options: &Apply,
    target: &Target,
    plan: &Plan,
    changes: &Changes,
    from: Option<OpenAct>,
    stop: watch::Receiver<bool>,
) -> Result<u8, CliError> {
    let name = &target.job.name;
    let clock = target.job.clock();
    let resolver: Arc<dyn Resolver> = Arc::new(SystemResolver);
    let dry_run = options.consent.dry_run;
    let mut acts = Acts::open(&target.store)?;
    let from = match from {
        Some(open) => open,
        None => {
            OpenAct { act: begin(&mut acts, options, plan, &clock.text())?, at: clock.text(), ..OpenAct::default() }
        }
    };
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
            if from.outcomes.is_empty() && !from.begun {
                acts.end(act, &clock.text(), "failed", &sentence, None)?;
            }
            let message = format!("{name}: {sentence}");
            return Err(CliError::Say { message, help: failure.help, code: error::FAILED });
        }
    };
    let work = Work { changes: &changes.list, subjects: &changes.subjects, options: &roster_options };
    let applied = run::apply::apply(&mut session, acts, from, &work, stop.clone()).await?;
    drop(session);
    let mut outcomes = Outcomes::new(&changes.subjects, applied.outcomes);
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
    if let Some(Again { left: Some(left), .. }) = &read_again {
        let settled = outcomes.settle(left);
        let rows: Vec<(usize, &str, &Came)> = settled.iter().filter_map(|at| outcomes.row(*at)).collect();
        acts.end_step(act, &rows, None)?;
    }
    let left = read_again.as_ref().and_then(|again| again.left.as_ref());
    let status = match &applied.ended {
        Ended::Done => outcomes.label(),
        Ended::Stopped => "stopped",
        Ended::Failed(_) => "failed",
    };
    let run = read_again.as_ref().and_then(|again| again.summary.run);
    if ended.is_some() {
        acts.end(act, &clock.text(), status, &outcomes.counted(), run)?;
    }
    let mut out = Output::new(global.json);
    match out.is_json() {
        true => {
            out.json(&apply_page::json(plan, Some(act), options.scenario.as_deref(), status, &outcomes, left, run))?
        }
        false => {
            out.lines(&apply_page::lines(plan, dry_run, &outcomes, left))?;
            if let Some(again) = &read_again {
                out.lines(&summary::lines(&again.summary))?;
            }
        }
    }
    out.finish()?;
    tell(options, &applied.ended, read_again.as_ref(), name);
    if !dry_run {
        let note = apply_page::note(plan, &outcomes, &applied.ended);
        if let (Some(smtp), Some(notify)) = (&target.smtp, &target.job.connection.notify) {
            mailing::say(name, notify::after_apply(smtp, notify, &note).await);
        }
    }
    Ok(exit_code(&applied.ended, &outcomes, left.is_some_and(|left| !left.is_empty())))
}

fn begin(acts: &mut Acts, options: &Apply, plan: &Plan, at: &str) -> Result<i64, StoreError> {
    let action = if options.consent.dry_run { "apply-dry-run" } else { "apply" };
    acts.begin(&NewAct {
        at: at.to_owned(),
        who: who(),
        action: action.to_owned(),
        connection: plan.to.connection.clone(),
        what: format!("{} from {} (run {})", apply_page::counted(plan), plan.from.connection, plan.from.run),
        plan: Some(plan.digest()),
        scenario: options.scenario.clone(),
        run: None,
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
    /// What of the plan is still to be done; none where the target could not be read.
    left: Option<Plan>,
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
    let left = remaining(plan, &make(&rosters, &plan.options)?.plan);
    Ok(Again { summary, left: Some(left) })
}

/// What is to be said on stderr.
fn tell(options: &Apply, ended: &Ended, again: Option<&Again>, name: &str) {
    let file = options.plan.display();
    match ended {
        Ended::Done => {}
        Ended::Stopped => error::note(&format!("stopped by you; `muster apply {file}` goes on from here")),
        Ended::Failed(failure) => {
            let sentence = error::sentence(failure.reason.label(), &failure.message);
            let mut help = failure.help.clone();
            help.push(format!("`muster apply {file}` goes on where it stopped"));
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

/// 0 all applied · 1 nothing applied · 3 in part.
fn exit_code(ended: &Ended, outcomes: &Outcomes, is_left: bool) -> u8 {
    match (ended, outcomes.label()) {
        (Ended::Done, "applied") if !is_left => error::OK,
        (_, "refused") => error::FAILED,
        _ => error::PARTLY,
    }
}
