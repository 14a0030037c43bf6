//! Before a plan is applied: it is read, and refused where it no longer holds, where it was applied before, or where
//! somebody else is halfway through another one.
//!
//! Rule: nothing is written from a snapshot that is older than the last write. Reason: a plan is the difference between
//! two snapshots, and what was written since is in none of them. Attack, if it can be called one: an apply whose re-read
//! failed, and a new plan from the same snapshots, which would hire everybody a second time.

use super::change_args::Apply;
use super::error::CliError;
use super::target::Target;
use crate::roster::{Halfway, Plan, Rosters, Verdict, make, verdict, verdict_halfway};
use crate::store::acts::{Acts, OpenAct};
use crate::store::queries::Reader;
use crate::text::io_words;
use std::path::Path;

/// Bytes of a plan that are read: a plan of 100,000 hires has some 40 MB.
const PLAN_BYTES: u64 = 512 * 1024 * 1024;

/// Reads a plan from its file.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read(path: &Path) -> Result<Plan, CliError> {
    let wrong = |why: &str| {
        CliError::usage(format!("cannot read the plan {}: {why}", path.display()))
            .with_help("`muster plan FROM TO -o FILE` writes one")
    };
    let length = std::fs::metadata(path).map_err(|e| wrong(&io_words(&e)))?.len();
    if length > PLAN_BYTES {
        return Err(wrong(&format!("it has {length} bytes, more than {PLAN_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| wrong(&io_words(&e)))?;
    Plan::read(&text).map_err(|e| CliError::usage(format!("{}: {e}", path.display())))
}

/// Judges a plan. Where an earlier attempt had ended; none: it was never begun.
///
/// # Errors
/// It is not to be applied now; the sentence says why, and what to do.
pub fn before(target: &Target, plan: &Plan, options: &Apply) -> Result<Option<OpenAct>, CliError> {
    let (digest, to, scenario) = (plan.digest(), plan.to.connection.as_str(), options.scenario.as_deref());
    let reader = Reader::open(&target.store)?;
    let rosters = Rosters::read(&reader, &plan.from.connection, to)?;
    let open = match options.consent.dry_run {
        true => None,
        false => open(target, plan, options, &digest)?,
    };
    let now = make(&rosters, &plan.options)?.plan;
    let halfway = open.as_ref().filter(|open| open.begun);
    let verdict = match halfway {
        Some(open) => {
            let settled = open.outcomes.iter().map(|(place, _)| *place).collect();
            verdict_halfway(plan, &now, &Halfway { settled: &settled, rosters: &rosters })
        }
        None => verdict(plan, &now),
    };
    let Verdict::Stale { differences, more } = verdict else { return Ok(open) };
    let (from, to) = (&plan.from.connection, &plan.to.connection);
    let message = format!("the plan no longer holds: {from} or {to} has changed since it was made");
    let mut error = CliError::failed(message);
    if let Some(open) = halfway
        && scenario.is_none()
    {
        let act = open.act;
        error = error.with_help(format!("some of it may be applied (`muster audit {act}`): `muster sync {to}` first"));
    }
    error = error.with_help(again(plan, options));
    for line in differences {
        error = error.with_help(format!("  {line}"));
    }
    if more > 0 {
        error = error.with_help(format!("  … and {more} more"));
    }
    Err(error)
}

/// The attempt of this plan that has not ended. Refuses what must not be done a second time.
fn open(target: &Target, plan: &Plan, options: &Apply, digest: &str) -> Result<Option<OpenAct>, CliError> {
    let (to, scenario) = (plan.to.connection.as_str(), options.scenario.as_deref());
    let acts = Acts::open(&target.store)?;
    let open = acts.open_apply(digest, to, scenario)?;
    if let Some(ended) = acts.ended_apply(digest, to, scenario)?.filter(|_| open.is_none())
        && ["applied", "accepted", "in-part"].contains(&ended.outcome.as_str())
    {
        let message = format!("this plan was applied before, at {} (act {})", ended.at, ended.act);
        let sync = format!("`muster sync {to}` shows what came of it, and a new plan knows it");
        return Err(CliError::failed(message).with_help(sync).with_help(again(plan, options)));
    }
    if scenario.is_none()
        && let Some(unread) = acts.unread(to, open.as_ref().map(|open| open.act))?
    {
        let message =
            format!("{to} may have been written to at {} (act {}), and was not read since", unread.at, unread.act);
        let mut error =
            CliError::failed(message).with_help(format!("`muster sync {to}` reads it")).with_help(again(plan, options));
        if unread.ended.is_none() {
            error =
                error.with_help(format!("act {} did not come to its end: apply its plan to go on with it", unread.act));
        }
        return Err(error);
    }
    let Some(open) = open else { return Ok(None) };
    if open.detail != manner(options) {
        let message = format!("this plan was begun with other options: {}", open.detail);
        return Err(CliError::usage(message).with_help("apply it with the same ones, or make a new plan"));
    }
    let made_by = target.made_by();
    // What a step means is known to the connector that named it, and where it is made to the settings.
    if open.begun && !open.made_by.is_empty() && open.made_by != made_by {
        let message = format!("this plan was begun with {}, and now it is {made_by}", open.made_by);
        return Err(CliError::failed(message).with_help(format!(
            "go on with that one, or read what it did with `muster sync {to}` and make a new plan"
        )));
    }
    Ok(Some(open))
}

/// How it is applied, as the audit has it: the same in every attempt.
pub fn manner(options: &Apply) -> String {
    let groups = if options.no_create_groups { "groups are not created" } else { "groups are created" };
    let errors = if options.stop_on_error { "a refusal stops the rest" } else { "a refusal does not stop the rest" };
    format!("{groups}, {errors}")
}

fn again(plan: &Plan, options: &Apply) -> String {
    let (from, to) = (&plan.from.connection, &plan.to.connection);
    format!("make a new one: muster plan {from} {to} -o {}", options.plan.display())
}
