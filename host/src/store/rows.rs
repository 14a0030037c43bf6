//! Writing rows: what the draft decided, as SQL. One function a table, one transaction opened by the caller.

use super::draft::{Draft, Verdict};
use crate::packed::{EntitlementItem, GrantItem, Item, Key, Packed, ResourceItem};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, params};

/// The rows of one run of one connection.
#[derive(Debug)]
pub(super) struct RunRows {
    pub(super) connection: i64,
    pub(super) run: i64,
    pub(super) draft: Draft,
    /// Grants that are to be written when the transaction ends: together and in order, many in one statement. Measured on
    /// 500,000: 2.4 times as fast as one by one.
    grants: Vec<(u32, u32)>,
    scratch: Vec<u8>,
}

/// Grants written by one statement.
const AT_ONCE: usize = 20;

/// A grant of the task in hand, and what its principal is found by.
struct Found<'a> {
    entitlement: u32,
    of_type: u32,
    principal: Key<'a>,
    hash: u64,
    id: Option<u32>,
}

/// The statements that a task's records need again and again.
struct Writing<'c> {
    conn: &'c Connection,
    identity: CachedStatement<'c>,
    resource: CachedStatement<'c>,
}

impl RunRows {
    /// With what is published, and what earlier attempts of the run have written.
    pub(super) fn new(connection: i64, run: i64, draft: Draft) -> RunRows {
        RunRows { connection, run, draft, grants: Vec::new(), scratch: Vec::new() }
    }

    /// Takes the records of a task in, and what they say that no row does.
    pub(super) fn take(&mut self, conn: &Connection, task: u32, records: &Packed) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.draft.sighting.clear();
        let mut to = Writing::new(conn)?;
        let mut grants = Vec::new();
        for item in records.iter() {
            match item {
                Item::Resource(r) => self.resource(&mut to, &r)?,
                Item::Entitlement(e) => self.entitlement(&mut to, &e)?,
                Item::Grant(g) => grants.push(g),
            }
        }
        self.take_grants(&mut to, &grants)?;
        if !self.draft.sighting.is_empty() {
            self.draft.sighting.encode(&mut self.scratch);
            conn.prepare_cached("INSERT INTO sighting (run, task, list) VALUES (?, ?, ?)")?.execute(params![
                self.run,
                task,
                self.scratch
            ])?;
        }
        Ok(())
    }

    fn resource_type(&mut self, to: &Writing, name: &str) -> Result<u32> {
        let of_type = self.draft.types.intern(name);
        if of_type.new {
            to.conn
                .prepare_cached("INSERT INTO resource_type (connection, id, name) VALUES (?, ?, ?)")?
                .execute(params![self.connection, of_type.id, name])?;
        }
        Ok(of_type.id)
    }

    fn identity(&mut self, to: &mut Writing, key: &Key) -> Result<u32> {
        let of_type = self.resource_type(to, key.resource_type)?;
        let interned = self.draft.identities.intern(of_type, key.id);
        if interned.new {
            to.identity.execute(params![self.connection, interned.id, of_type, key.id])?;
        }
        Ok(interned.id)
    }

    fn entitlement_key(&mut self, to: &mut Writing, resource: &Key, slug: &str) -> Result<u32> {
        let resource = self.identity(to, resource)?;
        let key = self.draft.entitlement(resource, slug);
        if key.new {
            to.conn
                .prepare_cached("INSERT INTO entitlement_key (connection, id, resource, slug) VALUES (?, ?, ?, ?)")?
                .execute(params![self.connection, key.id, resource, slug])?;
        }
        Ok(key.id)
    }

    fn resource(&mut self, to: &mut Writing, r: &ResourceItem) -> Result<()> {
        let id = self.identity(to, &r.key)?;
        let parent = r.parent.map(|p| self.identity(to, &p)).transpose()?;
        let manager = r.manager.map(|m| self.identity(to, &m)).transpose()?;
        let links = (parent.unwrap_or(0), manager.unwrap_or(0));
        let verdict = self.draft.take_resource(id, r.hash, r.enabled, links);
        if !self.make_room(to.conn, "resource", id, verdict)? {
            return Ok(());
        }
        let content = r.content();
        let user = content.user.as_ref();
        let other_emails = user.filter(|u| !u.other_emails.is_empty());
        let other_emails = other_emails.and_then(|u| serde_json::to_string(&u.other_emails).ok());
        to.resource.execute(params![
            self.connection,
            id,
            self.run,
            r.hash.to_be_bytes().as_slice(),
            content.name,
            parent,
            content.kind,
            user.map(|u| u.status),
            user.and_then(|u| u.status_detail),
            user.and_then(|u| u.email),
            user.and_then(|u| u.login),
            user.and_then(|u| u.given_name),
            user.and_then(|u| u.family_name),
            other_emails,
            user.and_then(|u| u.employment),
            Some(content.profile).filter(|p| *p != "{}"),
        ])?;
        Ok(())
    }

    fn entitlement(&mut self, to: &mut Writing, e: &EntitlementItem) -> Result<()> {
        let id = self.entitlement_key(to, &e.resource, e.slug)?;
        let verdict = self.draft.take_entitlement(id, e.hash);
        if !self.make_room(to.conn, "entitlement", id, verdict)? {
            return Ok(());
        }
        let content = e.content();
        to.conn
            .prepare_cached(
                "INSERT INTO entitlement (connection, id, valid_from, hash, name, description, purpose, grantable_to) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.connection,
                id,
                self.run,
                e.hash.to_be_bytes().as_slice(),
                content.name,
                content.description,
                content.purpose,
                serde_json::to_string(&content.grantable_to).unwrap_or_default(),
            ])?;
        Ok(())
    }

    /// In loops one after the other: an insert between two lookups would throw what they need out of the caches.
    fn take_grants(&mut self, to: &mut Writing, grants: &[GrantItem]) -> Result<()> {
        let mut found = Vec::with_capacity(grants.len());
        // A page of members names its entitlement once, and its principals are of one type.
        let (mut head, mut of_type) = (None, ("", 0));
        for g in grants {
            let entitlement = match head {
                Some((at, entitlement)) if at == g.head => entitlement,
                _ => self.entitlement_key(to, &g.resource, g.slug)?,
            };
            head = Some((g.head, entitlement));
            if of_type.0 != g.principal.resource_type {
                of_type = (g.principal.resource_type, self.resource_type(to, g.principal.resource_type)?);
            }
            let hash = self.draft.identities.hash(of_type.1, g.principal.id);
            found.push(Found { entitlement, of_type: of_type.1, principal: g.principal, hash, id: None });
        }
        for f in &mut found {
            f.id = self.draft.identities.find(f.hash, f.of_type, f.principal.id);
        }
        for f in &mut found {
            let id = match f.id {
                Some(id) => id,
                None => self.identity(to, &f.principal)?,
            };
            if self.draft.take_grant(f.entitlement, id) {
                self.grants.push((f.entitlement, id));
            }
        }
        Ok(())
    }

    /// Writes the grants that wait for the end of the transaction.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        if self.grants.is_empty() {
            return Ok(());
        }
        self.grants.sort_unstable();
        let many = self.grants.chunks_exact(AT_ONCE);
        let rest = many.remainder();
        let mut statement = conn.prepare_cached(&insert_grants(AT_ONCE))?;
        for grants in many {
            self.insert(&mut statement, grants)?;
        }
        let mut statement = conn.prepare_cached(&insert_grants(1))?;
        for grant in rest {
            self.insert(&mut statement, std::slice::from_ref(grant))?;
        }
        self.grants.clear();
        Ok(())
    }

    fn insert(&self, statement: &mut CachedStatement, grants: &[(u32, u32)]) -> Result<()> {
        statement.raw_bind_parameter(1, self.connection)?;
        statement.raw_bind_parameter(2, self.run)?;
        for (at, (entitlement, principal)) in grants.iter().enumerate() {
            statement.raw_bind_parameter(3 + 2 * at, entitlement)?;
            statement.raw_bind_parameter(4 + 2 * at, principal)?;
        }
        statement.raw_execute().map(drop)
    }

    /// Does what the verdict asks for before a new row is written; the answer is whether one is to be written.
    fn make_room(&self, conn: &Connection, table: &'static str, id: u32, verdict: Verdict) -> Result<bool> {
        let close = || -> Result<()> {
            let sql = format!(
                "UPDATE {table} SET valid_to = ?3 WHERE connection = ?1 AND id = ?2 AND valid_from < ?3 AND valid_to IS NULL"
            );
            conn.prepare_cached(&sql)?.execute(params![self.connection, id, self.run]).map(drop)
        };
        let delete = || -> Result<()> {
            let sql = format!("DELETE FROM {table} WHERE connection = ? AND id = ? AND valid_from = ?");
            conn.prepare_cached(&sql)?.execute(params![self.connection, id, self.run]).map(drop)
        };
        match verdict {
            Verdict::Nothing | Verdict::Unchanged => Ok(false),
            Verdict::Insert => Ok(true),
            Verdict::Supersede => close().map(|()| true),
            Verdict::Replace => delete().map(|()| true),
            Verdict::Restore => {
                delete()?;
                let sql =
                    format!("UPDATE {table} SET valid_to = NULL WHERE connection = ? AND id = ? AND valid_to = ?");
                conn.prepare_cached(&sql)?.execute(params![self.connection, id, self.run])?;
                Ok(false)
            }
        }
    }

    /// Closes the rows that were published and did not come again; `each` is called after every one.
    pub(super) fn close_vanished(&self, conn: &Connection, each: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let open = "valid_from < ?1 AND valid_to IS NULL";
        let sql = format!("UPDATE resource SET valid_to = ?1 WHERE connection = ?2 AND id = ?3 AND {open}");
        for id in self.draft.resources.vanished() {
            conn.prepare_cached(&sql)?.execute(params![self.run, self.connection, id])?;
            each()?;
        }
        let sql = format!("UPDATE entitlement SET valid_to = ?1 WHERE connection = ?2 AND id = ?3 AND {open}");
        for id in self.draft.entitlements.vanished() {
            conn.prepare_cached(&sql)?.execute(params![self.run, self.connection, id])?;
            each()?;
        }
        let sql = format!(
            "UPDATE grant_row SET valid_to = ?1 WHERE connection = ?2 AND entitlement = ?3 AND principal = ?4 AND {open}"
        );
        for (entitlement, principal) in self.draft.grants.vanished() {
            conn.prepare_cached(&sql)?.execute(params![self.run, self.connection, entitlement, principal])?;
            each()?;
        }
        Ok(())
    }
}

impl<'c> Writing<'c> {
    fn new(conn: &'c Connection) -> Result<Writing<'c>> {
        Ok(Writing {
            conn,
            identity: conn
                .prepare_cached("INSERT INTO identity (connection, id, type, vendor_id) VALUES (?, ?, ?, ?)")?,
            resource: conn.prepare_cached(
                "INSERT INTO resource (connection, id, valid_from, hash, name, parent, kind, status, status_detail, \
                 email, login, given_name, family_name, other_emails, employment, profile) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?,
        })
    }
}

/// Connection and run are the first two parameters, then come entitlement and principal of each.
fn insert_grants(rows: usize) -> String {
    let rows: Vec<String> = (0..rows).map(|at| format!("(?1, ?{}, ?{}, ?2)", 3 + 2 * at, 4 + 2 * at)).collect();
    format!("INSERT INTO grant_row (connection, entitlement, principal, valid_from) VALUES {}", rows.join(", "))
}

/// Opens again what an attempt closed as gone that died before it published: whether it is gone is judged at the end, and
/// a run that ends incomplete removes nothing. What was replaced has a successor, and stays closed.
pub(super) fn reopen(conn: &Connection, connection: i64, run: i64) -> Result<()> {
    for table in ["resource", "entitlement"] {
        let sql = format!(
            "UPDATE {table} AS old SET valid_to = NULL WHERE connection = ?1 AND valid_to = ?2 AND NOT EXISTS \
             (SELECT 1 FROM {table} AS new WHERE new.connection = ?1 AND new.id = old.id AND new.valid_from = ?2)"
        );
        conn.execute(&sql, [connection, run])?;
    }
    conn.execute("UPDATE grant_row SET valid_to = NULL WHERE connection = ? AND valid_to = ?", [connection, run])?;
    Ok(())
}

/// Undoes what a run wrote and did not publish.
pub(super) fn discard(conn: &Connection, connection: i64, run: i64) -> Result<()> {
    for table in ["resource", "entitlement", "grant_row"] {
        conn.execute(&format!("DELETE FROM {table} WHERE connection = ? AND valid_from = ?"), [connection, run])?;
        conn.execute(
            &format!("UPDATE {table} SET valid_to = NULL WHERE connection = ? AND valid_to = ?"),
            [connection, run],
        )?;
    }
    conn.execute("UPDATE run SET draft = 0 WHERE run = ?", [run])?;
    Ok(())
}

/// The number of a connection and its published run; made where it is new.
pub(super) fn connection(conn: &Connection, name: &str) -> Result<(i64, Option<i64>)> {
    let found = conn
        .query_row("SELECT id, published FROM connection WHERE name = ?", [name], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    match found {
        Some(found) => Ok(found),
        None => {
            conn.execute("INSERT INTO connection (name) VALUES (?)", [name])?;
            Ok((conn.last_insert_rowid(), None))
        }
    }
}
