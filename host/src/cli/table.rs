//! Tables for people. Pure: it makes lines, others print them.
//!
//! Widths come from the first thousand rows, so that a table of any size is streamed in constant memory.

use crate::text::neutral;
use unicode_width::UnicodeWidthStr;

/// Rows that decide the widths.
const SAMPLE: usize = 1000;
/// Columns of the widest cell that is padded to; wider ones stand out.
const WIDEST: usize = 60;

/// A table that is being filled.
#[derive(Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(header: &[&str]) -> Table {
        Table { header: header.iter().map(|h| neutral(h).into_owned()).collect(), rows: Vec::new(), widths: None }
    }

    /// Takes a row; the answer is the lines that can be printed by now.
    pub fn row(&mut self, cells: Vec<String>) -> Vec<String> {
        let cells: Vec<String> = cells.into_iter().map(|c| neutral(&c).into_owned()).collect();
        if let Some(widths) = &self.widths {
            return vec![line(&cells, widths)];
        }
        self.rows.push(cells);
        if self.rows.len() >= SAMPLE { self.flush() } else { Vec::new() }
    }

    /// The lines that are left; none at all where no row came.
    pub fn finish(mut self) -> Vec<String> {
        if self.rows.is_empty() { Vec::new() } else { self.flush() }
    }

    fn flush(&mut self) -> Vec<String> {
        let mut widths: Vec<usize> = self.header.iter().map(|h| h.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width().min(WIDEST));
            }
        }
        let header = std::mem::take(&mut self.header);
        let rows = std::mem::take(&mut self.rows);
        let lines = std::iter::once(&header).chain(&rows).map(|cells| line(cells, &widths)).collect();
        self.widths = Some(widths);
        lines
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(of: &[&str]) -> Vec<String> {
        of.iter().map(|c| (*c).to_owned()).collect()
    }

    #[test]
    fn columns_line_up_also_with_wide_characters() {
        let mut table = Table::new(&["NAME", "ID"]);
        assert!(table.row(cells(&["中文", "1"])).is_empty());
        assert!(table.row(cells(&["Ann", "2"])).is_empty());
        assert_eq!(table.finish(), ["NAME  ID", "中文  1", "Ann   2"]);
    }

    #[test]
    fn after_the_sample_rows_are_streamed() {
        let mut table = Table::new(&["N"]);
        let lines: usize = (0..SAMPLE + 5).map(|n| table.row(vec![n.to_string()]).len()).sum();
        assert_eq!(lines, SAMPLE + 6, "all rows and the header");
        assert!(table.finish().is_empty());
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_line() {
        let mut table = Table::new(&["NAME"]);
        table.row(cells(&["a\n\u{1b}[2Jb"]));
        assert_eq!(table.finish(), ["NAME", "a \\u{1b}[2Jb"]);
    }

    #[test]
    fn no_rows_make_no_table() {
        assert!(Table::new(&["NAME"]).finish().is_empty());
    }
}
