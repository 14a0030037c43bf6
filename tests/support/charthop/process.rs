//! What an import leaves running: a process, asked for until it has ended.

use serde_json::{Value, json};

use super::import::{Flags, Report, RowError};
use super::table::Table;
use super::world::process_id;
use super::writable::LogForm;

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Running,
    Done,
    DoneWithErrors,
    Error,
}

impl Status {
    /// As ChartHop writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::DoneWithErrors => "DONE_WITH_ERRORS",
            Self::Error => "ERROR",
        }
    }

    fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// A process, as far as a test wants to know it.
#[derive(Clone, Debug)]
pub struct Process {
    pub number: u64,
    pub status: Status,
    /// The flags as they were given, `importSource` among them.
    pub options: Value,
    pub rows: usize,
    pub dry_run: bool,
    created: String,
    message: Option<String>,
    results: Value,
    log: Vec<Value>,
    /// How often it is asked for until it ends.
    pub(super) polls: u64,
    pub(super) table: Table,
    pub(super) flags: Flags,
}

impl Process {
    pub(super) fn new(number: u64, options: Value, table: Table, flags: Flags, polls: u64) -> Self {
        Self {
            number,
            status: Status::Pending,
            options,
            rows: table.rows.len(),
            dry_run: flags.dry_run,
            created: jiff::Timestamp::now().to_string(),
            message: None,
            results: Value::Null,
            log: Vec::new(),
            polls,
            table,
            flags,
        }
    }

    /// Somebody asks: whether its work is to be done now.
    pub(super) fn polled(&mut self) -> bool {
        if self.status.has_ended() {
            return false;
        }
        if self.polls > 0 {
            self.polls -= 1;
            self.status = Status::Running;
            return false;
        }
        true
    }

    /// The work was done, or not.
    pub(super) fn end(&mut self, report: &Report, form: LogForm) {
        let failed = !report.errors.is_empty();
        self.status = match (failed, self.flags.skip_errors) {
            (false, _) => Status::Done,
            (true, true) => Status::DoneWithErrors,
            (true, false) => Status::Error,
        };
        if self.status == Status::Error {
            self.message =
                Some(format!("{} of {} rows have errors; nothing was imported", report.errors.len(), self.rows));
        }
        self.results = json!({"created": report.hired, "updated": report.changed, "errors": report.errors.len()});
        self.log = report.errors.iter().map(|error| entry(error, form)).collect();
        self.log.insert(0, json!({"level": "INFO", "at": self.created, "message": "import started"}));
    }

    /// An end that says nothing of any row.
    pub(super) fn end_with(&mut self, status: Status, words: &str) {
        self.status = status;
        self.message = Some(words.to_owned());
        self.log = vec![json!({"level": "ERROR", "at": self.created, "message": words})];
    }

    pub(super) fn json(&self, org: &str, sources_hidden: bool) -> Value {
        let mut options = self.options.clone();
        if let Some(options) = options.as_object_mut().filter(|_| sources_hidden) {
            options.remove("importSource");
        }
        json!({
            "id": process_id(self.number), "orgId": org, "label": "Import CSV", "type": "IMPORT",
            "status": self.status.word(), "runUserId": "588f7ee98f13f00000000001", "createId": "588f7ee98f13f00000000001",
            "createAt": self.created, "options": options, "message": self.message, "results": self.results,
            "progress": if self.status.has_ended() { 1.0 } else { 0.5 }, "logDataList": self.log,
        })
    }
}

/// What the log says of a row; nobody knows how the real one says it.
fn entry(error: &RowError, form: LogForm) -> Value {
    let RowError { row, email, why } = error;
    match form {
        LogForm::Data => json!({
            "level": "ERROR", "at": "2026-01-01T00:00:00Z", "message": format!("Row {row}: {why}"),
            "data": {"row": row, "workEmail": email},
        }),
        LogForm::Address => json!({"level": "ERROR", "message": format!("Row {row} ({email}): {why}")}),
        // As a spreadsheet counts: the header is row 1.
        LogForm::SheetRow => json!({"level": "ERROR", "message": format!("Row {}: {why}", row + 1)}),
    }
}
