//! What the tests of this crate share.

#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use moodvane_model::{City, CityId, Post, SourceId, Timestamp};
use moodvane_upstream::{Dropped, PostFormat, Raw, Selection};

pub(crate) fn new_york() -> City {
    city(
        "new-york",
        (40.7128, -74.006),
        &["new york", "nyc", "brooklyn"],
    )
}

pub(crate) fn city(id: &str, place: (f64, f64), names: &[&str]) -> City {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    City::new(CityId::parse(id).unwrap(), id, &names, place, "UTC").unwrap()
}

pub(crate) fn source() -> SourceId {
    SourceId::parse("test").unwrap()
}

pub(crate) fn everything() -> Arc<Selection> {
    Arc::new(Selection::all(CityId::parse("new-york").unwrap(), None))
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms).unwrap()
}

pub(crate) fn rfc3339(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The posts of a message that is received at second 1.
pub(crate) fn posts(format: &dyn PostFormat, raw: &Raw) -> Result<Vec<Post<'static>>, Dropped> {
    let mut out = Vec::new();
    let done = format.format(raw, at(1000), &mut out);
    assert!(
        done.is_ok() || out.is_empty(),
        "a dropped message adds nothing"
    );
    done.map(|()| out)
}

/// The recorded data beside the checkout. Without it a test returns; where `CI` is set it fails.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if root.is_dir() {
        return Some(root.join(path));
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "../shared/data must be there where CI is set"
    );
    println!("skipped: ../shared/data is not there");
    None
}
