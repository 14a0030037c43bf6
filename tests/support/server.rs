//! The HTTP server under every fake vendor: loopback, HTTP/1.1 and 2, plain or TLS, with faults.
//!
//! It runs on a thread and runtime of its own, so that synchronous tests can use it, and stops when it is dropped.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::body::{ScriptedBody, Step};
use crate::certificate::Tls;
use crate::connection::{Connection, KillSwitch, Stream};
use crate::fault::{Fault, FaultKind, Injected, page};
use crate::journal::{InProgress, Journal};
pub use crate::journal::{Request, Stats};

/// How long requests in progress may go on when the server stops.
const GRACE: Duration = Duration::from_millis(200);
/// Longer request bodies are refused.
const MAX_REQUEST_BODY: usize = 16 << 20;

/// An answer of a fake vendor.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

impl Answer {
    /// An answer of some content type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status, headers, body: body.into() }
    }

    /// An answer in JSON, as Rails labels it.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json; charset=utf-8", body)
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// With one more header, or another value for one that it has.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, HeaderValue::from_str(value).unwrap()));
        self
    }
}

/// How a server runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0: any free port.
    pub port: u16,
    pub tls: Option<Tls>,
    /// A wait before each answer, as a vendor's distance and work cause it.
    pub latency: Duration,
    /// One line on stderr for each request.
    pub log: bool,
    /// How many requests are kept as they arrived.
    pub keep: usize,
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, tls: None, latency: Duration::ZERO, log: false, keep: 10_000, faults: Vec::new() }
    }
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    journal: Arc<Journal>,
    faults: Mutex<Vec<Injected>>,
    latency: Mutex<Duration>,
}

/// A running server.
pub struct FakeServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeServer {
    /// Binds and serves. The handler only computes; latency, faults and counts are the server's.
    pub fn start(options: Options, handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (acceptor, ca_pem) = match options.tls.as_ref().map(Tls::make) {
            Some((config, pem)) => (Some(TlsAcceptor::from(config)), Some(pem)),
            None => (None, None),
        };
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            journal: Journal::new(options.keep, options.log),
            faults: Mutex::new(options.faults.into_iter().map(Injected::new).collect()),
            latency: Mutex::new(options.latency),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("fake-vendor".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || runtime.block_on(accept(listener, acceptor, shared, stopped))
        })?;
        Ok(Self { shared, address, ca_pem, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, address and port, as a base URL has them.
    pub fn origin(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate to trust, where the server speaks TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Puts a fault in place; the first that matches a request wins.
    pub fn inject(&self, fault: Fault) -> Injected {
        let injected = Injected::new(fault);
        self.faults().push(injected.clone());
        injected
    }

    /// The faults in place, those of the options first.
    pub fn injected(&self) -> Vec<Injected> {
        self.faults().clone()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.faults().clear();
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Vec<Injected>> {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another wait before each answer from now on.
    pub fn set_latency(&self, latency: Duration) {
        *self.shared.latency.lock().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    /// Counts and times so far.
    pub fn stats(&self) -> Stats {
        self.shared.journal.stats()
    }

    /// Forgets requests, counts and times.
    pub fn reset_stats(&self) {
        self.shared.journal.reset();
    }

    /// The requests so far, in order of arrival, as many as are kept.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.shared.journal.requests()
    }

    /// How many requests of this path came, whatever their method and query.
    pub fn count(&self, path: &str) -> u64 {
        self.shared.journal.count(path)
    }

    /// How many requests came, by path.
    pub fn counts(&self) -> HashMap<String, u64> {
        self.shared.journal.paths()
    }

    /// Stops and frees the port. Dropping does the same.
    pub fn stop(self) {}
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|&stop| stop) => break,
        };
        let Ok((socket, _)) = socket else {
            // No file descriptor left, most likely.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let _ = socket.set_nodelay(true);
        let number = shared.journal.connected();
        let (shared, acceptor, stopped) = (Arc::clone(&shared), acceptor.clone(), stopped.clone());
        connections.spawn(async move {
            let stream = match acceptor {
                None => Stream::Plain(socket),
                Some(acceptor) => match acceptor.accept(socket).await {
                    Ok(stream) => Stream::Tls(Box::new(stream)),
                    Err(_) => return,
                },
            };
            serve(stream, number, shared, stopped).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE + GRACE / 2, async { while connections.join_next().await.is_some() {} }).await;
}

async fn serve(stream: Stream, number: u64, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let kill = KillSwitch::default();
    let io = TokioIo::new(Connection::new(stream, kill.clone()));
    let service = service_fn(move |request| {
        let (shared, kill) = (Arc::clone(&shared), kill.clone());
        async move { exchange(request, number, &shared, kill).await }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|&stop| stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(GRACE, connection).await;
}

async fn exchange(
    request: hyper::Request<Incoming>,
    connection: u64,
    shared: &Shared,
    kill: KillSwitch,
) -> io::Result<Response<ScriptedBody>> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_REQUEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Err(io::Error::other(error)),
    };
    let request = Arc::new(Request {
        connection,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        version: head.version,
        headers: head.headers,
        body,
    });
    let mut in_progress = shared.journal.begin(&request);
    let latency = *shared.latency.lock().unwrap_or_else(PoisonError::into_inner);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }

    let (passing, ending) = claim(shared, &request);
    let mut request = request;
    for fault in passing {
        match fault {
            FaultKind::Delay(time) => tokio::time::sleep(time).await,
            FaultKind::DropHeader(name) => {
                Arc::make_mut(&mut request).headers.remove(&name);
            }
            _ => {}
        }
    }
    match ending {
        Some(FaultKind::Hang) => {
            in_progress.note(|| "never answered".to_owned());
            drop(in_progress);
            match std::future::pending::<Infallible>().await {}
        }
        Some(FaultKind::Reset) => {
            in_progress.note(|| "reset".to_owned());
            kill.kill();
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Some(FaultKind::Withheld) => {
            drop((shared.handler)(&request));
            in_progress.note(|| "done, and never answered".to_owned());
            drop(in_progress);
            std::future::pending().await
        }
        Some(FaultKind::LostAnswer) => {
            drop((shared.handler)(&request));
            in_progress.note(|| "done, and its answer lost".to_owned());
            kill.kill();
            Err(io::ErrorKind::ConnectionReset.into())
        }
        ending => {
            let began = Instant::now();
            let answer = answer(shared, &request, ending.as_ref());
            shared.journal.handled(began.elapsed(), answer.body.len());
            in_progress.note(|| format!("{} {} B", answer.status, answer.body.len()));
            Ok(response(answer, ending, in_progress, kill))
        }
    }
}

/// The faults of this request: those that let it through, and at most one that decides the answer.
fn claim(shared: &Shared, request: &Request) -> (Vec<FaultKind>, Option<FaultKind>) {
    let faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut passing, mut ending) = (Vec::new(), None);
    for fault in faults.iter() {
        if !fault.fault().kind.lets_through() && ending.is_some() {
            continue;
        }
        match fault.claim(&request.method, &request.path, request.query.as_deref()) {
            Some(kind) if kind.lets_through() => passing.push(kind),
            Some(kind) => ending = Some(kind),
            None => {}
        }
    }
    (passing, ending)
}

/// The answer, except for what only its transmission can do wrong.
fn answer(shared: &Shared, request: &Request, fault: Option<&FaultKind>) -> Answer {
    match fault {
        Some(FaultKind::Status { status, content_type, headers, body }) => {
            let mut answer = Answer::empty(*status).header(CONTENT_TYPE, content_type);
            for (name, value) in headers {
                answer = answer.header(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            }
            answer.body = body.clone();
            answer
        }
        Some(FaultKind::Html) => Answer::new(200, "text/html; charset=utf-8", page("Sign in", "Please sign in")),
        Some(FaultKind::Redirect(location)) => {
            Answer::new(302, "text/html; charset=utf-8", page("Found", "Found")).header(LOCATION, location)
        }
        Some(FaultKind::ContentType(value)) => (shared.handler)(request).header(CONTENT_TYPE, value),
        Some(FaultKind::CutJson) => {
            let mut answer = (shared.handler)(request);
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        Some(FaultKind::Gzip) => {
            let mut answer = (shared.handler)(request).header(CONTENT_ENCODING, "gzip");
            answer.body = gzip(&answer.body);
            answer
        }
        _ => (shared.handler)(request),
    }
}

fn gzip(body: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap().into()
}

fn response(
    answer: Answer,
    fault: Option<FaultKind>,
    in_progress: InProgress,
    kill: KillSwitch,
) -> Response<ScriptedBody> {
    let mut length = answer.body.len();
    let half = answer.body.slice(..length / 2);
    let flushed = Step::Pause(Duration::from_millis(30));
    let body = match fault {
        Some(FaultKind::Drip { chunk, every }) => {
            let mut rest = answer.body;
            let mut steps = Vec::new();
            while !rest.is_empty() {
                steps.push(Step::Data(rest.split_to(chunk.min(rest.len()))));
                steps.push(Step::Pause(every));
            }
            ScriptedBody::script(steps, in_progress)
        }
        Some(FaultKind::ResetMidBody) => {
            ScriptedBody::script(vec![Step::Data(half), flushed, Step::Reset(kill)], in_progress)
        }
        Some(FaultKind::ShortBody) => {
            length += 100;
            ScriptedBody::script(vec![Step::Data(answer.body), flushed], in_progress)
        }
        _ => ScriptedBody::full(answer.body, in_progress),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    if !matches!(answer.status, 204 | 304) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}
