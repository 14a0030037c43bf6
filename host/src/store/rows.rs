//! Writing rows: what the draft decided, as SQL. One function a table, one transaction opened by the caller.

use super::draft::Draft;
use super::slots::Verdict;
use crate::packed::{EntitlementItem, GrantItem, Item, Key, Packed, ResourceItem};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, params};

/// The rows of one run of one connection.
#[derive(Debug)]
pub(super) struct RunRows {
    pub(super) connection: i64,
    pub(super) run: i64,
    pub(super) draft: Draft,
    /// The entitlement of the last grant, by its place in the task's records: a page of members names it once.
    last_head: Option<(u32, u32)>,
    scratch: Vec<u8>,
}

/// The statements that a task's records need again and again.
struct Writing<'c> {
    conn: &'c Connection,
    identity: CachedStatement<'c>,
    resource: CachedStatement<'c>,
    grant: CachedStatement<'c>,
}

impl RunRows {
    /// With what is published, and what earlier attempts of the run have written.
    pub(super) fn new(connection: i64, run: i64, draft: Draft) -> RunRows {
        RunRows { connection, run, draft, last_head: None, scratch: Vec::new() }
    }

    /// Takes the records of a task in, and what they say that no row does.
    pub(super) fn take(&mut self, conn: &Connection, task: u32, records: &Packed) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.draft.sighting.clear();
        self.last_head = None;
        let mut to = Writing::new(conn)?;
        for item in records.iter() {
            match item {
                Item::Resource(r) => self.resource(&mut to, &r)?,
                Item::Entitlement(e) => self.entitlement(&mut to, &e)?,
                Item::Grant(g) => self.grant(&mut to, &g)?,
            }
        }
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

    fn identity(&mut self, to: &mut Writing, key: &Key) -> Result<u32> {
        let of_type = self.draft.types.intern(key.resource_type);
        if of_type.new {
            to.conn
                .prepare_cached("INSERT INTO resource_type (connection, id, name) VALUES (?, ?, ?)")?
                .execute(params![self.connection, of_type.id, key.resource_type])?;
        }
        let interned = self.draft.identities.intern(of_type.id, key.id);
        if interned.new {
            to.identity.execute(params![self.connection, interned.id, of_type.id, key.id])?;
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

    fn grant(&mut self, to: &mut Writing, g: &GrantItem) -> Result<()> {
        let entitlement = match self.last_head {
            Some((head, entitlement)) if head == g.head => entitlement,
            _ => self.entitlement_key(to, &g.resource, g.slug)?,
        };
        self.last_head = Some((g.head, entitlement));
        let principal = self.identity(to, &g.principal)?;
        if self.draft.take_grant(entitlement, principal) {
            to.grant.execute(params![self.connection, entitlement, principal, self.run])?;
        }
        Ok(())
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
            grant: conn.prepare_cached(
                "INSERT INTO grant_row (connection, entitlement, principal, valid_from) VALUES (?, ?, ?, ?)",
            )?,
        })
    }
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
