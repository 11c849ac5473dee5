//! Format 1 on disk: a spool of an earlier version stays readable, and appends produce its bytes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;

use moodvane_spool::{NoopObserver, ReadLimits, Spool, SpoolConfig};
use tempfile::TempDir;

const FIRST_SEGMENT: (&str, &[u8]) = (
    "00000000000000000000.segment",
    b"mvspool1\
    \x45\x00\x00\x00\xfe\xfb\x56\x97\x24\xdd\x07\x24\
    \x01\x0aopen-meteo\x0btemperature\x21\x00new-york:open-meteo:1714731600000{\"c\":11.5}\
    \x2f\x00\x00\x00\x5d\x45\x19\x5e\x42\x58\xd2\x42\
    \x02\x0aopen-meteo\x00\x13\x00open-meteo:new-york1714731600000\
    \x1f\x00\x00\x00\x33\xdc\x52\x04\x2b\xb8\xc8\x86\
    \x01\x08mastodon\x05tweet\x0a\x00mastodon:7\x00\xff\n",
);
const SECOND_SEGMENT: (&str, &[u8]) = (
    "00000000000000000003.segment",
    b"mvspool1\
    \x0b\x00\x00\x00\x1f\xf5\x8d\xcd\x30\xf9\x4a\x9c\
    \x01\x01x\x05tweet\x00\x00",
);
/// Behind the first entry.
const READ_OFFSET: (&str, &[u8]) = ("drained", b"0 89 1\n");

const ENTRIES: [&[u8]; 4] = [
    b"\x01\x0aopen-meteo\x0btemperature\x21\x00new-york:open-meteo:1714731600000{\"c\":11.5}",
    b"\x02\x0aopen-meteo\x00\x13\x00open-meteo:new-york1714731600000",
    b"\x01\x08mastodon\x05tweet\x0a\x00mastodon:7\x00\xff\n",
    b"\x01\x01x\x05tweet\x00\x00",
];
const ONE: ReadLimits = ReadLimits {
    entries: 1,
    bytes: u64::MAX,
};

fn open(dir: &Path) -> Spool {
    let config = SpoolConfig {
        dir: dir.to_owned(),
        max_bytes: 1 << 20,
        segment_bytes: 160,
    };
    Spool::open(config, NoopObserver).unwrap()
}

#[tokio::test]
async fn reads_spool_of_earlier_version() {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in [FIRST_SEGMENT, SECOND_SEGMENT, READ_OFFSET, ("lock", b"")] {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let spool = open(dir.path());
    assert_eq!(spool.pending(), 3);
    for expected in &ENTRIES[1..] {
        let chunk = spool.read(ONE).await.unwrap();
        assert_eq!(
            (&chunk.entries[..], chunk.lost),
            (&[expected.to_vec()][..], 0)
        );
        spool.commit(chunk).await.unwrap();
    }
    assert_eq!(spool.pending(), 0);
}

#[tokio::test]
async fn writes_bytes_of_earlier_version() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    for batch in [&ENTRIES[..2], &ENTRIES[2..3], &ENTRIES[3..]] {
        let batch = batch.iter().map(|entry| entry.to_vec()).collect();
        spool.append(batch).await.unwrap();
    }
    let chunk = spool.read(ONE).await.unwrap();
    spool.commit(chunk).await.unwrap();
    for (name, bytes) in [FIRST_SEGMENT, SECOND_SEGMENT, READ_OFFSET, ("lock", b"")] {
        let written = fs::read(dir.path().join(name)).unwrap();
        assert_eq!(
            written.escape_ascii().to_string(),
            bytes.escape_ascii().to_string(),
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
}
