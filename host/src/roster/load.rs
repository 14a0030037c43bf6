//! Reading two snapshots from the store, person by person.

use super::make::Rosters;
use super::people::People;
use super::plan::Snapshot;
use super::texts::Texts;
use crate::store::queries::Reader;
use crate::store::{Moment, StoreError};
use thiserror::Error;

/// Why two snapshots cannot be compared.
#[derive(Debug, Error)]
pub enum LoadError {
    /// One connection, named twice.
    #[error("{0} cannot be compared with itself: a plan is between two connections")]
    Same(String),
    /// The source has nobody.
    #[error(
        "{connection} has nobody with a job (run {run}): a roster is of people with a title, a manager or a first day"
    )]
    Nobody {
        /// The source.
        connection: String,
        /// Its published run.
        run: i64,
    },
    /// The store says so.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Rosters {
    /// Reads what is published of two connections now.
    ///
    /// # Errors
    /// Nothing is, or it cannot be compared.
    pub fn read(reader: &Reader, from: &str, to: &str) -> Result<Rosters, LoadError> {
        if from == to {
            return Err(LoadError::Same(from.to_owned()));
        }
        let (source, target) = (reader.published(from)?, reader.published(to)?);
        let mut texts = Texts::default();
        let mut read = |name: &str, moment: &Moment| -> Result<People, StoreError> {
            let mut people = People::default();
            reader.people::<StoreError>(name, moment.run, &mut |row| {
                people.add(&mut texts, &row);
                Ok(())
            })?;
            people.settle(&texts);
            Ok(people)
        };
        let (people, others) = (read(from, &source)?, read(to, &target)?);
        if people.is_empty() {
            return Err(LoadError::Nobody { connection: from.to_owned(), run: source.run });
        }
        let snapshot = |connection: &str, run| Snapshot { connection: connection.to_owned(), run };
        Ok(Rosters {
            texts,
            source: people,
            target: others,
            from: snapshot(from, source.run),
            to: snapshot(to, target.run),
            today: source.started.get(..10).unwrap_or_default().to_owned(),
        })
    }
}
