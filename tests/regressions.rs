//! Each connector against a tape of its vendor: the rows are those that were looked at once.
//!
//! The tape and the rows lie in the connector's `fixtures/`. `MUSTER_BLESS=1` records anew from the fake and rewrites
//! both; what has changed then is to be looked at line by line.

use std::path::{Path, PathBuf};

use support::charthop::FakeChartHop;
use support::charthop::place::Place;
use support::chatwoot::FakeChatwoot;
use support::justworks::FakeJustworks;
use support::scene::Scene;
use support::scim::FakeScim;

/// The port that a fake had on every tape: any other would be a difference each time.
const PORT: &str = "127.0.0.1:4000";

fn fixture(connector: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("plugins").join(connector).join("fixtures").join(file)
}

/// The tape of a scene.
fn taken(scene: &Scene) -> String {
    std::fs::read_to_string(scene.path("tape.jsonl")).unwrap()
}

/// Replays the connector's tape and compares the rows. `record` makes a new one only where that is asked for: the tape, and
/// where its fake listened.
fn comes_to_its_rows(connector: &str, record: impl FnOnce() -> (String, String)) {
    let (tape, rows) = (fixture(connector, "vendor.tape.jsonl"), fixture(connector, "vendor.rows.jsonl"));
    let bless = std::env::var_os("MUSTER_BLESS").is_some();
    if bless {
        let (text, address) = record();
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
        scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
        (taken(&scene), scene.fake().address().to_string())
    });
}

#[test]
fn charthop() {
    comes_to_its_rows("charthop", || {
        let place = Place::new(FakeChartHop::builder().persons(25).former(3).starting(2), |profile| {
            profile.setting("charthop-include-former", "true")
        });
        place.muster(["sync", "--record", "tape.jsonl"]).exits(0);
        (taken(&place), place.fake().address().to_string())
    });
}

#[test]
fn justworks() {
    comes_to_its_rows("justworks", || {
        let fake = FakeJustworks::demo().start();
        let scene = fake.scene();
        scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
        (taken(&scene), fake.address().to_string())
    });
}

#[test]
fn scim() {
    comes_to_its_rows("scim", || {
        let fake = FakeScim::demo().odd_names().start();
        let scene = fake.scene();
        scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
        (taken(&scene), fake.address().to_string())
    });
}
