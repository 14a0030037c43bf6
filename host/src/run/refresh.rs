//! Reading again a part of what is published, and publishing it: the grants of one resource, or the resources of one type.
//!
//! It is a run of its own, with a number, so that history says when what became true. It is never resumed: the next sync
//! reads everything anyway.

use super::session::Session;
use crate::failure::{Failure, Reason};
use crate::model::Task;
use crate::store::{Close, Closed, Done, FollowUp, Ledger, NewRun, OF_PART, Resume, Scope, Status, StoreError};
use serde_json::json;
use std::collections::VecDeque;

/// Tasks that a refresh takes at most: a part is small, or it is not one.
const TASKS: usize = 1_000;

/// What a refresh came to.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// Its run.
    pub run: i64,
    /// How it was closed.
    pub closed: Closed,
}

/// Does a task and what follows from it, and publishes what it finds within the scope. The caller holds the lead.
///
/// # Errors
/// A task failed, or the store did; what was published before is unharmed.
pub async fn refresh<L: Ledger>(
    session: &mut Session<'_>,
    store: &L,
    scope: Scope,
    task: Task,
) -> Result<Refreshed, Failure> {
    let begun = store.begin(new_run(session, scope.clone())).await.map_err(broken)?;
    if let Some(line) = begun.given_up(&session.job().name) {
        tracing::warn!("{line}");
    }
    let run = begun.run;
    let read = match begun.published {
        // The part of nothing would be published as everything.
        None => Err(Failure::new(Reason::Unexpected, "nothing of it was published yet")),
        Some(_) => read(session, store, run, task).await,
    };
    let (status, tasks) = match &read {
        Ok(tasks) => (Status::Published, *tasks),
        Err(_) => (Status::Failed, 0),
    };
    let about = match &scope {
        Scope::GrantsOf(resource) => format!("grants of {resource}"),
        Scope::ResourcesOf(of_type) => format!("resources of the type {of_type}"),
    };
    let account = session.account();
    let close = Close {
        status,
        ended: session.clock().text(),
        max_removals_percent: session.job().connection.max_removals_percent,
        report: json!({
            "account": {"id": account.id, "name": account.name}, "scope": about, "tasks": tasks,
            "requests": session.requests(),
        }),
    };
    let closed = store.close(run, close).await.map_err(broken)?;
    read.map(|_| Refreshed { run, closed })
}

/// Each task and what follows from it; how many they were.
async fn read<L: Ledger>(session: &mut Session<'_>, store: &L, run: i64, task: Task) -> Result<usize, Failure> {
    // The store gives number 0 to the first task of every run.
    let mut waiting = VecDeque::from([(0, task)]);
    let mut known = 1;
    while let Some((id, task)) = waiting.pop_front() {
        let yielded = session.sync(task).await.map_err(|failed| failed.failure)?;
        let first = known;
        known += yielded.follow_ups.len();
        if known > TASKS {
            let message = format!("the connector named more than {TASKS} tasks to read one part again");
            return Err(Failure::new(Reason::Contract, message));
        }
        let follow_ups: Vec<FollowUp> = (first..)
            .zip(yielded.follow_ups)
            .map(|(id, task)| FollowUp { id: u32::try_from(id).unwrap_or(u32::MAX), task })
            .collect();
        waiting.extend(follow_ups.iter().map(|f| (f.id, f.task.clone())));
        let done = Done { task: id, tries: 1, records: yielded.records, follow_ups, share: Some(yielded.share) };
        store.commit(run, done).await.map_err(broken)?;
    }
    Ok(known)
}

fn new_run(session: &Session<'_>, scope: Scope) -> NewRun {
    let job = session.job();
    let about = &job.connector.about;
    NewRun {
        connection: job.name.clone(),
        started: session.clock().text(),
        connector: about.manifest.name.clone(),
        version: about.manifest.version.clone(),
        digest: job.connector.digest.clone(),
        contract: about.component.contract.clone(),
        settings: OF_PART.to_owned(),
        resume: Resume { since: String::new(), never: Some("it reads a part again".to_owned()) },
        scope: Some(scope),
    }
}

fn broken(error: StoreError) -> Failure {
    Failure::new(Reason::Unexpected, error.to_string())
}
