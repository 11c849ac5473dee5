//! The store's promises, on the SQLite store.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod conformance;

use conformance::Place;
use moodvane_store::SqliteStore;
use tempfile::TempDir;

struct Folder(TempDir);

impl Place for Folder {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("store.db")).unwrap()
    }
}

async fn folder() -> Folder {
    Folder(TempDir::new().unwrap())
}

promises!(folder);
