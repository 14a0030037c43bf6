//! One-time codes of a connection, remembered in the store.

use crate::egress::steps::Steps;
use crate::store::steps;
use futures_util::future::BoxFuture;
use std::path::PathBuf;

/// The steps of one connection.
pub struct StoredSteps {
    store: PathBuf,
    connection: String,
}

impl StoredSteps {
    /// In this store; it is made where it does not exist when the first code is needed.
    pub fn new(store: PathBuf, connection: &str) -> StoredSteps {
        StoredSteps { store, connection: connection.to_owned() }
    }
}

impl Steps for StoredSteps {
    fn claim(&self, setting: String, step: u64) -> BoxFuture<'static, Result<bool, String>> {
        let (store, connection) = (self.store.clone(), self.connection.clone());
        Box::pin(async move {
            // SQLite blocks, for as long as the disk takes.
            let claimed = tokio::task::spawn_blocking(move || steps::claim(&store, &connection, &setting, step)).await;
            claimed.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
        })
    }
}
