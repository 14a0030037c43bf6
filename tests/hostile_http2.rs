//! A server that attacks over HTTP/2, frame by frame: the exchange ends, memory stays bounded, and so does the run.

use std::time::Duration;

use serde_json::json;
use support::hostile::{
    Attack, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PUSH_PROMISE, Peer, RST_STREAM,
    SETTINGS, STATUS_200, WINDOW_UPDATE, frame, ok,
};
use support::scene::each_row;
use support::siege::Siege;

/// What is said where a deadline ends it.
const DEADLINE: &str = "did not answer completely within 1 s";
/// What is said of a server that does not stop. Seen red without `Flow` (egress/flow.rs): it went on to the deadline.
const FLOOD: &str = "sends more than was asked for, and was cut off";

/// Floods from the first request over HTTP/2 on: the exchange ends so and is not tried again.
#[track_caller]
fn a_flood_ends(words: &str, attack: impl Fn(&mut Peer, u32) + Send + Sync + 'static) {
    let attack = Attack::http2(move |peer, stream| {
        peer.fire();
        attack(peer, stream);
    });
    let siege = Siege::new().tls("support", &["exchange-time = \"1s\""]).turns(vec![("support", attack)]);
    let watched = siege.fails();
    watched.says("support", "failed", "unavailable", "localhost");
    // Frames of a few bytes are as fast as the machine is: the deadline may come first.
    let said = &watched.run.stderr;
    assert!(said.contains(words) || said.contains(DEADLINE), "{said}");
    watched.run.within(Duration::from_secs(6));
    assert_eq!(siege.of("support").fired(), 1, "it was tried again");
}

/// The head of an answer.
fn head(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, STATUS_200)
}

/// A header field that is not put into the table: `x: …`.
fn field(value: &str) -> Vec<u8> {
    let mut all = vec![0, 1, b'x', u8::try_from(value.len()).unwrap()];
    all.extend(value.as_bytes());
    all
}

#[test]
fn a_ping_flood() {
    a_flood_ends(FLOOD, |peer, _| peer.flood(frame(PING, 0, 0, [7; 8])));
}

#[test]
fn a_settings_flood() {
    // SETTINGS_INITIAL_WINDOW_SIZE, 65,535.
    a_flood_ends(FLOOD, |peer, _| peer.flood(frame(SETTINGS, 0, 0, [0, 4, 0, 0, 0xff, 0xff])));
}

#[test]
fn a_window_update_flood() {
    a_flood_ends(FLOOD, |peer, _| peer.flood(frame(WINDOW_UPDATE, 0, 0, [0, 0, 0, 1])));
}

#[test]
fn informational_heads_without_end() {
    // `:status: 103`, a literal for the table's eighth name.
    a_flood_ends(FLOOD, |peer, stream| peer.flood(frame(HEADERS, END_HEADERS, stream, b"\x08\x03103")));
}

#[test]
fn goaway_and_then_silence() {
    a_flood_ends(DEADLINE, |peer, _| {
        peer.send(frame(GOAWAY, 0, 0, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
        peer.silence();
    });
}

/// These frames, and then nothing.
fn frames(all: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Attack {
    Attack::http2(move |peer, stream| {
        peer.fire();
        peer.send(all(stream));
        peer.silence();
    })
}

/// These frames, and then the last for ever.
fn endless(first: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static, then: fn(u32) -> Vec<u8>) -> Attack {
    Attack::http2(move |peer, stream| {
        peer.fire();
        peer.send(first(stream));
        peer.flood(then(stream));
    })
}

/// Each stream is reset with this code.
fn resets(code: u8) -> Attack {
    Attack::http2(move |peer, first| {
        let mut stream = Some(first);
        while let Some(number) = stream {
            peer.fire();
            peer.send(frame(RST_STREAM, 0, number, [0, 0, 0, code]));
            stream = peer.http2_next();
        }
    })
}

#[test]
fn frames_that_break_the_protocol_break_the_connection_and_are_asked_for_five_times() {
    // A field of 4,000 bytes goes into HPACK's table; then each byte names it again.
    let bomb = [&STATUS_200[..], &[0x40, 1, b'x', 0x7f, 0xa1, 0x1e], &[b'y'; 4000], &[0xbe; 12_000]].concat();
    let pushed = r#"{"name":"Mallory","accounts":[{"id":1,"name":"Evil"}]}"#;
    let rows = vec![
        ("empty-data-without-end", endless(head, |stream| frame(DATA, 0, stream, []))),
        (
            // Padded: the first byte says how much of the frame counts for nothing.
            "padding-without-end",
            endless(head, |stream| frame(DATA, 8, stream, [&[255][..], &[0; 255]].concat())),
        ),
        (
            "continuations-without-end",
            endless(|stream| frame(HEADERS, 0, stream, STATUS_200), |s| frame(CONTINUATION, 0, s, field("and more"))),
        ),
        (
            "empty-continuations-without-end",
            endless(|stream| frame(HEADERS, 0, stream, STATUS_200), |s| frame(CONTINUATION, 0, s, [])),
        ),
        ("headers-that-unfold-to-megabytes", frames(move |s| frame(HEADERS, END_HEADERS, s, &bomb))),
        ("a-window-beyond-its-bound", frames(|_| frame(WINDOW_UPDATE, 0, 0, [0x7f, 0xff, 0xff, 0xff]))),
        ("every-stream-refused", resets(7)),
        ("every-stream-cancelled", resets(8)),
        ("every-stream-reset-without-error", resets(0)),
        ("goaway-at-once", frames(|_| frame(GOAWAY, 0, 0, [0; 8]))),
        (
            // An answer to a request that nobody made is no answer to any request.
            "a-push-promise",
            frames(move |stream| {
                let promise = [&[0, 0, 0, 2][..], &[0x82, 0x87, 0x84]].concat();
                let promise = frame(PUSH_PROMISE, END_HEADERS, stream, promise);
                [promise, head(2), frame(DATA, END_STREAM, 2, pushed)].concat()
            }),
        ),
        ("data-on-no-stream", frames(|_| frame(DATA, 0, 0, "x"))),
        ("data-before-a-head", frames(|stream| frame(DATA, 0, stream, "x"))),
        ("a-ping-of-three-bytes", frames(|_| frame(PING, 0, 0, [1, 2, 3]))),
        ("a-frame-of-16-megabytes", frames(|_| vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1])),
        ("http1-after-all", frames(|_| ok("{}"))),
    ];
    let siege = rows.iter().fold(Siege::new(), |siege, row| siege.tls(row.0, &[]));
    let siege = siege.turns(rows.iter().map(|row| (row.0, row.1.clone())).collect());
    let watched = siege.fails();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(name, _)| {
            watched.says(name, "failed", "unavailable", "(HTTP/2: ");
            assert_eq!((siege.of(name).fired(), &watched.line(name)["retries"]), (5, &json!(4)), "{name}");
        },
    );
}

#[test]
fn a_body_without_end_over_http2() {
    let attack = endless(head, |stream| frame(DATA, 0, stream, [b' '; 1024]));
    let siege = Siege::new().tls("support", &["response-body = \"32 KiB\""]).turns(vec![("support", attack)]);
    siege.fails().says("support", "failed", "unavailable", "has more than 32768 bytes");
    assert_eq!(siege.of("support").fired(), 1);
}
