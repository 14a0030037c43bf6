//! Data on stdout: buffered, one line at a time, and a reader who leaves is no error.

use super::error::CliError;
use super::table::Table;
use serde::Serialize;
use std::io::{BufWriter, StdoutLock, Write};

/// Standard output.
pub struct Output {
    out: BufWriter<StdoutLock<'static>>,
    json: bool,
    table: Option<Table>,
}

impl Output {
    /// Standard output, in JSON lines or for people.
    pub fn new(json: bool) -> Output {
        Output { out: BufWriter::with_capacity(64 * 1024, std::io::stdout().lock()), json, table: None }
    }

    /// Whether programs are reading.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// What follows are rows of a table with these columns.
    pub fn columns(&mut self, header: &[&str]) {
        self.table = Some(Table::new(header));
    }

    /// A row: the object for programs, its cells for people.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn row<T: Serialize>(&mut self, row: &T, cells: impl FnOnce(&T) -> Vec<String>) -> Result<(), CliError> {
        if self.json {
            return self.json(row);
        }
        let lines = self.table.as_mut().map(|t| t.row(cells(row))).unwrap_or_default();
        self.lines(&lines)
    }

    /// A JSON line.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn json<T: Serialize>(&mut self, value: &T) -> Result<(), CliError> {
        serde_json::to_writer(&mut self.out, value).map_err(std::io::Error::from)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Lines for people, neutralised already.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn lines(&mut self, lines: &[String]) -> Result<(), CliError> {
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub fn finish(mut self) -> Result<(), CliError> {
        if let Some(table) = self.table.take() {
            let lines = table.finish();
            self.lines(&lines)?;
        }
        self.out.flush()?;
        Ok(())
    }
}
