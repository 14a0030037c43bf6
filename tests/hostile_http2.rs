//! A server that attacks over HTTP/2, frame by frame: the exchange ends, memory stays bounded, and so does the run.

use std::time::Duration;

use support::hostile::{
    Attack, CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, PING, PUSH_PROMISE, Peer, RST_STREAM, SETTINGS,
    STATUS_200, WINDOW_UPDATE, frame,
};
use support::siege::{Siege, Watched};

/// One connection whose first request over HTTP/2 meets this attack.
fn under(attack: impl Fn(&mut Peer, u32) + Send + Sync + 'static) -> Siege {
    let attack = Attack::http2(move |peer, stream| {
        peer.fire();
        attack(peer, stream);
    });
    Siege::new().tls("support", &["exchange-time = \"2s\""]).turns(vec![("support", attack)])
}

/// The check fails as unavailable, with these words, in good time.
#[track_caller]
fn ends(siege: &Siege, words: &str) -> Watched {
    let watched = siege.fails();
    watched.says("support", "failed", "unavailable", words);
    watched.run.within(Duration::from_secs(8));
    watched
}

/// It floods until the deadline, and is asked once.
#[track_caller]
fn ends_by_its_deadline(siege: &Siege) {
    ends(siege, "did not answer completely within 2 s");
    assert_eq!(siege.of("support").fired(), 1);
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
    ends_by_its_deadline(&under(|peer, _| peer.flood(frame(PING, 0, 0, [7; 8]))));
}

#[test]
fn a_settings_flood() {
    // SETTINGS_INITIAL_WINDOW_SIZE, 65,535.
    ends_by_its_deadline(&under(|peer, _| peer.flood(frame(SETTINGS, 0, 0, [0, 4, 0, 0, 0xff, 0xff]))));
}

#[test]
fn empty_data_frames_without_end() {
    ends_by_its_deadline(&under(|peer, stream| {
        peer.send(head(stream));
        peer.flood(frame(DATA, 0, stream, []));
    }));
}

#[test]
fn data_frames_of_padding_without_end() {
    // Padded: the first byte says how much of the frame counts for nothing.
    ends(
        &under(|peer, stream| {
            peer.send(head(stream));
            peer.flood(frame(DATA, 8, stream, [&[255][..], &[0; 255]].concat()));
        }),
        "127.0.0.1:",
    );
}

#[test]
fn a_window_update_flood() {
    ends_by_its_deadline(&under(|peer, _| peer.flood(frame(WINDOW_UPDATE, 0, 0, [0, 0, 0, 1]))));
}

#[test]
fn a_window_that_grows_beyond_its_bound() {
    ends(&under(|peer, _| peer.flood(frame(WINDOW_UPDATE, 0, 0, [0x7f, 0xff, 0xff, 0xff]))), "localhost:");
}

#[test]
fn continuation_frames_without_end() {
    ends(
        &under(|peer, stream| {
            peer.send(frame(HEADERS, 0, stream, STATUS_200));
            peer.flood(frame(CONTINUATION, 0, stream, field("and more")));
        }),
        "localhost:",
    );
}

#[test]
fn empty_continuation_frames_without_end() {
    ends(
        &under(|peer, stream| {
            peer.send(frame(HEADERS, 0, stream, STATUS_200));
            peer.flood(frame(CONTINUATION, 0, stream, []));
        }),
        "localhost:",
    );
}

#[test]
fn headers_that_unfold_to_megabytes() {
    // A field of 4,000 bytes goes into HPACK's table; then each byte names it again.
    ends(
        &under(|peer, stream| {
            let mut block = STATUS_200.to_vec();
            block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
            block.extend([b'y'; 4000]);
            block.extend([0xbe; 12_000]);
            peer.send(frame(HEADERS, END_HEADERS, stream, block));
            peer.silence();
        }),
        "localhost:",
    );
}

#[test]
fn informational_heads_without_end() {
    // `:status: 103`, a literal for the table's eighth name.
    ends_by_its_deadline(&under(|peer, stream| peer.flood(frame(HEADERS, END_HEADERS, stream, b"\x08\x03103"))));
}

#[test]
fn every_stream_is_reset() {
    // REFUSED_STREAM promises that nothing was done: tried again, and no more than five times.
    for code in [7, 8, 0] {
        let siege = under(move |peer, first| {
            let mut stream = Some(first);
            while let Some(number) = stream {
                peer.send(frame(RST_STREAM, 0, number, [0, 0, 0, code]));
                stream = peer.http2_next();
            }
        });
        // A little more time than five tries take.
        siege_of_five(siege, code);
    }
}

/// The deadline ends the tries, or their number does.
#[track_caller]
fn siege_of_five(siege: Siege, code: u8) {
    let watched = ends(&siege, "localhost:");
    let requests = watched.line("support")["requests"].as_u64().unwrap();
    assert!((3..=5).contains(&requests), "error {code}: {requests} requests");
}

#[test]
fn goaway_at_once() {
    // The last stream that counts is none, and there is no error.
    let siege = under(|peer, _| drop(peer.send(frame(GOAWAY, 0, 0, [0; 8]))));
    ends(&siege, "localhost:");
    assert!((3..=5).contains(&siege.of("support").fired()));
}

#[test]
fn goaway_and_then_silence() {
    let siege = under(|peer, _| {
        peer.send(frame(GOAWAY, 0, 0, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
        peer.silence();
    });
    ends_by_its_deadline(&siege);
}

#[test]
fn a_push_promise() {
    // An answer to a request that nobody made is no answer to any request.
    ends(
        &under(|peer, stream| {
            peer.send(frame(PUSH_PROMISE, END_HEADERS, stream, [&[0, 0, 0, 2][..], &[0x82, 0x87, 0x84]].concat()));
            peer.send(frame(HEADERS, END_HEADERS, 2, STATUS_200));
            peer.send(frame(DATA, 1, 2, r#"{"name":"Mallory","accounts":[{"id":1,"name":"Evil"}]}"#));
            peer.silence();
        }),
        "localhost:",
    );
}

#[test]
fn frames_that_make_no_sense() {
    let rows: [(&'static str, Vec<u8>); 5] = [
        ("data-on-no-stream", frame(DATA, 0, 0, "x")),
        ("data-before-a-head", frame(DATA, 0, 1, "x")),
        ("a-ping-of-three-bytes", frame(PING, 0, 0, [1, 2, 3])),
        ("a-frame-of-16-megabytes", vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1]),
        ("http1-after-all", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
    ];
    let siege = rows.iter().fold(Siege::new(), |siege, row| siege.tls(row.0, &["exchange-time = \"2s\""]));
    let attack = |bytes: Vec<u8>| {
        Attack::http2(move |peer, _| {
            peer.fire();
            peer.send(&bytes);
            peer.silence();
        })
    };
    let siege = siege.turns(rows.iter().map(|row| (row.0, attack(row.1.clone()))).collect());
    let watched = siege.fails();
    for (name, _) in rows {
        watched.says(name, "failed", "unavailable", "localhost:");
    }
}

#[test]
fn a_large_body_over_http2() {
    // Honest frames, dishonest length: the limit for one answer counts here, too.
    let attack = Attack::http2(|peer, stream| {
        peer.fire();
        peer.send(head(stream));
        peer.flood(frame(DATA, 0, stream, [b' '; 1024]));
    });
    let siege = Siege::new()
        .tls("support", &["exchange-time = \"5s\"", "response-body = \"32 KiB\""])
        .turns(vec![("support", attack)]);
    siege.fails().says("support", "failed", "unavailable", "has more than 32768 bytes");
    assert_eq!(siege.of("support").fired(), 1);
}
