//! What SQLite alone needs for the rows of a store: the same tables, one thread, one transaction.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::Broken;

/// Inserts the rows of a store into a new file beside it, until all is in the file.
pub fn insert_again(store: &Path) -> Result<Duration, Broken> {
    let from = Connection::open(store)?;
    let schema = |what: &str| -> rusqlite::Result<Vec<String>> {
        let sql = format!("SELECT {what} AND name NOT LIKE 'sqlite%' AND sql IS NOT NULL ORDER BY rowid");
        from.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let ddl = schema("sql FROM sqlite_schema WHERE type IN ('table', 'index')")?;
    let names = schema("name FROM sqlite_schema WHERE type = 'table'")?;
    let tables: Vec<_> = names.iter().map(|name| rows(&from, name)).collect::<Result<_, _>>()?;

    let folder = tempfile::tempdir_in(store.parent().ok_or("a store without a folder")?)?;
    let to = Connection::open(folder.path().join("raw.db"))?;
    // As the host opens a store.
    to.pragma_update(None, "page_size", from.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))?)?;
    to.pragma_update(None, "journal_mode", "wal")?;
    to.pragma_update(None, "synchronous", "normal")?;
    to.pragma_update(None, "cache_size", -4096)?;
    to.execute_batch(&ddl.join(";\n"))?;
    let began = Instant::now();
    to.execute_batch("BEGIN IMMEDIATE")?;
    for (insert, rows) in &tables {
        let mut insert = to.prepare(insert)?;
        for row in rows {
            insert.execute(params_from_iter(row))?;
        }
    }
    to.execute_batch("COMMIT")?;
    // This writes the log back into the file.
    to.close().map_err(|(_, error)| error)?;
    Ok(began.elapsed())
}

/// A table's rows in the order of their key, and what inserts one.
fn rows(from: &Connection, table: &str) -> rusqlite::Result<(String, Vec<Vec<Value>>)> {
    let mut select = from.prepare(&format!("SELECT * FROM \"{table}\""))?;
    let columns = select.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    let rows = select.query_map([], row)?.collect::<Result<_, _>>()?;
    Ok((format!("INSERT INTO \"{table}\" VALUES ({})", vec!["?"; columns].join(", ")), rows))
}
