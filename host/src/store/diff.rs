//! What differs between two states of a connection, streamed.
//!
//! A row that differs has been opened or closed after the older state and no later than the newer one, so only rows whose
//! `valid_from` or `valid_to` lies between the two are looked at. SQLite puts their keys in order, in a file where they are
//! many; their content is looked up one by one. So memory does not grow, however much has changed. Content that changed and
//! changed back is no difference: the two states are compared, not what happened between them.

use super::error::StoreError;
use super::fields::{Content, Field, differing};
use super::moment::{self, Moment, Span};
use super::queries::{Reader, Sink};
use rusqlite::{CachedStatement, OptionalExtension, Row, Transaction};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A row is one that was opened or closed after run ?2 and no later than run ?3, in connection ?1.
const TOUCHED: &str = "connection = ?1 AND (valid_from > ?2 AND valid_from <= ?3 OR valid_to > ?2 AND valid_to <= ?3)";
/// A row is the one of connection ?1 and number ?2 that is true at run ?3.
const AT: &str = "x.connection = ?1 AND x.id = ?2 AND x.valid_from <= ?3 AND (x.valid_to IS NULL OR x.valid_to > ?3)";

/// A difference, as the command line prints it.
#[derive(Debug, PartialEq, Serialize)]
pub struct Change {
    /// `resource`, `entitlement`, `grant`.
    pub kind: &'static str,
    /// `added`, `changed`, `removed`.
    pub change: &'static str,
    /// With the type: see the words of the project.
    pub id: String,
    /// Of the newer state, where it is there; of a grant the principal's.
    pub name: Option<String>,
    /// What changed.
    pub fields: Vec<Field>,
    /// Who has what, where it is a grant.
    #[serde(skip)]
    pub has: Option<Has>,
}

/// The parts of a grant, for people.
#[derive(Debug, PartialEq, Eq)]
pub struct Has {
    /// `{type}:{id}`.
    pub principal: String,
    /// Of the entitlement.
    pub slug: String,
    /// `{type}:{id}`.
    pub resource: String,
    /// Where it is known.
    pub resource_name: Option<String>,
}

/// Two states, held still while they are compared.
#[derive(Debug)]
pub struct Comparison<'r> {
    reader: &'r Reader,
    transaction: Transaction<'r>,
    span: Span,
}

impl<'r> Comparison<'r> {
    /// Two states of a connection that the store knows: of runs that were published, or of a draft. Without `to` it is
    /// what is published now, without `from` what was published before `to`.
    ///
    /// # Errors
    /// A run that has no state, or is another connection's.
    pub fn new(reader: &'r Reader, name: &str, from: Option<i64>, to: Option<i64>) -> Result<Self, StoreError> {
        let transaction = reader.conn().unchecked_transaction().map_err(|e| reader.explain(&e))?;
        let span = moment::span(&transaction, name, from, to).map_err(|e| e.into_store(reader.path()))?;
        Ok(Comparison { reader, transaction, span })
    }

    /// The state compared with; none is the time before the first run.
    pub fn from(&self) -> Option<&Moment> {
        self.span.from.as_ref()
    }

    /// The state asked for.
    pub fn to(&self) -> &Moment {
        &self.span.to
    }

    /// Streams what differs: resources, entitlements, grants, each in the order of their lists.
    ///
    /// # Errors
    /// See [`StoreError`], or what the sink says.
    pub fn changes<E: From<StoreError>>(&self, sink: Sink<Change, E>) -> Result<(), E> {
        let (from, to) = (self.span.from.as_ref().map_or(0, |m| m.run), self.span.to.run);
        let between = Between { connection: self.span.connection, older: from.min(to), newer: from.max(to) };
        let reversed = from > to;
        let sink: Sink<Change, Fault<E>> =
            &mut |change| sink(if reversed { change.reversed() } else { change }).map_err(Fault::Sink);
        let mut all = || -> Result<(), Fault<E>> {
            contents(&self.transaction, between, &RESOURCE, sink)?;
            contents(&self.transaction, between, &ENTITLEMENT, sink)?;
            grants(&self.transaction, between, sink)
        };
        all().map_err(|fault| match fault {
            Fault::Sink(e) => e,
            Fault::Sql(e) => E::from(self.reader.explain(&e)),
        })
    }
}

impl Change {
    fn reversed(self) -> Change {
        let change = match self.change {
            ADDED => REMOVED,
            REMOVED => ADDED,
            other => other,
        };
        Change { change, fields: self.fields.into_iter().map(Field::reversed).collect(), ..self }
    }
}

const ADDED: &str = "added";
const CHANGED: &str = "changed";
const REMOVED: &str = "removed";

enum Fault<E> {
    Sink(E),
    Sql(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for Fault<E> {
    fn from(e: rusqlite::Error) -> Self {
        Fault::Sql(e)
    }
}

#[derive(Clone, Copy)]
struct Between {
    connection: i64,
    /// 0 is the time before the first run.
    older: i64,
    newer: i64,
}

/// A kind of row that has content. `CROSS JOIN` keeps the order of a join: from the few rows that differ to their keys.
struct Kind {
    label: &'static str,
    /// The numbers and texts of keys that may differ, in order.
    keys: &'static str,
    /// The content of one: its hash, its name, and what [`Kind::content`] reads.
    row: &'static str,
    content: fn(&Row) -> rusqlite::Result<Content>,
}

const RESOURCE: Kind = Kind {
    label: "resource",
    keys: "SELECT i.id, t.name || ':' || i.vendor_id FROM (SELECT DISTINCT id FROM resource WHERE TOUCHED) d \
           CROSS JOIN identity i ON i.connection = ?1 AND i.id = d.id \
           CROSS JOIN resource_type t ON t.connection = ?1 AND t.id = i.type ORDER BY t.name, length(i.vendor_id), i.vendor_id",
    row: "SELECT x.hash, x.name, x.kind, pt.name, p.vendor_id, x.email, x.login, x.status, x.status_detail, x.given_name, \
          x.family_name, x.other_emails, x.employment, x.profile FROM resource x \
          LEFT JOIN identity p ON p.connection = x.connection AND p.id = x.parent \
          LEFT JOIN resource_type pt ON pt.connection = x.connection AND pt.id = p.type WHERE AT",
    content: resource,
};

const ENTITLEMENT: Kind = Kind {
    label: "entitlement",
    keys: "SELECT k.id, t.name || ':' || i.vendor_id || ':' || k.slug \
           FROM (SELECT DISTINCT id FROM entitlement WHERE TOUCHED) d \
           CROSS JOIN entitlement_key k ON k.connection = ?1 AND k.id = d.id \
           CROSS JOIN identity i ON i.connection = ?1 AND i.id = k.resource \
           CROSS JOIN resource_type t ON t.connection = ?1 AND t.id = i.type \
           ORDER BY t.name, length(i.vendor_id), i.vendor_id, k.slug",
    row: "SELECT x.hash, x.name, x.description, x.purpose, x.grantable_to FROM entitlement x WHERE AT",
    content: entitlement,
};

/// The keys of grants that are there in one of the two states only, in order. A grant has no content.
const GRANTS: &str = "SELECT t.name || ':' || i.vendor_id, k.slug, pt.name || ':' || p.vendor_id, g.after, k.resource, g.principal \
     FROM (SELECT entitlement, principal, max(valid_from <= ?2) AS before, max(valid_to IS NULL OR valid_to > ?3) AS after \
           FROM grant_row WHERE TOUCHED GROUP BY entitlement, principal HAVING before <> after) g \
     CROSS JOIN entitlement_key k ON k.connection = ?1 AND k.id = g.entitlement \
     CROSS JOIN identity i ON i.connection = ?1 AND i.id = k.resource \
     CROSS JOIN resource_type t ON t.connection = ?1 AND t.id = i.type \
     CROSS JOIN identity p ON p.connection = ?1 AND p.id = g.principal \
     CROSS JOIN resource_type pt ON pt.connection = ?1 AND pt.id = p.type \
     ORDER BY t.name, length(i.vendor_id), i.vendor_id, k.slug, pt.name, length(p.vendor_id), p.vendor_id";

struct Version {
    hash: Vec<u8>,
    name: String,
    content: Content,
}

fn contents<E>(
    conn: &rusqlite::Connection,
    between: Between,
    kind: &Kind,
    sink: Sink<Change, Fault<E>>,
) -> Result<(), Fault<E>> {
    let Between { connection, older, newer } = between;
    let mut keys = conn.prepare(&kind.keys.replace("TOUCHED", TOUCHED))?;
    let mut one = conn.prepare(&kind.row.replace("AT", AT))?;
    let mut at = |id: i64, run: i64| {
        let version = |row: &Row| Ok(Version { hash: row.get(0)?, name: row.get(1)?, content: (kind.content)(row)? });
        one.query_row([connection, id, run], version).optional()
    };
    let mut rows = keys.query([connection, older, newer])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let (change, name, fields) = match (at(id, older)?, at(id, newer)?) {
            (None, None) => continue,
            (None, Some(new)) => (ADDED, new.name, Vec::new()),
            (Some(old), None) => (REMOVED, old.name, Vec::new()),
            (Some(old), Some(new)) if old.hash == new.hash => continue,
            (Some(old), Some(new)) => match differing(&old.content, &new.content) {
                fields if fields.is_empty() => continue,
                fields => (CHANGED, new.name, fields),
            },
        };
        sink(Change { kind: kind.label, change, id: row.get(1)?, name: Some(name), fields, has: None })?;
    }
    Ok(())
}

fn grants<E>(conn: &rusqlite::Connection, between: Between, sink: Sink<Change, Fault<E>>) -> Result<(), Fault<E>> {
    let Between { connection, older, newer } = between;
    let mut keys = conn.prepare(&GRANTS.replace("TOUCHED", TOUCHED))?;
    let mut name = conn.prepare_cached(&format!("SELECT x.name FROM resource x WHERE {AT}"))?;
    let named = |name: &mut CachedStatement, id: i64, run: i64| {
        name.query_row([connection, id, run], |r| r.get::<_, String>(0)).optional()
    };
    let mut rows = keys.query([connection, older, newer])?;
    while let Some(row) = rows.next()? {
        let (resource, slug, principal): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_there: bool = row.get(3)?;
        let (change, run) = if is_there { (ADDED, newer) } else { (REMOVED, older) };
        let resource_name = named(&mut name, row.get(4)?, run)?;
        let principal_name = named(&mut name, row.get(5)?, run)?;
        sink(Change {
            kind: "grant",
            change,
            id: format!("{resource}:{slug}:{principal}"),
            name: principal_name,
            fields: Vec::new(),
            has: Some(Has { principal, slug, resource, resource_name }),
        })?;
    }
    Ok(())
}

fn resource(row: &Row) -> rusqlite::Result<Content> {
    let parent: Option<(String, String)> = row.get::<_, Option<String>>(3)?.zip(row.get(4)?);
    let parent = parent.map_or(Value::Null, |(of_type, id)| json!({ "type": of_type, "id": id }));
    let texts = ["email", "login", "status", "status_detail", "given_name", "family_name"];
    let mut plain = vec![("name", text(row, 1)?), ("kind", text(row, 2)?), ("parent", parent)];
    for (name, at) in texts.into_iter().zip(5..) {
        plain.push((name, text(row, at)?));
    }
    let other_emails: Option<Value> = parsed(row, 11)?;
    plain.push(("other_emails", other_emails.unwrap_or_else(|| json!([]))));
    // Of a job every field is written, also where it is empty; where there is no job, none is.
    let mut employment: Map<String, Value> = parsed(row, 12)?.unwrap_or_default();
    employment.retain(|_, value| !value.is_null());
    let nested = vec![("employment", employment), ("profile", parsed(row, 13)?.unwrap_or_default())];
    Ok(Content { plain, nested })
}

fn entitlement(row: &Row) -> rusqlite::Result<Content> {
    let grantable_to: Option<Value> = parsed(row, 4)?;
    let plain = vec![
        ("name", text(row, 1)?),
        ("description", text(row, 2)?),
        ("purpose", text(row, 3)?),
        ("grantable_to", grantable_to.unwrap_or_else(|| json!([]))),
    ];
    Ok(Content { plain, nested: Vec::<(&'static str, Map<String, Value>)>::new() })
}

fn text(row: &Row, at: usize) -> rusqlite::Result<Value> {
    Ok(row.get::<_, Option<String>>(at)?.map_or(Value::Null, Value::String))
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, at: usize) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<String>>(at)?.and_then(|t| serde_json::from_str(&t).ok()))
}
