//! `muster query`: anybody's SQL over the views, and nothing but reading them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use support::chatwoot::FakeChatwoot;
use support::scene::{Process, Scene, each_row};

fn synced() -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene
}

/// A statement on stdin.
fn from_stdin(scene: &Scene, statement: &str) -> support::scene::Run {
    let file = scene.path("statement.sql");
    std::fs::write(&file, statement).unwrap();
    let mut command = scene.command(["query", "-", "--json"]);
    command.stdin(Stdio::from(std::fs::File::open(&file).unwrap()));
    Process::start(command, Duration::from_secs(60)).wait()
}

const NUMBERS: &str = "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n)";

#[test]
fn people_see_a_table_and_programs_objects() {
    let scene = synced();
    let sql = "SELECT principal_name, resource_name FROM access WHERE email = 'chiara.neri@lighthouse.test' ORDER BY 2";
    let run = scene.muster(["query", sql]);
    run.exits(0).stderr_is_empty();
    assert_eq!(run.stdout, "principal_name  resource_name\nChiara Neri     billing\nChiara Neri     support\n");
    let rows = scene.json(["query", sql]);
    assert_eq!(rows[0], json!({"principal_name": "Chiara Neri", "resource_name": "billing"}));
    scene.muster(["query", "SELECT 1 FROM runs WHERE run = 9"]).exits(0).stdout_is_empty().complains("no rows");
    scene.muster(["query", "SELECT 1 FROM runs WHERE run = 9", "--json"]).exits(0).stdout_is_empty().stderr_is_empty();
    scene.unread(["query", &format!("{NUMBERS} SELECT x FROM n LIMIT 100000")]).exits(0).stderr_is_empty();
}

#[test]
fn values_keep_what_they_are() {
    let scene = synced();
    let run = scene.muster([
        "query",
        "--json",
        "SELECT 9007199254740993 z, 1.5, NULL n, unhex('00ff') b, 'é' t, 9e999 i, 2 z, '' AS \"\"",
    ]);
    assert_eq!(
        run.exits(0).stdout,
        "{\"z\":9007199254740993,\"1.5\":1.5,\"n\":null,\"b\":\"00ff\",\"t\":\"é\",\"i\":\"inf\",\"z_2\":2,\"\":\"\"}\n"
    );
    let long = scene.muster(["query", "SELECT printf('%.*c', 5000, 'x') AS long, char(27) || '[2J' AS bad"]);
    long.exits(0).says("…").says("\\u{1b}[2J").never_says("\u{1b}");
    assert!(long.stdout.len() < 2500, "{}", long.stdout.len());
}

#[test]
fn a_statement_may_come_from_stdin() {
    let scene = synced();
    let run = from_stdin(&scene, "-- who is there\nSELECT count(*) AS n\nFROM resources;\n");
    assert_eq!(run.exits(0).json(), json!({"n": 11}));
    from_stdin(&scene, &format!("SELECT '{}'", "x".repeat(300_000))).exits(2).errs("more than 256 KiB");
    from_stdin(&scene, "").exits(2).errs("there is no SELECT in it");
}

#[test]
fn what_is_wrong_is_said_with_the_names_that_are_right() {
    let scene = synced();
    let table: [(&str, &str, &str); 7] = [
        ("SELECT nam FROM resources", "no such column: nam", "resources has connection, type, id, name,"),
        ("SELECT a.x FROM access a", "no such column: a.x", "access has connection, principal_type,"),
        ("SELECT * FROM resorces", "no such table: resorces", "did you mean resources?"),
        ("SELECT * FROM users", "no such table: users", "there are the views connections, runs,"),
        ("SELEC 1", "near \"SELEC\": syntax error", ""),
        ("SELECT 1; SELECT 2", "a query is one statement, and this is more than one", ""),
        ("SELECT name FROM resources WHERE id = ?", "a query has no parameters: write the values themselves", ""),
    ];
    each_row(
        table,
        |row| row.0.to_owned(),
        |(sql, sentence, help)| {
            let run = scene.muster(["query", sql]);
            run.exits(2).errs(sentence).stdout_is_empty();
            if !help.is_empty() {
                run.helps(help);
            }
        },
    );
}

#[test]
fn what_is_no_reading_of_views_is_refused_and_nothing_is_touched() {
    let scene = synced();
    let other = scene.path("other.db");
    let before = scene.store_bytes();
    let attach = format!("ATTACH '{}' AS other", other.display());
    let into = format!("VACUUM INTO '{}'", other.display());
    let table: [(&str, &str); 11] = [
        (&attach, "a query may not open another file"),
        (&into, "there is no SELECT in it"),
        ("PRAGMA journal_mode = delete", "a query may not use PRAGMA"),
        ("SELECT * FROM pragma_table_list", "a query may not"),
        ("DELETE FROM run", "a query may only read: one SELECT"),
        ("UPDATE connection SET name = 'x'", "a query may only read: one SELECT"),
        ("CREATE TEMP TABLE t (x)", "a query may only read: one SELECT"),
        ("SELECT name FROM connection", "a query may not read connection: it is none of the views"),
        ("SELECT sql FROM sqlite_schema", "a query may not read sqlite_master: it is none of the views"),
        (
            "WITH resources AS (SELECT * FROM connection) SELECT * FROM resources",
            "a query may not read connection: it is none of the views",
        ),
        ("SELECT load_extension('./evil.so')", "a query may not use the function load_extension"),
    ];
    each_row(
        table,
        |row| row.0.to_owned(),
        |(sql, sentence)| {
            scene.muster(["query", sql]).exits(2).errs(sentence).stdout_is_empty();
        },
    );
    assert!(!other.exists());
    assert_eq!(scene.store_bytes(), before, "not a byte");
}

#[test]
fn a_query_without_end_is_stopped() {
    let scene = synced();
    let run = scene.muster(["query", "--timeout", "1", &format!("{NUMBERS} SELECT max(x) FROM n")]);
    run.exits(1).errs("the query was stopped after 1 s of work").helps("--timeout").stdout_is_empty();
}

#[test]
fn one_step_without_end_is_stopped_with_the_process() {
    let scene = synced();
    // A comparison at each of some million places, each of half a million characters: one call, hours long.
    let step = "SELECT instr(printf('%.*c', 8000000, 'a'), printf('%.*c', 4000000, 'a') || 'b')";
    let run = scene.muster(["query", "--timeout", "1", step]);
    run.exits(1).errs("the query was stopped after 1 s of work").helps("--timeout").stdout_is_empty();
}

#[test]
fn a_sort_without_end_ends_at_its_memory_and_fills_no_disk() {
    let scene = synced().env("SQLITE_TMPDIR", "/proc/no-such-folder");
    let sort = format!("{NUMBERS} SELECT x, printf('%.*c', 100, 'x') AS text FROM n LIMIT 3000000");
    let sorted = format!("SELECT max(text) FROM (SELECT * FROM ({sort}) ORDER BY text || x LIMIT 2999999)");
    let run = scene.muster(["query", "--memory", "32", &sorted]);
    run.exits(1).errs("the query needs more memory than it may have (32 MiB)").helps("--memory").stdout_is_empty();
    scene.muster(["query", "--memory", "32", "SELECT count(*) AS n FROM access"]).exits(0).says("10");
    scene.muster(["query", "--memory", "1", "SELECT 1"]).exits(2);
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let scene = Scene::new();
    scene.muster(["query", "SELECT 1"]).exits(2).errs("there is no store at muster.db").stdout_is_empty();
    assert!(!scene.path("muster.db").exists());
}
