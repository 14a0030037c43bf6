//! What SQLite alone needs for the rows of a store: the same tables, one thread, one transaction.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::Broken;

struct Table {
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Inserts the rows of a store into a new file beside it, up to the end of the last write.
pub fn insert_again(store: &Path) -> Result<Duration, Broken> {
    let from = Connection::open(store)?;
    let page_size: i64 = from.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let of_schema = |what: &str, kinds: &str| -> rusqlite::Result<Vec<String>> {
        let sql = format!(
            "SELECT {what} FROM sqlite_schema WHERE type IN ({kinds}) AND name NOT LIKE 'sqlite!_%' ESCAPE '!' \
             AND sql IS NOT NULL ORDER BY rowid"
        );
        from.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let ddl = of_schema("sql", "'table', 'index'")?;
    let tables: Vec<Table> =
        of_schema("name", "'table'")?.iter().map(|name| table(&from, name)).collect::<Result<_, _>>()?;

    let folder = tempfile::tempdir_in(store.parent().ok_or("a store without a folder")?)?;
    let to = Connection::open(folder.path().join("raw.db"))?;
    // As the host opens a store.
    to.pragma_update(None, "page_size", page_size)?;
    to.pragma_update(None, "journal_mode", "wal")?;
    to.pragma_update(None, "synchronous", "normal")?;
    to.pragma_update(None, "cache_size", -4096)?;
    to.execute_batch(&ddl.join(";\n"))?;

    let began = Instant::now();
    to.execute_batch("BEGIN IMMEDIATE")?;
    for table in &tables {
        let mut insert = to.prepare(&table.insert)?;
        for row in &table.rows {
            insert.execute(params_from_iter(row))?;
        }
    }
    to.execute_batch("COMMIT")?;
    to.close().map_err(|(_, error)| error)?;
    Ok(began.elapsed())
}

fn table(from: &Connection, name: &str) -> rusqlite::Result<Table> {
    let mut select = from.prepare(&format!("SELECT * FROM \"{name}\""))?;
    let columns = select.column_count();
    let rows = select
        .query_map([], |row| (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>())?
        .collect::<Result<_, _>>()?;
    let places = vec!["?"; columns].join(", ");
    Ok(Table { insert: format!("INSERT INTO \"{name}\" VALUES ({places})"), rows })
}
