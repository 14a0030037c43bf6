//! Applying a roster: step after step, each begun and each outcome on the disk before the next.
//!
//! Rule: a step that was begun and has no outcome is called with `again`. Reason: the process may have died, or the
//! line been cut, between the vendor's write and its answer. Attack, if it can be called one: a crash at the worst moment,
//! which without this would hire somebody twice.

use super::session::Session;
use crate::acting::{Advance, Came, RosterChange, RosterOptions, Step};
use crate::failure::{Failure, Reason};
use crate::model::Task;
use crate::sandbox::Roster;
use crate::sandbox::instance::Failed;
use crate::store::StoreError;
use crate::store::acts::{Acts, OpenAct};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use xxhash_rust::xxh3::Xxh3;

/// Steps of one apply: a target that names more does not come to an end.
const STEPS: usize = 100_000;
/// How often a step is tried where the vendor's answer was lost.
const TRIES: u32 = 3;
/// The first wait for a target that is still at work, and the longest; each is half as long again as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How an apply ended.
#[derive(Debug)]
pub enum Ended {
    /// Every step is done.
    Done,
    /// By the operator; it goes on with the next apply of the same plan.
    Stopped,
    /// By a failure; likewise.
    Failed(Failure),
}

/// What an apply came to.
#[derive(Debug)]
pub struct Applied {
    /// Of each change, in their order; none: not known yet.
    pub outcomes: Vec<Option<Came>>,
    /// How it ended.
    pub ended: Ended,
    /// Something was sent that may have been done, and nobody has told.
    pub open: bool,
}

/// What is applied.
pub struct Work<'a> {
    /// The changes, in their order.
    pub changes: &'a [RosterChange],
    /// Who each of them is about, for the store.
    pub subjects: &'a [String],
    /// How.
    pub options: &'a RosterOptions,
}

/// Applies changes, from where an earlier attempt had ended. What is not known to be done at its end is not lost: the act
/// stays open. The caller holds the connection's lead.
///
/// # Errors
/// The store failed; what is on the disk is true.
pub async fn apply(
    session: &mut Session<'_>,
    acts: Acts,
    from: OpenAct,
    work: &Work<'_>,
    mut stop: watch::Receiver<bool>,
) -> Result<Applied, StoreError> {
    let roster = Arc::new(Roster::new(work.changes, work.options));
    let mut run = Run::new(acts, from, work);
    let ends = Instant::now() + session.job().limits.run_time;
    let ended = loop {
        if Instant::now() > ends {
            let message = format!("the apply took longer than {} s", session.job().limits.run_time.as_secs());
            break Ended::Failed(Failure::new(Reason::Deadline, message));
        }
        run.begin().await?;
        let step = run.step.clone();
        let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
        let advanced = tokio::select! {
            biased;
            // The instance goes with its call, wherever the vendor was meanwhile: the next attempt looks.
            () = stopped => break Ended::Stopped,
            advanced = one(session, &roster, step) => advanced,
        };
        match advanced {
            Ok(advance) => match run.end(work, advance, session.job().limits.payloads_bytes).await? {
                Next::Step => {}
                Next::Over(ended) => break ended,
            },
            Err(Failed { failure, wrote, .. }) => {
                run.open |= wrote && failure.leaves_open_what_was_done();
                let wait = match run.again(session, failure).await {
                    Ok(wait) => wait,
                    Err(failure) => break Ended::Failed(failure),
                };
                // No longer than the apply may take: then it ends by that.
                let wait = wait.min(ends.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
                let clock = session.clock().clone();
                tokio::select! {
                    biased;
                    () = async { drop(stop.wait_for(|stop| *stop).await) } => break Ended::Stopped,
                    () = clock.wait_until(clock.instant() + wait) => {}
                }
            }
        }
    };
    let open = run.open || matches!(ended, Ended::Stopped);
    Ok(Applied { outcomes: run.outcomes, ended, open })
}

async fn one(session: &mut Session<'_>, roster: &Arc<Roster>, step: Step) -> Result<Advance, Failed> {
    let roster = Arc::clone(roster);
    let call = session.call(Box::new(move |mut instance, token| {
        Box::pin(async move {
            let advanced = instance.step(&step, &roster, token.as_deref()).await;
            (instance, advanced)
        })
    }));
    call.await
}

fn hash(task: &Task) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(task.kind.as_bytes());
    hash.update(&[0]);
    hash.update(task.payload.as_bytes());
    hash.digest128()
}

/// What comes after a step.
enum Next {
    Step,
    Over(Ended),
}

/// An apply in progress.
struct Run {
    /// Away while it writes.
    acts: Option<Acts>,
    act: i64,
    number: u32,
    step: Step,
    outcomes: Vec<Option<Came>>,
    /// Hashes of the steps that were named: one that comes again would go in a circle.
    named: HashSet<u128>,
    /// Bytes of their payloads.
    payloads: u64,
    /// A step that was begun may have been done, and nobody has told.
    open: bool,
    tries: u32,
    waited: Duration,
    wait: Duration,
    checked: bool,
}

impl Run {
    fn new(acts: Acts, from: OpenAct, work: &Work<'_>) -> Run {
        let mut outcomes = vec![None; work.changes.len()];
        for (at, came) in from.outcomes {
            if let Some(place) = outcomes.get_mut(at) {
                *place = Some(came);
            }
        }
        Run {
            acts: Some(acts),
            act: from.act,
            number: from.number,
            named: from.step.iter().map(hash).collect(),
            payloads: 0,
            open: from.begun,
            // Begun by somebody who did not tell what came of it.
            step: Step { again: from.begun, task: from.step },
            outcomes,
            tries: 1,
            waited: Duration::ZERO,
            wait: FIRST_WAIT,
            checked: false,
        }
    }

    /// What the disk has to know, on a thread that may wait for it.
    async fn write<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Acts) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(mut acts) = self.acts.take() else { return Err(StoreError::Closed) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut acts);
            (acts, done)
        });
        let (acts, done) = done.await.map_err(|_| StoreError::Closed)?;
        self.acts = Some(acts);
        done
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        let (act, number, task) = (self.act, self.number, self.step.task.clone());
        self.write(move |acts| acts.begin_step(act, number, task.as_ref())).await
    }

    async fn end(&mut self, work: &Work<'_>, advance: Advance, payloads: u64) -> Result<Next, StoreError> {
        let Advance { outcomes, next } = advance;
        let circles = next.as_ref().is_some_and(|next| !self.named.insert(hash(next)));
        self.payloads += next.as_ref().map_or(0, |next| next.payload.len() as u64);
        let is_last = next.is_none() || circles || self.named.len() > STEPS || self.payloads > payloads;
        let (act, number) = (self.act, self.number + 1);
        let rows: Vec<(usize, String, Came)> = outcomes
            .iter()
            .map(|(at, came)| (*at, work.subjects.get(*at).cloned().unwrap_or_default(), came.clone()))
            .collect();
        let follows = next.clone().filter(|_| !is_last);
        self.write(move |acts| {
            let rows: Vec<(usize, &str, &Came)> =
                rows.iter().map(|(at, who, came)| (*at, who.as_str(), came)).collect();
            acts.end_step(act, &rows, follows.as_ref().map(|task| (number, task)))
        })
        .await?;
        for (at, came) in outcomes {
            if let Some(place) = self.outcomes.get_mut(at) {
                *place = Some(came);
            }
        }
        let known = self.outcomes.iter().flatten().count();
        tracing::info!("{known} of {} changes are settled", self.outcomes.len());
        if circles {
            let failure = Failure::new(Reason::Contract, "the connector named a step that was done before");
            return Ok(Next::Over(Ended::Failed(failure)));
        }
        let Some(task) = next else { return Ok(Next::Over(Ended::Done)) };
        if is_last {
            let message = format!("the connector named more than {STEPS} steps, or more than {payloads} bytes of them");
            return Ok(Next::Over(Ended::Failed(Failure::new(Reason::Limit, message))));
        }
        self.number = number;
        self.step = Step { task: Some(task), again: false };
        self.open = false;
        (self.tries, self.wait, self.waited, self.checked) = (1, FIRST_WAIT, Duration::ZERO, false);
        Ok(Next::Step)
    }

    /// Whether the step is tried again, and after which wait.
    async fn again(&mut self, session: &mut Session<'_>, failure: Failure) -> Result<Duration, Failure> {
        self.step.again = true;
        let max_wait = session.job().limits.max_wait;
        match failure.reason {
            Reason::NotReady | Reason::RateLimited => {
                let asked = Duration::from_secs(failure.retry_after.unwrap_or(1));
                let wait = asked.max(self.wait).min(LONGEST_WAIT.max(asked));
                // A target at work is polled to its end, as long as the whole apply may take; one that wants to be left
                // alone is not asked for ever.
                if failure.reason == Reason::RateLimited {
                    self.waited += wait;
                }
                if self.waited > max_wait {
                    let message =
                        format!("{}; that is longer than max-wait, {} s", failure.message, max_wait.as_secs());
                    return Err(Failure::new(Reason::Unavailable, message));
                }
                self.wait = (self.wait * 3 / 2).min(LONGEST_WAIT);
                Ok(wait)
            }
            Reason::Unauthorized if !self.checked => {
                self.checked = true;
                session.check().await?;
                Ok(Duration::ZERO)
            }
            Reason::Unavailable if self.tries < TRIES => {
                self.tries += 1;
                Ok(FIRST_WAIT)
            }
            _ => Err(failure),
        }
    }
}
