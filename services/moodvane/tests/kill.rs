//! I1 with a real process: after SIGKILL at ten random moments of a replay and a restart each time, it
//! stores the same hours, bit for bit, as an uninterrupted one.

#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use support::{Running, rows, succeed};
use tempfile::TempDir;

const ROWS: u64 = 60_000;
const KILLS: u64 = 10;

/// Posts of ten days; one in twenty is a copy of an earlier one, one in a thousand has no id.
fn write_posts(path: &Path, random: &mut Random) {
    const WORDS: [&str; 8] = [
        "rain", "love", "awful", "subway", "sunny :)", "not good", "great", "🙁",
    ];
    let mut text = "id\ttext\tcreated_at\n".to_owned();
    for row in 0..ROWS {
        let copies = row > 0 && random.below(20) == 0;
        let id = if copies {
            row - 1 - random.below(row.min(5_000))
        } else {
            row
        };
        let at = 1_514_764_800 + id * 864_000 / ROWS;
        let time = chrono::DateTime::from_timestamp(at as i64, 0)
            .unwrap()
            .to_rfc3339();
        let word = |n: u64| WORDS[(n % 8) as usize];
        let id_text = if random.below(1_000) == 0 {
            String::new()
        } else {
            id.to_string()
        };
        writeln!(
            text,
            "{id_text}\t{} in nyc {} {id}\t{time}",
            word(id),
            word(id / 7)
        )
        .unwrap();
    }
    fs::write(path, text).unwrap();
}

/// A small generator. The test prints the seed, so that a failure is reproducible.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The number of published records plus the number of folded records.
fn progress(db: &Connection) -> rusqlite::Result<u64> {
    let published: i64 = db.query_row(
        "SELECT COALESCE(SUM(high), 0) FROM log_partition",
        [],
        |row| row.get(0),
    )?;
    let folded: i64 = db.query_row(
        "SELECT COALESCE(SUM(next_offset), 0) FROM progress",
        [],
        |row| row.get(0),
    )?;
    Ok((published + folded) as u64)
}

/// Waits until published and folded records together reach `mark`, or the process has ended.
/// Returns false if it has ended.
fn reached(running: &mut Running, data: &Path, mark: u64) -> bool {
    let path = data.join("moodvane.db");
    loop {
        if running.child.try_wait().unwrap().is_some() {
            return false;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        // Fails before the tables exist.
        let done = Connection::open_with_flags(&path, flags).and_then(|db| progress(&db));
        if done.is_ok_and(|done| done >= mark) {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn hours_are_equal_after_ten_kills_at_random_moments() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(20_180_101);
    println!("SEED={seed}");
    let mut random = Random(seed);
    let dir = TempDir::new().unwrap();
    let posts = dir.path().join("posts.tsv");
    write_posts(&posts, &mut random);
    let path = posts.to_string_lossy().into_owned();
    let small = "ingester.batch_posts=100";
    let often = "processor.flush_records=500";
    let short = "processor.batch_records=100";
    let parts = "eventlog.partitions=3";
    let args = [
        "replay", "--posts", &path, "--set", small, "--set", often, "--set", short, "--set", parts,
    ];

    let (uninterrupted, killed_dir) = (dir.path().join("uninterrupted"), dir.path().join("killed"));
    succeed(&uninterrupted, &args);
    let mut killed = 0;
    for kill in 0..KILLS {
        // Each kill falls into its own tenth of the published and folded records.
        let mark = (2 * kill) * ROWS / KILLS + 1 + random.below(2 * ROWS / KILLS);
        let mut running = Running::start(&killed_dir, &args);
        if !reached(&mut running, &killed_dir, mark) {
            break;
        }
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        killed += 1;
    }
    assert!(killed >= 9, "only {killed} kills hit a running replay");
    succeed(&killed_dir, &args);
    let expected = rows(&uninterrupted);
    assert_eq!(expected.len(), 240);
    assert_eq!(rows(&killed_dir), expected);
}
