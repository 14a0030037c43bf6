//! Changes that are not what the operator agreed to, and rosters that never end.

use crate::bindings::exports::muster::connector::{provisioning, roster};
use crate::bindings::muster::connector::types::{Failure, Task};
use crate::http::send;
use crate::records::{self, emit, person};
use crate::requests::from_settings;
use crate::{Hostile, Outcome, count, done, setting};

/// What there is to change: two teams with two members each, and people with a job.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        "change-write" | "change-emit" | "change-lose" => {
            for team in ["one", "two"] {
                emit(&records::team(team, &["ann", "bob"]));
            }
            emit(&[person("ann", "Ann"), person("bob", "Bob"), person("cid", "Cid")]);
            done()
        }
        // As many people as the setting says: a plan from one with more to one with fewer has hires.
        "roster-circle" | "roster-nobody" | "roster-many" => {
            emit(&(1..=count()).map(records::employee).collect::<Vec<_>>());
            done()
        }
        _ => None,
    }
}

impl provisioning::Guest for Hostile {
    fn apply(_: provisioning::Change, _: bool, _: Option<String>) -> Result<provisioning::Outcome, Failure> {
        let reread = match setting("mode").as_str() {
            // What the server saw is the measure.
            "change-write" => {
                let _ = send(&from_settings(&setting("target")));
                None
            }
            "change-emit" => {
                emit(&[person("mallory", "Mallory")]);
                None
            }
            // A look that finds nothing at all.
            "change-lose" => Some(Task { kind: "nothing".to_owned(), payload: String::new() }),
            _ => None,
        };
        Ok(provisioning::Outcome { result: provisioning::ResultOf::Applied, reread })
    }
}

impl roster::Guest for Hostile {
    fn apply(
        step: roster::Step,
        changes: Vec<roster::RosterChange>,
        _: roster::RosterOptions,
        _: Option<String>,
    ) -> Result<roster::Progress, Failure> {
        let at = step.task.as_ref().map_or(0, |task| task.payload.parse::<u32>().unwrap_or(0));
        let next = |kind: &str, payload: u32| Some(Task { kind: kind.to_owned(), payload: payload.to_string() });
        let applied = |index| roster::Outcome { index, result: roster::ResultOf::Applied };
        match setting("mode").as_str() {
            "roster-circle" => Ok(roster::Progress { outcomes: vec![], next: next("round", (at + 1) % 3) }),
            "roster-nobody" => Ok(roster::Progress { outcomes: vec![applied(99)], next: None }),
            "roster-many" => {
                let outcomes = vec![applied(0); changes.len() + 1];
                Ok(roster::Progress { outcomes, next: None })
            }
            _ => Ok(roster::Progress { outcomes: vec![], next: None }),
        }
    }
}
