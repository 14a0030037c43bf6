//! Writing rows: what the draft decided, as SQL. One function a table, one transaction opened by the caller.

use super::draft::{Draft, Slot, Verdict};
use super::record::Prepared;
use crate::model::{Entitlement, Grant, Resource, ResourceId, Status};
use rusqlite::{Connection, OptionalExtension, Result, params};

/// The rows of one run of one connection.
#[derive(Debug)]
pub(super) struct RunRows {
    pub(super) connection: i64,
    pub(super) run: i64,
    pub(super) draft: Draft,
    /// Records taken, for reports.
    pub(super) records: u64,
}

impl RunRows {
    /// Loads what is published, so that every record can be compared in memory.
    pub(super) fn load(conn: &Connection, connection: i64, run: i64, published: Option<i64>) -> Result<RunRows> {
        let mut draft = Draft::default();
        let mut types = conn.prepare("SELECT name FROM resource_type WHERE connection = ? ORDER BY id")?;
        let mut rows = types.query([connection])?;
        while let Some(row) = rows.next()? {
            draft.type_id(row.get_ref(0)?.as_str()?);
        }
        let mut ids = conn.prepare("SELECT type, vendor_id FROM identity WHERE connection = ? ORDER BY id")?;
        let mut rows = ids.query([connection])?;
        while let Some(row) = rows.next()? {
            draft.identity(row.get(0)?, row.get_ref(1)?.as_str()?);
        }
        let mut keys = conn.prepare("SELECT resource, slug FROM entitlement_key WHERE connection = ? ORDER BY id")?;
        let mut rows = keys.query([connection])?;
        while let Some(row) = rows.next()? {
            draft.entitlement(row.get(0)?, row.get_ref(1)?.as_str()?);
        }
        if let Some(published) = published {
            Self::load_published(conn, connection, published, &mut draft)?;
        }
        Ok(RunRows { connection, run, draft, records: 0 })
    }

    fn load_published(conn: &Connection, connection: i64, published: i64, draft: &mut Draft) -> Result<()> {
        let live = "connection = ?1 AND valid_from <= ?2 AND (valid_to IS NULL OR valid_to > ?2)";
        let mut q = conn.prepare(&format!("SELECT id, hash, status FROM resource WHERE {live}"))?;
        let mut rows = q.query([connection, published])?;
        while let Some(row) = rows.next()? {
            let enabled = row.get_ref(2)?.as_str_or_null()? == Some(Status::Enabled.label());
            draft.load_resource(row.get(0)?, Slot::published(hash_of(row.get_ref(1)?.as_blob()?), enabled));
        }
        let mut q = conn.prepare(&format!("SELECT id, hash FROM entitlement WHERE {live}"))?;
        let mut rows = q.query([connection, published])?;
        while let Some(row) = rows.next()? {
            draft.load_entitlement(row.get(0)?, Slot::published(hash_of(row.get_ref(1)?.as_blob()?), true));
        }
        let mut q = conn.prepare(&format!("SELECT entitlement, principal FROM grant_row WHERE {live}"))?;
        let mut rows = q.query([connection, published])?;
        while let Some(row) = rows.next()? {
            draft.load_grant(row.get(0)?, row.get(1)?);
        }
        Ok(())
    }

    /// Takes one record in.
    pub(super) fn take(&mut self, conn: &Connection, record: &Prepared) -> Result<()> {
        self.records += 1;
        match record {
            Prepared::Resource(r, hash) => self.resource(conn, r, *hash),
            Prepared::Entitlement(e, hash) => self.entitlement(conn, e, *hash),
            Prepared::Grant(g) => self.grant(conn, g),
        }
    }

    fn identity(&mut self, conn: &Connection, id: &ResourceId) -> Result<u32> {
        let of_type = self.draft.type_id(&id.resource_type);
        if of_type.new {
            conn.prepare_cached("INSERT INTO resource_type (connection, id, name) VALUES (?, ?, ?)")?
                .execute(params![self.connection, of_type.id, id.resource_type])?;
        }
        let interned = self.draft.identity(of_type.id, &id.id);
        if interned.new {
            conn.prepare_cached("INSERT INTO identity (connection, id, type, vendor_id) VALUES (?, ?, ?, ?)")?
                .execute(params![self.connection, interned.id, of_type.id, id.id])?;
        }
        Ok(interned.id)
    }

    fn entitlement_key(&mut self, conn: &Connection, resource: &ResourceId, slug: &str) -> Result<u32> {
        let resource = self.identity(conn, resource)?;
        let key = self.draft.entitlement(resource, slug);
        if key.new {
            conn.prepare_cached("INSERT INTO entitlement_key (connection, id, resource, slug) VALUES (?, ?, ?, ?)")?
                .execute(params![self.connection, key.id, resource, slug])?;
        }
        Ok(key.id)
    }

    fn resource(&mut self, conn: &Connection, r: &Resource, hash: u128) -> Result<()> {
        let id = self.identity(conn, &r.id)?;
        let parent = r.parent.as_ref().map(|p| self.identity(conn, p)).transpose()?;
        if let Some(parent) = parent {
            self.draft.link(id, parent, "missing-parent");
        }
        let employment = r.user.as_ref().and_then(|u| u.employment.as_deref());
        if let Some(manager) = employment.and_then(|e| e.manager.as_ref()) {
            let manager = self.identity(conn, manager)?;
            self.draft.link(id, manager, "missing-manager");
        }
        let verdict = self.draft.take_resource(id, hash, r.user.as_ref().map(|u| u.status));
        if !self.make_room(conn, "resource", id, verdict)? {
            return Ok(());
        }
        let json = |text: serde_json::Result<String>| text.ok();
        let user = r.user.as_ref();
        conn.prepare_cached(
            "INSERT INTO resource (connection, id, valid_from, hash, name, parent, kind, status, status_detail, email, \
             login, given_name, family_name, other_emails, employment, profile) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            self.connection,
            id,
            self.run,
            hash.to_be_bytes().as_slice(),
            r.name,
            parent,
            r.kind.label(),
            user.map(|u| u.status.label()),
            user.and_then(|u| u.status_detail.as_deref()),
            user.and_then(|u| u.email.as_deref()),
            user.and_then(|u| u.login.as_deref()),
            user.and_then(|u| u.given_name.as_deref()),
            user.and_then(|u| u.family_name.as_deref()),
            user.filter(|u| !u.other_emails.is_empty()).and_then(|u| json(serde_json::to_string(&u.other_emails))),
            employment.and_then(|e| json(serde_json::to_string(e))),
            Some(r.profile.as_str()).filter(|p| *p != "{}"),
        ])?;
        Ok(())
    }

    fn entitlement(&mut self, conn: &Connection, e: &Entitlement, hash: u128) -> Result<()> {
        let id = self.entitlement_key(conn, &e.resource, &e.slug)?;
        let verdict = self.draft.take_entitlement(id, hash);
        if !self.make_room(conn, "entitlement", id, verdict)? {
            return Ok(());
        }
        conn.prepare_cached(
            "INSERT INTO entitlement (connection, id, valid_from, hash, name, description, purpose, grantable_to) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            self.connection,
            id,
            self.run,
            hash.to_be_bytes().as_slice(),
            e.name,
            e.description,
            e.purpose,
            serde_json::to_string(&e.grantable_to).unwrap_or_default(),
        ])?;
        Ok(())
    }

    fn grant(&mut self, conn: &Connection, g: &Grant) -> Result<()> {
        let entitlement = self.entitlement_key(conn, &g.resource, &g.slug)?;
        let principal = self.identity(conn, &g.principal)?;
        if self.draft.take_grant(entitlement, principal) {
            conn.prepare_cached(
                "INSERT INTO grant_row (connection, entitlement, principal, valid_from) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![self.connection, entitlement, principal, self.run])?;
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
            Verdict::Nothing => Ok(false),
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

    /// Closes the rows that were published and did not come again.
    pub(super) fn close_vanished(&self, conn: &Connection) -> Result<()> {
        let open = "valid_from < ?1 AND valid_to IS NULL";
        let sql = format!("UPDATE resource SET valid_to = ?1 WHERE connection = ?2 AND id = ?3 AND {open}");
        for id in self.draft.vanished_resources() {
            conn.prepare_cached(&sql)?.execute(params![self.run, self.connection, id])?;
        }
        let sql = format!("UPDATE entitlement SET valid_to = ?1 WHERE connection = ?2 AND id = ?3 AND {open}");
        for id in self.draft.vanished_entitlements() {
            conn.prepare_cached(&sql)?.execute(params![self.run, self.connection, id])?;
        }
        let sql = format!(
            "UPDATE grant_row SET valid_to = ?1 WHERE connection = ?2 AND entitlement = ?3 AND principal = ?4 AND {open}"
        );
        for (entitlement, principal) in self.draft.vanished_grants() {
            conn.prepare_cached(&sql)?.execute(params![self.run, self.connection, entitlement, principal])?;
        }
        Ok(())
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

fn hash_of(blob: &[u8]) -> u128 {
    blob.try_into().map_or(1, u128::from_be_bytes)
}
