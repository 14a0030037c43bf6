//! One guest request, from policy to masked answer: the order is the boundary.
//!
//! Rule: parse → route and origin → headers → pace → resolve once and dial what was checked → attach
//! credentials → send → decode → mask → caps, under one deadline. Reason: each step trusts the ones before
//! it. Attack: any step done early (credentials before policy) or twice (resolving again after the check).

use super::credentials::Credentials;
use super::dial::{Dialer, Resolver};
use super::error::EgressError;
use super::headers;
use super::mask::Masker;
use super::policy::{Denial, Phase, Policy};
use super::retry::{self, Hiccup};
use super::target::{Origin, Target};
use super::throttle::{Bucket, Pace};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// Numbers of the egress limits; see [`crate::limits`] for their reasons.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Whole exchange, retries and waiting included.
    pub deadline: Duration,
    /// Exchanges in progress at once.
    pub at_once: usize,
    /// Bytes of a request body.
    pub request_body: usize,
    /// Bytes of a response body, decoded.
    pub response_body: usize,
}

/// A closed bucket that opens within this time is waited for in the exchange.
const CLOSED: Duration = Duration::from_secs(20);
/// Bytes set aside for a body before it comes, at most, whatever length is claimed.
const RESERVED: usize = 4 * 1024 * 1024;

/// What a run's egress did. Times are summed over concurrent exchanges.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests sent, repeated ones included.
    pub requests: AtomicU64,
    /// How many of them were repeats.
    pub retries: AtomicU64,
    /// Bytes of bodies received, decoded.
    pub received: AtomicU64,
    /// Microseconds from sending a request to the last byte of its answer.
    pub vendor_us: AtomicU64,
    /// Microseconds spent waiting for pace and backoff.
    pub waited_us: AtomicU64,
    /// Requests refused by policy.
    pub denied: AtomicU64,
}

/// The way out for one run: one pool, one TLS session store, one policy.
pub struct Egress {
    policy: Arc<Policy>,
    credentials: Credentials,
    masker: Masker,
    client: Client<Dialer, Full<Bytes>>,
    pace: Option<Pace>,
    buckets: Mutex<HashMap<Origin, Arc<Bucket>>>,
    gate: Semaphore,
    caps: Caps,
    counters: Counters,
}

impl Egress {
    /// The egress of one run.
    pub fn new(
        policy: Policy,
        credentials: Credentials,
        masker: Masker,
        resolver: Arc<dyn Resolver>,
        pace: Option<Pace>,
        caps: Caps,
    ) -> Egress {
        let policy = Arc::new(policy);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(caps.at_once)
            // A retry nobody counted is a request nobody allowed: ours are in `retry`.
            .retry_canceled_requests(false)
            .http1_max_headers(256)
            // Bounds a response's headers, and what a connection holds of a body that is being read.
            .http1_max_buf_size(128 * 1024)
            .http2_max_header_list_size(64 * 1024)
            .build(Dialer::new(resolver, Arc::clone(&policy)));
        Egress {
            policy,
            credentials,
            masker,
            client,
            pace,
            buckets: Mutex::new(HashMap::new()),
            gate: Semaphore::new(caps.at_once),
            caps,
            counters: Counters::default(),
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Masks known secrets in a text that leaves the sandbox (a log line, an error).
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// The limits it works under.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// Holds every request to the origin until then.
    pub fn close(&self, origin: &Origin, until: Instant) {
        self.bucket(origin).close(until);
    }

    fn bucket(&self, origin: &Origin) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(buckets.entry(origin.clone()).or_insert_with(|| Arc::new(Bucket::new(self.pace, Instant::now()))))
    }

    /// The target of a request, judged; counts a denial.
    ///
    /// # Errors
    /// The denial.
    pub fn judge(&self, phase: Phase, request: &Request<Bytes>) -> Result<Target, EgressError> {
        let judged = Target::parse(&request.uri().to_string())
            .map_err(|why| Denial::firm("url", format!("an URL the connector asked for {why}")))
            .and_then(|target| self.policy.judge(phase, request.method(), &target).map(|()| target));
        judged.map_err(|denial| {
            self.counters.denied.fetch_add(1, Relaxed);
            EgressError::Denied(denial)
        })
    }

    /// Performs one guest request. The answer's body is decoded and masked; its headers are what a guest may see.
    ///
    /// # Errors
    /// See [`EgressError`]: denied, or no usable answer.
    pub async fn exchange(&self, target: &Target, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let host_port = target.origin.host_port();
        // The vendor asked everybody to wait: the guest is told so at once, and its task is queued for that time.
        let bucket = self.bucket(&target.origin);
        let closed = bucket.closed_for(Instant::now());
        if closed > CLOSED {
            return Ok(slow_down(closed));
        }
        // The pace is the host's own doing, so the exchange's deadline begins after it.
        self.pause(bucket.take(Instant::now())).await;
        match tokio::time::timeout(self.caps.deadline, self.tries(target, &request)).await {
            Ok(result) => result,
            Err(_) => Err(EgressError::Deadline { host_port, seconds: self.caps.deadline.as_secs() }),
        }
        .inspect_err(|e| {
            if matches!(e, EgressError::Denied(_)) {
                self.counters.denied.fetch_add(1, Relaxed);
            }
        })
    }

    async fn tries(&self, target: &Target, request: &Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let headers =
            headers::outgoing(request.headers(), &target.origin, &self.credentials).map_err(EgressError::Denied)?;
        let bucket = self.bucket(&target.origin);
        let mut waited = Duration::ZERO;
        let mut tried = 0;
        loop {
            tried += 1;
            self.counters.requests.fetch_add(1, Relaxed);
            // Only exchanges in progress hold a place: a waiting one would starve the others.
            let (result, elapsed) = match self.gate.acquire().await {
                Ok(_permit) => {
                    let begun = Instant::now();
                    let result = self.once(target, request, headers.clone()).await;
                    (result, begun.elapsed())
                }
                Err(_) => return Err(broken(target, "the run is over")),
            };
            self.counters.vendor_us.fetch_add(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), Relaxed);
            let (hiccup, status) = match &result {
                Ok(answer) => (retry::hiccup(answer.status(), answer.headers(), now()), answer.status().as_u16()),
                Err(EgressError::Refused { .. }) => (Some(Hiccup::Refused), 0),
                Err(EgressError::Broken { .. } | EgressError::Connect { .. }) => (Some(Hiccup::Broken), 0),
                Err(_) => (None, 0),
            };
            tracing::debug!(
                method = %request.method(), origin = %target.origin, path = %crate::text::neutral(&target.path),
                status, ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), tried, "exchange"
            );
            let wait = hiccup.and_then(|h| retry::wait(h, request.method(), tried, waited, jitter()));
            let Some(wait) = wait.filter(|_| bucket.closed_for(Instant::now()) <= CLOSED) else { return result };
            self.counters.retries.fetch_add(1, Relaxed);
            waited += wait;
            self.pause(wait.max(bucket.take(Instant::now()))).await;
        }
    }

    async fn pause(&self, wait: Duration) {
        if !wait.is_zero() {
            self.counters.waited_us.fetch_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Relaxed);
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(
        &self,
        target: &Target,
        request: &Request<Bytes>,
        mut headers: http::HeaderMap,
    ) -> Result<Response<Bytes>, EgressError> {
        let mut uri = format!("{}{}", target.origin, target.path);
        if let Some(query) = &target.query {
            uri.push('?');
            uri.push_str(query);
        }
        let mut sent = Request::new(Full::new(request.body().clone()));
        *sent.method_mut() = request.method().clone();
        *sent.uri_mut() = uri.parse().map_err(|_| {
            EgressError::Denied(Denial::firm("url", "an URL the connector asked for cannot be sent".to_owned()))
        })?;
        self.credentials.attach(&target.origin, &mut headers);
        *sent.headers_mut() = headers;
        let answer = self.client.request(sent).await.map_err(|e| client_error(target, e))?;
        let (parts, mut body) = answer.into_parts();
        let limit = self.caps.response_body;
        let too_large = || EgressError::TooLarge { host_port: target.origin.host_port(), limit };
        // A length that is claimed is only a hint: what comes is counted.
        let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(RESERVED).min(limit);
        let mut bytes = BytesMut::with_capacity(claimed);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| broken(target, &chain(&e)))?;
            if let Ok(data) = frame.into_data() {
                if bytes.len() + data.len() > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&data);
            }
        }
        let bytes = decode(target, &parts.headers, bytes.freeze(), limit)?;
        if bytes.len() > limit {
            return Err(too_large());
        }
        self.counters.received.fetch_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Relaxed);
        let bytes = self.masker.bytes(&bytes).map_or(bytes, Bytes::from);
        let length = http::HeaderValue::from(bytes.len());
        let mut seen = Response::new(bytes);
        *seen.status_mut() = parts.status;
        *seen.headers_mut() = headers::incoming(&parts.headers, &self.masker);
        // The length of what the guest gets, not of what the vendor sent: it reads without guessing.
        seen.headers_mut().insert(http::header::CONTENT_LENGTH, length);
        Ok(seen)
    }
}

/// What a guest is told while the origin's bucket is closed: what the vendor would say.
fn slow_down(wait: Duration) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    let seconds = http::HeaderValue::from(wait.as_secs().saturating_add(1));
    answer.headers_mut().insert(http::header::RETRY_AFTER, seconds);
    answer
}

/// Undoes `Content-Encoding`, reading at most one byte past the limit.
fn decode(target: &Target, headers: &http::HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, EgressError> {
    let encoding = headers.get(http::header::CONTENT_ENCODING).map(|v| v.as_bytes().to_ascii_lowercase());
    let refused = |encoding: String| EgressError::Encoding { host_port: target.origin.host_port(), encoding };
    match encoding.as_deref() {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip" | b"x-gzip") => {
            let mut out = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(body.as_ref()).take(limit as u64 + 1);
            reader.read_to_end(&mut out).map_err(|e| refused(format!("gzip: {e}")))?;
            Ok(out.into())
        }
        Some(other) => Err(refused(String::from_utf8_lossy(other).into_owned())),
    }
}

fn client_error(target: &Target, error: hyper_util::client::legacy::Error) -> EgressError {
    let host_port = target.origin.host_port();
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(dial) = inner.downcast_ref::<EgressError>() {
            return match dial {
                EgressError::Denied(d) => EgressError::Denied(d.clone()),
                EgressError::Resolve { host, why } => EgressError::Resolve { host: host.clone(), why: why.clone() },
                EgressError::Refused { .. } => EgressError::Refused { host_port },
                EgressError::Tls { source, .. } => EgressError::Tls { host_port, source: copy(source) },
                EgressError::Connect { source, .. } => EgressError::Connect { host_port, source: copy(source) },
                other => broken(target, &other.to_string()),
            };
        }
        cause = inner.source();
    }
    broken(target, &chain(&error))
}

fn copy(error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), error.to_string())
}

fn broken(target: &Target, why: &str) -> EgressError {
    EgressError::Broken { host_port: target.origin.host_port(), why: why.to_owned() }
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = inner.source();
    }
    text
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// 0.0..1.0, for spreading retries; not for secrets.
fn jitter() -> f64 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    f64::from(nanos % 1000) / 1000.0
}
