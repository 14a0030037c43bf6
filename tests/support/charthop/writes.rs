//! What can be written, by whom it is asked, and what came of it.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};

use super::import::{Flags, run};
use super::process::Process;
use super::query::Query;
use super::table::Table;
use super::world::{World, process_id};
use super::writable::{Applied, End, Writing};
use super::{change, multipart, person_patch};
use crate::server::{Answer, Request};

/// Everything that writing needs beside the world.
pub(super) struct Writes {
    pub(super) writing: Writing,
    /// Copies of the world, by id.
    pub(super) scenarios: BTreeMap<String, World>,
    pub(super) processes: Vec<Process>,
    pub(super) applied: Vec<Applied>,
    /// Every write that was taken, whether or not it made a difference.
    pub(super) taken: Vec<Applied>,
    /// How many rows a habit made fail.
    pub(super) spoilt: u64,
    /// How many processes ended as a habit wants it.
    pub(super) bent: u64,
    today: String,
    changes: u64,
}

fn refused(status: u16, why: &str) -> Answer {
    Answer::json(status, json!({"code": "bad request", "message": why}).to_string())
}

impl Writes {
    pub(super) fn new(writing: Writing, world: &World, today: String) -> Self {
        let scenarios = writing.scenarios.iter().map(|id| (id.clone(), world.clone())).collect();
        let (processes, applied, taken) = (Vec::new(), Vec::new(), Vec::new());
        Self { writing, scenarios, processes, applied, taken, spoilt: 0, bent: 0, today, changes: 0 }
    }

    /// The answer, if the request is one of these; `rest` is the path behind the organization.
    pub(super) fn answer(
        &mut self,
        world: &mut World,
        request: &Request,
        version: &str,
        rest: &[&str],
        query: &Query,
    ) -> Option<Answer> {
        let (post, get) = (request.method == Method::POST, request.method == Method::GET);
        match (version, rest) {
            ("v1", ["import", "csv", "data"]) if post => Some(self.import(world, request, query)),
            ("v1", ["change", "sync", of]) if post => Some(self.change(world, request, of)),
            ("v1", ["process"]) if get => Some(self.list(world, query)),
            ("v1", ["process", id]) if get => Some(self.process(world, id)),
            ("v2", ["person", id]) if request.method == Method::PATCH => Some(self.patch(world, request, id, query)),
            _ => None,
        }
    }

    fn status(&self, usual: u16) -> u16 {
        if self.writing.accepts { 202 } else { usual }
    }

    fn import(&mut self, world: &mut World, request: &Request, query: &Query) -> Answer {
        let flags = match Flags::of(query) {
            Ok(flags) => flags,
            Err(why) => return refused(400, &why),
        };
        if flags.scenario.as_ref().is_some_and(|id| !self.scenarios.contains_key(id)) {
            return refused(400, "unknown scenario");
        }
        let read = multipart::file(request).and_then(|file| Ok((Table::read(&file)?, file)));
        let (table, file) = match read {
            Ok(read) => read,
            Err(why) => return refused(400, &why),
        };
        if !flags.dry_run {
            let source = query.get("importSource").unwrap_or_default();
            let file = String::from_utf8_lossy(&file);
            self.taken.push(Applied::new(flags.scenario.as_deref(), "import", source, &file));
        }
        let number = self.processes.len() as u64 + 1;
        let polls = self.writing.polls;
        self.processes.push(Process::new(number, options(query), table, flags, polls));
        // What was answered is how it began, whatever it came to meanwhile.
        let at = self.processes.len() - 1;
        let answer = self.processes[at].json(&world.org.id, self.writing.sources_hidden);
        if polls == 0 {
            self.work(world, at);
        }
        Answer::json(self.status(200), answer.to_string())
    }

    /// Does the work of a process.
    fn work(&mut self, world: &mut World, at: usize) {
        let Some(process) = self.processes.get_mut(at) else { return };
        let flags = process.flags.clone();
        let end = if self.writing.ends.is_empty() { None } else { Some(self.writing.ends.remove(0)) };
        let target = match &flags.scenario {
            None => Some(world),
            Some(id) => self.scenarios.get_mut(id),
        };
        let Some(target) = target else { return };
        self.bent += u64::from(end.is_some());
        if let Some(End::Error(words)) = &end {
            process.end_with(super::process::Status::Error, words);
            return;
        }
        // Without a word every other row is left out.
        let silent = matches!(end, Some(End::Silent(_)));
        let only = |at: usize| !silent || at.is_multiple_of(2);
        let report = run(target, &process.table, &flags, &self.writing, &self.today, only);
        self.spoilt += report.spoilt;
        process.end(&report, self.writing.log_form);
        if let Some(End::Silent(words)) = &end {
            process.end_with(super::process::Status::DoneWithErrors, words);
        }
        if (report.errors.is_empty() || flags.skip_errors) && !flags.dry_run {
            *target = report.world;
            self.applied.extend(report.applied);
        }
    }

    fn process(&mut self, world: &mut World, id: &str) -> Answer {
        let Some(at) = self.processes.iter().position(|process| process_id(process.number) == id) else {
            return refused(404, "process not found");
        };
        if self.processes[at].polled() {
            self.work(world, at);
        }
        Answer::json(200, self.processes[at].json(&world.org.id, self.writing.sources_hidden).to_string())
    }

    /// The newest first.
    fn list(&self, world: &World, query: &Query) -> Answer {
        let wanted = |process: &Process| {
            query.get("statuses").is_none_or(|statuses| statuses.split(',').any(|word| word == process.status.word()))
        };
        let mut rows = self.processes.iter().rev().filter(|process| wanted(process)).peekable();
        if let Some(from) = query.get("from") {
            while rows.next_if(|process| process_id(process.number) != from).is_some() {}
        }
        let page: Vec<Value> =
            rows.by_ref().take(query.limit()).map(|row| row.json(&world.org.id, self.writing.sources_hidden)).collect();
        let next = rows.peek().map(|process| process_id(process.number));
        Answer::json(200, json!({"data": page, "next": next}).to_string())
    }

    fn change(&mut self, world: &mut World, request: &Request, of: &str) -> Answer {
        let Some(body) = request.json() else { return refused(400, "no JSON") };
        let target = match body.get("scenarioId").and_then(Value::as_str) {
            None => world,
            Some(id) => match self.scenarios.get_mut(id) {
                None => return refused(400, "unknown scenario"),
                Some(scenario) => scenario,
            },
        };
        self.changes += 1;
        match change::sync(target, of, &body, &self.today, self.changes) {
            Ok(made) => {
                self.applied.extend(made.applied);
                let scenario = body.get("scenarioId").and_then(Value::as_str);
                let who = made.change["personId"].as_str().unwrap_or_default();
                self.taken.push(Applied::new(scenario, "change", who, &format!("{of} {body}")));
                Answer::json(self.status(200), made.change.to_string())
            }
            Err((status, why)) => refused(status, &why),
        }
    }

    fn patch(&mut self, world: &mut World, request: &Request, id: &str, query: &Query) -> Answer {
        let Some(body) = request.json().filter(Value::is_object) else { return refused(400, "no JSON object") };
        if query.get("date").is_some_and(|date| !super::table::is_day(date)) {
            return refused(400, "date has to be YYYY-MM-DD");
        }
        let scenario = query.get("scenarioId");
        let target = match scenario {
            None => world,
            Some(id) => match self.scenarios.get_mut(id) {
                None => return refused(400, "unknown scenario"),
                Some(scenario) => scenario,
            },
        };
        match person_patch::patch(target, id, &body, scenario) {
            Ok(applied) => {
                self.applied.extend(applied);
                let how = format!("{} {body}", query.get("date").unwrap_or_default());
                self.taken.push(Applied::new(scenario, "patch", id, how.trim_start()));
                Answer::empty(self.status(204))
            }
            Err((status, why)) => refused(status, &why),
        }
    }
}

/// The flags as a process repeats them.
fn options(query: &Query) -> Value {
    let pair = |(name, value): &(String, String)| {
        let value = match value.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => Value::from(text),
        };
        (name.clone(), value)
    };
    query.pairs().iter().map(pair).collect::<Map<String, Value>>().into()
}
