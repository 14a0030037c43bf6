//! A connector that sends what it must not: elsewhere, in disguise, or with another's words. What a server saw is the
//! measure: nothing, or what the host made of it.

use std::sync::Arc;
use std::time::Duration;
use support::echo::{Echo, Gate, Reply};
use support::scene::{each_row, text};

use crate::hostile_guest::{ends, hostile, incomplete, publishes, scene_with, to};

#[test]
fn an_unlisted_host() {
    // Two guards refuse these, the routes and the granted origins: with one of them out it is still green. The next
    // link below is what tells them apart.
    let (server, other) = (Echo::start(), Echo::start());
    let rows = [
        other.origin() + "/x",
        format!("{}@{}/x", server.origin(), other.host_port()),
        format!("{}.attacker.example.test/x", server.origin()),
        format!("http://localhost:{}/x", server.port()),
        format!("https://{}/x", server.host_port()),
        "https://asked.example.test/x".to_owned(),
        "https://attacker.example.test/x".to_owned(),
    ];
    each_row(rows, Clone::clone, |target| {
        let run = ends(&scene_with("request", &server, to(target)), incomplete("denied", ""));
        run.complains("denied: ");
        assert_eq!((server.connections(), other.connections()), (0, 0));
    });
}

#[test]
fn an_origin_that_is_only_asked_for() {
    // Seen red with the granted origins not looked at (policy.rs).
    let server = Echo::start();
    let run = ends(
        &scene_with("request", &server, to("https://asked.example.test/x")),
        incomplete("denied", "was not granted by you"),
    );
    run.helps("origins = [\"https://asked.example.test\"]");
}

#[test]
fn addresses_that_are_not_the_internet() {
    // Seen red with `class` answering none (address.rs): they were dialed. The operator wrote the url, and opened
    // nothing: each is refused before anybody is called.
    let rows = [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.5",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "169.254.169.254",
        "169.254.1.1",
        "100.100.100.200",
        "168.63.129.16",
        "[::]",
        "[::1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:808:808:0:ffff:80ff:fffe]",
        "[2001:db8::1]",
        "[fec0::1]",
        "[::127.0.0.1]",
    ];
    let server = Echo::start();
    each_row(
        rows,
        |host| (*host).to_owned(),
        |host| {
            let target = format!("https://{host}:9/x");
            let scene = scene_with("request", &server, |profile| {
                profile
                    .setting("target", &target)
                    .setting("second-url", &format!("https://{host}:9"))
                    .limits("exchange-time = \"1s\"")
            });
            let run = scene.muster(["sync", "--json"]);
            // A spelling that is odd already in the operator's file is refused before that.
            let odd = host.contains(".0.0.1]") || host.contains(".254]");
            match run.code {
                Some(2) => assert!(odd, "{run:?}"),
                _ => {
                    let line = run.exits(3).json();
                    assert_eq!(text(&line["failures"][0], "reason"), "denied", "{line}");
                    run.complains("address");
                }
            }
        },
    );
}

#[test]
fn an_address_in_an_odd_spelling() {
    // Seen red with the comparison to the canonical host left out (target.rs): `127.1` led there.
    let server = Echo::start();
    let port = server.port();
    let rows = [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "%31%32%37.0.0.1",
        "127.0.0.1.",
        "１２７.0.0.1",
        "127。0。0。1",
    ];
    each_row(
        rows,
        |host| (*host).to_owned(),
        |host| {
            let scene = scene_with("request", &server, to(&format!("http://{host}:{port}/x")));
            let run = scene.muster(["sync", "--json"]);
            run.exits(3).complains("error: ");
            assert_eq!(server.connections(), 0, "{host} led there");
        },
    );
}

#[test]
fn a_user_before_the_host() {
    let server = Echo::start();
    let rows = [
        format!("http://ann@{}/x", server.host_port()),
        format!("http://ann:pw@{}/x", server.host_port()),
        format!("http://@{}/x", server.host_port()),
    ];
    each_row(rows, Clone::clone, |target| {
        scene_with("request", &server, to(target)).muster(["sync"]).exits(3);
        assert_eq!(server.connections(), 0);
    });
}

/// A server whose answers lead to another one.
fn leading_to(other: &Echo, status: u16) -> Echo {
    let next = format!("{}/next", other.origin());
    Echo::answering(move |_| Reply::new(status, next.clone()).header("location", &next))
}

#[test]
fn a_next_link_to_another_server() {
    // Seen red with the route's origin not compared (policy.rs): the reason was another one.
    let other = Echo::start();
    let server = leading_to(&other, 200);
    ends(&scene_with("follow-next", &server, to("/page")), incomplete("denied", "fits no route"));
    assert_eq!((server.requests().len(), other.connections()), (1, 0));
}

#[test]
fn a_redirect_to_another_server() {
    let other = Echo::start();
    for status in [301, 302, 303, 307, 308] {
        let server = leading_to(&other, status);
        ends(&scene_with("follow-redirect", &server, to("/page")), incomplete("denied", "fits no route"));
        assert_eq!((server.requests().len(), other.connections()), (1, 0));
    }
}

#[test]
fn the_credential_stays_at_its_origin() {
    // Seen red with `attach` not comparing origins (credentials.rs): the second server got the token.
    let (server, second) = (Echo::start(), Echo::start());
    let scene = scene_with("request", &server, |profile| {
        profile
            .setting("target", &format!("{}/x", second.origin()))
            .setting("second-url", &second.origin())
            .network("")
            .closed()
            .network(&format!("allow-private = [\"{}\", \"{}\"]", server.host_port(), second.host_port()))
    });
    publishes(&scene);
    let seen = second.requests();
    assert_eq!((seen.len(), seen[0].header("x-token")), (1, None), "{seen:?}");
    assert!(!format!("{seen:?}").contains("s3cr3t"));
}

#[test]
fn a_denial_that_is_shrugged_off() {
    let server = Echo::start();
    let scene = scene_with("denied-and-silent", &server, to("https://attacker.example.test/x"));
    let run = scene.muster(["sync", "--json"]);
    // What was refused is missing from what was read: the task fails, whatever the guest makes of it.
    run.exits(3).errs("attacker.example.test");
    let line = run.json();
    assert_eq!((text(&line, "status"), text(&line["failures"][0], "reason")), ("incomplete", "denied"), "{line}");
    let report = crate::hostile_guest::report(&scene, &line["run"].to_string());
    assert_eq!(report["run"]["denied"], serde_json::json!(1), "{report}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn line_breaks_and_blanks_in_the_path() {
    let server = Echo::start();
    let rows = [
        "/x HTTP/1.1\\r\\nx-smuggled: yes\\r\\n\\r\\n",
        "/x\\r\\nx-smuggled: yes",
        "/x y",
        "/x\\ty",
        "/x\\0",
        "/x%0d%0ay",
        "/x%00",
        "/x?a=\\r\\nb",
        "/x?a b",
    ];
    each_row(
        rows,
        |row| (*row).to_owned(),
        |target| {
            server.forget();
            scene_with("request", &server, to(target)).muster(["sync"]).exits(3);
            assert!(server.requests().is_empty(), "{:?}", server.requests());
        },
    );
}

/// Requests to these paths fail their task, and the server sees none of them.
fn never_leave(server: &Echo, paths: &[&str]) {
    each_row(
        paths,
        |path| (**path).to_owned(),
        |path| {
            server.forget();
            let run = scene_with("request", server, to(path)).muster(["sync", "--json"]);
            assert!(run.code == Some(3) && server.requests().is_empty(), "{:?}", server.requests());
        },
    );
}

#[test]
fn paths_that_two_readers_read_differently() {
    // Seen red with `segment` decoding without looking (target.rs). `/api/teams/*/members` is the route to walk out of.
    let server = Echo::start();
    let rows = [
        "/api/teams/../members",
        "/api/teams/%2e%2e/members",
        "/api/teams/%2E./members",
        "/api/teams/./members",
        "/api/teams/1%2f2/members",
        "/api/teams/1%2F2/members",
        "/api/teams/1%5c2/members",
        "/api/teams/1\\\\2/members",
        "/api/teams//members",
        "/api/teams/1/members/",
        "//attacker.example.test/x/y",
        "/api/teams/1/members/2",
        "/api/teams/%zz/members",
        "/api/teams/%/members",
        "/api/teams/1/Members",
    ];
    never_leave(&server, &rows);
}

#[test]
fn paths_that_some_servers_read_differently() {
    // What follows a `;` is cut off (Tomcat, Jetty), what is not UTF-8 is guessed at, what is encoded twice is decoded
    // twice: each of these walks out of its segment somewhere.
    let server = Echo::start();
    let rows = [
        "/api/teams/%252e%252e/members",
        "/api/teams/%252f/members",
        "/api/teams/..;/members",
        "/api/teams/..;x=1/members",
        "/api/teams/%c0%af/members",
        "/api/teams/%c0%ae%c0%ae/members",
        "/api/teams/..%3b/members",
    ];
    never_leave(&server, &rows);
}

#[test]
fn writes_where_only_reading_is_allowed() {
    // Seen red with `judge` not looking at a route's use (policy.rs).
    let server = Echo::start();
    let mut rows = Vec::new();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        rows.extend([(method, "/x"), (method, "/write/1")]);
    }
    rows.extend([("PUT", "/search"), ("DELETE", "/login"), ("POST", "/x/search"), ("POST", "/search/")]);
    rows.extend(
        ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "get", "GETT", "DELETE\\0", "GET /x", "GET\\r\\nx:", ""]
            .map(|m| (m, "/write/1")),
    );
    each_row(
        rows.into_iter().filter(|row| !row.0.is_empty()),
        |row| format!("{} {}", row.0, row.1),
        |(method, target)| {
            for body in ["", "x=1"] {
                let scene =
                    scene_with("request", &server, |p| to(target)(p).setting("method", method).setting("body", body));
                let run = scene.muster(["sync", "--json"]);
                run.exits(3);
                let reason = text(&run.json()["failures"][0], "reason").to_owned();
                assert!(["denied", "unexpected"].contains(&reason.as_str()), "{run:?}");
            }
            assert_eq!(server.requests().len(), 0, "{:?}", server.requests());
        },
    );
}

#[test]
fn many_connections_at_once() {
    // Seen red with a gate of 200 places (exchange.rs).
    for (limit, at_once) in [("", 16), ("exchanges-at-once = 4", 4)] {
        let gate = Arc::new(Gate::default());
        let (inside, first) = (Arc::clone(&gate), Arc::new(std::sync::atomic::AtomicBool::new(true)));
        // The first ones wait a moment for one too many; when that has not come, the rest just passes.
        let server = Echo::answering(move |_| {
            let wait = first.load(std::sync::atomic::Ordering::SeqCst);
            inside.pass(at_once + 1, Duration::from_millis(if wait { 500 } else { 1 }));
            if inside.most() >= at_once {
                first.store(false, std::sync::atomic::Ordering::SeqCst);
            }
            Reply::ok("go on")
        });
        let scene = scene_with("many-at-once", &server, |profile| match limit.is_empty() {
            true => profile.setting("count", "200"),
            false => profile.setting("count", "40").limits(limit),
        });
        publishes(&scene);
        assert_eq!(gate.most(), at_once, "{limit}");
    }
}

#[test]
fn an_honest_connection_is_left_alone() {
    let server = Echo::start();
    let scene = crate::hostile_guest::folder().connection(hostile("hostile", "honest", &server));
    publishes(&scene).stderr_is_empty();
    assert_eq!(scene.resource_ids(), ["hostile/user:ann", "hostile/user:bob", "hostile/user:decoy"]);
}
