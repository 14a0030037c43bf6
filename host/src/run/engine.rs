//! The run: check, then tasks until none is left, then the store decides.
//!
//! There are no phases and no barriers: whatever can be fetched is being fetched, on as many instances as calls
//! are in progress. What a task emitted reaches the store only when the task has succeeded (rule R1).
//! The queue lives in memory: a process that dies leaves a draft that nobody sees and the next run discards.

use super::job::Job;
use super::progress::{Progress, Standing};
use super::queue::{Node, Queue};
use crate::clock::Clock;
use crate::egress::dial::Resolver;
use crate::egress::exchange::Egress;
use crate::failure::{Failure, Reason};
use crate::model::{Account, Record, Task};
use crate::report::{Summary, TaskFailure, Times};
use crate::sandbox::Shared;
use crate::sandbox::instance::{Failed, Instance};
use crate::store::{Begun, Close, NewRun, Status, Store, StoreError, record};
use crate::tape::Tape;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Tasks that say `unauthorized` cause another check at most this often.
const RECHECK: Duration = Duration::from_secs(60);
/// Failures kept of a run; more are counted in the last one.
const FAILURES: usize = 100;
/// Records handed to the store at once.
const PIECE: usize = 1000;
/// Slowest tasks kept of a run.
const SLOWEST: usize = 10;

/// Proves settings and credentials.
///
/// # Errors
/// Why not, as the operator reads it.
pub async fn check(job: &Job, resolver: Arc<dyn Resolver>) -> Result<Account, Failure> {
    let egress = Arc::new(job.egress(resolver).map_err(|e| Failure::new(Reason::InvalidSettings, e.message))?);
    let clock = job.clock();
    let shared = shared(job, &clock, &clock.text());
    let (program, seats) = (job.connector.program.clone(), job.connector.seats.clone());
    let slow = Arc::clone(&seats.slow);
    let check = async move {
        let _seat = seats.calls.acquire().await.ok();
        let mut instance = program.instance(&shared, &egress).await?;
        instance.check().await.map_err(|f| f.failure)
    };
    // A task of its own: checks of other connections do not wait for this one's turn.
    match tokio::spawn(slow.watch(Arc::default(), check)).await {
        Ok(checked) => checked,
        Err(_) => Err(Failure::new(Reason::Trap, "the check was lost inside the host")),
    }
}

/// Runs a connection to its end. The caller holds the connection's lead. `stop` ends it early and keeps nothing.
///
/// # Errors
/// The store failed; what was published before is unharmed.
pub async fn sync(
    job: &Job,
    store: &Store,
    resolver: Arc<dyn Resolver>,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Result<Summary, StoreError> {
    let (begun_at, clock) = (Instant::now(), job.clock());
    let started = clock.text();
    let manifest = &job.connector.about.manifest;
    // Before the run begins: beginning discards an earlier draft.
    let egress = match job.egress(resolver) {
        Ok(egress) => Arc::new(egress),
        Err(e) => return Ok(Summary::refused(&job.name, e.message, e.help)),
    };
    if let Tape::Record(recording) = &job.tape
        && let Err(e) = recording.begin(job.as_run(&started))
    {
        return Ok(Summary::refused(&job.name, e.to_string(), Vec::new()));
    }
    let begun = store
        .begin(NewRun {
            connection: job.name.clone(),
            started: started.clone(),
            connector: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: job.connector.digest.clone(),
        })
        .await?;
    if let Some(run) = begun.interrupted {
        tracing::warn!(connection = job.name, "run {run} was interrupted; its draft is discarded and a new run starts");
    }
    let store_before = store.busy_us();
    let shared = shared(job, &clock, &started);
    let mut run = Run {
        job,
        store,
        begun,
        egress: Arc::clone(&egress),
        shared: Arc::clone(&shared),
        progress,
        queue: Queue::default(),
        idle: Vec::new(),
        calls: JoinSet::new(),
        session: None,
        failures: Vec::new(),
        failed: 0,
        account: None,
        guest_us: 0,
        slowest: Vec::new(),
        rechecked: None,
        checking: false,
        awaiting: Vec::new(),
        ended: false,
        ends: clock.instant() + job.limits.run_time,
        clock: clock.clone(),
        stopped: false,
        tainted: false,
    };
    let status = run.go(stop).await;
    let counters = egress.counters();
    let times = Times {
        vendor_ms: counters.vendor_us.load(Relaxed) / 1000,
        guest_ms: run.guest_us / 1000,
        store_ms: store.busy_us().saturating_sub(store_before) / 1000,
        waited_ms: counters.waited_us.load(Relaxed) / 1000 + u64::try_from(run.queue.waited().as_millis()).unwrap_or(0),
    };
    let report = json!({
        "account": run.account.as_ref().map(|a| json!({"id": a.id, "name": a.name, "warnings": a.warnings})),
        "tasks": run.queue.total(),
        "failed_tasks": run.failed,
        "failures": run.failures,
        "slowest": run.slowest.iter().map(|(ms, task)| json!({"task": task, "ms": ms})).collect::<Vec<_>>(),
        "requests": counters.requests.load(Relaxed),
        "retries": counters.retries.load(Relaxed),
        "denied": counters.denials().values().sum::<u64>(),
        "denials": counters.denials(),
        "masked": counters.masked.load(Relaxed),
        "received_bytes": counters.received.load(Relaxed),
        "emitted_records": shared.records.load(Relaxed),
        "emitted_bytes": shared.bytes.load(Relaxed),
        "log_lines_dropped": shared.log.dropped.load(Relaxed),
        "times": times,
        "replayed": matches!(job.tape, Tape::Replay(_)),
    });
    let close = Close {
        status,
        keep: !run.tainted,
        ended: clock.text(),
        max_removals_percent: job.connection.max_removals_percent,
        report,
    };
    let closed = store.close(begun.run, close).await?;
    Ok(Summary {
        connection: job.name.clone(),
        run: Some(begun.run),
        status: closed.status.label(),
        resources: closed.resources,
        entitlements: closed.entitlements,
        grants: closed.grants,
        added: closed.added,
        changed: closed.changed,
        removed: closed.removed,
        requests: counters.requests.load(Relaxed),
        retries: counters.retries.load(Relaxed),
        elapsed_ms: u64::try_from(begun_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        objections: closed.objections,
        findings: closed.findings,
        warnings: run.account.map(|a| a.warnings).unwrap_or_default(),
        times: Times { store_ms: store.busy_us().saturating_sub(store_before) / 1000, ..times },
        failures: run.failures,
        stopped: run.stopped,
        refused: false,
    })
}

fn shared(job: &Job, clock: &Clock, started: &str) -> Arc<Shared> {
    let manifest = Arc::new(job.connector.about.manifest.clone());
    let today = started.get(..10).unwrap_or_default();
    let shared = Shared::new(&job.name, manifest, &job.settings, today, &job.limits);
    Arc::new(shared.taped(clock.clone(), job.seed()))
}

/// Hands a task's records to the store in pieces, so that they leave memory while they are written; in the order
/// of their keys, because rows that come in no order cost the store several times the writing.
async fn hand_over(store: &Store, run: i64, mut records: Vec<Record>) -> Result<(), StoreError> {
    let mut scratch = Vec::new();
    records.sort_by(Record::compare_keys);
    let mut records = records.into_iter();
    while records.len() > 0 {
        let piece = records.by_ref().take(PIECE).map(|r| record::prepare(r, &mut scratch)).collect();
        store.records(run, piece).await?;
    }
    Ok(())
}

/// What a call came to. The instance comes back unless it is of no more use.
struct Returned {
    instance: Option<Instance>,
    cpu_us: u64,
    elapsed: Duration,
    what: What,
}

enum What {
    Checked(Result<Account, Failed>),
    Done(Node, Result<(Vec<Task>, u64), Failed>),
    StoreGone,
}

struct Run<'a> {
    job: &'a Job,
    store: &'a Store,
    begun: Begun,
    egress: Arc<Egress>,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    queue: Queue,
    idle: Vec<Instance>,
    calls: JoinSet<Returned>,
    session: Option<Arc<str>>,
    failures: Vec<TaskFailure>,
    failed: u64,
    account: Option<Account>,
    guest_us: u64,
    slowest: Vec<(u64, String)>,
    /// When the last check but the first one was begun.
    rechecked: Option<Instant>,
    checking: bool,
    /// Tasks that wait for the check in progress.
    awaiting: Vec<(Node, Failure)>,
    ended: bool,
    clock: Clock,
    ends: Instant,
    stopped: bool,
    /// A task may have reached the store by half, or its records count and its follow-ups do not (rule R1).
    tainted: bool,
}

impl Run<'_> {
    /// The status to close with.
    async fn go(&mut self, mut stop: watch::Receiver<bool>) -> Status {
        self.start_check();
        loop {
            self.start_tasks();
            self.show();
            if self.calls.is_empty() && (self.ended || self.queue.waiting() == 0) {
                break;
            }
            let due =
                self.queue.next_due().filter(|_| !self.ended && !self.checking).unwrap_or(self.ends).min(self.ends);
            let returned = tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => {
                    self.stopped = true;
                    None
                }
                Some(returned) = self.calls.join_next() => Some(returned),
                // A tape's time jumps only when there is nothing else to do.
                () = self.clock.wait_until(due), if self.calls.is_empty() || !self.clock.is_taped() => {
                    if self.clock.instant() < self.ends {
                        continue;
                    }
                    let message = format!("the run took longer than {} s", self.job.limits.run_time.as_secs());
                    self.fail("sync", Failure::new(Reason::Deadline, message));
                    None
                }
            };
            match returned {
                Some(Ok(returned)) => self.returned(returned),
                Some(Err(error)) => {
                    tracing::error!(%error, "a call was lost");
                    self.fail("sync", Failure::new(Reason::Trap, "a call was lost inside the host"));
                    self.tainted = true;
                    self.ended = true;
                }
                None => {
                    // Instances and their stores go with their calls, in the middle of whatever they do.
                    self.tainted = true;
                    self.calls.shutdown().await;
                    break;
                }
            }
        }
        match (self.account.is_some(), self.failed == 0 && !self.stopped) {
            (false, _) if !self.stopped => Status::Failed,
            (true, true) => Status::Published,
            _ => Status::Incomplete,
        }
    }

    fn show(&self) {
        let standing = Standing {
            total: self.queue.total() as u64,
            running: self.calls.len().saturating_sub(usize::from(self.checking)) as u64,
            waiting: (self.queue.waiting() + self.awaiting.len()) as u64,
            failed: self.failed,
            checking: self.checking,
            due: self.queue.next_due(),
        };
        self.progress.stands(standing, &self.egress);
    }

    fn start_check(&mut self) {
        self.checking = true;
        self.call(None, move |mut instance| async move {
            let checked = instance.check().await;
            (instance, What::Checked(checked))
        });
    }

    fn start_tasks(&mut self) {
        // Nothing is asked of a vendor before it has accepted us, nor while that is in doubt.
        while self.account.is_some() && !self.checking && !self.ended && self.calls.len() < self.job.limits.instances {
            let Some(node) = self.queue.next(self.clock.instant()) else { break };
            let task = self.queue.task(node).cloned();
            let (session, store, run) = (self.session.clone(), self.store.clone(), self.begun.run);
            self.call(Some(node), move |mut instance| async move {
                let what = match instance.sync(task.as_ref(), session.as_deref()).await {
                    Err(failed) => What::Done(node, Err(failed)),
                    Ok(yielded) => {
                        let count = yielded.records.len() as u64;
                        let kept = hand_over(&store, run, yielded.records).await;
                        drop(yielded.share);
                        match kept {
                            Ok(()) => What::Done(node, Ok((yielded.follow_ups, count))),
                            Err(_) => What::StoreGone,
                        }
                    }
                };
                (instance, what)
            });
        }
    }

    /// Starts a call on an instance that is idle, or on a new one. Without a task it is the check.
    fn call<F, Fut>(&mut self, node: Option<Node>, body: F)
    where
        F: FnOnce(Instance) -> Fut + Send + 'static,
        Fut: Future<Output = (Instance, What)> + Send + 'static,
    {
        let idle = self.idle.pop();
        let (program, shared, egress) =
            (self.job.connector.program.clone(), Arc::clone(&self.shared), Arc::clone(&self.egress));
        let seats = self.job.connector.seats.clone();
        let call = async move {
            // Never closed while there are runs.
            let _seat = seats.calls.acquire().await.ok();
            let begun = Instant::now();
            let instance = match idle {
                Some(instance) => Ok(instance),
                None => program.instance(&shared, &egress).await,
            };
            match instance {
                Err(failure) => Returned {
                    instance: None,
                    cpu_us: 0,
                    elapsed: begun.elapsed(),
                    what: match node {
                        Some(node) => What::Done(node, Err(failure.into())),
                        None => What::Checked(Err(failure.into())),
                    },
                },
                Ok(instance) => {
                    let (mut instance, what) = body(instance).await;
                    let cpu_us = instance.take_cpu_us();
                    let instance = instance.is_fit().then_some(instance);
                    Returned { instance, cpu_us, elapsed: begun.elapsed(), what }
                }
            }
        };
        let computing = Arc::clone(&self.shared.computing);
        self.calls.spawn(self.job.connector.seats.slow.watch(computing, call));
    }

    fn returned(&mut self, returned: Returned) {
        self.guest_us += returned.cpu_us;
        self.idle.extend(returned.instance);
        match returned.what {
            What::Checked(Ok(account)) => self.checked(account),
            What::Checked(Err(failed)) => {
                self.fail("check", failed.failure);
                self.ended = true;
            }
            What::Done(node, result) => {
                self.remember(node, returned.elapsed);
                match result {
                    Ok((follow_ups, records)) => {
                        self.progress.records.fetch_add(records, Relaxed);
                        if let Err(failure) = self.queue.follow(node, follow_ups, &self.job.limits) {
                            self.tainted = true;
                            self.fail(&self.queue.name(node), failure);
                        }
                    }
                    Err(failed) => self.task_failed(node, failed),
                }
            }
            // Closing the run says why.
            What::StoreGone => self.ended = true,
        }
    }

    fn checked(&mut self, account: Account) {
        self.checking = false;
        self.session = account.session.as_deref().map(Arc::from);
        if self.account.is_none() {
            for warning in &account.warnings {
                tracing::warn!(connection = self.job.name, "{}", crate::text::neutral(warning));
            }
        }
        self.account = Some(account);
        for (node, failure) in std::mem::take(&mut self.awaiting) {
            if !self.queue.again(node) {
                self.fail(&self.queue.name(node), failure);
            }
        }
    }

    fn task_failed(&mut self, node: Node, failed: Failed) {
        let Failed { failure, origin } = failed;
        let now = self.clock.instant();
        if let (Reason::RateLimited | Reason::NotReady, Some(seconds)) = (failure.reason, failure.retry_after) {
            let wait = Duration::from_secs(seconds);
            match self.queue.delay(node, wait, now, self.job.limits.max_wait) {
                Err(too_long) => self.fail(&self.queue.name(node), too_long),
                Ok(wait) => {
                    tracing::info!(connection = self.job.name, task = self.queue.name(node), "{}", failure.message);
                    if let (Reason::RateLimited, Some(origin)) = (failure.reason, origin) {
                        self.egress.close(&origin, now + wait);
                    }
                }
            }
            return;
        }
        if failure.reason == Reason::Unauthorized && !self.queue.was_rechecked(node) {
            if self.checking {
                self.awaiting.push((node, failure));
            } else if self.rechecked.is_some_and(|then| now.duration_since(then) < RECHECK) {
                // Proved again less than a minute ago: one more try, no more checks.
                self.queue.again(node);
            } else {
                self.rechecked = Some(now);
                self.awaiting.push((node, failure));
                self.start_check();
            }
            return;
        }
        self.fail(&self.queue.name(node), failure);
    }

    fn fail(&mut self, task: &str, failure: Failure) {
        self.failed += 1;
        tracing::debug!(
            connection = self.job.name,
            task,
            reason = failure.reason.label(),
            "{}",
            crate::text::neutral(&failure.message)
        );
        if self.failures.len() < FAILURES {
            self.failures.push(TaskFailure::new(task, failure));
        }
    }

    fn remember(&mut self, node: Node, elapsed: Duration) {
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if self.slowest.len() < SLOWEST || self.slowest.last().is_some_and(|(least, _)| ms > *least) {
            self.slowest.push((ms, self.queue.name(node)));
            self.slowest.sort_by_key(|(ms, _)| std::cmp::Reverse(*ms));
            self.slowest.truncate(SLOWEST);
        }
    }
}
