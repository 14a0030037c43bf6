//! What a run costs that finds everything as it was: a row of its own, and nothing else.

use rusqlite::Connection;
use support::chatwoot::FakeChatwoot;
use support::scene::Scene;

/// Bytes that an unchanged run may add to the file: its row with the report, and what pages waste.
const BYTES_OF_A_RUN: i64 = 4096;

/// Every row of the tables with content, as text.
fn content(scene: &Scene) -> Vec<String> {
    let conn = Connection::open(scene.path("muster.db")).unwrap();
    let tables = ["resource_type", "identity", "resource", "entitlement_key", "entitlement", "grant_row", "connection"];
    let mut out = Vec::new();
    for table in tables {
        // What is published moves on with each run.
        let columns = if table == "connection" { "id, name" } else { "*" };
        let mut statement = conn.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> = (0..width).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            out.push(format!("{table}: {}", cells.join(" ")));
        }
    }
    out
}

fn bytes(scene: &Scene) -> i64 {
    let conn = Connection::open(scene.path("muster.db")).unwrap();
    let one = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    (one("page_count") - one("freelist_count")) * one("page_size")
}

#[test]
fn an_unchanged_run_writes_no_row_of_content_and_adds_only_its_own() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(60).pending(3).teams(7).members_per_team(9));
    scene.muster(["sync"]).exits(0);
    let (before, size) = (content(&scene), bytes(&scene));
    assert_eq!(before.len(), 2 + 67 + 67 + 7 + 7 + 63 + 1);
    let runs = 20;
    for _ in 0..runs {
        scene.fake().edit(|world| world.churn_availability());
        scene.muster(["sync"]).exits(0);
        assert_eq!(content(&scene), before);
    }
    let grown = bytes(&scene) - size;
    assert!(grown <= runs * BYTES_OF_A_RUN, "{runs} unchanged runs made the file grow by {grown} bytes");
}
