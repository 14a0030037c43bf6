//! `muster query`: SQL over the public views, its answer streamed.

use super::args::{Global, Query as Options};
use super::error::{self, CliError};
use super::output::Output;
use super::scene;
use crate::store::sql::{Cell, Query, QueryError, SQL_BYTES, Taker};
use crate::text::{nearest, shorten};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::HashSet;
use std::io::Read;
use std::time::Duration;

/// Bytes of a cell that people are shown; programs get all of it. A table keeps some rows until it knows its widths.
const CELL_BYTES: usize = 1000;
/// How long one step of SQLite may go on past the limit before the process ends itself.
const GRACE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, a statement that is refused or wrong, or one that takes too much.
pub fn query(global: &Global, options: &Options) -> Result<u8, CliError> {
    let sql = statement(&options.sql)?;
    let path = scene::store_path(global)?;
    let timeout = Duration::from_secs(u64::from(options.timeout));
    let mut printer = Printer { out: Output::new(global.json), names: Vec::new(), rows: 0 };
    let ran = Query::limit_memory(&path, u64::from(options.memory) * 1024 * 1024)
        .and_then(|()| Query::open(&path, timeout))
        .map_err(Failed::Query)
        .and_then(|query| {
            end_with_the_process(&query, timeout, options);
            query.run(&sql, &mut printer).map_err(|failed| match failed {
                Failed::Query(QueryError::Wrong(why)) => Failed::Cli(wrong(&why, &sql, &query.views())),
                other => other,
            })
        });
    let rows = printer.rows;
    // What was answered before an error is printed, too.
    let printed = printer.out.finish();
    ran.map_err(|failed| failed.into_cli(options))?;
    printed?;
    if rows == 0 && !global.json && !global.quiet {
        eprintln!("no rows");
    }
    Ok(error::OK)
}

fn statement(argument: &str) -> Result<String, CliError> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = Vec::new();
    std::io::stdin().lock().take(SQL_BYTES as u64 + 1).read_to_end(&mut text)?;
    if text.len() > SQL_BYTES {
        return Err(CliError::usage(format!("the statement on stdin has more than {} KiB", SQL_BYTES / 1024)));
    }
    String::from_utf8(text).map_err(|_| CliError::usage("the statement on stdin is not UTF-8 text"))
}

/// SQLite is interrupted between its steps. A step that never ends is ended with the process, which only reads.
fn end_with_the_process(query: &Query, timeout: Duration, options: &Options) {
    let watch = query.watch();
    let slow = slow(options);
    std::thread::spawn(move || {
        while watch.elapsed() < timeout + GRACE {
            std::thread::sleep(LOOK);
        }
        std::process::exit(i32::from(slow.report()));
    });
}

enum Failed {
    Query(QueryError),
    Cli(CliError),
}

impl From<QueryError> for Failed {
    fn from(e: QueryError) -> Failed {
        Failed::Query(e)
    }
}

impl From<CliError> for Failed {
    fn from(e: CliError) -> Failed {
        Failed::Cli(e)
    }
}

impl Failed {
    fn into_cli(self, options: &Options) -> CliError {
        match self {
            Failed::Cli(e) => e,
            Failed::Query(QueryError::Store(e)) => e.into(),
            Failed::Query(QueryError::Slow(_)) => slow(options),
            Failed::Query(e @ QueryError::Hungry) => CliError::failed(format!("{e} ({} MiB)", options.memory))
                .with_help(
                    "select fewer rows or columns before they are sorted or joined, or allow more with --memory",
                ),
            Failed::Query(e @ (QueryError::Refused(_) | QueryError::Wrong(_))) => CliError::usage(e.to_string()),
        }
    }
}

fn slow(options: &Options) -> CliError {
    CliError::failed(QueryError::Slow(u64::from(options.timeout)).to_string())
        .with_help("ask for less: name a connection, a type, an id or an email; or allow more with --timeout")
}

/// SQLite's words, with the names that would have been right.
fn wrong(why: &str, sql: &str, views: &[(String, Vec<String>)]) -> CliError {
    let error = CliError::usage(why.trim_end_matches('.').to_owned());
    let names = || views.iter().map(|(name, _)| name.as_str());
    if let Some(table) = why.strip_prefix("no such table: ") {
        let error = match nearest(table, names()) {
            Some(meant) => error.with_help(format!("did you mean {meant}?")),
            None => error,
        };
        return error.with_help(format!("there are the views {}", names().collect::<Vec<_>>().join(", ")));
    }
    if !why.starts_with("no such column: ") {
        return error;
    }
    let words: HashSet<String> =
        sql.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_ascii_lowercase).collect();
    let asked = views.iter().filter(|(name, _)| words.contains(name));
    asked.fold(error, |error, (name, columns)| error.with_help(format!("{name} has {}", columns.join(", "))))
}

struct Printer {
    out: Output,
    names: Vec<String>,
    rows: u64,
}

impl Taker for Printer {
    type Error = Failed;

    fn columns(&mut self, names: &[&str]) -> Result<(), Failed> {
        self.names = distinct(names);
        self.out.columns(names);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), Failed> {
        self.rows += 1;
        let row = Row { names: &self.names, cells };
        Ok(self.out.row(&row, |row| row.cells.iter().map(shown).collect())?)
    }
}

/// The names, each once: of those that come again the second is `name_2`, so that no value is lost in an object.
fn distinct(names: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        let again = (2..).map(|n| format!("{name}_{n}"));
        let free = std::iter::once((*name).to_owned()).chain(again).find(|candidate| {
            // A later column may have that name by itself.
            !out.contains(candidate) && (candidate == name || !names.contains(&candidate.as_str()))
        });
        out.extend(free);
    }
    out
}

/// A row as a JSON object, in the order of its columns.
struct Row<'a> {
    names: &'a [String],
    cells: &'a [Cell<'a>],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (name, cell) in self.names.iter().zip(self.cells) {
            match cell {
                Cell::Null => map.serialize_entry(name, &())?,
                Cell::Integer(n) => map.serialize_entry(name, n)?,
                // JSON has no infinite number.
                Cell::Real(n) if !n.is_finite() => map.serialize_entry(name, &n.to_string())?,
                Cell::Real(n) => map.serialize_entry(name, n)?,
                Cell::Text(text) => map.serialize_entry(name, &String::from_utf8_lossy(text))?,
                Cell::Blob(bytes) => map.serialize_entry(name, &hex(bytes))?,
            }
        }
        map.end()
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Integer(n) => n.to_string(),
        Cell::Real(n) => n.to_string(),
        Cell::Text(text) => shorten(&String::from_utf8_lossy(text), CELL_BYTES),
        Cell::Blob(bytes) => shorten(&hex(bytes.get(..CELL_BYTES).unwrap_or(bytes)), CELL_BYTES),
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_an_object_has_a_name_of_its_own() {
        let table: [(&[&str], &[&str]); 4] = [
            (&["a", "b"], &["a", "b"]),
            (&["a", "a", "a"], &["a", "a_2", "a_3"]),
            (&["a", "a", "a_2"], &["a", "a_3", "a_2"]),
            (&["", ""], &["", "_2"]),
        ];
        for (names, expected) in table {
            assert_eq!(distinct(names), expected, "{names:?}");
        }
    }

    #[test]
    fn a_row_is_an_object_in_the_order_of_its_columns() {
        let names: Vec<String> = ["z", "a", "n", "f", "i", "b", "x"].map(str::to_owned).to_vec();
        let cells = [
            Cell::Text(b"q\"\xff"),
            Cell::Null,
            Cell::Integer(i64::MAX),
            Cell::Real(1.5),
            Cell::Real(f64::INFINITY),
            Cell::Blob(&[0, 255]),
            Cell::Text(b""),
        ];
        let json = serde_json::to_string(&Row { names: &names, cells: &cells }).expect("json");
        assert_eq!(json, r#"{"z":"q\"�","a":null,"n":9223372036854775807,"f":1.5,"i":"inf","b":"00ff","x":""}"#);
        assert_eq!(cells.map(|c| shown(&c)).join(" "), "q\"� - 9223372036854775807 1.5 inf 00ff ");
    }

    #[test]
    fn a_wrong_name_is_told_the_right_ones() {
        let views = [("resources".to_owned(), vec!["id".to_owned(), "name".to_owned()]), ("runs".to_owned(), vec![])];
        let help = |why: &str, sql: &str| match wrong(why, sql, &views) {
            CliError::Say { help, .. } => help,
            CliError::BrokenPipe => Vec::new(),
        };
        assert_eq!(help("no such column: nam", "SELECT nam FROM Resources r"), ["resources has id, name"]);
        assert_eq!(
            help("no such table: resource", "SELECT * FROM resource"),
            ["did you mean resources?", "there are the views resources, runs"]
        );
        assert!(help("near \"SELEC\": syntax error", "SELEC").is_empty());
    }
}
