//! What a query may do, and everything it may not.

use super::fence::Fence;
use super::past::{Past, State};
use super::sql::{Cell, Query, QueryError, Taker};
use super::views;
use std::time::Duration;

#[derive(Default)]
struct Lines {
    names: String,
    rows: Vec<String>,
}

impl Taker for Lines {
    type Error = QueryError;

    fn columns(&mut self, names: &[&str]) -> Result<(), QueryError> {
        self.names = names.join(" ");
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), QueryError> {
        let shown = cells.iter().map(|cell| match cell {
            Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Cell::Integer(n) => n.to_string(),
            other => format!("{other:?}"),
        });
        self.rows.push(shown.collect::<Vec<_>>().join(" "));
        Ok(())
    }
}

fn store() -> Past {
    let mut past = Past::new();
    past.publish("support", &State::default().person("1", "Ann").person("2", "Ben").team("t", &["1"]));
    past.publish("support", &State::default().person("1", "Anne").team("t", &["1"]));
    past.draft("support", "held", &State::default().person("3", "Cid"));
    past
}

fn ask(past: &Past, sql: &str) -> Result<Vec<String>, QueryError> {
    let mut lines = Lines::default();
    Query::open(&past.path(), Duration::from_secs(60))?.run(sql, &mut lines)?;
    Ok(lines.rows)
}

#[test]
fn the_views_answer() {
    let past = store();
    let table: [(&str, &[&str]); 12] = [
        ("SELECT name FROM resources ORDER BY 1", &["Anne", "team t"]),
        ("SELECT principal_name, slug, resource_name FROM access", &["Anne member team t"]),
        ("SELECT count(*) FROM grants", &["1"]),
        ("SELECT 1 FROM entitlements", &["1"]),
        ("SELECT connection, run FROM connections", &["support 2"]),
        ("SELECT run, status FROM runs ORDER BY run", &["1 published", "2 published", "3 held"]),
        (
            "SELECT id, name, valid_from, valid_to FROM resource_history WHERE type = 'agent' ORDER BY id, valid_from",
            &["1 Ann 1 2", "1 Anne 2 Null", "2 Ben 1 2"],
        ),
        ("SELECT valid_from, valid_to FROM grant_history", &["1 Null"]),
        ("SELECT valid_to FROM entitlement_history", &["Null"]),
        (
            "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT group_concat(x) FROM n",
            &["1,2,3"],
        ),
        ("SELECT key FROM resources r, json_each(json_object('a', 1)) WHERE r.type = 'team' -- a comment;", &["a"]),
        ("WITH w AS (SELECT name FROM resources) SELECT count(*) FROM w;", &["2"]),
    ];
    for (sql, rows) in table {
        assert_eq!(ask(&past, sql).expect(sql), rows, "{sql}");
    }
}

const README: &str = include_str!("README.md");

#[test]
fn the_readme_documents_every_column_of_every_view() {
    let past = store();
    let query = Query::open(&past.path(), Duration::from_secs(60)).expect("open");
    let documented: Vec<(String, Vec<String>)> = README
        .split("\n### `")
        .skip(1)
        .map(|section| {
            let (name, rest) = section.split_once('`').expect("a name");
            let rows = rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
            (name.to_owned(), rows.map(|(column, _)| column.to_owned()).collect())
        })
        .collect();
    let sorted = |mut list: Vec<(String, Vec<String>)>| {
        list.sort();
        list
    };
    assert_eq!(sorted(documented), sorted(query.views()));
}

#[test]
fn every_example_of_the_readme_runs() {
    let past = store();
    let mut shown = 0;
    for example in README.split("```sql\n").skip(1).filter_map(|part| part.split("```").next()) {
        ask(&past, example).unwrap_or_else(|e| panic!("{e}: {example}"));
        shown += 1;
    }
    let quoted = README.lines().filter_map(|line| line.strip_prefix("muster query \"")?.strip_suffix('"'));
    for example in quoted {
        ask(&past, example).unwrap_or_else(|e| panic!("{e}: {example}"));
        shown += 1;
    }
    assert!(shown >= views::each().count(), "at least one a view: {shown}");
}

#[test]
fn every_column_of_every_view_can_be_asked_for_by_itself() {
    let past = store();
    let query = Query::open(&past.path(), Duration::from_secs(60)).expect("open");
    for (view, columns) in query.views() {
        for what in columns.iter().map(String::as_str).chain(["1", "count(*)", "*"]) {
            ask(&past, &format!("SELECT {what} FROM {view}")).unwrap_or_else(|e| panic!("{what} of {view}: {e}"));
            let joined = format!("SELECT a.{what} FROM runs r LEFT JOIN {view} a ON a.connection = r.connection");
            if !["1", "count(*)"].contains(&what) {
                ask(&past, &joined).unwrap_or_else(|e| panic!("{joined}: {e}"));
            }
        }
    }
}

#[test]
fn everything_else_is_refused_and_nothing_is_written() {
    let past = store();
    let file = past.path().with_file_name("other.db");
    let attach = format!("ATTACH '{}' AS other", file.display());
    let into = format!("VACUUM INTO '{}'", file.display());
    let before = past.number("SELECT total_changes() + (SELECT count(*) FROM run)", &[]);
    let refused = [
        attach.as_str(),
        &into,
        "ATTACH ':memory:' AS m",
        "DETACH main",
        "PRAGMA user_version",
        "PRAGMA query_only = off",
        "PRAGMA hard_heap_limit = 0",
        "SELECT * FROM pragma_table_list",
        "SELECT count(*) FROM pragma_table_list",
        "SELECT * FROM pragma_database_list()",
        "SELECT * FROM pragma_user_version",
        "INSERT INTO connection (name) VALUES ('x')",
        "INSERT INTO resources VALUES (1)",
        "UPDATE connection SET published = 1",
        "DELETE FROM run",
        "DELETE FROM run RETURNING *",
        "WITH x AS (SELECT 1) DELETE FROM run",
        "REPLACE INTO connection (name) VALUES ('x')",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t (x)",
        "CREATE TEMP TABLE t AS SELECT * FROM resources",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TEMP VIEW v AS SELECT * FROM connection",
        "CREATE TEMP TRIGGER t INSTEAD OF INSERT ON resources BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.t USING fts5(x)",
        "CREATE INDEX i ON run (status)",
        "DROP VIEW resources",
        "DROP TABLE run",
        "ALTER TABLE run RENAME TO walk",
        "REINDEX",
        "ANALYZE",
        "VACUUM",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT s",
        "RELEASE s",
        "SELECT * FROM connection",
        "SELECT name FROM main.connection",
        "SELECT count(*) FROM connection",
        "SELECT 1 FROM connection",
        "SELECT count(*) FROM main.connection",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM totp_step)",
        "SELECT (SELECT max(vendor_id) FROM identity)",
        "SELECT r.name FROM resources r, identity i",
        "SELECT r.name FROM resources r, identity",
        "SELECT name FROM resources UNION SELECT name FROM connection",
        "SELECT name FROM resources ORDER BY (SELECT name FROM connection)",
        "WITH resources AS (SELECT * FROM connection) SELECT * FROM resources",
        "WITH resources AS (SELECT * FROM connection) SELECT name FROM resources",
        "WITH resources AS (SELECT 1 FROM connection) SELECT count(*) FROM resources",
        "WITH connection AS (SELECT * FROM main.connection) SELECT * FROM connection",
        "SELECT * FROM (SELECT * FROM connection) AS resources",
        "SELECT * FROM main.resources",
        "SELECT name FROM main.sqlite_schema",
        "SELECT sql FROM sqlite_schema",
        "SELECT sql FROM sqlite_master",
        "SELECT name FROM sqlite_temp_schema",
        "SELECT count(*) FROM sqlite_temp_master",
        "SELECT * FROM sqlite_sequence",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM dbstat",
        "SELECT * FROM json_each('[1]'), connection",
        "SELECT load_extension('x.so')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('x', 'y')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT sqlite_version()",
        "SELECT sqlite_compileoption_get(0)",
        "SELECT name FROM resources WHERE load_extension('x')",
        "EXPLAIN DELETE FROM run",
        "SELECT 1; SELECT 2",
        "SELECT 1; DELETE FROM run",
        "; ;",
        "",
        "-- nothing",
        "SELECT ?1",
        "SELECT \"nam\" FROM resources",
    ];
    for sql in refused {
        let answer = ask(&past, sql);
        assert!(matches!(&answer, Err(QueryError::Refused(_) | QueryError::Wrong(_))), "{sql}: {answer:?}");
        let sentence = answer.map(drop).expect_err(sql).to_string();
        assert!(!sentence.contains("prohibited") && !sentence.contains("authorized"), "{sql}: {sentence}");
    }
    assert!(!file.exists(), "no file was made");
    assert_eq!(past.number("SELECT total_changes() + (SELECT count(*) FROM run)", &[]), before);
}

#[test]
fn the_inner_views_have_other_names_each_time() {
    let past = store();
    let inner = || {
        let query = Query::unguarded(&past.path(), Duration::MAX).expect("open");
        let Fence { inner, .. } = query.build().expect("views");
        inner
    };
    let (one, other) = (inner(), inner());
    assert!(one.iter().zip(&other).all(|(a, b)| a != b && a.len() > 32), "{one:?} {other:?}");
}

#[test]
fn behind_the_fence_nothing_can_be_written_or_attached() {
    let past = store();
    let query = Query::unguarded(&past.path(), Duration::MAX).expect("open");
    query.build().and_then(|_| query.narrow()).expect("without the fence");
    for sql in [
        "DELETE FROM run RETURNING run",
        "CREATE TEMP TABLE t AS SELECT 1",
        "INSERT INTO connection (name) VALUES ('x')",
    ] {
        // Before it is begun.
        let answer = query.run(sql, &mut Lines::default());
        assert!(matches!(answer, Err(QueryError::Refused(_) | QueryError::Wrong(_))), "{sql}: {answer:?}");
        let answer = query.execute(sql).expect_err(sql).to_string();
        assert!(answer.contains("readonly"), "{sql}: {answer}");
    }
    let file = past.path().with_file_name("other.db");
    let answer = query.execute(&format!("ATTACH '{}' AS other", file.display())).expect_err("attached").to_string();
    assert!(answer.contains("too many attached databases") && !file.exists(), "{answer}");
}

#[test]
fn a_query_that_takes_too_long_is_stopped() {
    let past = store();
    let long =
        "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 50000000) SELECT max(x) FROM n";
    let query = Query::open(&past.path(), Duration::from_millis(50)).expect("open");
    let answer = query.run(long, &mut Lines::default());
    assert!(matches!(answer, Err(QueryError::Slow(_))), "{answer:?}");
}

#[test]
fn a_value_has_a_size() {
    let past = store();
    let answer = ask(&past, "SELECT printf('%.*c', 40000000, 'x')");
    assert!(matches!(&answer, Err(QueryError::Wrong(why)) if why.contains("32 MiB")), "{answer:?}");
    let answer = ask(&past, "SELECT 'a' LIKE printf('%.*c', 2000, '%')");
    assert!(matches!(&answer, Err(QueryError::Wrong(_))), "{answer:?}");
}
