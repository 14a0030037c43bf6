//! The order of an exchange, seen from outside.

use super::scene::{Builder, LOOPBACK, Scene, Server, TOKEN, answer, caps, label, ok};
use crate::egress::caps::Caps;
use crate::egress::error::EgressError;
use http::Method;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

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

/// A zstd frame of one block that is as it stands, and one that says: this byte, so many times.
fn zstd(text: &[u8], byte: u8, times: u32) -> Vec<u8> {
    let raw = u32::try_from(text.len()).unwrap() << 3;
    let run = times << 3 | 1 << 1 | 1;
    let magic = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x40];
    [&magic[..], &raw.to_le_bytes()[..3], text, &run.to_le_bytes()[..3], &[byte]].concat()
}

#[tokio::test]
async fn an_echo_inside_zstd_is_masked_too_and_a_bomb_of_it_is_refused() {
    let zstd = |times| answer("200 OK", "content-encoding: zstd\r\n", &zstd(TOKEN.as_bytes(), b'x', times));
    let server = Server::with(vec![zstd(3), zstd(100_000)]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK, LOOPBACK], caps());
    assert_eq!(scene.get().await.unwrap().body(), "***xxx");
    assert!(server.seen()[0].contains("accept-encoding: gzip, zstd"));
    assert_eq!(scene.egress.counters().masked.load(Relaxed), 1);
    let error = scene.get().await.unwrap_err();
    assert!(matches!(error, EgressError::TooLarge { limit: 1000, .. }), "{error:?}");
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
    let scene = Scene::new(&server, false, &[&["1.1.1.1", "127.0.0.1"]], caps());
    // Plain http is refused before the name is even resolved; over https the address decides.
    assert_eq!(label(scene.get().await), "plain-http");
    assert_eq!(scene.names.0.lock().unwrap().1, 0);
    let scene = Builder::new("https", &server, &[&["1.1.1.1", "127.0.0.1"]]).build();
    assert_eq!(label(scene.get().await), "private-address");
    assert!(server.seen().is_empty());
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
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
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
    assert_eq!(scene.egress.counters().denials(), [("method", 1), ("route", 1), ("url", 1)].into());
    assert_eq!(scene.names.0.lock().unwrap().1, 0, "nothing was resolved");
}

#[tokio::test]
async fn while_the_vendor_wants_everybody_to_wait_the_guest_is_told_so_at_once() {
    let server = Server::with(vec![ok("never")]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK], caps());
    let origin = crate::egress::target::Origin::parse(&scene.base).unwrap();
    scene.egress.close(&origin, std::time::Instant::now() + Duration::from_secs(600));
    let seen = scene.get().await.unwrap();
    assert_eq!(seen.status(), 429);
    let seconds: u64 = seen.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((590..=601).contains(&seconds), "{seconds}");
    assert!(server.seen().is_empty(), "the vendor was not asked");
}

#[tokio::test]
async fn runs_share_the_places_of_the_host() {
    let server = Server::with(vec![ok("one"), ok("other")]).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(1));
    let scene = || {
        let builder = Builder::new("http", &server, &[LOOPBACK]).opened();
        Builder {
            host_gate: Arc::clone(&gate),
            caps: Caps { deadline: Duration::from_millis(200), ..caps() },
            ..builder
        }
        .build()
    };
    let taken = gate.acquire().await.unwrap();
    let error = scene().get().await.unwrap_err();
    assert!(matches!(error, EgressError::Deadline { .. }), "{error:?}");
    assert!(server.seen().is_empty(), "nobody was called while another run held the place");
    drop(taken);
    assert_eq!(scene().get().await.unwrap().body(), "one");
}
