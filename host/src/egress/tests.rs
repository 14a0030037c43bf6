//! Egress from outside: an injected resolver, a server of canned answers on loopback.

use super::credentials::Credentials;
use super::dial::{Boxed, Resolver};
use super::error::EgressError;
use super::exchange::{Caps, Egress};
use super::mask::Masker;
use super::policy::{Network, Phase, Policy};
use crate::manifest::tests::sample;
use crate::settings::{Secret, Settings, Value};
use bytes::Bytes;
use http::{Method, Request, Response};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TOKEN: &str = "s3cret-t0ken";

/// Gives one list of addresses after the other, and counts how often it was asked.
struct Names(Mutex<(VecDeque<Vec<&'static str>>, usize)>);

impl Resolver for Names {
    fn resolve(&self, _host: String, port: u16) -> Boxed<io::Result<Vec<SocketAddr>>> {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        let ips = state.0.pop_front().unwrap_or_default();
        Box::pin(async move { Ok(ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect()) })
    }
}

/// A server that gives one canned answer after the other, each on a connection of its own, and keeps what it was
/// sent. An empty answer closes the connection.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn with(answers: Vec<Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                    let mut chunk = [0; 4096];
                    let n = stream.read(&mut chunk).await.unwrap();
                    if n == 0 {
                        break;
                    }
                    request.extend_from_slice(&chunk[..n]);
                }
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                let _ = stream.write_all(&answer).await;
            }
            std::future::pending::<()>().await;
        });
        Server { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "", body.as_bytes())
}

struct Scene {
    egress: Egress,
    names: Arc<Names>,
    base: String,
}

impl Scene {
    fn new(server: &Server, opened: bool, answers: &[&[&'static str]], caps: Caps) -> Scene {
        let base = format!("http://vendor.test:{}", server.port);
        let value = |text: &str| Value { text: text.to_owned(), written: true };
        let mut settings = Settings::default();
        settings.values.insert("base-url".into(), value(&base));
        settings.values.insert("account".into(), value("7"));
        settings.values.insert("folder".into(), value("a"));
        settings.secrets.insert("token".into(), Secret::new(TOKEN.into()));
        let mut network = Network::default();
        if opened {
            network.allow_private.insert(format!("vendor.test:{}", server.port));
        }
        let names = Arc::new(Names(Mutex::new((answers.iter().map(|a| a.to_vec()).collect(), 0))));
        let resolver: Arc<dyn Resolver> = Arc::clone(&names) as _;
        let egress = Egress::new(
            Policy::new(&sample(), &settings, &network).unwrap(),
            Credentials::new(&sample(), &settings).unwrap(),
            Masker::new(settings.secrets.values()),
            resolver,
            None,
            caps,
        );
        Scene { egress, names, base }
    }

    async fn send(&self, method: Method, path: &str) -> Result<Response<Bytes>, EgressError> {
        let uri = format!("{}{path}", self.base);
        let request = Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap();
        let target = self.egress.judge(Phase::Read, &request)?;
        self.egress.exchange(&target, request).await
    }

    async fn get(&self) -> Result<Response<Bytes>, EgressError> {
        self.send(Method::GET, "/files/a").await
    }
}

fn caps() -> Caps {
    Caps { deadline: Duration::from_secs(10), at_once: 4, request_body: 1000, response_body: 1000 }
}

const LOOPBACK: &[&str] = &["127.0.0.1"];

fn label(result: Result<Response<Bytes>, EgressError>) -> &'static str {
    match result {
        Err(EgressError::Denied(denial)) => denial.label,
        other => panic!("not denied: {other:?}"),
    }
}

#[tokio::test]
async fn the_credential_is_attached_and_its_echo_is_masked() {
    let echo = format!("{{\"token\":\"{TOKEN}\"}}");
    let server =
        Server::with(vec![answer("200 OK", &format!("x-echo: {TOKEN}\r\nset-cookie: a=b\r\n"), echo.as_bytes())]).await;
    let seen = Scene::new(&server, true, &[LOOPBACK], caps()).get().await.unwrap();
    assert!(server.seen()[0].contains(&format!("x-token: Token {TOKEN}")), "{:?}", server.seen());
    assert_eq!(seen.body(), "{\"token\":\"***\"}");
    assert_eq!(seen.headers()["x-echo"], "***");
    assert!(seen.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn an_echo_inside_gzip_is_masked_too() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(TOKEN.as_bytes()).unwrap();
    let server = Server::with(vec![answer("200 OK", "content-encoding: gzip\r\n", &gzip.finish().unwrap())]).await;
    let seen = Scene::new(&server, true, &[LOOPBACK], caps()).get().await.unwrap();
    assert_eq!(seen.body(), "***");
    assert!(seen.headers().get("content-encoding").is_none(), "the guest gets what is decoded");
}

#[tokio::test]
async fn an_encoding_that_cannot_be_undone_is_refused() {
    let server = Server::with(vec![answer("200 OK", "content-encoding: br\r\n", b"x")]).await;
    let error = Scene::new(&server, true, &[LOOPBACK], caps()).get().await.unwrap_err();
    assert!(matches!(error, EgressError::Encoding { .. }), "{error:?}");
}

#[tokio::test]
async fn a_small_gzip_that_unfolds_to_much_is_refused() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&[b'x'; 100_000]).unwrap();
    let server = Server::with(vec![answer("200 OK", "content-encoding: gzip\r\n", &gzip.finish().unwrap())]).await;
    let error = Scene::new(&server, true, &[LOOPBACK], caps()).get().await.unwrap_err();
    assert!(matches!(error, EgressError::TooLarge { limit: 1000, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    let server = Server::with(vec![ok(&"x".repeat(1001))]).await;
    let error = Scene::new(&server, true, &[LOOPBACK], caps()).get().await.unwrap_err();
    assert!(matches!(error, EgressError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn one_private_address_among_public_ones_refuses_the_name_and_nobody_is_dialed() {
    let server = Server::with(vec![ok("never")]).await;
    let mut scene = Scene::new(&server, false, &[&["1.1.1.1", "127.0.0.1"]], caps());
    // Plain http is refused before the name is even resolved; over https the address decides.
    assert_eq!(label(scene.get().await), "plain-http");
    assert_eq!(scene.names.0.lock().unwrap().1, 0);
    scene = https(&server, &[&["1.1.1.1", "127.0.0.1"]]);
    assert_eq!(label(scene.get().await), "private-address");
    assert!(server.seen().is_empty());
}

fn https(server: &Server, answers: &[&[&'static str]]) -> Scene {
    let mut scene = Scene::new(server, false, answers, caps());
    scene.base = format!("https://vendor.test:{}", server.port);
    let value = |text: &str| Value { text: text.to_owned(), written: true };
    let mut settings = Settings::default();
    settings.values.insert("base-url".into(), value(&scene.base));
    settings.values.insert("account".into(), value("7"));
    settings.values.insert("folder".into(), value("a"));
    let resolver: Arc<dyn Resolver> = Arc::clone(&scene.names) as _;
    let policy = Policy::new(&sample(), &settings, &Network::default()).unwrap();
    scene.egress = Egress::new(policy, Credentials::default(), Masker::default(), resolver, None, caps());
    scene
}

#[tokio::test]
async fn a_name_that_is_bound_anew_to_metadata_is_refused_the_second_time() {
    let server = Server::with(vec![ok("first"), ok("never")]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK, &["169.254.169.254"]], caps());
    assert_eq!(scene.get().await.unwrap().body(), "first");
    assert_eq!(label(scene.get().await), "metadata-address");
    assert_eq!((server.seen().len(), scene.names.0.lock().unwrap().1), (1, 2));
}

#[tokio::test]
async fn a_redirect_is_handed_to_the_guest_and_not_followed() {
    let server =
        Server::with(vec![answer("302 Found", "location: http://169.254.169.254/\r\n", b""), ok("never")]).await;
    let seen = Scene::new(&server, true, &[LOOPBACK, LOOPBACK], caps()).get().await.unwrap();
    assert_eq!(seen.status(), 302);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_hiccup_is_repeated_and_counted() {
    let server = Server::with(vec![answer("503 Busy", "retry-after: 0\r\n", b""), Vec::new(), ok("third")]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK, LOOPBACK, LOOPBACK], caps());
    assert_eq!(scene.get().await.unwrap().body(), "third");
    let counters = scene.egress.counters();
    assert_eq!((counters.requests.load(Relaxed), counters.retries.load(Relaxed)), (3, 2));
}

#[tokio::test]
async fn a_post_is_never_repeated() {
    let server = Server::with(vec![answer("503 Busy", "retry-after: 0\r\n", b""), ok("never")]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK, LOOPBACK], caps());
    assert_eq!(scene.send(Method::POST, "/login").await.unwrap().status(), 503);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_never_finishes_meets_the_deadline() {
    let endless = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nonly this".to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&endless).await.unwrap();
        std::future::pending::<()>().await;
    });
    let server = Server { port, seen: Arc::default() };
    let caps = Caps { deadline: Duration::from_millis(200), ..caps() };
    let error = Scene::new(&server, true, &[LOOPBACK; 5], caps).get().await.unwrap_err();
    assert!(matches!(error, EgressError::Deadline { .. }), "{error:?}");
}

#[tokio::test]
async fn requests_off_the_routes_are_denied_and_counted() {
    let server = Server::with(vec![]).await;
    let scene = Scene::new(&server, true, &[], caps());
    assert_eq!(label(scene.send(Method::GET, "/admin").await), "route");
    assert_eq!(label(scene.send(Method::DELETE, "/files/a").await), "method");
    assert_eq!(label(scene.send(Method::GET, "/files/%2e%2e").await), "url");
    assert_eq!(scene.egress.counters().denied.load(Relaxed), 3);
    assert_eq!(scene.names.0.lock().unwrap().1, 0, "nothing was resolved");
}

#[tokio::test]
async fn while_the_vendor_wants_everybody_to_wait_the_guest_is_told_so_at_once() {
    let server = Server::with(vec![ok("never")]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK], caps());
    let origin = super::target::Origin::parse(&scene.base).unwrap();
    scene.egress.close(&origin, std::time::Instant::now() + Duration::from_secs(600));
    let seen = scene.get().await.unwrap();
    assert_eq!(seen.status(), 429);
    let seconds: u64 = seen.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((590..=601).contains(&seconds), "{seconds}");
    assert!(server.seen().is_empty(), "the vendor was not asked");
}
