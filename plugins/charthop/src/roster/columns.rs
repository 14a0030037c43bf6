//! Which field of a change is which column of an import, and which key of a request. Pure.
//!
//! Columns in their spelling are from ChartHop's page about adding people, but [`EMPLOYMENT`] and [`EMPLOYEE_ID`], which are
//! assumed to be called as ChartHop's own tables are. The keys of `PATCH person` are ChartHop's field codes; that they
//! are taken flat, with dots, is assumed. `update.title` and `update.employment` of a change are in its specification.

/// The column by which an import finds people. It has to be the first.
pub(crate) const WORK_EMAIL: &str = "Work Email";
/// Assumed.
const EMPLOYMENT: &str = "Employment";
/// Assumed.
const EMPLOYEE_ID: &str = "Employee ID";

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// `YYYY-MM-DD` becomes `M/D/YYYY`.
    Date,
    /// One of six words.
    Employment,
}

/// Where one field of a person can be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// As changes name it.
    pub(crate) name: &'static str,
    /// The column of an import; none for the address, by which an import finds people.
    pub(crate) column: Option<&'static str>,
    /// The field code of a `PATCH` of the person, and of reading it.
    pub(crate) code: Option<&'static str>,
    /// The key under `update` of a change of the job; then `code` reads it and nothing more.
    pub(crate) update: Option<&'static str>,
    kind: Kind,
}

const fn field(
    name: &'static str,
    column: Option<&'static str>,
    code: Option<&'static str>,
    update: Option<&'static str>,
    kind: Kind,
) -> Field {
    Field { name, column, code, update, kind }
}

/// Every field that can be written.
const FIELDS: [Field; 10] = [
    field("email", None, Some("contact.workEmail"), None, Kind::Text),
    field("given_name", Some("First Name"), Some("name.first"), None, Kind::Text),
    field("family_name", Some("Last Name"), Some("name.last"), None, Kind::Text),
    field("title", Some("Job Title"), Some("title"), Some("title"), Kind::Text),
    field("start_date", Some("Start Date"), None, None, Kind::Date),
    field("manager", Some("Manager"), None, None, Kind::Text),
    field("department", Some("Department"), None, None, Kind::Text),
    field("location", Some("Location"), None, None, Kind::Text),
    field("employment_type", Some(EMPLOYMENT), Some("employment"), Some("employment"), Kind::Employment),
    field("employee_id", Some(EMPLOYEE_ID), Some("contact.employee"), None, Kind::Text),
];

/// The field of this name; a sentence where there is none.
pub(crate) fn find(name: &str) -> Result<&'static Field, String> {
    static TABLE: [Field; 10] = FIELDS;
    let found = TABLE.iter().find(|field| field.name == name);
    found.ok_or_else(|| format!("ChartHop has no field {name} that can be written"))
}

impl Field {
    /// Whether one person's value can be written without an import.
    pub(crate) fn is_single(&self) -> bool {
        self.code.is_some()
    }

    /// The value as a cell of an import.
    pub(crate) fn cell(&self, value: &str) -> Result<String, String> {
        match self.kind {
            Kind::Date => day(value),
            _ => self.value(value),
        }
    }

    /// The value as a request has it.
    pub(crate) fn value(&self, value: &str) -> Result<String, String> {
        if value.trim().is_empty() {
            return Err(format!("an empty {} is not written: it would blank what ChartHop has", self.name));
        }
        match self.kind {
            Kind::Text | Kind::Date => Ok(value.to_owned()),
            Kind::Employment => employment(value).map(str::to_owned),
        }
    }
}

/// ChartHop's word for a type of employment.
fn employment(word: &str) -> Result<&'static str, String> {
    Ok(match word {
        "full-time" => "FULL",
        "part-time" => "PART",
        "temporary" => "TEMP",
        "contractor" => "CONTRACT",
        "intern" => "INTERN",
        "expatriate" => "EXPAT",
        _ => return Err(format!("ChartHop has no type of employment for {word}")),
    })
}

/// `YYYY-MM-DD` as `M/D/YYYY`.
fn day(text: &str) -> Result<String, String> {
    let number = |part: Option<&str>, length: usize, most: u32| {
        let digits = part.filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u32>().ok().filter(|number| (1..=most).contains(number))
    };
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next(), 4, 9999), number(parts.next(), 2, 12), number(parts.next(), 2, 31));
    match (year, month, day, parts.next()) {
        (Some(year), Some(month), Some(day), None) => Ok(format!("{month}/{day}/{year:04}")),
        _ => Err(format!("{text} is no day as YYYY-MM-DD")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_charthop_wants_them() {
        let table = [
            ("start_date", "2024-02-03", Ok("2/3/2024")),
            ("start_date", "2024-12-31", Ok("12/31/2024")),
            ("start_date", "2024-13-01", Err("2024-13-01 is no day as YYYY-MM-DD")),
            ("start_date", "2/3/2024", Err("2/3/2024 is no day as YYYY-MM-DD")),
            ("employment_type", "part-time", Ok("PART")),
            ("employment_type", "FULL", Err("ChartHop has no type of employment for FULL")),
            ("title", "=1+2", Ok("=1+2")),
            ("title", " ", Err("an empty title is not written: it would blank what ChartHop has")),
        ];
        for (name, value, wanted) in table {
            let cell = find(name).unwrap().cell(value);
            assert_eq!(cell.as_deref().map_err(String::as_str), wanted, "{name} {value}");
        }
        assert_eq!(find("pay").unwrap_err(), "ChartHop has no field pay that can be written");
    }
}
