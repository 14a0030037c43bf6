//! Logging in with a form, one-time codes and cookies: the guest holds none of it.

use super::scene::{Builder, LOOPBACK, Scene, Server, answer, caps, label, ok};
use crate::egress::caps::Caps;
use crate::egress::error::EgressError;
use crate::egress::steps::Steps;
use crate::egress::totp;
use crate::manifest::{Credential, Manifest, sample};
use crate::settings::Secret;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const PASSWORD: &str = "correct horse&battery";
/// A tenth of a second before a step ends.
const BEGIN: Duration = Duration::from_millis(1_799_999_999_900 / 30_000 * 30_000 + 29_900);

/// Keeps steps in memory; its clock began at [`BEGIN`].
struct Memory {
    begun: Instant,
    last: Mutex<HashMap<String, u64>>,
}

impl Steps for Memory {
    fn claim(&self, setting: String, step: u64) -> BoxFuture<'static, Result<bool, String>> {
        let mut last = self.last.lock().unwrap();
        let taken = last.get(&setting).is_none_or(|last| *last < step);
        if taken {
            last.insert(setting, step);
        }
        Box::pin(async move { Ok(taken) })
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + BEGIN + self.begun.elapsed()
    }
}

fn manifest() -> Manifest {
    let mut manifest = sample();
    let parameters = [("path", "/login"), ("field:user[password]", "{token}"), ("field:code", "{totp:seed}")];
    manifest.credentials = vec![Credential {
        id: "login".into(),
        origin: "{base-url}".into(),
        scheme: "form".into(),
        parameters: parameters.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
    }];
    manifest.keeps_cookies = true;
    manifest
}

fn scene(server: &Server) -> Scene {
    let steps = Memory { begun: Instant::now(), last: Mutex::default() };
    let caps = Caps { response_body: 10_000, ..caps() };
    let answers = [LOOPBACK; 12];
    let mut builder =
        Builder { manifest: manifest(), steps: Arc::new(steps), caps, ..Builder::new("http", server, &answers) };
    builder.settings.secrets.insert("token".into(), Secret::new(PASSWORD.into()));
    builder.settings.secrets.insert("seed".into(), Secret::new(SEED.into()));
    builder.opened().build()
}

async fn login(scene: &Scene, body: &str) -> Result<Response<Bytes>, EgressError> {
    let kind = "application/x-www-form-urlencoded";
    scene.request(Request::builder().method(Method::POST).header("content-type", kind), "/login", body).await
}

fn code(steps_later: u64) -> String {
    totp::code(b"12345678901234567890", totp::step(BEGIN.as_secs()) + steps_later).expose().to_owned()
}

#[tokio::test]
async fn the_password_and_the_code_are_filled_in_and_masked_in_the_answer() {
    let echo = format!("{PASSWORD} correct+horse%26battery {}", code(0));
    let server = Server::with(vec![ok(&echo)]).await;
    let scene = scene(&server);
    let seen = login(&scene, "user[email]=a%40b&user[password]=mine&code=000000").await.unwrap();
    assert_eq!(seen.body(), "*** *** ***");
    let sent = &server.seen()[0];
    let body = sent.split("\r\n\r\n").nth(1).unwrap();
    let expected = format!("user%5Bemail%5D=a%40b&user%5Bpassword%5D=correct+horse%26battery&code={}", code(0));
    assert_eq!(body, expected);
    assert!(sent.contains(&format!("content-length: {}\r\n", expected.len())), "{sent}");
}

#[tokio::test]
async fn a_code_is_never_sent_twice_the_host_waits_for_the_next() {
    let server = Server::with(vec![ok("no"), ok("yes")]).await;
    let scene = scene(&server);
    login(&scene, "").await.unwrap();
    login(&scene, "").await.unwrap();
    let seen = server.seen();
    assert!(seen[0].ends_with(&format!("code={}", code(0))), "{seen:?}");
    assert!(seen[1].ends_with(&format!("code={}", code(1))), "{seen:?}");
    assert!(scene.egress.counters().waited_us.load(Relaxed) > 0);
}

#[tokio::test]
async fn a_form_is_posted_three_times_a_check_and_no_more() {
    let mut manifest = manifest();
    manifest.credentials[0].parameters.pop();
    let server = Server::with(vec![ok(""), ok(""), ok(""), ok("")]).await;
    let mut builder = Builder { manifest, ..Builder::new("http", &server, &[LOOPBACK; 4]) };
    builder.settings.secrets.insert("token".into(), Secret::new(PASSWORD.into()));
    let scene = builder.opened().build();
    for _ in 0..3 {
        login(&scene, "").await.unwrap();
    }
    assert_eq!(label(login(&scene, "").await), "form-uses");
    scene.egress.begin_check();
    login(&scene, "").await.unwrap();
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn what_is_no_form_gets_no_password() {
    let server = Server::with(vec![]).await;
    let scene = scene(&server);
    let json = Request::builder().method(Method::POST).header("content-type", "application/json");
    assert_eq!(label(scene.request(json, "/login", "{}").await), "form");
    let form = || Request::builder().method(Method::POST).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(label(scene.request(form(), "/login?user[password]=x", "").await), "form");
    assert_eq!(label(scene.request(form(), "/login", &"a".repeat(65 * 1024)).await), "form");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_post_that_asks_to_be_read_as_another_method_is_denied() {
    let server = Server::with(vec![]).await;
    let scene = scene(&server);
    assert_eq!(label(login(&scene, "_method=delete").await), "method-override");
    let post = Request::builder().method(Method::POST).header("content-type", "application/json");
    assert_eq!(label(scene.request(post, "/login?_method=DELETE", "{}").await), "method-override");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn without_a_place_to_keep_the_step_no_code_is_sent() {
    let server = Server::with(vec![]).await;
    let mut builder = Builder { manifest: manifest(), ..Builder::new("http", &server, &[]) };
    builder.settings.secrets.insert("seed".into(), Secret::new(SEED.into()));
    let error = login(&builder.opened().build(), "").await.unwrap_err();
    assert!(matches!(error, EgressError::Step { .. }), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_session_is_kept_by_the_host_and_seen_by_nobody_else() {
    const SESSION: &str = "0123456789abcdef0123";
    let set = format!("set-cookie: sid={SESSION}; HttpOnly; Path=/\r\nset-cookie: lang=en; Path=/\r\n");
    let server =
        Server::with(vec![answer("302 Found", &set, b""), ok(&format!("your session is {SESSION}, in en"))]).await;
    let scene = scene(&server);
    let seen = login(&scene, "").await.unwrap();
    assert!(seen.headers().get("set-cookie").is_none());
    let seen = scene.get().await.unwrap();
    assert!(server.seen()[1].contains(&format!("cookie: sid={SESSION}; lang=en\r\n")), "{:?}", server.seen());
    assert_eq!(seen.body(), "your session is ***, in en");
    let own = Request::builder().header("cookie", "sid=mine");
    assert_eq!(label(scene.request(own, "/files/a", "").await), "header");
}

#[tokio::test]
async fn without_a_jar_no_cookie_is_kept() {
    let server = Server::with(vec![answer("200 OK", "set-cookie: sid=1\r\n", b""), ok("")]).await;
    let scene = Scene::new(&server, true, &[LOOPBACK, LOOPBACK], caps());
    assert!(scene.get().await.unwrap().headers().get("set-cookie").is_none());
    scene.get().await.unwrap();
    assert!(!server.seen()[1].contains("cookie:"));
}
