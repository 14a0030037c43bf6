//! Stores of every earlier version, as they lie on somebody's disk: read as they are, brought to this version by the first
//! command that writes, with the same rows before and after, and gone on with.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};
use support::chatwoot::FakeChatwoot;
use support::scene::{Scene, text};

/// The versions before this one.
const EARLIER: std::ops::Range<i64> = 1..muster::store::VERSION;

/// A demo account, and the store that an earlier version left of it: the SQL of each version goes on where the one
/// before ended.
fn left_by(version: i64) -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let conn = Connection::open(scene.path("muster.db")).unwrap();
    for one in 1..=version {
        let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "golden", &format!("store-{one}.sql")].iter().collect();
        let sql = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        conn.execute_batch(&sql).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }
    conn.close().unwrap();
    assert_eq!(version_of(&scene), version);
    scene
}

fn version_of(scene: &Scene) -> i64 {
    let conn = Connection::open(scene.path("muster.db")).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// What is true now and was true at the first run, and what happened.
fn everything(scene: &Scene) -> Vec<Vec<Value>> {
    let ask = |sql: &str| scene.json(["query", sql]);
    let mut out: Vec<Vec<Value>> = Vec::new();
    for list in ["resources", "entitlements", "grants"] {
        out.push(scene.json([list, "--as-of", "2"]));
        out.push(scene.json([list, "--as-of", "1"]));
        out.push(scene.json([list, "--as-of", "2026-11-20"]));
    }
    for view in ["resource_history", "entitlement_history", "grant_history"] {
        out.push(ask(&format!("SELECT * FROM {view} WHERE valid_from <= 2 ORDER BY connection, id, valid_from")));
    }
    out.push(ask("SELECT * FROM runs WHERE run <= 2 ORDER BY run"));
    out.push(ask("SELECT * FROM findings WHERE run <= 2 ORDER BY run"));
    out.push(scene.json(["runs", "show", "1"]));
    out.push(scene.json(["diff", "support", "--from", "1", "--to", "2"]));
    out
}

#[test]
fn a_store_of_every_earlier_version_is_read_brought_up_and_gone_on_with() {
    for version in EARLIER {
        let scene = left_by(version);
        let bytes = std::fs::read(scene.path("muster.db")).unwrap();
        let before = everything(&scene);
        let now = ["resources", "entitlements", "grants"].map(|list| scene.rows(list));
        assert_eq!([now[0].len(), now[1].len(), now[2].len()], [11, 3, 10]);
        assert_eq!(scene.json(["query", "SELECT count(*) AS n FROM access"]), [json!({"n": 10})]);
        assert_eq!(
            before.last().unwrap().iter().map(|row| row["fields"].clone()).collect::<Vec<_>>(),
            [json!([{"field": "name", "old": "Greta Holm", "new": "Greta Lindqvist"}])]
        );
        scene.muster(["prune", "--keep", "1", "--dry-run"]).exits(0).says("support: 1 run, 1 row of history");
        assert_eq!(std::fs::read(scene.path("muster.db")).unwrap(), bytes, "version {version} is only read");

        let line = scene.muster(["sync", "--json"]).exits(0).json();
        let delta = ["added", "changed", "removed"].map(|key| line[key].as_u64());
        assert_eq!((text(&line, "status"), delta), ("published", [Some(0); 3]), "version {version}: no row is other");
        assert_eq!(version_of(&scene), muster::store::VERSION);
        assert_eq!(everything(&scene), before, "version {version}");
        assert_eq!(["resources", "entitlements", "grants"].map(|list| scene.rows(list)), now);

        scene.fake().edit(|world| world.rename_agent(8, "Greta Berg"));
        scene.muster(["sync"]).exits(0);
        let since = scene.json(["diff", "support", "--from", "1"]);
        assert_eq!(since[0]["fields"], json!([{"field": "name", "old": "Greta Holm", "new": "Greta Berg"}]));
        assert_eq!(since.len(), 1);
        scene.muster(["prune", "--keep", "1"]).exits(0).says("support: 3 runs, 2 rows of history and 0 ids deleted");
        assert_eq!(scene.rows("resources").len(), 11);
    }
}

#[test]
fn pruning_brings_a_store_up_too() {
    for version in EARLIER {
        let scene = left_by(version);
        scene.muster(["prune", "--keep", "1"]).exits(0).says("support: 1 run, 1 row of history and 0 ids deleted");
        assert_eq!(version_of(&scene), muster::store::VERSION);
        assert_eq!(scene.rows("resources").len(), 11);
    }
}
