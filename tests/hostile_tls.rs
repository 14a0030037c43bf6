//! A server that attacks below HTTP: handshakes that never end, and certificates that prove nothing.

use std::time::Duration;

use serde_json::json;
use support::certificate::Tls;
use support::hostile::{Attack, Hostile};
use support::scene::{Scene, TOKEN, each_row, text};
use support::siege::Siege;

const LIMITS: [&str; 1] = ["exchange-time = \"2s\""];

// Seen red: without the timeout of `Egress::exchange` only the 10 s of the handshake itself end it.
#[test]
fn a_handshake_that_never_ends() {
    // A record of a handshake, 16 KiB long, of which one byte comes a second.
    let record = [&[0x16, 3, 3, 0x40, 0][..], &[2, 0, 0x3f, 0xfc], &[3; 64]].concat();
    let rows = [
        (
            "no-answer-to-the-client-hello",
            Attack::connection(|peer| {
                peer.fire();
                peer.silence();
            }),
        ),
        (
            "one-byte-a-second",
            Attack::connection(move |peer| {
                peer.fire();
                peer.trickle(&record, Duration::from_secs(1));
            }),
        ),
        (
            "warnings-without-end",
            Attack::connection(|peer| {
                peer.fire();
                // Alerts of TLS 1.2 of the level warning: user_canceled.
                peer.trickle([0x15, 3, 3, 0, 2, 1, 90].repeat(100), Duration::from_millis(300));
            }),
        ),
    ];
    let siege = rows.iter().fold(Siege::new(), |siege, row| siege.tls(row.0, &LIMITS));
    let siege = siege.turns(rows.to_vec());
    let watched = siege.fails();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(name, _)| {
            watched.says(name, "failed", "unavailable", "localhost:");
            assert_eq!(siege.of(name).fired(), 1, "{name} was tried again");
        },
    );
    watched.run.within(Duration::from_secs(6));
}

// Seen red: with `EgressError::Tls` among what is tried again, the deadline hides each of them.
#[test]
fn a_handshake_of_garbage() {
    let rows: [(&'static str, &[u8]); 5] = [
        ("plain-http", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("zeros", &[0; 1000]),
        ("a-record-of-64-kib", &[0x16, 3, 3, 0xff, 0xff, 2, 0xff, 0xff, 0xff]),
        ("an-alert", &[0x15, 3, 3, 0, 2, 2, 40]),
        ("nothing", b""),
    ];
    let siege = rows.iter().fold(Siege::new(), |siege, row| siege.tls(row.0, &LIMITS));
    let attack = |bytes: &'static [u8]| {
        Attack::connection(move |peer| {
            peer.fire();
            peer.send(bytes);
            peer.hang_up();
            peer.silence();
        })
    };
    let siege = siege.turns(rows.iter().map(|row| (row.0, attack(row.1))).collect());
    let watched = siege.fails();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(name, _)| {
            watched.says(name, "failed", "unavailable", "cannot set up TLS with localhost:");
            assert_eq!(siege.of(name).fired(), 1, "{name} was tried again");
        },
    );
}

// Seen red: with a verifier that takes every certificate, all four rows are published.
#[test]
fn a_certificate_that_proves_nothing() {
    let rows = [
        ("of-a-wrong-name", Tls::default().names(&["chat.example.test"]), true, "not valid for name"),
        ("of-a-part-of-the-name", Tls::default().names(&["*.localhost", "localhos"]), true, "not valid for name"),
        ("that-ran-out", Tls::default().expired(), true, "has run out"),
        ("of-a-forged-authority", Tls::default(), false, "is forged or broken"),
    ];
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(_, tls, known, words)| {
            let server = Hostile::tls(tls);
            // What the system trusts, if not this server's authority: another one of the same name.
            let trusted = if *known { server.authority().to_owned() } else { stranger() };
            let scene = Scene::new().built_connector("chatwoot").env(TOKEN, "demo-token").file("ca.pem", trusted);
            let file = scene.path("ca.pem");
            let scene = scene.env("SSL_CERT_FILE", file).connection(server.profile("support"));
            let run = scene.muster(["sync", "--json"]);
            run.exits(1).errs("cannot set up TLS with localhost:").complains(words);
            let line = run.json();
            assert_eq!((text(&line, "status"), &line["retries"]), ("failed", &json!(0)));
            assert_eq!(text(&line["failures"][0], "reason"), "unavailable");
            assert_eq!((server.connections(), server.requests()), (1, 0), "the token was sent");
            assert!(scene.rows("resources").is_empty());
        },
    );
}

/// The certificate of another authority.
fn stranger() -> String {
    Hostile::tls(&Tls::default()).authority().to_owned()
}

#[test]
fn a_host_that_trusts_the_authority_is_served() {
    // The counterpart of what is above: the same server, known and of the right name.
    let siege = Siege::new().tls("support", &LIMITS).turns(Vec::new());
    assert_eq!(siege.of("support").requests(), 4);
}

#[test]
fn tls_that_ends_without_a_goodbye_is_no_whole_answer() {
    // A body that ends with the connection is whole only if TLS says so: a cut by somebody in between is an error.
    let attack = Attack::agents(|peer| {
        peer.fire();
        peer.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[]");
        peer.hang_up();
    });
    let siege = Siege::new().tls("support", &[]).turns(vec![("support", attack)]);
    siege.fails().says("support", "incomplete", "unavailable", "broke before the answer was complete");
}
