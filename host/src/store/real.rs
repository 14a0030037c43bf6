//! The store in a file, as the conformance suite uses it.

use super::queries::{AsOf, Filter, Reader};
use super::subject::Subject;
use super::{Store, StoreError, WriterThread};
use std::path::PathBuf;

/// The store in a file.
pub(super) struct Real {
    dir: tempfile::TempDir,
    // In this order: the writer ends when its last sender is gone.
    store: Option<Store>,
    thread: Option<WriterThread>,
}

impl Real {
    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join("muster.db")
    }
}

impl Subject for Real {
    type Ledger = Store;

    fn new() -> Real {
        let mut real = Real { dir: tempfile::tempdir().expect("folder"), store: None, thread: None };
        real.die();
        real
    }

    fn ledger(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    fn die(&mut self) {
        drop(self.store.take());
        drop(self.thread.take());
        let (thread, store) = Store::open(&self.file(), &tokio::runtime::Handle::current()).expect("store");
        (self.store, self.thread) = (Some(store), Some(thread));
    }

    fn rows(&self, as_of: AsOf) -> Vec<String> {
        let reader = Reader::open(&self.file()).expect("reader");
        let filter = Filter { connection: Some("support".into()), resource_type: None, as_of };
        let mut rows = Vec::new();
        reader
            .resources::<StoreError>(&filter, &mut |r| {
                let status = r.status.as_deref().unwrap_or("-");
                rows.push(format!("{}:{} {} {status}", r.resource_type, r.id, r.name));
                Ok(())
            })
            .expect("resources");
        reader
            .entitlements::<StoreError>(&filter, &mut |e| {
                rows.push(format!("{} {}", e.id, e.name));
                Ok(())
            })
            .expect("entitlements");
        reader
            .grants::<StoreError>(&filter, &mut |g| {
                rows.push(g.id);
                Ok(())
            })
            .expect("grants");
        rows.sort();
        rows
    }

    fn path(&self) -> Option<PathBuf> {
        Some(self.file())
    }
}
