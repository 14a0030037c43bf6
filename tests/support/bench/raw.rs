//! What SQLite alone needs for the rows of a store: the same tables, one thread, rows in the order of their keys.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::Broken;

/// Rows of one transaction: beyond this nothing is gained, and the log stays small.
const ROWS: usize = 20_000;
/// The size of the cache, as the host has it: kibibytes, told to SQLite as a negative number.
const CACHE: i64 = -2048;

/// Inserts the rows of a store into a new file beside it, until all is in the file.
pub fn insert_again(store: &Path) -> Result<Duration, Broken> {
    Rows::read(store)?.insert()
}

/// The rows of a store, in memory.
pub struct Rows {
    folder: PathBuf,
    page_size: i64,
    ddl: String,
    tables: Vec<(String, Vec<Vec<Value>>)>,
}

impl Rows {
    /// Reads all rows of all tables.
    pub fn read(store: &Path) -> Result<Rows, Broken> {
        let from = Connection::open(store)?;
        let schema = |what: &str| -> rusqlite::Result<Vec<String>> {
            let sql = format!("SELECT {what} AND name NOT LIKE 'sqlite%' AND sql IS NOT NULL ORDER BY rowid");
            from.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
        };
        let names = schema("name FROM sqlite_schema WHERE type = 'table'")?;
        Ok(Rows {
            folder: store.parent().ok_or("a store without a folder")?.to_owned(),
            page_size: from.pragma_query_value(None, "page_size", |row| row.get(0))?,
            ddl: schema("sql FROM sqlite_schema WHERE type IN ('table', 'index')")?.join(";\n"),
            tables: names.iter().map(|name| rows(&from, name)).collect::<Result<_, _>>()?,
        })
    }

    /// Inserts them into a new file beside the store, until all is in the file.
    pub fn insert(&self) -> Result<Duration, Broken> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let to = Connection::open(folder.path().join("raw.db"))?;
        // As the host opens a store.
        to.pragma_update(None, "page_size", self.page_size)?;
        to.pragma_update(None, "journal_mode", "wal")?;
        to.pragma_update(None, "synchronous", "normal")?;
        to.pragma_update(None, "cache_size", CACHE)?;
        to.execute_batch(&self.ddl)?;
        let began = Instant::now();
        for (insert, rows) in &self.tables {
            let mut insert = to.prepare(insert)?;
            for rows in rows.chunks(ROWS) {
                to.execute_batch("BEGIN IMMEDIATE")?;
                for row in rows {
                    insert.execute(params_from_iter(row))?;
                }
                to.execute_batch("COMMIT")?;
            }
        }
        // This writes the log back into the file.
        to.close().map_err(|(_, error)| error)?;
        Ok(began.elapsed())
    }
}

/// A table's rows in the order of their key, and what inserts one.
fn rows(from: &Connection, table: &str) -> rusqlite::Result<(String, Vec<Vec<Value>>)> {
    let mut select = from.prepare(&format!("SELECT * FROM \"{table}\""))?;
    let columns = select.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    let rows = select.query_map([], row)?.collect::<Result<_, _>>()?;
    Ok((format!("INSERT INTO \"{table}\" VALUES ({})", vec!["?"; columns].join(", ")), rows))
}
