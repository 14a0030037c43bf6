//! A connector that sets what is not its to set: framing, identity, the credential's own header, line breaks.

use support::echo::Echo;
use support::scene::each_row;

use crate::hostile_guest::{TOKEN, ends, incomplete, publishes, scene_with, to};

const CREDENTIAL: &str = "Token s3cr3t/T0ken+\"quoted\"&<tail>";

#[test]
fn headers_that_belong_to_the_host() {
    // Seen red with an empty `RESERVED` (headers.rs).
    let rows = [
        "Authorization: Bearer x",
        "authorization: x",
        "Cookie: a=b",
        "Proxy-Authorization: x",
        "Proxy-Connection: keep-alive",
        "Proxy-Foo: x",
        "Connection: close",
        "Connection: x-token",
        "Upgrade: h2c",
        "TE: trailers",
        "Trailer: x",
        "Expect: 100-continue",
        "Keep-Alive: 1",
        "Forwarded: for=1.2.3.4",
        "X-Forwarded-For: 127.0.0.1",
        "Via: 1.1 x",
        "HTTP2-Settings: x",
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| (*row).to_owned(),
        |header| {
            let scene = scene_with("request", &server, |profile| to("/x")(profile).setting("headers", header));
            ends(&scene, incomplete("denied", "which belongs to the host"));
            assert_eq!(server.requests().len(), 0);
        },
    );
}

#[test]
fn headers_that_undo_the_policy() {
    // Frameworks take the method or the path from these: a search becomes a deletion, a page becomes another.
    let rows = [
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
        "X-Forwarded-Host: attacker.example.test",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Prefix: /admin",
        "X-Real-IP: 127.0.0.1",
        "X_HTTP_METHOD_OVERRIDE: DELETE",
        "X_Forwarded_For: 127.0.0.1",
        "Content_Length: 3",
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| (*row).to_owned(),
        |header| {
            server.forget();
            let scene = scene_with("request", &server, |profile| {
                to("/search")(profile).setting("method", "POST").setting("body", "q=1").setting("headers", header)
            });
            scene.muster(["sync"]);
            let name = header.split(':').next().unwrap().to_ascii_lowercase();
            let sent: Vec<_> =
                server.requests().iter().flat_map(|seen| seen.headers.clone()).filter(|(n, _)| *n == name).collect();
            assert!(sent.is_empty(), "it was sent: {sent:?}");
        },
    );
}

#[test]
fn headers_that_the_host_replaces() {
    // Seen red with `REPLACED` not looked at, without the host's own Accept-Encoding, and with the credential's header
    // left to the guest (headers.rs).
    let server = Echo::start();
    let rows = [
        ("Host: attacker.example.test", "host"),
        ("Accept-Encoding: br", "accept-encoding"),
        ("User-Agent: curl", "user-agent"),
        ("Range: bytes=0-4", "range"),
        ("If-Range: x", "if-range"),
        ("If-None-Match: x", "if-none-match"),
        ("If-Match: x", "if-match"),
        ("If-Modified-Since: x", "if-modified-since"),
        ("X-Token: guess", "x-token"),
        ("x-token: guess|X-TOKEN: other", "x-token"),
        ("x_token: guess", "x_token"),
        ("Transfer-Encoding: chunked", "transfer-encoding"),
        ("Content-Length: 11", "content-length"),
    ];
    let host = server.host_port();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(headers, name)| {
            server.forget();
            let scene = scene_with("request", &server, |profile| {
                to("/search")(profile)
                    .setting("method", "POST")
                    .setting("body", "q=everybody")
                    .setting("headers", headers)
            });
            publishes(&scene);
            let seen = server.requests().remove(0);
            let expected = match *name {
                "host" => Some(host.as_str()),
                "accept-encoding" => Some("gzip, zstd"),
                "user-agent" => Some(concat!("muster/", env!("CARGO_PKG_VERSION"))),
                "content-length" => Some("11"),
                "x-token" => Some(CREDENTIAL),
                _ => None,
            };
            assert_eq!((seen.header(name), seen.header("x-token")), (expected, Some(CREDENTIAL)), "{seen:?}");
            assert_eq!(seen.body, b"q=everybody");
            assert!(CREDENTIAL.contains(TOKEN));
        },
    );
}

#[test]
fn a_length_that_is_wrong() {
    let server = Echo::start();
    each_row(
        ["Content-Length: 3", "Content-Length: 300", "Content-Length: 3|Content-Length: 11", "Content-Length: -1"],
        |row| (*row).to_owned(),
        |headers| {
            server.forget();
            let scene = scene_with("request", &server, |profile| {
                to("/search")(profile)
                    .setting("method", "POST")
                    .setting("body", "q=everybody")
                    .setting("headers", headers)
            });
            scene.muster(["sync"]).exits(3);
            assert!(server.requests().is_empty(), "{:?}", server.requests());
        },
    );
}

#[test]
fn line_breaks_in_headers() {
    let server = Echo::start();
    let rows = [
        "x-a: b\\r\\nx-smuggled: yes",
        "x-a: b\\nx-smuggled: yes",
        "x-a: b\\rx-smuggled: yes",
        "x-a: b\\0c",
        "x-a\\r\\nx-smuggled: yes",
        "x a: yes",
        "x-smuggled : yes",
        ": yes",
        "\\r\\n\\r\\nGET /smuggled HTTP/1.1: x",
    ];
    each_row(
        rows,
        |row| (*row).to_owned(),
        |headers| {
            server.forget();
            scene_with("request", &server, |profile| to("/x")(profile).setting("headers", headers))
                .muster(["sync"])
                .exits(3);
            assert!(server.requests().is_empty(), "{:?}", server.requests());
        },
    );
}
