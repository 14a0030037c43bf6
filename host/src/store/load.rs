//! Reading what a run is compared with: the published snapshot, and what its earlier attempts have done.

use super::draft::{Draft, Sighting};
use crate::model::Status;
use rusqlite::{Connection, Error, Result};
use serde::Deserialize;

/// What is published of a connection.
pub(super) fn published(conn: &Connection, connection: i64, run: Option<i64>) -> Result<Draft> {
    let mut draft = Draft::default();
    let mut types = conn.prepare("SELECT name FROM resource_type WHERE connection = ? ORDER BY id")?;
    let mut rows = types.query([connection])?;
    while let Some(row) = rows.next()? {
        draft.types.intern(row.get_ref(0)?.as_str()?);
    }
    let mut ids = conn.prepare("SELECT id, type, vendor_id FROM identity WHERE connection = ? ORDER BY id")?;
    let mut rows = ids.query([connection])?;
    while let Some(row) = rows.next()? {
        draft.identities.skip_to(row.get(0)?);
        draft.identities.intern(row.get(1)?, row.get_ref(2)?.as_str()?);
    }
    let mut keys = conn.prepare("SELECT id, resource, slug FROM entitlement_key WHERE connection = ? ORDER BY id")?;
    let mut rows = keys.query([connection])?;
    while let Some(row) = rows.next()? {
        draft.keys.skip_to(row.get(0)?);
        draft.entitlement(row.get(1)?, row.get_ref(2)?.as_str()?);
    }
    let Some(run) = run else { return Ok(draft) };
    let live = "connection = ?1 AND valid_from <= ?2 AND (valid_to IS NULL OR valid_to > ?2)";
    let mut q = conn.prepare(&format!("SELECT id, hash, status FROM resource WHERE {live}"))?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        let hash = hash_of(row.get_ref(1)?.as_blob()?);
        draft.resources.load_published(row.get(0)?, hash, is_enabled(row.get_ref(2)?.as_str_or_null()?));
    }
    let mut q = conn.prepare(&format!("SELECT id, hash FROM entitlement WHERE {live}"))?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        draft.entitlements.load_published(row.get(0)?, hash_of(row.get_ref(1)?.as_blob()?), true);
    }
    // What the run said of itself saves growing the table again and again.
    let expected: Option<usize> = conn.query_row("SELECT grants FROM run WHERE run = ?", [run], |r| r.get(0))?;
    draft.grants.expect(expected.unwrap_or(0));
    let mut q = conn.prepare(&format!("SELECT entitlement, principal FROM grant_row WHERE {live}"))?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        draft.grants.load_published(row.get(0)?, row.get(1)?);
    }
    Ok(draft)
}

/// What earlier attempts of a run have done.
///
/// # Errors
/// As SQLite says; `InvalidQuery` where a list cannot be read.
pub(super) fn attempts(conn: &Connection, connection: i64, run: i64, draft: &mut Draft) -> Result<()> {
    let mut q = conn.prepare("SELECT list FROM sighting WHERE run = ?")?;
    let mut rows = q.query([run])?;
    while let Some(row) = rows.next()? {
        let sighting = Sighting::decode(row.get_ref(0)?.as_blob()?).ok_or(Error::InvalidQuery)?;
        draft.load_sighting(&sighting);
    }
    // After what was seen unchanged: another task may have said otherwise since.
    let of_run = "connection = ?1 AND valid_from = ?2";
    let mut q = conn.prepare(&format!("SELECT id, hash, status FROM resource WHERE {of_run}"))?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        let hash = hash_of(row.get_ref(1)?.as_blob()?);
        draft.resources.load_written(row.get(0)?, hash, is_enabled(row.get_ref(2)?.as_str_or_null()?));
    }
    let mut q = conn.prepare(&format!("SELECT id, hash FROM entitlement WHERE {of_run}"))?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        draft.entitlements.load_written(row.get(0)?, hash_of(row.get_ref(1)?.as_blob()?), true);
    }
    let mut q = conn.prepare(&format!("SELECT entitlement, principal FROM grant_row WHERE {of_run}"))?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        draft.grants.load_seen(row.get(0)?, row.get(1)?);
    }
    links(conn, connection, run, draft)
}

/// What the resources that count as seen point at.
///
/// # Errors
/// As SQLite says.
pub(super) fn links(conn: &Connection, connection: i64, run: i64, draft: &mut Draft) -> Result<()> {
    #[derive(Deserialize)]
    struct Employment {
        manager: Option<Manager>,
    }
    #[derive(Deserialize)]
    struct Manager {
        #[serde(rename = "type")]
        resource_type: String,
        id: String,
    }
    let mut q = conn.prepare(
        "SELECT id, parent, employment FROM resource WHERE connection = ?1 AND valid_from <= ?2 \
         AND (valid_to IS NULL OR valid_to > ?2) AND (parent IS NOT NULL OR employment IS NOT NULL)",
    )?;
    let mut rows = q.query([connection, run])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if !draft.resources.is_seen(id) {
            continue;
        }
        let employment = row.get_ref(2)?.as_str_or_null()?;
        let employment: Option<Employment> = employment.and_then(|text| serde_json::from_str(text).ok());
        let manager = employment.and_then(|e| e.manager).map(|m| {
            let of_type = draft.types.intern(&m.resource_type).id;
            draft.identities.intern(of_type, &m.id).id
        });
        draft.link(id, (row.get::<_, Option<u32>>(1)?.unwrap_or(0), manager.unwrap_or(0)));
    }
    Ok(())
}

fn is_enabled(status: Option<&str>) -> bool {
    status == Some(Status::Enabled.label())
}

fn hash_of(blob: &[u8]) -> u128 {
    blob.try_into().map_or(1, u128::from_be_bytes)
}
