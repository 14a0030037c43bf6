//! What a fake vendor remembers of the requests it got, and the time they took.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Version};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// The number of its connection, from 1.
    pub connection: u64,
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    /// The path with its query.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// A header's value, where it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Counts and times since the start or the last [`Journal::reset`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub connections: u64,
    pub requests: u64,
    /// The most requests in progress at one moment.
    pub at_once: u64,
    /// The bytes of the bodies sent, as far as they are known beforehand.
    pub body_bytes: u64,
    /// How long at least one request was in progress: what a client cannot be faster than.
    pub busy: Duration,
    /// The time spent making answers, summed.
    pub handling: Duration,
    /// From the first request to the end of the last answer.
    pub span: Duration,
    /// The processor time of the server's thread up to its last answer (zero where it cannot be measured).
    pub cpu: Duration,
}

#[derive(Default)]
struct Inner {
    stats: Stats,
    paths: HashMap<String, u64>,
    requests: Vec<Arc<Request>>,
    now: u64,
    first: Option<Instant>,
    busy_since: Option<Instant>,
    cpu_at_reset: Duration,
}

/// The record of one server.
pub(crate) struct Journal {
    inner: Mutex<Inner>,
    keep: usize,
    log: bool,
}

impl Journal {
    /// Keeps the first `keep` requests as they were; counts all.
    pub(crate) fn new(keep: usize, log: bool) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), keep, log })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn connected(&self) -> u64 {
        let mut inner = self.lock();
        inner.stats.connections += 1;
        inner.stats.connections
    }

    pub(crate) fn begin(self: &Arc<Self>, request: &Arc<Request>) -> InProgress {
        let began = Instant::now();
        let mut inner = self.lock();
        inner.stats.requests += 1;
        match inner.paths.get_mut(&request.path) {
            Some(count) => *count += 1,
            None => {
                inner.paths.insert(request.path.clone(), 1);
            }
        }
        if inner.requests.len() < self.keep {
            inner.requests.push(Arc::clone(request));
        }
        inner.now += 1;
        inner.stats.at_once = inner.stats.at_once.max(inner.now);
        inner.first.get_or_insert(began);
        if inner.now == 1 {
            inner.busy_since = Some(began);
        }
        let line = self.log.then(|| format!("{} {}", request.method, request.target()));
        InProgress { journal: Arc::clone(self), began, line, note: String::new() }
    }

    pub(crate) fn handled(&self, time: Duration, bytes: usize) {
        let mut inner = self.lock();
        inner.stats.handling += time;
        inner.stats.body_bytes += bytes as u64;
    }

    pub(crate) fn stats(&self) -> Stats {
        let inner = self.lock();
        let mut stats = inner.stats;
        if let Some(since) = inner.busy_since {
            stats.busy += since.elapsed();
        }
        stats.cpu = stats.cpu.saturating_sub(inner.cpu_at_reset);
        stats
    }

    /// Forgets requests, counts and times; connections keep their numbers.
    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        let kept = Stats { connections: inner.stats.connections, cpu: inner.stats.cpu, ..Stats::default() };
        let now = inner.now;
        let busy_since = (now > 0).then(Instant::now);
        *inner = Inner { stats: kept, now, busy_since, cpu_at_reset: kept.cpu, ..Inner::default() };
    }

    pub(crate) fn requests(&self) -> Vec<Arc<Request>> {
        self.lock().requests.clone()
    }

    pub(crate) fn count(&self, path: &str) -> u64 {
        self.lock().paths.get(path).copied().unwrap_or(0)
    }

    pub(crate) fn paths(&self) -> HashMap<String, u64> {
        self.lock().paths.clone()
    }
}

/// A request in progress: it ends when its answer's body is gone.
pub(crate) struct InProgress {
    journal: Arc<Journal>,
    began: Instant,
    line: Option<String>,
    note: String,
}

impl InProgress {
    /// What the log line says of the answer.
    pub(crate) fn note(&mut self, note: impl FnOnce() -> String) {
        if self.line.is_some() {
            self.note = note();
        }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let ended = Instant::now();
        let mut inner = self.journal.lock();
        inner.now = inner.now.saturating_sub(1);
        if inner.now == 0
            && let Some(since) = inner.busy_since.take()
        {
            inner.stats.busy += ended.saturating_duration_since(since);
        }
        if let Some(first) = inner.first {
            inner.stats.span = ended.saturating_duration_since(first);
        }
        inner.stats.cpu = thread_cpu();
        drop(inner);
        if let Some(line) = &self.line {
            let time = ended.saturating_duration_since(self.began).as_secs_f64() * 1000.0;
            eprintln!("{line}  {}  {time:.1} ms", self.note);
        }
    }
}

#[cfg(target_os = "linux")]
fn thread_cpu() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    getrusage(UsageWho::RUSAGE_THREAD).map_or(Duration::ZERO, |usage| {
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    })
}

#[cfg(not(target_os = "linux"))]
fn thread_cpu() -> Duration {
    Duration::ZERO
}
