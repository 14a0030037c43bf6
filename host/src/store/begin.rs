//! How a run begins: as one that was interrupted, where it may go on, or as a new one.

use super::outcome::{Begun, NewRun, Resumed, Status};
use super::resume::{self, Found};
use super::{rows, tasks};
use rusqlite::{Connection, params};

/// Begins a run, inside a transaction.
pub(super) fn begin(conn: &Connection, new: &NewRun) -> rusqlite::Result<Begun> {
    let (connection, published) = rows::connection(conn, &new.connection)?;
    let sql = "SELECT run, status, started, digest, contract, settings, attempts, report, \
               EXISTS (SELECT 1 FROM task WHERE task.run = run.run) \
               FROM run WHERE connection = ? AND draft = 1 ORDER BY run DESC";
    let mut drafts = conn.prepare(sql)?;
    let drafts: Vec<(i64, String, Found, u64, String)> = drafts
        .query_map([connection], |r| {
            let found = Found {
                started: r.get(2)?,
                digest: r.get(3)?,
                contract: r.get(4)?,
                settings: r.get(5)?,
                has_tasks: r.get(8)?,
            };
            Ok((r.get(0)?, r.get(1)?, found, r.get(6)?, r.get(7)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut abandoned = None;
    for (at, (run, status, found, attempts, report)) in drafts.into_iter().enumerate() {
        if status == Status::Running.label() || status == Status::Incomplete.label() {
            let judged = match at {
                0 => resume::judge(&found, new),
                _ => Err("a later run has replaced it".to_owned()),
            };
            match judged {
                Ok(()) => {
                    let sql = "UPDATE run SET status = ?, ended = NULL, attempts = attempts + 1 WHERE run = ?";
                    conn.execute(sql, params![Status::Running.label(), run])?;
                    rows::reopen(conn, connection, run)?;
                    let resumed = Resumed {
                        started: found.started,
                        attempts: attempts + 1,
                        tasks: tasks::load(conn, run)?,
                        report: serde_json::from_str(&report).unwrap_or_default(),
                    };
                    return Ok(Begun { run, resumed: Some(resumed), abandoned: None, published });
                }
                Err(why) => {
                    let sql = "UPDATE run SET status = ?, ended = coalesce(ended, ?), \
                               report = json_set(report, '$.abandoned', ?) WHERE run = ?";
                    conn.execute(sql, params![Status::Incomplete.label(), new.started, why, run])?;
                    abandoned.get_or_insert((run, why));
                }
            }
        }
        rows::discard(conn, connection, run)?;
    }
    // Also what a process that died left of runs that are finished.
    let finished = "run IN (SELECT run FROM run WHERE connection = ? AND draft = 0)";
    conn.execute(&format!("DELETE FROM task WHERE {finished}"), [connection])?;
    conn.execute(&format!("DELETE FROM sighting WHERE {finished}"), [connection])?;
    conn.execute(
        "INSERT INTO run (connection, status, started, connector, version, digest, contract, settings, draft) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
        params![
            connection,
            Status::Running.label(),
            new.started,
            new.connector,
            new.version,
            new.digest,
            new.contract,
            new.settings
        ],
    )?;
    let run = conn.last_insert_rowid();
    tasks::begin(conn, run)?;
    Ok(Begun { run, resumed: None, abandoned, published })
}

/// Discards the drafts of a connection that nobody can go on with, inside a transaction. The answer is the newest of them,
/// and why.
pub(super) fn discard_outdated(conn: &Connection, connection: &str) -> rusqlite::Result<Option<(i64, String)>> {
    let (id, _) = rows::connection(conn, connection)?;
    let sql = "SELECT run, settings FROM run WHERE connection = ? AND draft = 1 AND status <> ? ORDER BY run DESC";
    let mut drafts = conn.prepare(sql)?;
    let drafts: Vec<(i64, String)> = drafts
        .query_map(params![id, Status::Held.label()], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut newest = None;
    for (run, settings) in drafts {
        let Some(why) = resume::never_goes_on(&settings) else { continue };
        let sql = "UPDATE run SET status = ?, ended = coalesce(ended, started), \
                   report = json_set(report, '$.abandoned', ?) WHERE run = ?";
        conn.execute(sql, params![Status::Incomplete.label(), why, run])?;
        rows::discard(conn, id, run)?;
        newest.get_or_insert((run, why.to_owned()));
    }
    Ok(newest)
}

/// The newest draft of a connection: one that is held, incomplete, or in the making.
pub(super) fn draft(conn: &Connection, connection: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT max(r.run) FROM run r JOIN connection c ON c.id = r.connection WHERE c.name = ? AND r.draft = 1";
    conn.query_row(sql, [connection], |row| row.get(0))
}
