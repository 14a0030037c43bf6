//! Reading: rows of snapshots, streamed one by one, so that memory does not grow with the answer.
//!
//! Rows come by connection, type and the vendor's id, shorter ids first (so that numbers count up): the same for the
//! same snapshot, whatever order its tasks ended in. SQLite sorts beyond its cache in a file.

use super::error::{StoreError, explain};
use super::file;
use super::outcome::{OF_PART, OF_TAPE};
use super::{moment, tasks};
use crate::model::ResourceId;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use std::path::{Path, PathBuf};

pub use super::moment::AsOf;
pub use super::shapes::{EntitlementRow, FindingRow, GrantRow, ResourceRow, RunDetail, RunRow};

/// Which rows are asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only this connection.
    pub connection: Option<String>,
    /// Only this resource type.
    pub resource_type: Option<String>,
    /// Of this time.
    pub as_of: AsOf,
}

/// The reading side of a store.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    path: PathBuf,
}

/// What a row is handed to; it may end the stream with an error of its own.
pub type Sink<'a, T, E> = &'a mut dyn FnMut(T) -> Result<(), E>;

impl Reader {
    /// Opens a store that exists.
    ///
    /// # Errors
    /// Missing, no store, or newer.
    pub fn open(path: &Path) -> Result<Reader, StoreError> {
        Ok(Reader { conn: file::open_for_reading(path)?, path: path.to_path_buf() })
    }

    pub(super) fn explain(&self, error: &rusqlite::Error) -> StoreError {
        explain(&self.path, error)
    }

    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the connections, sorted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn connections(&self) -> Result<Vec<String>, StoreError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            self.conn.prepare("SELECT name FROM connection ORDER BY name")?.query_map([], |r| r.get(0))?.collect()
        };
        read().map_err(|e| self.explain(&e))
    }

    /// Connections of which nothing had been published by the end of a day: each with the oldest published run that the
    /// store has, and its day.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn later(&self, day: &str, connection: Option<&str>) -> Result<Vec<(String, i64, String)>, StoreError> {
        moment::later(&self.conn, day, connection).map_err(|e| self.explain(&e))
    }

    /// Streams resources, by connection, type and id.
    ///
    /// # Errors
    /// See [`StoreError`], or what the sink says.
    pub fn resources<E: From<StoreError>>(&self, filter: &Filter, sink: Sink<ResourceRow, E>) -> Result<(), E> {
        let sql = "SELECT c.name, t.name, i.vendor_id, r.name, pt.name, p.vendor_id, r.kind, r.email, r.login, r.status, \
                   r.status_detail, r.given_name, r.family_name, r.other_emails, r.employment, r.profile \
                   FROM at JOIN connection c ON c.id = at.connection \
                   JOIN resource r ON r.connection = c.id AND r.valid_from <= at.run AND (r.valid_to IS NULL OR r.valid_to > at.run) \
                   JOIN identity i ON i.connection = c.id AND i.id = r.id \
                   JOIN resource_type t ON t.connection = c.id AND t.id = i.type \
                   LEFT JOIN identity p ON p.connection = c.id AND p.id = r.parent \
                   LEFT JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type \
                   WHERE (?1 IS NULL OR c.name = ?1) AND (?3 IS NULL OR t.name = ?3) ORDER BY c.name, t.name, length(i.vendor_id), i.vendor_id";
        self.stream(filter, sql, sink, |row| {
            Ok(ResourceRow {
                connection: row.get(0)?,
                resource_type: row.get(1)?,
                id: row.get(2)?,
                name: row.get(3)?,
                parent: key(row, 4)?,
                kind: row.get(6)?,
                email: row.get(7)?,
                login: row.get(8)?,
                status: row.get(9)?,
                status_detail: row.get(10)?,
                given_name: row.get(11)?,
                family_name: row.get(12)?,
                other_emails: json(row, 13)?.unwrap_or_default(),
                employment: json(row, 14)?,
                profile: json(row, 15)?.unwrap_or_else(|| serde_json::json!({})),
            })
        })
    }

    /// Streams entitlements, by connection, type, resource and slug.
    ///
    /// # Errors
    /// See [`StoreError`], or what the sink says.
    pub fn entitlements<E: From<StoreError>>(&self, filter: &Filter, sink: Sink<EntitlementRow, E>) -> Result<(), E> {
        let sql = "SELECT c.name, t.name, i.vendor_id, k.slug, e.name, e.description, e.purpose, e.grantable_to, r.name \
                   FROM at JOIN connection c ON c.id = at.connection \
                   JOIN entitlement e ON e.connection = c.id AND e.valid_from <= at.run AND (e.valid_to IS NULL OR e.valid_to > at.run) \
                   JOIN entitlement_key k ON k.connection = c.id AND k.id = e.id \
                   JOIN identity i ON i.connection = c.id AND i.id = k.resource \
                   JOIN resource_type t ON t.connection = c.id AND t.id = i.type \
                   LEFT JOIN resource r ON r.connection = c.id AND r.id = k.resource AND r.valid_from <= at.run \
                             AND (r.valid_to IS NULL OR r.valid_to > at.run) \
                   WHERE (?1 IS NULL OR c.name = ?1) AND (?3 IS NULL OR t.name = ?3) ORDER BY c.name, t.name, length(i.vendor_id), i.vendor_id, k.slug";
        self.stream(filter, sql, sink, |row| {
            let resource = ResourceId { resource_type: row.get(1)?, id: row.get(2)? };
            let slug: String = row.get(3)?;
            Ok(EntitlementRow {
                connection: row.get(0)?,
                id: format!("{resource}:{slug}"),
                resource,
                slug,
                name: row.get(4)?,
                description: row.get(5)?,
                purpose: row.get(6)?,
                grantable_to: json(row, 7)?.unwrap_or_default(),
                resource_name: row.get(8)?,
            })
        })
    }

    /// Streams grants, by connection, resource, entitlement and principal. The type filters the resource.
    ///
    /// # Errors
    /// See [`StoreError`], or what the sink says.
    pub fn grants<E: From<StoreError>>(&self, filter: &Filter, sink: Sink<GrantRow, E>) -> Result<(), E> {
        let sql = "SELECT c.name, t.name, i.vendor_id, k.slug, pt.name, p.vendor_id, r.name, pr.name \
                   FROM at JOIN connection c ON c.id = at.connection \
                   JOIN grant_row g ON g.connection = c.id AND g.valid_from <= at.run AND (g.valid_to IS NULL OR g.valid_to > at.run) \
                   JOIN entitlement_key k ON k.connection = c.id AND k.id = g.entitlement \
                   JOIN identity i ON i.connection = c.id AND i.id = k.resource \
                   JOIN resource_type t ON t.connection = c.id AND t.id = i.type \
                   JOIN identity p ON p.connection = c.id AND p.id = g.principal \
                   JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type \
                   LEFT JOIN resource r ON r.connection = c.id AND r.id = k.resource AND r.valid_from <= at.run \
                             AND (r.valid_to IS NULL OR r.valid_to > at.run) \
                   LEFT JOIN resource pr ON pr.connection = c.id AND pr.id = g.principal AND pr.valid_from <= at.run \
                             AND (pr.valid_to IS NULL OR pr.valid_to > at.run) \
                   WHERE (?1 IS NULL OR c.name = ?1) AND (?3 IS NULL OR t.name = ?3) ORDER BY c.name, t.name, length(i.vendor_id), i.vendor_id, k.slug, pt.name, length(p.vendor_id), p.vendor_id";
        self.stream(filter, sql, sink, |row| {
            let resource = ResourceId { resource_type: row.get(1)?, id: row.get(2)? };
            let principal = ResourceId { resource_type: row.get(4)?, id: row.get(5)? };
            let slug: String = row.get(3)?;
            let entitlement = format!("{resource}:{slug}");
            Ok(GrantRow {
                connection: row.get(0)?,
                id: format!("{entitlement}:{principal}"),
                entitlement,
                resource,
                slug,
                principal,
                resource_name: row.get(6)?,
                principal_name: row.get(7)?,
            })
        })
    }

    /// Streams runs, the newest first.
    ///
    /// # Errors
    /// See [`StoreError`], or what the sink says.
    pub fn runs<E: From<StoreError>>(&self, connection: Option<&str>, sink: Sink<RunRow, E>) -> Result<(), E> {
        let sql = "SELECT * FROM runs WHERE (?1 IS NULL OR connection = ?1) ORDER BY run DESC";
        self.each(sql, &[&connection], sink, run_row)
    }

    /// Streams the newest run of each connection that was to read all of it from its vendor: what is read again after a
    /// change is a part and says nothing of the rest, and a tape says nothing of today.
    ///
    /// # Errors
    /// See [`StoreError`], or what the sink says.
    pub fn newest<E: From<StoreError>>(&self, sink: Sink<RunRow, E>) -> Result<(), E> {
        let sql = "SELECT * FROM runs WHERE run IN (SELECT max(run) FROM run WHERE settings NOT IN (?1, ?2) \
                   AND json_extract(report, '$.run.scope') IS NULL GROUP BY connection)";
        self.each(sql, &[&OF_PART, &OF_TAPE], sink, run_row)
    }

    /// One run with its report.
    ///
    /// # Errors
    /// No such run; see [`StoreError`].
    pub fn run(&self, run: i64) -> Result<RunDetail, StoreError> {
        let read = || -> rusqlite::Result<Option<RunDetail>> {
            let sql = "SELECT v.*, r.report FROM runs v JOIN run r ON r.run = v.run WHERE v.run = ?";
            let detail = self.conn.query_row(sql, [run], |row| {
                Ok(RunDetail {
                    row: run_row(row)?,
                    connector: row.get("connector")?,
                    version: row.get("version")?,
                    digest: row.get("digest")?,
                    report: serde_json::from_str(&row.get::<_, String>("report")?).unwrap_or_default(),
                    tasks: None,
                    findings: Vec::new(),
                })
            });
            let Some(mut detail) = detail.optional()? else { return Ok(None) };
            detail.tasks = tasks::counts(&self.conn, run)?;
            let mut rows = self.conn.prepare("SELECT kind, subject FROM finding WHERE run = ? ORDER BY kind, rowid")?;
            detail.findings = rows
                .query_map([run], |r| Ok(FindingRow { kind: r.get(0)?, subject: r.get(1)? }))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some(detail))
        };
        match read().map_err(|e| self.explain(&e))? {
            Some(detail) => Ok(detail),
            None => Err(moment::missing(&self.conn, run).into_store(&self.path)),
        }
    }

    fn stream<T, E: From<StoreError>>(
        &self,
        filter: &Filter,
        select: &str,
        sink: Sink<T, E>,
        map: impl Fn(&Row) -> rusqlite::Result<T>,
    ) -> Result<(), E> {
        if let AsOf::Run(run) = filter.as_of {
            let connection = filter.connection.as_deref();
            moment::published(&self.conn, run, connection).map_err(|e| e.into_store(&self.path))?;
        }
        // `at` says for each connection which run's state is meant: ?1 the connection, ?2 the run or date.
        let (at, of): (&str, Option<&dyn ToSql>) = match &filter.as_of {
            AsOf::Now => ("SELECT id, published FROM connection WHERE published IS NOT NULL AND ?2 IS NULL", None),
            AsOf::Run(run) => ("SELECT connection, run FROM run WHERE run = ?2", Some(run)),
            AsOf::Date(date) => (
                "SELECT connection, max(run) FROM run WHERE status = 'published' AND substr(ended, 1, 10) <= ?2 GROUP BY connection",
                Some(date),
            ),
        };
        let sql = format!("WITH at (connection, run) AS MATERIALIZED ({at}) {select}");
        let none: Option<i64> = None;
        self.each(&sql, &[&filter.connection, of.unwrap_or(&none), &filter.resource_type], sink, map)
    }

    fn each<T, E: From<StoreError>>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        sink: Sink<T, E>,
        map: impl Fn(&Row) -> rusqlite::Result<T>,
    ) -> Result<(), E> {
        let sql_error = |e: rusqlite::Error| E::from(self.explain(&e));
        let mut statement = self.conn.prepare(sql).map_err(sql_error)?;
        let mut rows = statement.query(params).map_err(sql_error)?;
        while let Some(row) = rows.next().map_err(sql_error)? {
            sink(map(row).map_err(sql_error)?)?;
        }
        Ok(())
    }
}

fn run_row(row: &Row) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        run: row.get("run")?,
        connection: row.get("connection")?,
        status: row.get("status")?,
        started: row.get("started")?,
        ended: row.get("ended")?,
        resources: row.get("resources")?,
        entitlements: row.get("entitlements")?,
        grants: row.get("grants")?,
        added: row.get("added")?,
        changed: row.get("changed")?,
        removed: row.get("removed")?,
    })
}

fn key(row: &Row, at: usize) -> rusqlite::Result<Option<ResourceId>> {
    let resource_type: Option<String> = row.get(at)?;
    let id: Option<String> = row.get(at + 1)?;
    Ok(resource_type.zip(id).map(|(resource_type, id)| ResourceId { resource_type, id }))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, at: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(at)?;
    Ok(text.and_then(|t| serde_json::from_str(&t).ok()))
}
