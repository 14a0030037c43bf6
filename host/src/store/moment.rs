//! Moments: which run's state is meant, and whether the store has it.
//!
//! A state can be read as of a run that was published, as long as it is not pruned; a draft only by `diff`, which says
//! what accepting it would change.

use super::error::{NoState, StoreError, explain};
use super::outcome::Status;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Which state is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// What is published now.
    Now,
    /// The state after this run, of its connection only.
    Run(i64),
    /// What was published at the end of this day, UTC.
    Date(String),
}

/// Why there is no state, or why it could not even be asked.
#[derive(Debug)]
pub(super) enum Unread {
    State(NoState),
    Unknown(i64),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Unread {
    fn from(e: rusqlite::Error) -> Unread {
        Unread::Sql(e)
    }
}

impl Unread {
    pub(super) fn into_store(self, path: &Path) -> StoreError {
        match self {
            Unread::State(state) => StoreError::State(state),
            Unread::Unknown(run) => StoreError::NoRun(run),
            Unread::Sql(e) => explain(path, &e),
        }
    }
}

/// A run with a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its number.
    pub run: i64,
    /// `published`, or what the draft is.
    pub status: String,
    /// When it began, as RFC 3339.
    pub started: String,
}

/// Two states of one connection.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) connection: i64,
    /// None: before the first run.
    pub(super) from: Option<Moment>,
    pub(super) to: Moment,
}

struct Found {
    moment: Moment,
    connection: String,
    draft: bool,
}

/// What to say of a run that is not in the table: its number may have been given to one that was deleted.
pub(super) fn missing(conn: &Connection, run: i64) -> Unread {
    let given = conn.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'run'", [], |r| r.get::<_, i64>(0));
    match given.optional() {
        Ok(newest) if run >= 1 && newest.is_some_and(|newest| run <= newest) => Unread::State(NoState::Pruned(run)),
        Ok(_) => Unread::Unknown(run),
        Err(e) => Unread::Sql(e),
    }
}

fn find(conn: &Connection, run: i64, asked: Option<&str>) -> Result<Found, Unread> {
    let sql = "SELECT r.status, r.started, r.draft, c.name FROM run r JOIN connection c ON c.id = r.connection WHERE r.run = ?";
    let found = conn.query_row(sql, [run], |r| {
        let moment = Moment { run, status: r.get(0)?, started: r.get(1)? };
        Ok(Found { moment, draft: r.get(2)?, connection: r.get(3)? })
    });
    let Some(found) = found.optional()? else { return Err(missing(conn, run)) };
    match asked {
        Some(asked) if asked != found.connection => {
            Err(Unread::State(NoState::Other { run, asked: asked.to_owned(), of: found.connection }))
        }
        _ => Ok(found),
    }
}

fn is(moment: &Moment, status: Status) -> bool {
    moment.status == status.label()
}

/// A run that was published; of the connection asked for, where one is.
pub(super) fn published(conn: &Connection, run: i64, asked: Option<&str>) -> Result<Moment, Unread> {
    let Found { moment, connection, draft } = find(conn, run, asked)?;
    if is(&moment, Status::Published) {
        return Ok(moment);
    }
    Err(Unread::State(match draft {
        _ if is(&moment, Status::Running) => NoState::Running { run, connection },
        true => NoState::Draft { run, connection, status: moment.status },
        false => NoState::Nothing { run, connection, status: moment.status },
    }))
}

/// What is published of a connection now.
pub(super) fn now(conn: &Connection, name: &str) -> Result<Moment, Unread> {
    let sql = "SELECT r.run, r.status, r.started FROM connection c JOIN run r ON r.run = c.published WHERE c.name = ?";
    let found = conn.query_row(sql, [name], |r| Ok(Moment { run: r.get(0)?, status: r.get(1)?, started: r.get(2)? }));
    found.optional()?.ok_or_else(|| Unread::State(NoState::Never(name.to_owned())))
}

/// A run that was published, or whose draft could be.
fn published_or_draft(conn: &Connection, run: i64, asked: &str) -> Result<Moment, Unread> {
    match published(conn, run, Some(asked)) {
        Err(Unread::State(NoState::Draft { .. })) => Ok(find(conn, run, Some(asked))?.moment),
        other => other,
    }
}

/// The two states that a comparison is about. Without `to` what is published now, without `from` what was before it.
/// The connection is one that the store knows.
pub(super) fn span(conn: &Connection, name: &str, from: Option<i64>, to: Option<i64>) -> Result<Span, Unread> {
    let sql = "SELECT id, published FROM connection WHERE name = ?";
    let known: Option<(i64, Option<i64>)> = conn.query_row(sql, [name], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
    let never = || Unread::State(NoState::Never(name.to_owned()));
    let (connection, now) = known.ok_or_else(never)?;
    let to = published_or_draft(conn, to.or(now).ok_or_else(never)?, name)?;
    let before = || {
        let sql = "SELECT max(run) FROM run WHERE connection = ? AND run < ? AND status = ?";
        conn.query_row(sql, (connection, to.run, Status::Published.label()), |r| r.get::<_, Option<i64>>(0))
    };
    let from = match from {
        Some(run) => Some(run),
        None => match before()? {
            None if had_before(conn, connection, to.run)? => {
                return Err(Unread::State(NoState::PrunedBefore { run: to.run, connection: name.to_owned() }));
            }
            before => before,
        },
    };
    let from = from.map(|run| published_or_draft(conn, run, name)).transpose()?;
    Ok(Span { connection, from, to })
}

/// Whether something of a connection was true before a run: then there was a run, though it may have been pruned.
fn had_before(conn: &Connection, connection: i64, run: i64) -> rusqlite::Result<bool> {
    let any = |table: &str| -> rusqlite::Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE connection = ? AND valid_from < ?)");
        conn.query_row(&sql, [connection, run], |r| r.get(0))
    };
    Ok(any("resource")? || any("entitlement")? || any("grant_row")?)
}

/// Connections of which nothing had been published by the end of a day, each with the oldest published run that the
/// store has, and its day.
pub(super) fn later(conn: &Connection, day: &str, asked: Option<&str>) -> rusqlite::Result<Vec<(String, i64, String)>> {
    // A run's end, in order of runs, only grows: the oldest run is the one that counts.
    let sql = "SELECT c.name, r.run, substr(r.ended, 1, 10) AS day FROM connection c JOIN run r ON r.run = \
               (SELECT min(run) FROM run WHERE connection = c.id AND status = 'published') \
               WHERE (?2 IS NULL OR c.name = ?2) AND day > ?1 ORDER BY c.name";
    conn.prepare(sql)?.query_map((day, asked), |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect()
}
