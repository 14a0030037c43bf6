//! A file of people: columns by name, rows, and the dates in them.

/// The columns that are known, as ChartHop's page about new people has them.
const COLUMNS: [&str; 11] = [
    "Work Email",
    "First Name",
    "Last Name",
    "Job Title",
    "Start Date",
    "Manager",
    "Department",
    "Location",
    "Employment",
    "Employee ID",
    "date",
];

/// A file that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a file; `Work Email` has to be the first column.
    pub(super) fn read(file: &[u8]) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new().from_reader(file);
        let header: Vec<String> =
            reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
        if header.first().map(String::as_str) != Some("Work Email") {
            return Err("the first column has to be Work Email".to_owned());
        }
        if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            return Err(format!("unknown column {unknown}"));
        }
        let rows = reader.records().map(|row| row.map(|row| row.iter().map(str::to_owned).collect()));
        let rows = rows.collect::<Result<Vec<Vec<String>>, _>>().map_err(|error| error.to_string())?;
        Ok(Self { header, rows })
    }

    /// A cell; none where the file has no such column.
    pub(super) fn cell<'r>(&self, row: &'r [String], column: &str) -> Option<&'r str> {
        let at = self.header.iter().position(|name| name == column)?;
        row.get(at).map(String::as_str)
    }
}

/// `M/D/YYYY` as `YYYY-MM-DD`; none where it is no such day.
pub(super) fn day(text: &str) -> Option<String> {
    let mut parts = text.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some(date.to_string())
}

/// Whether a text is a day as `YYYY-MM-DD`.
pub(super) fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let table = [
            ("1/2/2024", Some("2024-01-02")),
            ("12/31/1999", Some("1999-12-31")),
            ("02/03/2024", Some("2024-02-03")),
            ("2/30/2024", None),
            ("2024-01-02", None),
            ("1/2/24", None),
            ("", None),
        ];
        for (text, wanted) in table {
            assert_eq!(day(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_file_begins_with_the_address() {
        let table = Table::read(b"Work Email,Job Title\na@x.test,\"Head, of \"\"all\"\"\"\n").unwrap();
        assert_eq!(table.cell(&table.rows[0], "Job Title"), Some("Head, of \"all\""));
        assert_eq!(table.cell(&table.rows[0], "Manager"), None);
        for file in ["Job Title,Work Email\n", "Work Email,Shoe Size\n", "", "Work Email,Job Title\na@x.test\n"] {
            assert!(Table::read(file.as_bytes()).is_err(), "{file}");
        }
    }
}
