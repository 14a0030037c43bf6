//! How a run ends: its report, and the snapshot where it may be published.

use super::draft::Tally;
use super::guard;
use super::outcome::{Close, Closed, Status};
use super::rows::{self, RunRows};
use rusqlite::{Connection, params};

/// The end of a run: its report, and the snapshot where it may be published. Short, whatever the size of the snapshot.
pub(super) fn close(conn: &Connection, rows: &RunRows, close: &Close) -> rusqlite::Result<Closed> {
    let complete = close.status == Status::Published;
    let mut tallies = rows.draft.resource_tallies();
    let (resources, entitlements) = (rows.draft.resources.sum(), rows.draft.entitlements.sum());
    let grants = rows.draft.grants.tally();
    // The accounts are judged; that their grants go with them is no loss of its own.
    if !rows.draft.follows {
        tallies.push(("grants".to_owned(), grants));
    }
    let objections = match complete {
        true => guard::objections(&tallies, close.max_removals_percent),
        false => Vec::new(),
    };
    let status = if objections.is_empty() { close.status } else { Status::Held };
    let all = [resources, entitlements, grants].into_iter().fold(Tally::default(), Tally::plus);
    // An incomplete run knows nothing about what is gone.
    let removed = if complete { all.removed } else { 0 };
    let (findings, finding_counts) = if complete { rows.draft.findings() } else { Default::default() };
    for f in &findings {
        conn.prepare_cached("INSERT INTO finding (run, kind, subject) VALUES (?, ?, ?)")?
            .execute(params![rows.run, f.kind, f.subject])?;
    }
    let finding_counts: Vec<(String, u64)> = finding_counts.into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
    let report = serde_json::json!({
        "objections": objections,
        "findings": finding_counts.iter().map(|(k, n)| serde_json::json!({"kind": k, "count": n})).collect::<Vec<_>>(),
        "run": close.report,
    });
    conn.execute(
        "UPDATE run SET status = ?, ended = ?, draft = ?, resources = ?, entitlements = ?, grants = ?, added = ?, \
         changed = ?, removed = ?, report = ? WHERE run = ?",
        params![
            status.label(),
            close.ended,
            status != Status::Failed,
            resources.now,
            entitlements.now,
            grants.now,
            all.added,
            all.changed,
            removed,
            report.to_string(),
            rows.run
        ],
    )?;
    match status {
        Status::Published => publish(conn, rows.connection, rows.run)?,
        Status::Failed => rows::discard(conn, rows.connection, rows.run)?,
        Status::Held | Status::Incomplete | Status::Running => {}
    }
    Ok(Closed {
        status,
        resources: resources.now,
        entitlements: entitlements.now,
        grants: grants.now,
        added: all.added,
        changed: all.changed,
        removed,
        objections,
        findings: finding_counts,
    })
}

/// What readers notice.
pub(super) fn publish(conn: &Connection, connection: i64, run: i64) -> rusqlite::Result<()> {
    conn.execute("UPDATE connection SET published = ? WHERE id = ?", [run, connection])?;
    let sql = "UPDATE run SET status = ?, draft = 0 WHERE run = ?";
    conn.execute(sql, params![Status::Published.label(), run]).map(drop)
}

/// Counts what is published now, and keeps the counts with the run.
pub(super) fn counts(conn: &Connection, connection: i64, run: i64) -> rusqlite::Result<Closed> {
    let count = |table: &str| -> rusqlite::Result<u64> {
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE connection = ?1 AND valid_from <= ?2 AND (valid_to IS NULL OR valid_to > ?2)"
        );
        conn.query_row(&sql, [connection, run], |r| r.get(0))
    };
    let (resources, entitlements, grants) = (count("resource")?, count("entitlement")?, count("grant_row")?);
    conn.execute(
        "UPDATE run SET resources = ?, entitlements = ?, grants = ? WHERE run = ?",
        params![resources, entitlements, grants, run],
    )?;
    let sql = "SELECT added, changed, removed FROM run WHERE run = ?";
    conn.query_row(sql, [run], |r| {
        Ok(Closed {
            status: Status::Published,
            resources,
            entitlements,
            grants,
            added: r.get(0)?,
            changed: r.get(1)?,
            removed: r.get(2)?,
            objections: Vec::new(),
            findings: Vec::new(),
        })
    })
}
