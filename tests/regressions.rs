//! Each connector against a tape of its vendor: the rows are those that were looked at once.
//!
//! The tape and the rows lie in the connector's `fixtures/`. `MUSTER_BLESS=1` records anew from the fake and rewrites
//! both; what has changed then is to be looked at line by line.

use std::path::{Path, PathBuf};

use support::chatwoot::FakeChatwoot;
use support::scene::Scene;

/// The port that a fake had on every tape: any other would be a difference each time.
const PORT: &str = "127.0.0.1:4000";

fn fixture(connector: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("plugins").join(connector).join("fixtures").join(file)
}

/// Replays the connector's tape and compares the rows. `fake` is asked only where the tape is made anew: the scene of one
/// connection, and where its fake listens.
fn comes_to_its_rows(connector: &str, fake: impl FnOnce() -> (Scene, String)) {
    let (tape, rows) = (fixture(connector, "vendor.tape.jsonl"), fixture(connector, "vendor.rows.jsonl"));
    let bless = std::env::var_os("MUSTER_BLESS").is_some();
    if bless {
        let (scene, address) = fake();
        scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
        let text = std::fs::read_to_string(scene.path("tape.jsonl")).unwrap();
        std::fs::write(&tape, text.replace(&address, PORT)).unwrap();
    }
    let scene = Scene::new()
        .built_connector(connector)
        .without_toml()
        .file("tape.jsonl", std::fs::read(&tape).expect("a tape: record it with MUSTER_BLESS=1"));
    let file = format!("connectors/{connector}.wasm");
    scene.muster(["sync", "--connector", &file, "--replay", "tape.jsonl"]).exits(0);
    let seen: String = ["resources", "entitlements", "grants"]
        .map(|kind| scene.muster([kind, "--json"]).exits(0).stdout.clone())
        .concat();
    if bless {
        std::fs::write(&rows, &seen).unwrap();
    }
    let expected = std::fs::read_to_string(&rows).expect("rows: write them with MUSTER_BLESS=1");
    for (line, (seen, expected)) in seen.lines().zip(expected.lines()).enumerate() {
        assert_eq!(seen, expected, "line {} of {}", line + 1, rows.display());
    }
    assert_eq!(seen.lines().count(), expected.lines().count());
}

#[test]
fn chatwoot() {
    comes_to_its_rows("chatwoot", || {
        let scene = Scene::new().chatwoot(FakeChatwoot::demo().odd_names());
        let address = scene.fake().address().to_string();
        (scene, address)
    });
}
