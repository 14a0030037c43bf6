//! Requests that write, and those that look before.

use std::collections::HashSet;

use muster_sdk::Failure;
use muster_sdk::http::{Answer, RequestBuilder};
use muster_sdk::request::Method;
use muster_sdk::roster::RosterOptions;
use muster_sdk::url::encode;
use muster_sdk::{HttpError, HttpErrorKind};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::report::{Process, words};
use crate::api::Api;
use crate::row::Row;

/// Processes of a page.
const PROCESSES: usize = 100;
/// Pages of processes that are looked through for one that was begun in this apply: the newest come first.
const PROCESS_PAGES: usize = 3;
/// Rows of a page of addresses. Others ask for as many.
const ADDRESSES: usize = 1_000;
/// What is read of a person before it is changed.
const PERSON: &str =
    "id,jobId,name.first,name.last,contact.workEmail,contact.employee,title,employment,startDateOrg,endDateOrg";

/// What is read of everybody to see who is there.
const KNOWN: &str = "id,contact.workEmail,startDateOrg,endDateOrg";

/// Whether somebody's last day is over. One before the first day belongs to an earlier stay.
fn has_left(row: &Row<'_>, today: &str) -> bool {
    let (first, last) = (row.date("startDateOrg"), row.date("endDateOrg"));
    last.is_some_and(|last| last.as_str() < today && first.is_none_or(|first| first <= last))
}

/// A page of any list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    fn next(&self, before: Option<&str>) -> Option<String> {
        self.next.clone().filter(|next| !next.is_empty() && Some(next.as_str()) != before)
    }
}

/// The requests of one apply.
pub(crate) struct Requests<'a> {
    pub(crate) api: &'a Api<'a>,
    pub(crate) options: &'a RosterOptions,
}

impl Requests<'_> {
    /// A person as it is now; none where there is nobody of this id.
    pub(crate) fn person(&self, id: &str) -> Result<Option<Box<RawValue>>, Failure> {
        let request = self.api.about(Method::Get, "v2", &format!("person/{}", encode(id))).query("fields", PERSON);
        match self.in_scenario(request).send() {
            Err(error) if error.status() == Some(404) => Ok(None),
            answer => self.json(answer).map(Some),
        }
    }

    /// Which of these work addresses, written small, somebody has who has not left.
    pub(crate) fn known(&self, wanted: &HashSet<String>, today: &str) -> Result<HashSet<String>, Failure> {
        let (mut known, mut from) = (HashSet::new(), None::<String>);
        loop {
            let request = self.api.about(Method::Get, "v2", "person").query("fields", KNOWN);
            let mut request = self.in_scenario(request.query("limit", ADDRESSES).query("includeAll", true));
            if let Some(from) = &from {
                request = request.query("from", from);
            }
            let page: Page<Box<RawValue>> = self.json(request.send())?;
            for row in &page.data {
                let row = Row::of(row).filter(|row| !has_left(row, today));
                let email = row.and_then(|row| Some(row.text("contact.workEmail")?.trim().to_lowercase()));
                known.extend(email.filter(|email| wanted.contains(email)));
            }
            match page.next(from.as_deref()) {
                None => return Ok(known),
                next => from = next,
            }
        }
    }

    /// Posts a file. What ChartHop refuses as a whole comes back in its words.
    pub(crate) fn import(
        &self,
        source: &str,
        upsert: bool,
        effective: Option<&str>,
        file: &[u8],
    ) -> Result<Result<Option<Process>, String>, Failure> {
        let RosterOptions { dry_run, overwrite, create_groups, skip_errors, .. } = self.options;
        let request = self
            .api
            .about(Method::Post, "v1", "import/csv/data")
            .query("skipErrors", skip_errors)
            .query("upsert", upsert)
            .query("createGroups", create_groups)
            .query("disableSyncHireDate", false)
            .query("disableOverwritePerson", !overwrite)
            .query("importDryRun", dry_run)
            .query("importSource", source);
        let mut request = self.in_scenario(request);
        if let Some(day) = effective {
            request = request.query("defaultChangeDate", day);
        }
        let sent = request.file("file", "people.csv", "text/csv", file).send();
        Ok(self.written(sent)?.map(|answer| answer.json().ok()))
    }

    /// A process by its id.
    pub(crate) fn process(&self, id: &str) -> Result<Process, Failure> {
        self.json(self.api.about(Method::Get, "v1", &format!("process/{}", encode(id))).send())
    }

    /// The process of an import with this mark.
    pub(crate) fn find_process(&self, source: &str) -> Result<Option<Process>, Failure> {
        let mut from = None::<String>;
        for _ in 0..PROCESS_PAGES {
            let mut request = self.api.about(Method::Get, "v1", "process").query("limit", PROCESSES);
            if let Some(from) = &from {
                request = request.query("from", from);
            }
            let mut page: Page<Process> = self.json(request.send())?;
            if let Some(at) = page.data.iter().position(|process| process.source() == Some(source)) {
                return Ok(Some(page.data.swap_remove(at)));
            }
            match page.next(from.as_deref()) {
                None => break,
                next => from = next,
            }
        }
        Ok(None)
    }

    /// Whether any process is still at work.
    pub(crate) fn is_busy(&self) -> Result<bool, Failure> {
        let request = self.api.about(Method::Get, "v1", "process").query("statuses", "PENDING,RUNNING");
        let page: Page<Process> = self.json(request.query("limit", PROCESSES).send())?;
        Ok(page.data.iter().any(Process::works))
    }

    /// Writes fields of a person itself. The status, or why not.
    pub(crate) fn patch(&self, id: &str, day: Option<&str>, fields: &Value) -> Result<Result<u16, String>, Failure> {
        let request = self.api.about(Method::Patch, "v2", &format!("person/{}", encode(id)));
        let mut request = self.in_scenario(request);
        if let Some(day) = day {
            request = request.query("date", day);
        }
        Ok(self.written(request.json(fields).send())?.map(|answer| answer.status()))
    }

    /// Makes a change, unless an equal one exists. The status, or why not.
    pub(crate) fn sync(&self, of: &str, mut change: Value) -> Result<Result<u16, String>, Failure> {
        if let (Some(scenario), Some(body)) = (&self.options.scenario, change.as_object_mut()) {
            body.insert("scenarioId".to_owned(), scenario.as_str().into());
        }
        let request = self.api.about(Method::Post, "v1", &format!("change/sync/{of}"));
        Ok(self.written(request.json(&change).send())?.map(|answer| answer.status()))
    }

    fn in_scenario<'r>(&self, request: RequestBuilder<'r>) -> RequestBuilder<'r> {
        match &self.options.scenario {
            Some(scenario) => request.query("scenarioId", scenario),
            None => request,
        }
    }

    fn json<T: serde::de::DeserializeOwned>(&self, sent: Result<Answer, HttpError>) -> Result<T, Failure> {
        let answer = sent.map_err(|error| self.api.failed(error))?;
        if answer.status() == 202 {
            // A snapshot that is being built: no data.
            return Err(Failure::NotReady(1));
        }
        answer.json().map_err(|error| self.api.failed(error))
    }

    /// A refusal of this one write is an outcome; everything else ends the step.
    fn written(&self, sent: Result<Answer, HttpError>) -> Result<Result<Answer, String>, Failure> {
        match sent {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) => match &error.kind {
                HttpErrorKind::Status(refusal) if matches!(refusal.status, 400 | 404 | 409 | 422) => {
                    Ok(Err(words(&error.to_string())))
                }
                _ => Err(self.api.failed(error)),
            },
        }
    }
}
