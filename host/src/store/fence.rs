//! What a statement of `muster query` may touch: the public views, and nothing else.
//!
//! Rule: everything is refused but `SELECT`, recursion, functions on a list, and columns of the public views. A table of the
//! file is read only on behalf of an inner view, whose name is drawn anew for each query.
//! Reason: a query is pasted from a web page, written by a program or by a model, or comes from somebody who may look
//! at access but not change it; and tables may change with any version.
//! Attack: `ATTACH` creates or reads any file of the user, and a read-only connection does not refuse it; `PRAGMA` turns
//! guards off; `load_extension` runs code, and `fts3_tokenizer` has run it; `writefile`-like functions of a later SQLite.
//! SQLite calls "accessor" whatever name stands in `FROM`: `WITH resources AS (SELECT * FROM connection) SELECT * FROM
//! resources` reads the table `connection` in the name of the view `resources`. So a public name proves nothing: the tables
//! are read by inner views alone, and nobody can spell their names.
//! Deliberately absent: a list of what is forbidden. What this file does not know is refused.

use rusqlite::hooks::{AuthAction, AuthContext};

/// Functions that only compute. SQLite's own, without those that load, tokenise, or tell of the file and the library.
const FUNCTIONS: &[&str] = &[
    // Of one row.
    "->",
    "->>",
    "abs",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "format",
    "glob",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "ltrim",
    "max",
    "min",
    "nullif",
    "octet_length",
    "printf",
    "quote",
    "random",
    "replace",
    "round",
    "rtrim",
    "sign",
    "soundex",
    "substr",
    "substring",
    "trim",
    "typeof",
    "unhex",
    "unicode",
    "unlikely",
    "upper",
    // Of time.
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "julianday",
    "strftime",
    "time",
    "timediff",
    "unixepoch",
    // Of JSON.
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    // Of many rows.
    "avg",
    "count",
    "cume_dist",
    "dense_rank",
    "first_value",
    "group_concat",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
    "string_agg",
    "sum",
    "total",
];

/// Tables that are made of an argument.
const TABLES_OF_JSON: [&str; 2] = ["json_each", "json_tree"];

/// The fence around one query.
#[derive(Debug)]
pub(super) struct Fence {
    /// The public views.
    pub(super) public: Vec<&'static str>,
    /// What reads the tables for them: names that nobody can guess.
    pub(super) inner: Vec<String>,
    /// Everything else that has a name: tables, indexes and views of the file, and tables that SQLite makes up.
    pub(super) others: Vec<String>,
}

impl Fence {
    /// Why a statement may not do that, as one sentence; none where it may.
    pub(super) fn objection(&self, asked: &AuthContext) -> Option<String> {
        match asked.action {
            AuthAction::Select | AuthAction::Recursive => None,
            AuthAction::Function { function_name } => match has(FUNCTIONS, function_name) {
                true => None,
                false => Some(format!("a query may not use the function {function_name}")),
            },
            AuthAction::Read { table_name, .. } => self.reading(table_name, asked),
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
                Some("a query may not open another file".to_owned())
            }
            AuthAction::Pragma { .. } => Some("a query may not use PRAGMA".to_owned()),
            _ => Some("a query may only read: one SELECT".to_owned()),
        }
    }

    fn reading(&self, table: &str, asked: &AuthContext) -> Option<String> {
        let inner = |name: &str| self.inner.iter().any(|i| i == name);
        if asked.accessor.is_some_and(inner) || inner(table) || has(&TABLES_OF_JSON, table) {
            return None;
        }
        // A view of the file has the same names; it would have to read tables itself.
        if has(&self.public, table) && asked.database_name != Some("main") {
            return None;
        }
        // Where no column of it is read SQLite does not say whether a name is a table or was given by `WITH`.
        let given = asked.database_name.is_none() && !self.is_other(table);
        match given {
            true => None,
            false => Some(format!("a query may not read {table}: it is none of the views")),
        }
    }

    fn is_other(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        ["pragma_", "sqlite_"].iter().any(|start| lower.starts_with(start))
            || self.others.iter().any(|other| other.eq_ignore_ascii_case(name))
    }
}

fn has(list: &[&str], name: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_may_be_done() {
        let fence = Fence {
            public: vec!["resources"],
            inner: vec!["inner_5".to_owned()],
            others: vec!["connection".to_owned(), "dbstat".to_owned()],
        };
        let read = |table_name| AuthAction::Read { table_name, column_name: "x" };
        // What, in which database, on behalf of what, whether it may.
        let table = [
            (AuthAction::Select, None, None, true),
            (AuthAction::Recursive, None, None, true),
            (AuthAction::Function { function_name: "COUNT" }, None, None, true),
            (AuthAction::Function { function_name: "load_extension" }, None, None, false),
            (AuthAction::Function { function_name: "of_a_later_version" }, None, None, false),
            (read("resources"), Some("temp"), None, true),
            (read("Resources"), None, None, true),
            (read("resources"), Some("main"), None, false),
            (read("inner_5"), Some("temp"), Some("resources"), true),
            (read("connection"), Some("main"), Some("inner_5"), true),
            (read("connection"), Some("main"), None, false),
            (read("connection"), Some("main"), Some("resources"), false),
            (read("connection"), None, None, false),
            (read("CONNECTION"), None, Some("resources"), false),
            (read("made_by_with"), None, None, true),
            (read("json_each"), Some("main"), None, true),
            (read("dbstat"), None, None, false),
            (read("pragma_table_list"), None, None, false),
            (read("sqlite_schema"), Some("main"), None, false),
            (read("sqlite_temp_schema"), Some("temp"), None, false),
            (AuthAction::Attach { filename: "x" }, None, None, false),
            (AuthAction::Detach { database_name: "x" }, None, None, false),
            (AuthAction::Pragma { pragma_name: "user_version", pragma_value: None }, None, None, false),
            (AuthAction::Insert { table_name: "connection" }, Some("main"), None, false),
            (AuthAction::Update { table_name: "connection", column_name: "name" }, Some("main"), None, false),
            (AuthAction::Delete { table_name: "connection" }, Some("main"), None, false),
            (AuthAction::CreateTempView { view_name: "inner_6" }, Some("temp"), None, false),
            (AuthAction::Unknown { code: 99, arg1: None, arg2: None }, None, None, false),
        ];
        for (action, database_name, accessor, may) in table {
            let objection = fence.objection(&AuthContext { action, database_name, accessor });
            assert_eq!(objection.is_none(), may, "{action:?} {database_name:?} {accessor:?}: {objection:?}");
        }
    }
}
