//! The server base: protocols, counts, and every fault as a client sees it.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::certificate::Tls;
use crate::fault::{Fault, FaultKind};
use crate::raw::{Raw, send};
use crate::server::{Answer, FakeServer, Options};

const BODY: &str = r#"{"hello":"world","list":[1,2,3,4,5,6,7,8,9,10]}"#;

fn server(options: Options) -> FakeServer {
    FakeServer::start(options, |request| match request.header("secret_name") {
        None => Answer::json(401, "{}"),
        Some(_) => Answer::json(200, BODY),
    })
    .unwrap()
}

fn get(server: &FakeServer, target: &str) -> Raw {
    send(server.address(), "GET", target, &[("secret_name", "x")], "")
}

fn with(fault: &str) -> (Raw, Duration) {
    let server = server(Options::default());
    let injected = server.inject(format!("GET /a {fault} x1").parse().unwrap());
    let began = Instant::now();
    let raw = get(&server, "/a");
    let took = began.elapsed();
    injected.assert_fired(1);
    // The next request is answered as ever.
    let next = get(&server, "/a");
    assert_eq!((next.status, next.text()), (200, BODY), "after {fault}");
    injected.assert_fired(1);
    (raw, took)
}

#[test]
fn counts_and_records() {
    let server = server(Options { keep: 2, ..Options::default() });
    for target in ["/a?x=1", "/b", "/a"] {
        assert_eq!(get(&server, target).status, 200);
    }
    let stats = server.stats();
    assert_eq!((stats.requests, stats.connections, stats.at_once), (3, 3, 1));
    assert_eq!(stats.body_bytes, 3 * BODY.len() as u64);
    assert!(stats.busy <= stats.span && stats.busy > Duration::ZERO);
    assert_eq!((server.count("/a"), server.count("/b"), server.count("/c")), (2, 1, 0));
    let kept = server.requests();
    assert_eq!(kept.len(), 2);
    assert_eq!((kept[0].target().as_str(), kept[0].connection), ("/a?x=1", 1));
    assert_eq!(kept[0].header("secret_name"), Some("x"));
    server.reset_stats();
    assert_eq!((server.stats().requests, server.stats().connections), (0, 3));
}

#[test]
fn statuses() {
    let (raw, _) = with("429");
    assert_eq!((raw.status, raw.text(), raw.header("content-type")), (429, "Retry later\n", Some("text/plain")));
    assert_eq!(raw.header("retry-after"), None);
    let (raw, _) = with("503 retry-after=2");
    assert_eq!((raw.status, raw.header("retry-after")), (503, Some("2")));
    let (raw, _) = with("500");
    assert!(raw.text().contains("Internal Server Error"));
    let (raw, _) = with("redirect=https://elsewhere.test/");
    assert_eq!((raw.status, raw.header("location")), (302, Some("https://elsewhere.test/")));
}

#[test]
fn bad_bodies() {
    let (raw, _) = with("html");
    assert_eq!(raw.status, 200);
    assert!(raw.text().starts_with("<!DOCTYPE html>"));
    let (raw, _) = with("type=text/csv");
    assert_eq!((raw.text(), raw.header("content-type")), (BODY, Some("text/csv")));
    let (raw, _) = with("cut");
    assert_eq!(raw.text(), &BODY[..BODY.len() / 2]);
    assert_eq!(raw.header("content-length"), Some((BODY.len() / 2).to_string().as_str()));
    let (raw, _) = with("short");
    assert_eq!(raw.text(), BODY);
    assert_eq!(raw.header("content-length"), Some((BODY.len() + 100).to_string().as_str()));
    assert!(raw.end.is_ok());
    let (raw, _) = with("gzip");
    assert_eq!(raw.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(raw.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, BODY);
}

#[test]
fn bad_connections() {
    let (raw, _) = with("reset");
    assert_eq!((raw.status, raw.end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
    let (raw, _) = with("reset-body");
    assert_eq!((raw.status, raw.text()), (200, &BODY[..BODY.len() / 2]));
    assert_eq!(raw.end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let (raw, _) = with("hang");
    assert_eq!((raw.status, raw.body.len()), (0, 0));
    assert!(matches!(raw.end.unwrap_err().kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
}

#[test]
fn slowness() {
    let (raw, took) = with("delay=120");
    assert_eq!(raw.text(), BODY);
    assert!(took >= Duration::from_millis(120));
    let (raw, took) = with("drip=10/20");
    assert_eq!(raw.text(), BODY);
    // No pause counts behind the last piece: the length is reached.
    let pauses = (BODY.len() as u64).div_ceil(10) - 1;
    assert!(took >= Duration::from_millis(20 * pauses));
    let slow = server(Options { latency: Duration::from_millis(60), ..Options::default() });
    let began = Instant::now();
    assert_eq!(get(&slow, "/a").status, 200);
    assert!(began.elapsed() >= Duration::from_millis(60) && slow.stats().busy >= Duration::from_millis(60));
}

#[test]
fn a_dropped_header_is_recorded_and_not_seen() {
    let (raw, _) = with("drop-header=secret_name");
    assert_eq!(raw.status, 401);
    let server = server(Options::default());
    let delay = server.inject("GET /a delay=1".parse().unwrap());
    let dropped = server.inject(Fault::get("/a", FaultKind::DropHeader("secret_name".to_owned())).times(1));
    let status = server.inject(Fault::get("/a", FaultKind::status(502)).after(1));
    assert_eq!(get(&server, "/a").status, 401);
    assert_eq!(get(&server, "/a").status, 502);
    assert_eq!((delay.fired(), dropped.fired(), status.fired()), (2, 1, 1));
    assert_eq!(server.requests()[0].header("secret_name"), Some("x"));
    server.clear_faults();
    assert_eq!(get(&server, "/a").status, 200);
}

#[test]
fn stops_when_dropped_even_with_a_hanging_request() {
    let server = server(Options::default());
    let address = server.address();
    let hang = server.inject(Fault::get("/a", FaultKind::Hang));
    let client = std::thread::spawn(move || send(address, "GET", "/a", &[], ""));
    while hang.fired() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(client.join().unwrap().status, 0);
    // The port is free again.
    let again = FakeServer::start(Options { port: address.port(), ..Options::default() }, |_| Answer::empty(200));
    assert_eq!(send(again.unwrap().address(), "GET", "/", &[], "").status, 200);
}

#[test]
fn tells_that_a_port_is_taken() {
    let server = server(Options::default());
    let options = Options { port: server.address().port(), ..Options::default() };
    let error = FakeServer::start(options, |_| Answer::empty(200)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

/// One request over TLS, by the protocol that both sides choose.
async fn over_tls(server: &FakeServer, protocols: &[&str]) -> Result<(http::Version, Bytes), String> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    let pem = server.ca_pem().unwrap().as_bytes();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect("127.0.0.1".try_into().unwrap(), socket)
        .await
        .map_err(|error| error.to_string())?;
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let request = http::Request::get(format!("{}/a", server.origin()))
        .header("secret_name", "x")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = if two {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await
    };
    let response = response.map_err(|error| error.to_string())?;
    let version = response.version();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok((version, body.to_bytes()))
}

#[tokio::test]
async fn speaks_tls_and_both_protocols() {
    let server = server(Options { tls: Some(Tls::default()), ..Options::default() });
    assert!(server.origin().starts_with("https://127.0.0.1:"));
    let (version, body) = over_tls(&server, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!((version, body.as_ref()), (http::Version::HTTP_2, BODY.as_bytes()));
    let (version, _) = over_tls(&server, &["http/1.1"]).await.unwrap();
    assert_eq!(version, http::Version::HTTP_11);
    for kind in [FaultKind::Reset, FaultKind::ResetMidBody] {
        let fault = server.inject(Fault::get("/a", kind).times(2));
        assert!(over_tls(&server, &["h2"]).await.is_err());
        assert!(over_tls(&server, &["http/1.1"]).await.is_err());
        fault.assert_fired(2);
    }
}

#[tokio::test]
async fn certificates_that_nobody_should_accept() {
    for tls in [Tls::default().expired(), Tls::default().names(&["elsewhere.test"])] {
        let server = server(Options { tls: Some(tls), ..Options::default() });
        assert!(over_tls(&server, &["h2"]).await.unwrap_err().contains("certificate"));
    }
}
