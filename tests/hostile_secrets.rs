//! A connector that wants the credential. The vendor repeats it in every way; the guest writes down all it sees in
//! hexadecimal, so that no mask of what leaves the sandbox helps the host. The secret is in none of it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use std::io::{Read, Write};
use support::echo::{Echo, Reply, Seen};
use support::scene::{Run, Scene, each_row, text};

use crate::hostile_guest::{TOKEN, ends, incomplete, scene, scene_with};

fn percent(lower: bool) -> String {
    let byte = |b: u8| match b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
        true => char::from(b).to_string(),
        false if lower => format!("%{b:02x}"),
        false => format!("%{b:02X}"),
    };
    TOKEN.bytes().map(byte).collect()
}

fn html() -> String {
    TOKEN.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn json() -> String {
    serde_json::to_string(TOKEN).unwrap().trim_matches('"').to_owned()
}

fn rails() -> String {
    json().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// The forms in which the secret must not be found anywhere.
fn forms() -> Vec<String> {
    let inside = |skip: usize| {
        let text = STANDARD_NO_PAD.encode([&vec![b'x'; skip], TOKEN.as_bytes()].concat());
        text[4..text.len() - 4].to_owned()
    };
    let mut forms =
        vec![TOKEN.to_owned(), percent(true), percent(false), html(), json(), rails(), inside(0), inside(1), inside(2)];
    forms.extend(["s3cr3t".to_owned(), "T0ken".to_owned()]);
    forms
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    let shown = String::from_utf8_lossy(bytes);
    for form in forms() {
        if let Some(at) = shown.find(&form) {
            let start = shown[..at].char_indices().rev().nth(60).map_or(0, |(index, _)| index);
            panic!("the secret is in {what}: …{}", &shown[start..at + form.len()]);
        }
    }
}

#[track_caller]
fn quiet(run: &Run) {
    clean("stdout", run.stdout.as_bytes());
    clean("stderr", run.stderr.as_bytes());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Every way in which a vendor repeats what it was sent.
fn repeat(seen: &Seen) -> Reply {
    let sent = seen.header("x-token").unwrap_or("nothing");
    let token = sent.strip_prefix("Token ").unwrap_or(sent);
    let (path, _) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    match path {
        "/raw" => Reply::ok(format!("you are {sent}")),
        "/headers" => Reply::ok(format!("{:?}", seen.headers)),
        "/percent" => Reply::ok(format!("a={}&b={}", percent(true), percent(false))),
        "/json" => Reply::ok(format!(
            "{{\"t\":\"{}\",\"u\":\"{}\",\"v\":\"{}\"}}",
            json(),
            rails(),
            json().replace('/', "\\/")
        )),
        "/html" => Reply::ok(format!("<p title=\"{}\">{}</p>", html(), html())),
        "/html-text" => Reply::ok(format!("<p>{}</p>", html().replace("&quot;", "\""))),
        "/html-go" => Reply::ok(format!("<p>{}</p>", html().replace("&quot;", "&#34;").replace('+', "&#43;"))),
        "/base64" => {
            let of = |skip: usize| STANDARD.encode([&vec![b'x'; skip], token.as_bytes(), b"yz"].concat());
            let url = URL_SAFE.encode(format!("user:{token}"));
            Reply::ok(format!("{} {} {} {url} Basic {}", of(0), of(1), of(2), STANDARD.encode(format!("{token}:x"))))
        }
        "/500" | "/401" | "/403" | "/404" | "/422" | "/429" => {
            let status = path[1..].parse().unwrap();
            Reply::new(status, format!("bad token {token}")).header("retry-after", "1000")
        }
        "/redirect" => Reply::new(302, "").header("location", &format!("/raw?token={}", percent(false))),
        "/header" => Reply::ok("")
            .header("x-echo", token)
            .header("www-authenticate", &format!("Token realm=\"{}\"", percent(true))),
        "/cookie" => Reply::ok("").header("set-cookie", &format!("session={token}; Path=/")),
        "/header-name" => Reply::ok("").header("x-s3cr3t-T0ken", "1"),
        "/gzip" => Reply::ok(gzip(format!("zipped {token}").as_bytes())).header("content-encoding", "gzip"),
        "/gzip-twice" => {
            Reply::ok(gzip(&gzip(format!("zipped {token}").as_bytes()))).header("content-encoding", "gzip, gzip")
        }
        "/two-encodings" => Reply::ok(gzip(format!("zipped {token}").as_bytes()))
            .header("content-encoding", "identity")
            .header("content-encoding", "gzip"),
        "/deflate" => Reply::ok(gzip(token.as_bytes())).header("content-encoding", "deflate"),
        // What the host says of an encoding that nobody knows is the vendor's text, too.
        "/named-encoding" => Reply::ok("x").header("content-encoding", token),
        "/range" => match seen.header("range") {
            Some(range) => {
                let from: usize = range.trim_start_matches("bytes=").split('-').next().unwrap().parse().unwrap();
                Reply::new(206, token.as_bytes()[from..from + 4].to_vec())
            }
            None => Reply::ok(format!("whole {token}")),
        },
        _ => Reply::ok(format!("{token} {}", "x".repeat(20_000) + token)),
    }
}

const PATHS: &str = "/raw /headers /percent /json /html /base64 /500 /401 /403 /404 /422 /redirect /header /cookie /gzip \
                     /gzip-twice /deflate /named-encoding /range /long";

/// What the guest wrote down, decoded: path and bytes.
fn written_down(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let bytes =
        |hex: &str| (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let rows = scene.rows("resources");
    let pages = rows.iter().filter(|row| text(row, "type") == "page");
    pages.map(|row| (text(row, "id").to_owned(), bytes(row["profile"]["hex"].as_str().unwrap()))).collect()
}

/// What the guest saw holds no secret: not as it is, not in base64, not packed.
#[track_caller]
fn never_seen(path: &str, bytes: &[u8]) {
    clean(path, bytes);
    let body = bytes.windows(2).position(|two| two == [0x1f, 0x8b]).map(|at| &bytes[at..]);
    if let Some(packed) = body {
        let mut plain = Vec::new();
        let _ = flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut plain);
        clean(&format!("{path}, unpacked"), &plain);
    }
    for word in String::from_utf8_lossy(bytes).split([' ', '\n']) {
        for engine in [&STANDARD, &URL_SAFE] {
            if let Ok(plain) = engine.decode(word) {
                clean(&format!("{path}, decoded"), &plain);
            }
        }
    }
}

#[track_caller]
fn clean_everywhere(scene: &Scene) {
    clean("the store", &scene.store_bytes());
    for words in [
        &["resources"][..],
        &["resources", "--json"],
        &["runs"],
        &["runs", "show", "1"],
        &["runs", "show", "1", "--json"],
    ] {
        quiet(scene.muster(words).exits(0));
    }
}

#[test]
fn a_vendor_that_repeats_the_secret_in_every_form() {
    // Seen red with `Masker::bytes` answering none (mask.rs).
    let server = Echo::answering(repeat);
    let scene = scene_with("echo", &server, |profile| profile.setting("paths", PATHS));
    let run = scene.muster(["sync", "-vvv", "--json"]);
    run.exits(0);
    assert!(server.requests().iter().any(|seen| seen.all("x-token") == [format!("Token {TOKEN}")]), "it was sent");
    let seen = written_down(&scene);
    assert_eq!(seen.len(), PATHS.split_whitespace().count());
    each_row(&seen, |row| row.0.clone(), |(path, bytes)| never_seen(path, bytes));
    let masked = seen.iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains("***")).count();
    assert!(masked >= 14, "only {masked} of {} answers show the mask", seen.len());
    quiet(&run);
    clean_everywhere(&scene);
}

#[test]
fn a_secret_in_the_html_of_another_framework() {
    // Text needs no escaped quotes, and Go writes them as numbers.
    let server = Echo::answering(repeat);
    let scene = scene_with("echo", &server, |profile| profile.setting("paths", "/html-text /html-go"));
    scene.muster(["sync"]).exits(0);
    let seen = written_down(&scene);
    assert_eq!(seen.len(), 2);
    each_row(&seen, |row| row.0.clone(), |(path, bytes)| never_seen(path, bytes));
}

#[test]
fn an_answer_in_two_encodings() {
    let server = Echo::answering(repeat);
    let scene = scene_with("echo", &server, |profile| profile.setting("paths", "/two-encodings"));
    scene.muster(["sync", "--json"]).exits(0);
    let seen = written_down(&scene);
    assert_eq!(seen.len(), 1);
    let shown = String::from_utf8_lossy(&seen[0].1);
    assert!(shown.contains("zipped ***") || !shown.starts_with("200"), "decoded and masked, or refused: {shown:?}");
    for (path, bytes) in seen {
        never_seen(&path, &bytes);
    }
}

#[test]
fn the_secret_in_the_name_of_a_header() {
    let server = Echo::answering(|_| Reply::ok("").header("x-Plain0Secret", "1"));
    let scene = scene_with("echo", &server, |profile| profile.setting("paths", "/x"))
        .env(crate::hostile_guest::VARIABLE, "plain0secret");
    scene.muster(["sync", "--json"]).exits(0);
    for (_, bytes) in written_down(&scene) {
        assert!(!String::from_utf8_lossy(&bytes).contains("plain0secret"), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_secret_asked_for_in_pieces() {
    // Seen red with `REPLACED` not looked at (headers.rs): four bytes of it came, which no mask knows.
    let server = Echo::answering(repeat);
    for range in ["Range: bytes=2-5", "range: bytes=4-7|If-Range: x", "RANGE: bytes=0-3"] {
        let scene = scene_with("echo", &server, |profile| profile.setting("paths", "/range").setting("headers", range));
        scene.muster(["sync"]).exits(0);
        let (_, bytes) = written_down(&scene).remove(0);
        let shown = String::from_utf8_lossy(&bytes);
        assert!(shown.starts_with("200") && shown.contains("whole ***"), "{shown}");
    }
}

#[test]
fn a_secret_in_an_encoding_that_only_the_guest_knows() {
    let server = Echo::answering(repeat);
    let scene = scene_with("echo", &server, |profile| {
        profile.setting("paths", "/raw").setting("headers", "Accept-Encoding: br, zstd, x-mine")
    });
    scene.muster(["sync"]).exits(0);
    assert_eq!(server.requests()[0].all("accept-encoding"), ["gzip, zstd"]);
}

#[test]
fn a_secret_in_the_headers_of_an_answer_without_a_body() {
    // Seen red with `HIDDEN` not looked at (headers.rs).
    let server = Echo::answering(repeat);
    let scene = scene_with("echo", &server, |profile| {
        profile.setting("paths", "/header /cookie /redirect").setting("method", "HEAD")
    });
    let run = scene.muster(["sync", "-vvv"]);
    run.exits(0);
    let seen = written_down(&scene);
    seen.iter().for_each(|(path, bytes)| never_seen(path, bytes));
    let all: Vec<u8> = seen.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains("x-echo: ***") && !all.contains("set-cookie"), "{all}");
    quiet(&run);
}

#[test]
fn a_failure_that_repeats_what_the_vendor_said() {
    // Seen red with `Masker::bytes` answering none (mask.rs).
    let server = Echo::answering(repeat);
    for (mode, reason) in
        [("echo-in-a-failure", "unexpected"), ("echo-in-a-refusal", "unauthorized"), ("echo-in-a-task", "unexpected")]
    {
        for path in ["/401", "/raw", "/json", "/base64", "/header"] {
            let scene = scene_with(mode, &server, |profile| profile.setting("paths", path));
            let run = scene.muster(["sync", "-vvv", "--json"]);
            run.exits(3).complains("***");
            assert_eq!(text(&run.json()["failures"][0], "reason"), reason);
            quiet(&run);
            clean_everywhere(&scene);
        }
    }
}

#[test]
fn asking_for_the_secret() {
    let server = Echo::start();
    let run = ends(
        &scene("ask-for-the-secret", &server),
        incomplete("unexpected", "[None, None, None, None, None, None, Some("),
    );
    quiet(&run);
}

#[test]
fn the_secret_is_in_no_log_of_the_host() {
    let server = Echo::answering(repeat);
    for mode in ["honest", "trap", "environment", "request"] {
        let scene = scene_with(mode, &server, |profile| profile.setting("target", "/raw?token=x"));
        for format in ["text", "json"] {
            quiet(&scene.muster(["sync", "-vvv", "--log-format", format]));
        }
        clean("the store", &scene.store_bytes());
    }
}
