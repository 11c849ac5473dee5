//! The fixtures that version 0.1.0 wrote.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::fs;
use std::path::{Path, PathBuf};

/// The name of the run under which 0.1.0 stored its rows.
pub const RUN: &str = "trained-1-95edaec4884006e8-mean.w65536.a600000.b86400000.f1.v1";

/// Keeps the log's records, whose age grows with that of the fixture.
pub const KEEP_RECORDS: [&str; 2] = ["--set", "eventlog.retention_hours=876000"];

/// The path of a fixture.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/0.1.0")
        .join(name)
}

/// The text of a fixture.
pub fn text(name: &str) -> String {
    fs::read_to_string(fixture(name)).unwrap()
}

/// Unpacks the database into a data folder.
pub fn unpack_database(data: &Path) {
    let packed = fs::File::open(fixture("moodvane.db.zst")).unwrap();
    let unpacked = zstd::decode_all(packed).unwrap();
    fs::create_dir_all(data).unwrap();
    fs::write(data.join("moodvane.db"), unpacked).unwrap();
}

/// The arguments of a replay of these inputs, as 0.1.0 was given them.
pub fn replay_args(posts: &str, weather: &str) -> Vec<String> {
    let path = |name| fixture(name).to_string_lossy().into_owned();
    let columns = "time=time,temperature=temperature,wind=wind";
    let args = [
        "replay",
        "--posts",
        &path(posts),
        "--weather",
        &path(weather),
    ];
    let columns = ["--weather-columns", columns];
    let args = args.into_iter().chain(columns).chain(KEEP_RECORDS);
    args.map(str::to_owned).collect()
}
