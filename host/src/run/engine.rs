//! The run: check, then tasks until none is left, then the store decides.
//!
//! There are no phases and no barriers: whatever can be fetched is being fetched, on as many instances as calls
//! are in progress. A task that has succeeded is committed with what it emitted and what follows from it (rule R1), one
//! after the other; a process that dies leaves a run that the next one goes on with (rule R2). A failed task leaves the
//! rest to be done (rule R3).

use super::attempts::added_up;
use super::job::Job;
use super::progress::{Progress, Standing};
use super::queue::{Node, Queue};
use crate::clock::Clock;
use crate::egress::dial::Resolver;
use crate::egress::exchange::Egress;
use crate::failure::{Failure, Reason};
use crate::model::Account;
use crate::report::{Summary, TaskFailure, Times};
use crate::sandbox::Shared;
use crate::sandbox::instance::{Failed, Instance, Yielded};
use crate::store::{Begun, Close, Done, Ledger, NewRun, OF_TAPE, Resume, Status, StoreError, TaskState, Tried};
use crate::tape::Tape;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Tasks that say `unauthorized` cause another check at most this often.
const RECHECK: Duration = Duration::from_secs(60);
/// Failures kept of a run; more are counted in the last one.
const FAILURES: usize = 100;
/// Slowest tasks kept of a run.
const SLOWEST: usize = 10;

/// What the operator wants of a run.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Start over, whatever was interrupted.
    pub fresh: bool,
}

/// Runs a connection to its end. The caller holds the connection's lead. `stop` ends it early; what is done stays done.
///
/// # Errors
/// The store failed; what was published before is unharmed.
pub async fn sync<L: Ledger>(
    job: &Job,
    store: &L,
    resolver: Arc<dyn Resolver>,
    progress: Arc<Progress>,
    wanted: &Wanted,
    stop: watch::Receiver<bool>,
) -> Result<Summary, StoreError> {
    let (begun_at, clock) = (Instant::now(), job.clock());
    // Before the run begins: beginning discards an earlier draft.
    let egress = match job.egress(resolver) {
        Ok(egress) => Arc::new(egress),
        Err(e) => return Ok(Summary::refused(&job.name, e.message, e.help)),
    };
    if let Tape::Record(recording) = &job.tape
        && let Err(e) = recording.begin(job.as_run(&clock.text()))
    {
        return Ok(Summary::refused(&job.name, e.to_string(), Vec::new()));
    }
    let mut begun = store.begin(new_run(job, &clock, wanted)).await?;
    if let Some(line) = begun.given_up(&job.name) {
        tracing::warn!("{line}");
    }
    let (mut started, mut attempts, mut earlier, mut queue) = (clock.text(), 1, Value::Null, Queue::default());
    let resumed = begun.resumed.take();
    let is_resumed = resumed.is_some();
    if let Some(resumed) = resumed {
        let Some(restored) = Queue::restore(resumed.tasks) else {
            return Err(StoreError::Unresumable(begun.run));
        };
        let (done, total) = (restored.total() - restored.waiting(), restored.total());
        tracing::info!(connection = job.name, "run {} goes on: {done} of {total} known tasks are done", begun.run);
        earlier = resumed.report.get("run").cloned().unwrap_or_default();
        (started, attempts, queue) = (resumed.started, resumed.attempts, restored);
    }
    let store_before = store.busy_us();
    let shared = job.shared(&clock, &started);
    let mut run = Run {
        job,
        store,
        begun,
        egress: Arc::clone(&egress),
        shared: Arc::clone(&shared),
        progress,
        queue,
        is_resumed,
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
        "attempts": attempts,
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
        ended: clock.text(),
        max_removals_percent: job.connection.max_removals_percent,
        report: added_up(report, &earlier, SLOWEST),
    };
    let closed = store.close(run.begun.run, close).await?;
    Ok(Summary {
        connection: job.name.clone(),
        run: Some(run.begun.run),
        resumed: is_resumed,
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

/// The run as the store is told of it.
fn new_run(job: &Job, clock: &Clock, wanted: &Wanted) -> NewRun {
    let about = &job.connector.about;
    let never = match &job.tape {
        Tape::Off if wanted.fresh => Some("a fresh one was asked for"),
        Tape::Off => None,
        Tape::Record(_) => Some("a recording holds a whole run"),
        Tape::Replay(_) => Some("a replay is a whole run"),
    };
    NewRun {
        connection: job.name.clone(),
        started: clock.text(),
        connector: about.manifest.name.clone(),
        version: about.manifest.version.clone(),
        digest: job.connector.digest.clone(),
        contract: about.component.contract.clone(),
        // Nobody goes on with a replay: what it saw is not the vendor's present.
        settings: if let Tape::Replay(_) = job.tape { OF_TAPE.to_owned() } else { job.fingerprint() },
        resume: Resume { since: clock.text_before(job.connection.resume_within), never: never.map(str::to_owned) },
        scope: None,
    }
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
    Done(Node, Result<Yielded, Failed>),
}

struct Run<'a, L> {
    job: &'a Job,
    store: &'a L,
    begun: Begun,
    egress: Arc<Egress>,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    queue: Queue,
    /// Goes on with what an earlier attempt has done.
    is_resumed: bool,
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
}

impl<L: Ledger> Run<'_, L> {
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
                Some(Ok(returned)) => {
                    let stopped = tokio::select! {
                        biased;
                        // The store may have to wait for its disk, or for another process.
                        Ok(_) = stop.wait_for(|stop| *stop) => true,
                        () = self.returned(returned) => false,
                    };
                    if stopped {
                        self.stopped = true;
                        self.calls.shutdown().await;
                        break;
                    }
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "a call was lost");
                    self.fail("sync", Failure::new(Reason::Trap, "a call was lost inside the host"));
                    self.ended = true;
                }
                None => {
                    // Instances and their stores go with their calls, in the middle of whatever they do.
                    self.calls.shutdown().await;
                    break;
                }
            }
        }
        match (self.account.is_some(), self.failed == 0 && !self.stopped && !self.ended) {
            // A credential that is refused says nothing about what was collected before.
            (false, _) if !self.stopped && !self.is_resumed => Status::Failed,
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
            let session = self.session.clone();
            self.call(Some(node), move |mut instance| async move {
                let done = instance.sync(task.as_ref(), session.as_deref()).await;
                (instance, What::Done(node, done))
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

    async fn returned(&mut self, returned: Returned) {
        self.guest_us += returned.cpu_us;
        self.idle.extend(returned.instance);
        match returned.what {
            What::Checked(Ok(account)) => self.checked(account).await,
            What::Checked(Err(failed)) => {
                self.fail("check", failed.failure);
                self.ended = true;
            }
            What::Done(node, result) => {
                self.remember(node, returned.elapsed);
                match result {
                    Ok(yielded) => self.commit(node, yielded).await,
                    Err(failed) => self.task_failed(node, failed).await,
                }
            }
        }
    }

    /// All of a task, or nothing: one whose follow-ups break a rule leaves no record either.
    async fn commit(&mut self, node: Node, yielded: Yielded) {
        let Yielded { records, share, follow_ups } = yielded;
        let follow_ups = match self.queue.follow(node, follow_ups, &self.job.limits) {
            Ok(follow_ups) => follow_ups,
            Err(failure) => return self.give_up(node, failure).await,
        };
        let (count, tries) = (records.len() as u64, self.queue.take_tries(node));
        let done = Done { task: node, tries, records, follow_ups, share: Some(share) };
        match self.store.commit(self.begun.run, done).await {
            Ok(()) => drop(self.progress.records.fetch_add(count, Relaxed)),
            // Closing the run says why.
            Err(_) => self.ended = true,
        }
    }

    /// A task has failed: the rest goes on, and the next sync does it again.
    async fn give_up(&mut self, node: Node, failure: Failure) {
        self.tell(node, TaskState::Failed, &failure).await;
        self.fail(&self.queue.name(node), failure);
    }

    async fn tell(&mut self, node: Node, state: TaskState, failure: &Failure) {
        let (reason, message) = (failure.reason.label(), failure.message.clone());
        let tried = Tried { task: node, tries: self.queue.take_tries(node), state, reason, message };
        self.ended |= self.store.tried(self.begun.run, tried).await.is_err();
    }

    async fn checked(&mut self, account: Account) {
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
                self.give_up(node, failure).await;
            }
        }
    }

    async fn task_failed(&mut self, node: Node, failed: Failed) {
        let Failed { failure, origin, .. } = failed;
        let now = self.clock.instant();
        if let (Reason::RateLimited | Reason::NotReady, Some(seconds)) = (failure.reason, failure.retry_after) {
            let wait = Duration::from_secs(seconds);
            match self.queue.delay(node, wait, now, self.job.limits.max_wait) {
                Err(too_long) => self.give_up(node, too_long).await,
                Ok(wait) => {
                    self.tell(node, TaskState::Waiting, &failure).await;
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
        self.give_up(node, failure).await;
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
