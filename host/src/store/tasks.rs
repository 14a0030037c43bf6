//! The tasks of unfinished runs, as rows: what an interrupted run goes on from.
//!
//! Rule R1: a task's row says `done` in the same transaction that holds its records and its follow-ups, so all of them
//! count or none. Numbers are those of the run's queue: they count up in the order in which tasks became known.

use super::outcome::{FollowUp, StoredTask, TaskCounts, TaskState, Tried};
use crate::model::Task;
use rusqlite::{Connection, Result, params};

/// The call that begins a run.
const FIRST: u32 = 0;

/// Writes the task that every run begins with.
pub(super) fn begin(conn: &Connection, run: i64) -> Result<()> {
    conn.execute("INSERT INTO task (run, id, state) VALUES (?, ?, ?)", params![run, FIRST, TaskState::Waiting.label()])
        .map(drop)
}

/// A task is done, and these follow from it.
pub(super) fn done(conn: &Connection, run: i64, task: u32, tries: u32, follow_ups: &[FollowUp]) -> Result<()> {
    conn.prepare_cached(
        "UPDATE task SET state = ?, tries = tries + ?, reason = NULL, message = NULL WHERE run = ? AND id = ?",
    )?
    .execute(params![TaskState::Done.label(), tries, run, task])?;
    let sql = "INSERT INTO task (run, id, parent, kind, payload, state) VALUES (?, ?, ?, ?, ?, ?)";
    let mut insert = conn.prepare_cached(sql)?;
    for next in follow_ups {
        let state = TaskState::Waiting.label();
        insert.execute(params![run, next.id, task, next.task.kind, next.task.payload, state])?;
    }
    Ok(())
}

/// A task was tried, and failed or has to wait.
pub(super) fn tried(conn: &Connection, run: i64, tried: &Tried) -> Result<()> {
    conn.prepare_cached(
        "UPDATE task SET state = ?, tries = tries + ?, reason = ?, message = ? WHERE run = ? AND id = ?",
    )?
    .execute(params![tried.state.label(), tried.tries, tried.reason, tried.message, run, tried.task])
    .map(drop)
}

/// All of a run, in the order of their numbers.
pub(super) fn load(conn: &Connection, run: i64) -> Result<Vec<StoredTask>> {
    let mut q = conn.prepare("SELECT id, parent, kind, payload, state FROM task WHERE run = ? ORDER BY id")?;
    let tasks = q.query_map([run], |row| {
        let kind: Option<String> = row.get(2)?;
        let payload: Option<String> = row.get(3)?;
        Ok(StoredTask {
            id: row.get(0)?,
            parent: row.get(1)?,
            task: kind.zip(payload).map(|(kind, payload)| Task { kind, payload }),
            done: row.get_ref(4)?.as_str()? == TaskState::Done.label(),
        })
    })?;
    tasks.collect()
}

/// How the tasks of a run stand, where it has any; a store of an earlier version keeps none.
pub(super) fn counts(conn: &Connection, run: i64) -> Result<Option<TaskCounts>> {
    let mut kept = conn.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'task'")?;
    if !kept.exists([])? {
        return Ok(None);
    }
    let mut q = conn.prepare("SELECT state, count(*) FROM task WHERE run = ? GROUP BY state")?;
    let mut rows = q.query([run])?;
    let mut counts = None;
    while let Some(row) = rows.next()? {
        let counts = counts.get_or_insert_with(TaskCounts::default);
        let (state, count) = (row.get_ref(0)?.as_str()?, row.get(1)?);
        match state {
            state if state == TaskState::Done.label() => counts.done = count,
            state if state == TaskState::Failed.label() => counts.failed = count,
            _ => counts.waiting = count,
        }
    }
    Ok(counts)
}

/// Deletes up to so many rows of a run that is finished; the answer is whether there are more.
pub(super) fn forget(conn: &Connection, run: i64, rows: usize) -> Result<bool> {
    let mut deleted = 0;
    for (table, key) in [("task", "id"), ("sighting", "task")] {
        let sql = format!(
            "DELETE FROM {table} WHERE run = ?1 AND {key} IN (SELECT {key} FROM {table} WHERE run = ?1 LIMIT ?2)"
        );
        deleted += conn.execute(&sql, params![run, rows - deleted.min(rows)])?;
    }
    Ok(deleted >= rows)
}
