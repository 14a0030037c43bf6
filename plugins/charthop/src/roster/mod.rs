//! Taking a roster.
//!
//! | step | does | then |
//! | --- | --- | --- |
//! | `emails` | gives up to 10 people their new work address, by which an import finds them | the next |
//! | `import` | posts one file | `wait` |
//! | `wait` | asks for the process of the file | the next |
//! | `singles` | writes up to 10 updates one by one | the next |
//! | `departures` | lets up to 10 people leave | the next |
//!
//! The plan is made anew in every call and is the same each time; a step's payload says where in it we are.
//!
//! A step whose answer was lost looks before it writes again: for the process with its mark, for the hired, for what the
//! person says now. Where ChartHop has no way to look, the same is written a second time, which changes nothing:
//!
//! - a file of new values, where processes do not repeat their mark and none is at work (a hire never is);
//! - `change/sync` of an open place, or of a later day: ChartHop makes it only where it does not exist;
//! - `PATCH` of a person from a later day on, or one that was only accepted: the same values once more.

mod addresses;
mod columns;
mod file;
mod plan;
mod report;
mod requests;
mod singles;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use muster_sdk::roster::{Outcome, Progress, ResultOf, Roster, RosterChange, RosterOptions, Step};
use muster_sdk::{Context, Failure, Task};
use serde::{Deserialize, Serialize};

use self::plan::{File, Plan, Stage, plan};
use self::requests::Requests;
use crate::Charthop;
use crate::api::Api;

/// Seconds until a process is asked for again; the host makes it more from time to time.
const WORKING: u64 = 1;
/// What becomes of the rest where one change was refused and the rest is not to go on.
const NOT_TRIED: &str = "not tried: another change was refused, and the rest was not to go on";

/// Where an apply is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct State {
    /// The stage.
    at: usize,
    /// The process of the file that was posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<String>,
    /// The file was posted without those who were there already: its rows are not those of the plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    shortened: bool,
    /// Whose new address was refused: no later step may write them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    failed: BTreeSet<usize>,
}

impl Roster for Charthop {
    fn apply(
        context: &Context<'_>,
        step: &Step,
        changes: &[RosterChange],
        options: &RosterOptions,
    ) -> Result<Progress, Failure> {
        let api = Api::new(context)?;
        let plan = plan(changes, options);
        let requests = Requests { api: &api, options };
        let (again, today) = (step.again, context.run_date()?);
        let mut work = Work { requests, changes, plan: &plan, again, today, outcomes: Vec::new() };
        let mut state = match &step.task {
            Some(task) => serde_json::from_str::<State>(&task.payload)
                .map_err(|error| Failure::Unexpected(format!("the payload of a step cannot be read: {error}")))?,
            None => {
                let refused = plan.refused.iter().map(|(place, why)| (*place, ResultOf::Refused(why.clone())));
                work.outcomes.extend(refused.map(|(place, result)| Outcome::new(place, result)));
                State::default()
            }
        };
        let go_on = options.skip_errors || plan.refused.is_empty();
        if let Some(stage) = plan.stages.get(state.at).filter(|_| go_on) {
            work.stage(stage, &mut state)?;
        }
        let refused = work.outcomes.iter().any(|outcome| matches!(outcome.result, ResultOf::Refused(_)));
        if refused && !options.skip_errors {
            work.give_up(state.at);
            return Ok(Progress::done(work.outcomes));
        }
        let Some(next) = plan.stages.get(state.at) else { return Ok(Progress::done(work.outcomes)) };
        let kind = match next {
            Stage::Emails(_) => "emails",
            Stage::Import(_) if state.process.is_some() => "wait",
            Stage::Import(_) => "import",
            Stage::Singles(_) => "singles",
            Stage::Departures(_) => "departures",
        };
        let payload = serde_json::to_string(&state)
            .map_err(|error| Failure::Unexpected(format!("the payload of a step cannot be written: {error}")))?;
        Ok(Progress::then(work.outcomes, Task::new(kind, payload)))
    }
}

/// One step.
struct Work<'a> {
    requests: Requests<'a>,
    changes: &'a [RosterChange],
    plan: &'a Plan,
    /// An earlier call may have written.
    again: bool,
    today: String,
    outcomes: Vec<Outcome>,
}

impl Work<'_> {
    /// Does a stage, or a part of it, and moves on.
    fn stage(&mut self, stage: &Stage, state: &mut State) -> Result<(), Failure> {
        match stage {
            Stage::Import(file) => return self.import(file, state),
            Stage::Emails(places) => {
                for &place in places {
                    let Some(RosterChange::Update(update)) = self.changes.get(place) else { continue };
                    let result = singles::email(&self.requests, update, &self.today)?;
                    if matches!(result, ResultOf::Refused(_)) {
                        // Everything else of this person counts on the new address.
                        let all = self.updates_of(&update.id.id);
                        state.failed.extend(&all);
                        let ends: Vec<bool> = all.into_iter().map(|place| self.tell(place, result.clone())).collect();
                        if ends.contains(&true) {
                            break;
                        }
                    } else if update.fields.iter().all(|change| change.field == "email") {
                        self.tell(place, result);
                    }
                }
            }
            Stage::Singles(places) => {
                for &place in places.iter().filter(|place| !state.failed.contains(place)) {
                    let Some(RosterChange::Update(update)) = self.changes.get(place) else { continue };
                    let result = singles::update(&self.requests, update, &self.today)?;
                    if self.tell(place, result) {
                        break;
                    }
                }
            }
            Stage::Departures(places) => {
                for &place in places {
                    let Some(RosterChange::Depart(departure)) = self.changes.get(place) else { continue };
                    let result = singles::depart(&self.requests, departure)?;
                    if self.tell(place, result) {
                        break;
                    }
                }
            }
        }
        state.at = state.at.saturating_add(1);
        Ok(())
    }

    /// Keeps an outcome; whether it ends everything.
    fn tell(&mut self, place: usize, result: ResultOf) -> bool {
        let ends = matches!(result, ResultOf::Refused(_)) && !self.requests.options.skip_errors;
        let result = match result {
            // It was to be written and is so now: that was the call whose answer was lost.
            ResultOf::AlreadySo if self.again => ResultOf::Applied,
            result => result,
        };
        self.outcomes.push(Outcome::new(place, result));
        ends
    }

    fn import(&mut self, file: &File, state: &mut State) -> Result<(), Failure> {
        let options = self.requests.options;
        let mut places: Vec<usize> = file.rows.iter().copied().filter(|place| !state.failed.contains(place)).collect();
        // Who was hired by the call whose answer was lost. A process that is found later tells of them with the others.
        let mut written = Vec::new();
        if let Some(id) = &state.process {
            let process = self.requests.process(id)?;
            if process.works() {
                return Err(Failure::NotReady(WORKING));
            }
            let emails: Vec<&str> = places.iter().map(|place| self.address(*place)).collect();
            let results = process.results(&emails, !state.shortened);
            self.outcomes.extend(places.iter().zip(results).map(|(place, result)| Outcome::new(*place, result)));
            *state =
                State { at: state.at.saturating_add(1), failed: std::mem::take(&mut state.failed), ..State::default() };
            return Ok(());
        }
        // A dry run's process proves nothing of a real one.
        let source = format!("{}-{}{}", options.mark, state.at, if options.dry_run { "-dry" } else { "" });
        if self.again {
            if let Some(id) = self.requests.find_process(&source)?.and_then(|process| process.id) {
                state.process = Some(id);
                return Ok(());
            }
            // A process need not repeat its mark. What is at work may be ours.
            if self.requests.is_busy()? {
                return Err(Failure::NotReady(WORKING));
            }
            // An update says the same a second time. A row of somebody who is there by now might blank what it leaves open.
            if file.hires && !options.dry_run {
                let known = self.known(&places)?;
                let all = places.len();
                let there = |place: &usize| known.contains(&self.address(*place).trim().to_lowercase());
                (written, places) = places.into_iter().partition(there);
                state.shortened = places.len() < all;
            }
        }
        let written = written.into_iter().map(|place| Outcome::new(place, ResultOf::Applied));
        if places.is_empty() {
            self.outcomes.extend(written);
            *state =
                State { at: state.at.saturating_add(1), failed: std::mem::take(&mut state.failed), ..State::default() };
            return Ok(());
        }
        let text = file::text(file, self.changes, &places, &self.plan.addresses)?;
        // The row of somebody new says its own day. An update finds those who are there and makes nobody.
        let day = if file.hires { None } else { Some(file.effective.as_deref().unwrap_or(&self.today)) };
        match self.requests.import(&source, file.hires, day, &text)? {
            Ok(process) => match process.and_then(|process| process.id) {
                Some(id) => state.process = Some(id),
                // Taken without a word of the process: nobody will ever say more.
                None => {
                    self.outcomes.extend(written);
                    self.outcomes.extend(places.into_iter().map(|place| Outcome::new(place, ResultOf::Accepted)));
                    state.at = state.at.saturating_add(1);
                    state.shortened = false;
                }
            },
            Err(why) => {
                self.outcomes.extend(written);
                let refused = places.into_iter().map(|place| Outcome::new(place, ResultOf::Refused(why.clone())));
                self.outcomes.extend(refused);
                state.at = state.at.saturating_add(1);
                state.shortened = false;
            }
        }
        Ok(())
    }

    fn address(&self, place: usize) -> &str {
        let change = self.changes.get(place);
        change.and_then(|change| self.plan.addresses.of(change)).unwrap_or_default()
    }

    /// All updates of a person that were not refused before anything was written.
    fn updates_of(&self, id: &str) -> Vec<usize> {
        let is_theirs = |change: &RosterChange| matches!(change, RosterChange::Update(update) if update.id.id == id);
        let refused = |place: &usize| self.plan.refused.iter().any(|(refused, _)| refused == place);
        let theirs = self.changes.iter().enumerate().filter(|(_, change)| is_theirs(change)).map(|(place, _)| place);
        theirs.filter(|place| !refused(place)).collect()
    }

    fn known(&self, places: &[usize]) -> Result<HashSet<String>, Failure> {
        let wanted = places.iter().map(|place| self.address(*place).trim().to_lowercase()).collect();
        self.requests.known(&wanted, &self.today)
    }

    /// Everything that has no outcome yet was not tried.
    fn give_up(&mut self, at: usize) {
        let told: HashSet<u32> = self.outcomes.iter().map(|outcome| outcome.index).collect();
        // The stage before is the one that was done just now, or the one that cannot go on.
        let open = self.plan.stages.iter().skip(at.saturating_sub(1)).flat_map(|stage| stage.places().iter().copied());
        let open: BTreeSet<usize> = open.collect();
        let rest = open.into_iter().map(|place| Outcome::new(place, ResultOf::Refused(NOT_TRIED.to_owned())));
        self.outcomes.extend(rest.filter(|outcome| !told.contains(&outcome.index)));
    }
}
