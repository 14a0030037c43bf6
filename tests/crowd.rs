//! Many people in numbered pages: all of them come, in whatever order, and finding nothing new writes nothing.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use support::crowd::{FakeCrowd, Size, TOKEN};
use support::scene::{Profile, Scene};

/// Lists of three pages, one page and two.
const SIZE: Size = Size { users: 270, groups: 12, members: 130 };

fn scene(fake: &FakeCrowd) -> Scene {
    let profile = Profile::new("crowd", "crowd")
        .setting("crowd-base-url", &fake.origin())
        .setting_toml("crowd-token", "{ env = \"CROWD_TOKEN\" }")
        .allow_private(&fake.address().to_string());
    Scene::new().built_connector("crowd").env("CROWD_TOKEN", TOKEN).connection(profile)
}

fn fake(shuffled: Option<u64>) -> FakeCrowd {
    FakeCrowd::start(SIZE, shuffled, Duration::ZERO).unwrap()
}

fn sync(scene: &Scene) -> Value {
    scene.muster(["sync", "--json"]).exits(0).json()
}

/// Resources, entitlements, grants, and what was added, changed and removed.
fn counts(line: &Value) -> [u64; 6] {
    ["resources", "entitlements", "grants", "added", "changed", "removed"].map(|key| line[key].as_u64().unwrap())
}

/// Everything that is published, as people get it.
fn published(scene: &Scene) -> Vec<String> {
    ["resources", "entitlements", "grants"].map(|what| scene.muster([what, "--json"]).exits(0).stdout.clone()).into()
}

/// Every row of content, of whatever run.
fn content(scene: &Scene) -> Vec<String> {
    let store = Connection::open(scene.path("muster.db")).unwrap();
    let mut all = Vec::new();
    for table in ["resource", "entitlement", "grant_row"] {
        let mut rows = store.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            (0..columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?))).collect::<rusqlite::Result<Vec<_>>>()
        };
        all.extend(rows.query_map([], text).unwrap().map(|row| format!("{table} {}", row.unwrap().join(" "))));
    }
    all
}

#[test]
fn all_of_a_crowd_comes_with_one_request_a_page() {
    let fake = fake(None);
    let scene = scene(&fake);
    let line = sync(&scene);
    let all = SIZE.records();
    assert_eq!(counts(&line), [SIZE.resources(), SIZE.groups, SIZE.grants(), all, 0, 0], "{line}");
    // The account, three pages of users, one of groups, two of each group's members.
    assert_eq!((fake.requests(), SIZE.requests()), (29, 29));
    assert_eq!((&line["requests"], &line["retries"]), (&json!(29), &json!(0)));
    let users = scene.json(["resources", "--type", "user"]);
    let user = users.iter().find(|user| user["id"] == "100").unwrap();
    let person = [&user["name"], &user["email"], &user["status"], &user["profile"]["employee_number"]];
    assert_eq!(person, ["Edda Grau", "edda.grau.100@crowd.test", "disabled", "E0000100"], "{user}");
    scene.muster(["runs", "show", "1"]).exits(0).never_says("dangling");
}

#[test]
fn the_order_of_the_lists_changes_nothing() {
    let in_order = fake(None);
    let sorted = scene(&in_order);
    let counted = counts(&sync(&sorted));
    let expected = published(&sorted);
    for seed in [1, 20_261_122] {
        let mixed = fake(Some(seed));
        let shuffled = scene(&mixed);
        assert_eq!(counts(&sync(&shuffled)), counted, "seed {seed}");
        assert!(published(&shuffled) == expected, "other rows with the seed {seed}");
    }
}

#[test]
fn a_crowd_that_comes_in_another_order_writes_no_row() {
    let in_order = fake(None);
    let mut scene = scene(&in_order);
    sync(&scene);
    let before = content(&scene);
    assert_eq!(before.len() as u64, SIZE.records());
    for seed in [None, Some(5), Some(6)] {
        let mixed = fake(seed);
        scene.change("crowd", |profile| {
            profile.setting("crowd-base-url", &mixed.origin()).allow_private(&mixed.address().to_string())
        });
        let line = sync(&scene);
        assert_eq!(counts(&line)[3..], [0, 0, 0], "seed {seed:?}: {line}");
        assert!(content(&scene) == before, "the seed {seed:?} wrote rows");
    }
    assert_eq!(scene.rows("runs").len(), 4);
}
