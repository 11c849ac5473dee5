//! The conformance tests on SQLite.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod conformance;

use conformance::StoreFixture;
use moodvane_store::SqliteStore;
use tempfile::TempDir;

struct TempStore(TempDir);

impl StoreFixture for TempStore {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("store.db")).unwrap()
    }
}

async fn temp_store() -> TempStore {
    TempStore(TempDir::new().unwrap())
}

conformance_tests!(temp_store);
