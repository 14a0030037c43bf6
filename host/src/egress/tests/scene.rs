//! A way out to a server of canned answers on loopback, through an injected resolver.

use crate::egress::caps::Caps;
use crate::egress::credentials::Credentials;
use crate::egress::dial::Resolver;
use crate::egress::error::EgressError;
use crate::egress::exchange::{Egress, Plan};
use crate::egress::policy::{Network, Phase, Policy};
use crate::egress::steps::{NoSteps, Steps};
use crate::manifest::{Manifest, sample};
use crate::settings::{Secret, Settings, Value};
use crate::tape::Tape;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub(super) const TOKEN: &str = "s3cret-t0ken";

/// Gives one list of addresses after the other, and counts how often it was asked.
pub(super) struct Names(pub(super) Mutex<(VecDeque<Vec<&'static str>>, usize)>);

impl Resolver for Names {
    fn resolve(&self, _host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        let ips = state.0.pop_front().unwrap_or_default();
        Box::pin(async move { Ok(ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect()) })
    }
}

/// A server that gives one canned answer after the other, each on a connection of its own, and keeps what it was
/// sent. An empty answer closes the connection.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn with(answers: Vec<Vec<u8>>) -> Server {
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
                let text = String::from_utf8(request.clone()).unwrap();
                let length = text.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let head = request.windows(4).position(|w| w == b"\r\n\r\n").map_or(request.len(), |at| at + 4);
                while request.len() < head + length.unwrap_or(0) {
                    let mut chunk = [0; 4096];
                    let n = stream.read(&mut chunk).await.unwrap();
                    request.extend_from_slice(&chunk[..n]);
                }
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                let _ = stream.write_all(&answer).await;
            }
            std::future::pending::<()>().await;
        });
        Server { port, seen }
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(super) fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "", body.as_bytes())
}

pub(super) struct Scene {
    pub(super) egress: Egress,
    pub(super) names: Arc<Names>,
    pub(super) base: String,
}

/// What a scene is made from.
pub(super) struct Builder {
    pub(super) manifest: Manifest,
    pub(super) settings: Settings,
    pub(super) network: Network,
    pub(super) steps: Arc<dyn Steps>,
    pub(super) caps: Caps,
    pub(super) host_gate: Arc<Semaphore>,
    pub(super) names: Arc<Names>,
    pub(super) base: String,
}

impl Builder {
    pub(super) fn new(scheme: &str, server: &Server, answers: &[&[&'static str]]) -> Builder {
        let base = format!("{scheme}://vendor.test:{}", server.port);
        let value = |text: &str| Value { text: text.to_owned(), written: true };
        let mut settings = Settings::default();
        settings.values.insert("base-url".into(), value(&base));
        settings.values.insert("account".into(), value("7"));
        settings.values.insert("folder".into(), value("a"));
        settings.secrets.insert("token".into(), Secret::new(TOKEN.into()));
        Builder {
            manifest: sample(),
            settings,
            network: Network::default(),
            steps: Arc::new(NoSteps),
            caps: caps(),
            host_gate: Arc::new(Semaphore::new(16)),
            names: Arc::new(Names(Mutex::new((answers.iter().map(|a| a.to_vec()).collect(), 0)))),
            base,
        }
    }

    /// The server's port is opened on purpose.
    pub(super) fn opened(mut self) -> Builder {
        self.network.allow_private.insert(self.base.split_once("://").unwrap().1.to_owned());
        self
    }

    pub(super) fn build(self) -> Scene {
        let resolver: Arc<dyn Resolver> = Arc::clone(&self.names) as _;
        let egress = Egress::new(Plan {
            policy: Policy::new(&self.manifest, &self.settings, &self.network).unwrap(),
            credentials: Credentials::new(&self.manifest, &self.settings).unwrap(),
            secrets: self.settings.secrets.values().cloned().collect(),
            keeps_cookies: self.manifest.keeps_cookies,
            resolver,
            steps: self.steps,
            authorities: Vec::new(),
            pace: None,
            caps: self.caps,
            host_gate: self.host_gate,
            tape: Tape::Off,
        });
        Scene { egress, names: self.names, base: self.base }
    }
}

impl Scene {
    pub(super) fn new(server: &Server, opened: bool, answers: &[&[&'static str]], caps: Caps) -> Scene {
        let builder = Builder { caps, ..Builder::new("http", server, answers) };
        if opened { builder.opened().build() } else { builder.build() }
    }

    pub(super) async fn send(&self, method: Method, path: &str) -> Result<Response<Bytes>, EgressError> {
        self.request(Request::builder().method(method), path, "").await
    }

    pub(super) async fn request(
        &self,
        request: http::request::Builder,
        path: &str,
        body: &str,
    ) -> Result<Response<Bytes>, EgressError> {
        let uri = format!("{}{path}", self.base);
        let request = request.uri(uri).body(Bytes::from(body.to_owned())).unwrap();
        let target = self.egress.judge(Phase::Sync, &request)?;
        self.egress.exchange(&target, request).await
    }

    pub(super) async fn get(&self) -> Result<Response<Bytes>, EgressError> {
        self.send(Method::GET, "/files/a").await
    }
}

pub(super) fn caps() -> Caps {
    Caps {
        deadline: Duration::from_secs(10),
        at_once: 4,
        request_body: 1000,
        response_head: 65_536,
        response_fields: 64,
        response_body: 1000,
        held: 1_000_000,
    }
}

pub(super) const LOOPBACK: &[&str] = &["127.0.0.1"];

pub(super) fn label(result: Result<Response<Bytes>, EgressError>) -> &'static str {
    match result {
        Err(EgressError::Denied(denial)) => denial.label,
        other => panic!("not denied: {other:?}"),
    }
}
