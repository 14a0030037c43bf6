//! One guest request, from policy to masked answer: the order is the boundary.
//!
//! Rule: parse → route and origin → headers → pace → resolve once and dial what was checked → attach
//! credentials → send → decode → mask → caps, under one deadline. Reason: each step trusts the ones before
//! it. Attack: any step done early (credentials before policy) or twice (resolving again after the check).

use super::answer;
use super::caps::Caps;
use super::cookies::Jar;
use super::counters::Counters;
use super::credentials::Credentials;
use super::dial::{Dialer, Resolver};
use super::error::{EgressError, chain};
use super::flow::{Flow, WINDOW};
use super::form::Uses;
use super::headers;
use super::mask::Masker;
use super::overrides::names_another_method;
use super::policy::{Denial, Phase, Policy};
use super::retry::{self, Hiccup};
use super::steps::{self, Codes, Steps};
use super::taped::{self, Trail};
use super::target::{Origin, Target};
use super::throttle::{Bucket, Pace};
use crate::held::{Held, Share};
use crate::settings::Secret;
use crate::tape::Tape;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use std::error::Error as StdError;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// A closed bucket that opens within this time is waited for in the exchange.
const CLOSED: Duration = Duration::from_secs(20);

/// What the way out of a run is made from.
pub struct Plan {
    /// What may be requested.
    pub policy: Policy,
    /// What is attached.
    pub credentials: Credentials,
    /// What is masked, beside what the credentials make of it.
    pub secrets: Vec<Secret>,
    /// Whether the host keeps the vendor's cookies.
    pub keeps_cookies: bool,
    /// From names to addresses.
    pub resolver: Arc<dyn Resolver>,
    /// Which one-time codes were used.
    pub steps: Arc<dyn Steps>,
    /// Certificates to trust beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The pace to each origin.
    pub pace: Option<Pace>,
    /// Limits.
    pub caps: Caps,
    /// Exchanges at once of the whole process.
    pub host_gate: Arc<Semaphore>,
    /// Whether they are recorded, or replayed.
    pub tape: Tape,
}

/// The way out for one run: one pool, one TLS session store, one policy, one jar.
pub struct Egress {
    policy: Arc<Policy>,
    credentials: Credentials,
    masker: RwLock<Masker>,
    secrets: Masker,
    /// The secrets as a header's name would spell them.
    names: Masker,
    jar: Option<Mutex<Jar>>,
    steps: Arc<dyn Steps>,
    uses: Mutex<Uses>,
    client: Client<Dialer, Full<Bytes>>,
    held: Arc<Held>,
    pace: Option<Pace>,
    /// One for each origin: a handful.
    buckets: Mutex<Vec<(Origin, Arc<Bucket>)>>,
    gate: Semaphore,
    host_gate: Arc<Semaphore>,
    caps: Caps,
    counters: Counters,
    tape: Tape,
}

impl Egress {
    /// The egress of one run.
    pub fn new(plan: Plan) -> Egress {
        let (policy, caps) = (Arc::new(plan.policy), plan.caps);
        let dialer = Dialer::new(plan.resolver, Arc::clone(&policy), plan.authorities);
        let (stream_window, connection_window) = WINDOW;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(caps.at_once)
            // A retry nobody counted is a request nobody allowed: ours are in `retry`.
            .retry_canceled_requests(false)
            .http1_max_headers(caps.response_fields)
            // Bounds a response's headers, and what a connection holds of a body that is being read.
            .http1_max_buf_size(caps.response_head)
            .http2_max_header_list_size(64 * 1024)
            .http2_initial_stream_window_size(stream_window)
            .http2_initial_connection_window_size(connection_window)
            .build(dialer);
        let secrets = Masker::new(plan.secrets.iter().chain(plan.credentials.derived()));
        let lower: Vec<Secret> = plan.secrets.iter().map(|s| Secret::new(s.expose().to_ascii_lowercase())).collect();
        Egress {
            policy,
            credentials: plan.credentials,
            masker: RwLock::new(secrets.clone()),
            secrets,
            names: Masker::new(&lower),
            jar: plan.keeps_cookies.then(Mutex::default),
            steps: plan.steps,
            uses: Mutex::default(),
            client,
            held: Held::new(caps.held),
            pace: plan.pace,
            buckets: Mutex::default(),
            gate: Semaphore::new(caps.at_once),
            host_gate: plan.host_gate,
            caps,
            counters: Counters::default(),
            tape: plan.tape,
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Masks what is secret now in a text that leaves the sandbox (a log line, an error).
    pub fn masker(&self) -> Masker {
        self.masker.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The share of a request's body in what the host holds.
    pub fn share(&self) -> Share {
        Share::of(&self.held)
    }

    /// The limits it works under.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// A check begins: its forms are counted anew.
    pub fn begin_check(&self) {
        lock(&self.uses).begin_check();
    }

    /// Holds every request to the origin until then. Not where a tape is played: the recorded run waited already.
    pub fn close(&self, origin: &Origin, until: Instant) {
        if matches!(self.tape, Tape::Replay(_)) {
            return;
        }
        self.bucket(origin).close(until);
    }

    fn bucket(&self, origin: &Origin) -> Arc<Bucket> {
        let mut buckets = lock(&self.buckets);
        if let Some((_, bucket)) = buckets.iter().find(|(known, _)| known == origin) {
            return Arc::clone(bucket);
        }
        let bucket = Arc::new(Bucket::new(self.pace, Instant::now()));
        buckets.push((origin.clone(), Arc::clone(&bucket)));
        bucket
    }

    /// The target of a request, judged; counts a denial.
    ///
    /// # Errors
    /// The denial.
    pub fn judge(&self, phase: Phase, request: &Request<Bytes>) -> Result<Target, EgressError> {
        let uri = request.uri();
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let judged = Target::of(uri.scheme_str().unwrap_or_default(), authority, uri.path(), uri.query())
            .map_err(|why| Denial::firm("url", format!("an URL the connector asked for {why}")))
            .and_then(|target| self.policy.judge(phase, request.method(), &target).map(|()| target))
            .and_then(|target| self.judge_body(request, &target).map(|()| target));
        judged.map_err(|denial| {
            self.counters.deny(&denial);
            EgressError::Denied(denial)
        })
    }

    fn judge_body(&self, request: &Request<Bytes>, target: &Target) -> Result<(), Denial> {
        let posted = request.method() == http::Method::POST;
        if posted && names_another_method(target.query.as_deref(), request.headers(), request.body()) {
            let sentence = "the connector asked the vendor to read a POST as another method (_method)".to_owned();
            return Err(Denial::firm("method-override", sentence));
        }
        match self.credentials.form(request.method(), target) {
            None => Ok(()),
            Some(form) => {
                form.judge(target, request.headers(), request.body())?;
                lock(&self.uses).take(form)
            }
        }
    }

    /// Performs one guest request. The answer's body is decoded and masked; its headers are what a guest may see.
    ///
    /// # Errors
    /// See [`EgressError`]: denied, or no usable answer.
    pub async fn exchange(&self, target: &Target, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let result = self.taped(target, request).await;
        if let Err(EgressError::Denied(denial)) = &result {
            self.counters.deny(denial);
        }
        result
    }

    async fn taped(&self, target: &Target, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let mut trail = Trail::default();
        match &self.tape {
            Tape::Off => self.paced(target, request, &mut trail).await,
            Tape::Record(recording) => {
                let asked = taped::asked(&request, &self.masker());
                let mut result = self.paced(target, request, &mut trail).await;
                if let Ok(answer) = &mut result {
                    taped::forget_date(answer);
                }
                taped::record(recording, asked, trail, &result, &self.masker())?;
                result
            }
            Tape::Replay(player) => {
                // Judged as ever; pace, retries and network are the recorded run's.
                self.headers(target, &request)?;
                taped::replay(player, &taped::asked(&request, &self.masker()), &self.counters)
            }
        }
    }

    async fn paced(
        &self,
        target: &Target,
        request: Request<Bytes>,
        trail: &mut Trail,
    ) -> Result<Response<Bytes>, EgressError> {
        let headers = self.headers(target, &request)?;
        // The vendor asked everybody to wait: the guest is told so at once, and its task is queued for that time.
        let bucket = self.bucket(&target.origin);
        let closed = bucket.closed_for(Instant::now());
        if closed > CLOSED {
            return Ok(slow_down(closed));
        }
        // Pace and one-time codes are the host's own doing, so the exchange's deadline begins after them.
        self.pause(bucket.take(Instant::now())).await;
        let filled = self.fill(target, &request).await?;
        // Pinned where it is made: it is large, and moving it would copy all of it for each request.
        let tries = std::pin::pin!(self.tries(target, &request, &bucket, headers, &filled, trail));
        match tokio::time::timeout(self.caps.deadline, tries).await {
            Ok(result) => result,
            Err(_) => Err(EgressError::Deadline {
                host_port: target.origin.host_port(),
                seconds: self.caps.deadline.as_secs(),
            }),
        }
    }

    async fn fill(&self, target: &Target, request: &Request<Bytes>) -> Result<Filled, EgressError> {
        let Some(form) = self.credentials.form(request.method(), target) else {
            return Ok(Filled { body: request.body().clone(), codes: Codes::new() });
        };
        let waiting = |wait: Duration| {
            tracing::info!("waiting {} s for the next one-time code", wait.as_secs() + 1);
            self.counters.waited(wait);
        };
        let codes = steps::codes(self.steps.as_ref(), &self.credentials, form, waiting).await?;
        let body = self.credentials.body(form, request.body(), &codes);
        Ok(Filled { body: Bytes::from_owner(body), codes })
    }

    async fn tries(
        &self,
        target: &Target,
        request: &Request<Bytes>,
        bucket: &Bucket,
        mut headers: http::HeaderMap,
        filled: &Filled,
        trail: &mut Trail,
    ) -> Result<Response<Bytes>, EgressError> {
        let ends = Instant::now() + self.caps.deadline;
        let mut waited = Duration::ZERO;
        let mut tried = 0;
        loop {
            tried += 1;
            trail.sent = true;
            self.counters.requests.fetch_add(1, Relaxed);
            // Only exchanges in progress hold a place: a waiting one would starve the others.
            let (result, elapsed) = match (self.gate.acquire().await, self.host_gate.acquire().await) {
                (Ok(_own), Ok(_of_all)) => {
                    let begun = Instant::now();
                    let sent = std::mem::take(&mut headers);
                    let result = self.once(target, request, sent, filled).await;
                    (result, begun.elapsed())
                }
                _ => return Err(broken(target, "the run is over")),
            };
            self.counters.vendor_us.fetch_add(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), Relaxed);
            let (hiccup, status) = match &result {
                Ok(answer) => (retry::hiccup(answer.status(), answer.headers(), now()), answer.status().as_u16()),
                Err(EgressError::Refused { .. }) => (Some(Hiccup::Refused), 0),
                Err(EgressError::Broken { .. } | EgressError::Connect { .. } | EgressError::Http2 { .. }) => {
                    (Some(Hiccup::Broken), 0)
                }
                Err(_) => (None, 0),
            };
            // Written from the request as the guest made it, and without its query.
            tracing::debug!(
                method = %request.method(), origin = %target.origin, path = %crate::text::neutral(&target.path),
                status, ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), tried, "exchange"
            );
            let wait = hiccup.and_then(|h| retry::wait(h, request.method(), tried, waited, jitter()));
            // A wait that the exchange's own time does not hold is the guest's to know: its task is queued.
            let fits = |wait: &Duration| {
                let now = Instant::now();
                bucket.closed_for(now) <= CLOSED && now + *wait < ends
            };
            let Some(wait) = wait.filter(fits) else { return result };
            self.counters.retries.fetch_add(1, Relaxed);
            trail.repeated(status);
            waited += wait;
            self.pause(wait.max(bucket.take(Instant::now()))).await;
            headers = self.headers(target, request)?;
        }
    }

    fn headers(&self, target: &Target, request: &Request<Bytes>) -> Result<http::HeaderMap, EgressError> {
        headers::outgoing(request.headers(), &target.origin, &self.credentials).map_err(EgressError::Denied)
    }

    async fn pause(&self, wait: Duration) {
        if !wait.is_zero() {
            let _pause = self.counters.pause(wait);
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(
        &self,
        target: &Target,
        request: &Request<Bytes>,
        mut headers: http::HeaderMap,
        filled: &Filled,
    ) -> Result<Response<Bytes>, EgressError> {
        self.credentials.attach(&target.origin, &mut headers);
        if let Some(field) = self.jar.as_ref().and_then(|jar| lock(jar).field(&target.origin, &target.path, now())) {
            headers.insert(http::header::COOKIE, field);
        }
        // Made after the cookie was taken: what is sent is what is masked.
        let codes = &filled.codes;
        let masker = if codes.is_empty() { self.masker() } else { self.masker().with(codes.values()) };
        let mut sent = Request::new(Full::new(filled.body.clone()));
        *sent.method_mut() = request.method().clone();
        *sent.uri_mut() = self.uri(target, request.uri())?;
        *sent.headers_mut() = headers;
        let answer = self.client.request(sent).await.map_err(|e| client_error(target, e))?;
        let (parts, body) = answer.into_parts();
        let masker = self.keep_cookies(target, &parts.headers, &masker);
        let flow = Settled(parts.extensions.get::<Arc<Flow>>().cloned().unwrap_or_default());
        let clean = answer::read(target, &parts.headers, body, &self.caps, &masker, &flow.0, &self.held).await?;
        self.counters.received.fetch_add(u64::try_from(clean.length).unwrap_or(u64::MAX), Relaxed);
        let (mut headers, masked) = headers::incoming(&parts.headers, &masker, &self.names);
        if let Some(wish) = retry::retry_after(&parts.headers, now()) {
            // A date as seconds: the guest need not know dates, nor what the time is.
            headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from(wish.as_secs()));
        }
        self.counters.masked.fetch_add(clean.masked + masked, Relaxed);
        let length = http::HeaderValue::from(clean.bytes.len());
        let mut seen = Response::new(clean.bytes);
        *seen.status_mut() = parts.status;
        *seen.headers_mut() = headers;
        // The length of what the guest gets, not of what the vendor sent: it reads without guessing.
        seen.headers_mut().insert(http::header::CONTENT_LENGTH, length);
        Ok(seen)
    }

    /// What was judged, with the parameters that a credential owns.
    fn uri(&self, target: &Target, guest: &http::Uri) -> Result<http::Uri, EgressError> {
        // Nothing to add, and the guest spelled it as it was read.
        let authority = guest.authority().map_or("", http::uri::Authority::as_str);
        let origin = &target.origin;
        let same = match authority.strip_prefix(origin.host.as_str()) {
            Some("") => origin.port == if origin.https { 443 } else { 80 },
            Some(rest) => rest.strip_prefix(':').and_then(|p| p.parse().ok()) == Some(origin.port),
            None => false,
        };
        if same && !self.credentials.has_query(origin) {
            return Ok(guest.clone());
        }
        let query = self.credentials.query(target);
        let mark = if query.is_some() { "?" } else { "" };
        let query = query.as_deref().map_or("", String::as_str);
        let uri = zeroize::Zeroizing::new(format!("{}{}{mark}{query}", target.origin, target.path));
        uri.parse().map_err(|_| {
            EgressError::Denied(Denial::firm("url", "an URL the connector asked for cannot be sent".to_owned()))
        })
    }

    /// Puts the answer's cookies into the jar; the answer is what has to be masked from now on.
    fn keep_cookies(&self, target: &Target, headers: &http::HeaderMap, masker: &Masker) -> Masker {
        let Some(jar) = &self.jar else { return masker.clone() };
        let mut jar = lock(jar);
        if !jar.take(&target.origin, &target.path, headers, now()) {
            return masker.clone();
        }
        // From the secrets on, so that sessions that are over are forgotten.
        *self.masker.write().unwrap_or_else(PoisonError::into_inner) = self.secrets.with(jar.sessions());
        masker.with(jar.sessions())
    }
}

/// The body to send, with the secrets of a form filled in, and the one-time codes that are in it.
struct Filled {
    body: Bytes,
    codes: Codes,
}

/// The connection of an exchange, which ends with this.
struct Settled(Arc<Flow>);

impl Drop for Settled {
    fn drop(&mut self) {
        self.0.settle();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a guest is told while the origin's bucket is closed: what the vendor would say.
fn slow_down(wait: Duration) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    let seconds = http::HeaderValue::from(wait.as_secs().saturating_add(1));
    answer.headers_mut().insert(http::header::RETRY_AFTER, seconds);
    answer
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
        if let Some(e) = inner.downcast_ref::<h2::Error>() {
            return super::error::http2(host_port, e);
        }
        match inner.downcast_ref::<hyper::Error>() {
            Some(e) if e.is_parse_too_large() => return EgressError::HeadersTooLarge { host_port },
            Some(e) if e.is_parse() => return EgressError::Garbled { host_port, why: chain(e) },
            _ => {}
        }
        cause = inner.source();
    }
    broken(target, &chain(&error))
}

fn copy(error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), error.to_string())
}

fn broken(target: &Target, why: &str) -> EgressError {
    super::error::broken(target.origin.host_port(), why.to_owned())
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// 0.0..1.0, for spreading retries; not for secrets.
fn jitter() -> f64 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    f64::from(nanos % 1000) / 1000.0
}
