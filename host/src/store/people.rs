//! People: users with a job, of one published run, streamed without what a roster does not need. In no order that
//! means something: whoever needs one sorts.

use super::error::StoreError;
use super::moment::{self, Moment};
use super::queries::{Reader, Sink};
use crate::model::{Employment, ResourceId};

/// A user with a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonRow {
    /// Its type.
    pub resource_type: String,
    /// The vendor's own id.
    pub id: String,
    /// The whole name.
    pub name: String,
    /// Address for work.
    pub email: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// `enabled`, `disabled`, `departed`.
    pub status: Option<String>,
    /// The job.
    pub employment: Employment,
}

impl Reader {
    /// What is published of a connection now.
    ///
    /// # Errors
    /// Nothing is; see [`StoreError`].
    pub fn published(&self, connection: &str) -> Result<Moment, StoreError> {
        moment::now(self.conn(), connection).map_err(|e| e.into_store(self.path()))
    }

    /// Whether an id was ever in a snapshot of a connection, or pointed at by one, as far as history is kept.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn was_there(&self, connection: &str, id: &ResourceId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM connection c JOIN resource_type t ON t.connection = c.id AND t.name = ?2 \
                   JOIN identity i ON i.connection = c.id AND i.type = t.id AND i.vendor_id = ?3 WHERE c.name = ?1)";
        let found = self.conn().query_row(sql, (connection, &id.resource_type, &id.id), |row| row.get(0));
        found.map_err(|e| self.explain(&e))
    }

    /// Streams the people of a connection as they were after a published run.
    ///
    /// # Errors
    /// No such state; see [`StoreError`], or what the sink says.
    pub fn people<E: From<StoreError>>(&self, connection: &str, run: i64, sink: Sink<PersonRow, E>) -> Result<(), E> {
        moment::published(self.conn(), run, Some(connection)).map_err(|e| e.into_store(self.path()))?;
        let sql = "SELECT t.name, i.vendor_id, r.name, r.email, r.given_name, r.family_name, r.status, r.employment \
                   FROM connection c \
                   JOIN resource r ON r.connection = c.id AND r.valid_from <= ?2 AND (r.valid_to IS NULL OR r.valid_to > ?2) \
                   JOIN identity i ON i.connection = c.id AND i.id = r.id \
                   JOIN resource_type t ON t.connection = c.id AND t.id = i.type \
                   WHERE c.name = ?1 AND r.kind = 'user' AND r.employment IS NOT NULL";
        let sql_error = |e: rusqlite::Error| E::from(self.explain(&e));
        let mut statement = self.conn().prepare(sql).map_err(sql_error)?;
        let mut rows = statement.query((connection, run)).map_err(sql_error)?;
        while let Some(row) = rows.next().map_err(sql_error)? {
            let person = |row: &rusqlite::Row<'_>| -> rusqlite::Result<PersonRow> {
                Ok(PersonRow {
                    resource_type: row.get(0)?,
                    id: row.get(1)?,
                    name: row.get(2)?,
                    email: row.get(3)?,
                    given_name: row.get(4)?,
                    family_name: row.get(5)?,
                    status: row.get(6)?,
                    employment: serde_json::from_str(row.get_ref(7)?.as_str()?).unwrap_or_default(),
                })
            };
            sink(person(row).map_err(sql_error)?)?;
        }
        Ok(())
    }
}
