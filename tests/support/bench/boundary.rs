//! What the boundary costs: requests a second through egress, and through the same client without policy, credentials,
//! masking and limits, in turns, against a server in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use muster::egress::caps::Caps;
use muster::egress::credentials::Credentials;
use muster::egress::dial::SystemResolver;
use muster::egress::exchange::{Egress, Plan};
use muster::egress::policy::{Network, Phase, Policy};
use muster::egress::steps::NoSteps;
use muster::manifest::{Credential, Manifest, Route, RouteUse, Setting, SettingKind};
use muster::settings::{Secret, Settings, Value};
use tokio::sync::Semaphore;

use crate::Broken;
use crate::figure::{Report, Unit};

/// The word that starts the role of the server.
pub const ROLE: &str = "--pages";

/// How many requests a second fewer there may be.
const COST: f64 = 0.10;
/// Requests of one round, and how many are in progress at once.
const ROUND: u32 = 6_000;
const AT_ONCE: u32 = 16;
/// Bytes of a page: what a vendor gives for a hundred users.
const PAGE: usize = 22 * 1024;

/// The role: answers every request with the same page, as fast as it can, one thread a connection.
pub fn serve(mut words: impl Iterator<Item = String>) -> Result<(), Broken> {
    let bytes: usize = words.next().ok_or("no size")?.parse()?;
    let row = r#"{"id":12345,"name":"Ada Marlowe","email":"ada.marlowe@lighthouse.test","role":"agent"},"#;
    let page: String = row.chars().cycle().take(bytes).collect();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {bytes}\r\n\r\n");
    let answer: Arc<[u8]> = [head.as_bytes(), page.as_bytes()].concat().into();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || page_after_page(stream, &answer));
        }
    });
    // Ends with its input.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn page_after_page(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        got.extend_from_slice(buffer.get(..count).unwrap_or_default());
        // A GET has no body, and the client waits for each answer.
        if got.ends_with(b"\r\n\r\n") {
            got.clear();
            stream.write_all(answer)?;
        }
    }
}

struct Server(Child, SocketAddr);

impl Server {
    fn start(bytes: usize) -> Result<Server, Broken> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child =
            command.args([ROLE, &bytes.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("a server without output")?).read_line(&mut line)?;
        Ok(Server(child, line.trim().parse()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Measures both, in turns.
pub fn measure(report: &mut Report, runs: u32) -> Result<(), Broken> {
    let title = format!("The boundary: requests a second, pages of {} KiB, {AT_ONCE} at once", PAGE / 1024);
    report.group(&title, runs)?;
    let server = Server::start(PAGE)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let egress = Arc::new(egress(server.1)?);
    let client = bare();
    let uri: http::Uri = format!("http://{}/v1/users?page=1", server.1).parse()?;
    let (mut through, mut around) = (Vec::new(), Vec::new());
    for round in 0..=runs {
        let (uri, egress) = (uri.clone(), Arc::clone(&egress));
        let a = runtime.block_on(timed(move || {
            let (egress, request) = (Arc::clone(&egress), request(&uri, false));
            async move {
                let request = request.map_err(said)?;
                let target = egress.judge(Phase::Sync, &request).map_err(said)?;
                Ok(egress.exchange(&target, request).await.map_err(said)?.into_body().len())
            }
        }))?;
        let (uri, client) = (server.1, client.clone());
        let uri: http::Uri = format!("http://{uri}/v1/users?page=1").parse()?;
        let b = runtime.block_on(timed(move || {
            let (client, request) = (client.clone(), request(&uri, true));
            async move {
                let request = request.map_err(said)?.map(Full::new);
                let body = client.request(request).await.map_err(said)?.into_body();
                Ok(body.collect().await.map_err(said)?.to_bytes().len())
            }
        }))?;
        // The first round opens the connections.
        if round > 0 {
            through.push(a);
            around.push(b);
        }
    }
    let cost: Vec<f64> = through.iter().zip(&around).map(|(through, around)| 1.0 - through / around).collect();
    report.figure("boundary.through", "through egress", Unit::PerSecond, through, None)?;
    report.figure("boundary.around", "the same client, bare", Unit::PerSecond, around, None)?;
    report.figure("boundary.cost", "what the boundary costs", Unit::Share, cost, Some(COST))?;
    Ok(())
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Requests a second of one round.
async fn timed<F, Fut>(send: F) -> Result<f64, Broken>
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<usize, String>> + Send,
{
    let left = Arc::new(AtomicU32::new(ROUND));
    let began = Instant::now();
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (left, send) = (Arc::clone(&left), send.clone());
            tokio::spawn(async move {
                while left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok() {
                    let bytes = send().await?;
                    if bytes != PAGE {
                        return Err(format!("{bytes} bytes instead of {PAGE}"));
                    }
                }
                Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    Ok(f64::from(ROUND) / began.elapsed().as_secs_f64())
}

const TOKEN: &str = "a-token-of-some-length-0123456789";

/// What a guest asks for; bare, with what the host would add.
fn request(uri: &http::Uri, bare: bool) -> http::Result<Request<Bytes>> {
    let mut request = Request::builder().method(Method::GET).uri(uri.clone()).header("accept", "application/json");
    if bare {
        request =
            request.header("user-agent", "bench").header("accept-encoding", "gzip, zstd").header("x-token", TOKEN);
    }
    request.body(Bytes::new())
}

fn bare() -> Client<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(AT_ONCE as usize)
        .retry_canceled_requests(false)
        .http1_max_headers(256)
        .http1_max_buf_size(128 * 1024)
        .build(connector)
}

/// Everything a connection usually has: a route, a token in a header, masking of it.
fn egress(address: SocketAddr) -> Result<Egress, Broken> {
    let setting = |name: &str, kind| Setting {
        name: name.to_owned(),
        label: name.to_owned(),
        help: String::new(),
        kind,
        required: true,
        default: None,
        pattern: None,
    };
    let origin = "{base-url}".to_owned();
    let manifest = Manifest {
        name: "bench".to_owned(),
        version: "1.0.0".to_owned(),
        display_name: "Bench".to_owned(),
        summary: String::new(),
        documentation: None,
        resource_types: Vec::new(),
        settings: vec![setting("base-url", SettingKind::Url), setting("token", SettingKind::Secret)],
        routes: vec![Route {
            origin: origin.clone(),
            methods: vec!["GET".to_owned()],
            path: "/v1/users".to_owned(),
            usage: RouteUse::Read,
        }],
        credentials: vec![Credential {
            id: "token".to_owned(),
            origin,
            scheme: "header".to_owned(),
            parameters: vec![("name".into(), "x-token".into()), ("template".into(), "{token}".into())],
        }],
        keeps_cookies: false,
        rate: None,
    };
    let mut settings = Settings::default();
    settings.values.insert("base-url".to_owned(), Value { text: format!("http://{address}"), written: true });
    settings.secrets.insert("token".to_owned(), Secret::new(TOKEN.to_owned()));
    let network = Network { allow_private: [address.to_string()].into(), ..Network::default() };
    Ok(Egress::new(Plan {
        policy: Policy::new(&manifest, &settings, &network)?,
        credentials: Credentials::new(&manifest, &settings)?,
        secrets: settings.secrets.values().cloned().collect(),
        keeps_cookies: false,
        resolver: Arc::new(SystemResolver),
        steps: Arc::new(NoSteps),
        authorities: Vec::new(),
        pace: None,
        caps: Caps {
            deadline: Duration::from_secs(60),
            at_once: AT_ONCE as usize,
            request_body: 8 << 20,
            response_head: 128 << 10,
            response_fields: 256,
            response_body: 64 << 20,
            held: 256 << 20,
        },
        host_gate: Arc::new(Semaphore::new(256)),
        tape: muster::tape::Tape::Off,
    }))
}
