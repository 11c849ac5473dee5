//! Order, size limit, restart, torn tails and damage of the spool's files.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use crate::store::SegmentStore;
use crate::{AppendError, MAX_ENTRY_BYTES, ReadLimits, SpoolConfig, SpoolError, frame};

const UNLIMITED: ReadLimits = at_most(usize::MAX);

const fn at_most(entries: usize) -> ReadLimits {
    ReadLimits {
        entries,
        bytes: u64::MAX,
    }
}

fn config(dir: &Path) -> SpoolConfig {
    SpoolConfig {
        dir: dir.to_owned(),
        max_bytes: 1 << 20,
        segment_bytes: 256,
    }
}

fn open(dir: &Path) -> SegmentStore {
    SegmentStore::open(config(dir)).unwrap().0
}

fn entry(number: usize) -> Vec<u8> {
    padded(number, 20)
}

fn padded(number: usize, bytes: usize) -> Vec<u8> {
    let mut entry = format!("{number}:").into_bytes();
    entry.resize(entry.len() + bytes, b'x');
    entry
}

fn entries(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(entry).collect()
}

/// Reads and commits everything, in chunks of at most `limit` entries.
fn drain(store: &mut SegmentStore, limit: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let chunk = store.read(at_most(limit)).unwrap();
        assert_eq!(chunk.lost, 0);
        if chunk.entries.is_empty() {
            return all;
        }
        store.commit(&chunk).unwrap();
        all.extend(chunk.entries);
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "segment"))
        .collect();
    paths.sort();
    paths
}

fn bytes_on_disk(dir: &Path) -> u64 {
    let sizes = segments(dir)
        .into_iter()
        .map(|path| fs::metadata(path).unwrap().len());
    sizes.sum()
}

#[test]
fn reads_in_order_across_segments_and_deletes_committed_ones() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    for number in 0..100 {
        store.append(&[entry(number)]).unwrap();
    }
    assert!(segments(dir.path()).len() > 10);
    assert_eq!(store.backlog().entries, 100);
    assert_eq!(drain(&mut store, 7), entries(0..100));
    let backlog = store.backlog();
    assert_eq!((backlog.entries, backlog.bytes), (0, 0));
    assert_eq!(segments(dir.path()).len(), 1, "keeps only the last segment");
}

#[test]
fn resumes_behind_committed_entries_after_restart() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    store.append(&entries(0..50)).unwrap();
    store.append(&entries(50..60)).unwrap();
    let chunk = store.read(at_most(20)).unwrap();
    store.commit(&chunk).unwrap();
    drop(store);
    let mut store = open(dir.path());
    assert_eq!(store.backlog().entries, 40);
    store.append(&entries(60..70)).unwrap();
    assert_eq!(drain(&mut store, 9), entries(20..70));
    drop(store);
    let mut store = open(dir.path());
    assert!(drain(&mut store, 9).is_empty());
    store.append(&entries(70..71)).unwrap();
    assert_eq!(drain(&mut store, 9), entries(70..71));
}

#[test]
fn reads_uncommitted_entries_again() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    store.append(&entries(0..3)).unwrap();
    assert_eq!(
        store.read(UNLIMITED).unwrap(),
        store.read(UNLIMITED).unwrap()
    );
    drop(store);
    assert_eq!(drain(&mut open(dir.path()), 9), entries(0..3));
}

#[test]
fn rejects_appends_over_size_limit_until_commit_frees_space() {
    let dir = TempDir::new().unwrap();
    let bounded = SpoolConfig {
        max_bytes: 2_000,
        segment_bytes: 500,
        ..config(dir.path())
    };
    let mut store = SegmentStore::open(bounded).unwrap().0;
    let mut appended = 0;
    let error = loop {
        match store.append(&[entry(appended)]) {
            Ok(()) => appended += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Full), "{error:?}");
    assert!(
        appended > 20 && bytes_on_disk(dir.path()) <= 2_000,
        "{appended}"
    );
    assert!(!store.has_room());
    let half = store.read(at_most(appended / 2)).unwrap();
    let half_len = half.entries.len();
    store.commit(&half).unwrap();
    assert!(store.has_room());
    store.append(&[entry(appended)]).unwrap();
    assert_eq!(drain(&mut store, 100), entries(half_len..appended + 1));
}

#[test]
fn rejects_oversized_entry_and_writes_nothing() {
    let dir = TempDir::new().unwrap();
    let large = SpoolConfig {
        max_bytes: 8 << 20,
        ..config(dir.path())
    };
    let mut store = SegmentStore::open(large).unwrap().0;
    let oversized = vec![0; MAX_ENTRY_BYTES + 1];
    let error = store.append(&[entry(0), oversized]).unwrap_err();
    assert!(
        matches!(error, AppendError::EntryTooLarge { .. }),
        "{error:?}"
    );
    store.append(&[vec![0; MAX_ENTRY_BYTES]]).unwrap();
    assert_eq!(drain(&mut store, 9), [vec![0; MAX_ENTRY_BYTES]]);
}

#[test]
fn truncates_and_counts_torn_tail_and_keeps_complete_entries() {
    let mut whole = Vec::new();
    frame::encode(&entry(3), &mut whole);
    for torn in 1..whole.len() {
        let dir = TempDir::new().unwrap();
        open(dir.path()).append(&entries(0..3)).unwrap();
        let last = segments(dir.path()).pop().unwrap();
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend_from_slice(&whole[..torn]);
        fs::write(&last, bytes).unwrap();
        let (mut store, truncated) = SegmentStore::open(config(dir.path())).unwrap();
        assert_eq!(truncated, torn as u64);
        store.append(&entries(3..5)).unwrap();
        assert_eq!(drain(&mut store, 9), entries(0..5));
    }
}

#[test]
fn recreates_segment_without_entries() {
    let dir = TempDir::new().unwrap();
    for bytes in [&b""[..], b"mvspo", b"mvspool1"] {
        let mut store = open(dir.path());
        store.append(&entries(0..20)).unwrap();
        drop(store);
        let next = dir.path().join(format!("{:020}.segment", 20));
        fs::write(&next, bytes).unwrap();
        let mut store = open(dir.path());
        store.append(&entries(20..22)).unwrap();
        assert_eq!(drain(&mut store, 5), entries(0..22));
        drop(store);
        fs::remove_dir_all(dir.path()).unwrap();
    }
}

#[test]
fn skips_and_counts_damaged_entries() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    (0..40).for_each(|number| store.append(&[entry(number)]).unwrap());
    drop(store);
    let second = &segments(dir.path())[1];
    let mut bytes = fs::read(second).unwrap();
    bytes[20] ^= 1;
    fs::write(second, bytes).unwrap();
    let mut store = open(dir.path());
    let (mut seen, mut lost) = (Vec::new(), 0);
    while store.backlog().entries > 0 {
        let chunk = store.read(UNLIMITED).unwrap();
        store.commit(&chunk).unwrap();
        lost += chunk.lost as usize;
        seen.extend(chunk.entries);
    }
    assert!(lost > 0);
    assert_eq!(seen.len() + lost, 40, "each entry is read or counted");
    let first = seen
        .iter()
        .zip(entries(0..40))
        .take_while(|(a, b)| **a == *b)
        .count();
    assert_eq!(seen[first..], entries(first + lost..40));
}

#[test]
fn retries_after_disk_error_without_loss_or_duplicate() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    store.append(&entries(0..20)).unwrap();
    // A directory with the name of the next segment.
    let next = dir.path().join(format!("{:020}.segment", 20));
    fs::create_dir(&next).unwrap();
    for _ in 0..2 {
        let appended = store.append(&entries(20..22));
        assert!(
            matches!(appended, Err(AppendError::Disk(_))),
            "{appended:?}"
        );
    }
    assert_eq!(store.backlog().entries, 20);
    fs::remove_dir(&next).unwrap();
    store.append(&entries(20..22)).unwrap();
    assert_eq!(drain(&mut store, 5), entries(0..22));
}

#[test]
fn rejects_locked_directory_and_unsupported_files() {
    let dir = TempDir::new().unwrap();
    let holder = open(dir.path());
    let error = SegmentStore::open(config(dir.path())).unwrap_err();
    assert!(matches!(error, SpoolError::Locked(_)), "{error}");
    drop(holder);
    for (name, bytes) in [("7.segment", "mvspool2 of tomorrow"), ("x.segment", "")] {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = SegmentStore::open(config(dir.path())).unwrap_err();
        assert!(matches!(error, SpoolError::UnsupportedFormat(_)), "{error}");
        fs::remove_file(path).unwrap();
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Appends entries of these sizes.
    Append(Vec<usize>),
    /// Reads at most so many entries and commits them or not.
    Read(usize, bool),
    /// Crashes with so many bytes of an incomplete append on disk.
    Crash(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => proptest::collection::vec(0..200_usize, 1..6).prop_map(Step::Append),
        3 => (1..12_usize, any::<bool>()).prop_map(|(limit, commit)| Step::Read(limit, commit)),
        1 => (0..60_usize).prop_map(Step::Crash),
    ];
    proptest::collection::vec(step, 0..60)
}

fn tear(dir: &Path, bytes: usize) {
    let Some(last) = segments(dir).pop() else {
        return;
    };
    let mut torn = Vec::new();
    frame::encode(&padded(0, 100), &mut torn);
    let mut whole = fs::read(&last).unwrap();
    whole.extend_from_slice(&torn[..bytes]);
    fs::write(last, whole).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn keeps_pending_entries_in_order_across_appends_reads_and_crashes(steps in steps()) {
        let dir = TempDir::new().unwrap();
        let mut store = open(dir.path());
        let (mut pending, mut number) = (VecDeque::new(), 0);
        for step in steps {
            match step {
                Step::Append(sizes) => {
                    let new: Vec<Vec<u8>> = sizes
                        .into_iter()
                        .map(|size| { number += 1; padded(number, size) })
                        .collect();
                    store.append(&new).unwrap();
                    pending.extend(new);
                }
                Step::Read(limit, commit) => {
                    let chunk = store.read(at_most(limit)).unwrap();
                    prop_assert_eq!(chunk.lost, 0);
                    let expected = pending.iter().take(chunk.entries.len());
                    prop_assert!(chunk.entries.iter().eq(expected));
                    prop_assert_eq!(chunk.entries.is_empty(), pending.is_empty());
                    if commit {
                        store.commit(&chunk).unwrap();
                        pending.drain(..chunk.entries.len());
                    }
                }
                Step::Crash(torn) => {
                    drop(store);
                    tear(dir.path(), torn);
                    store = open(dir.path());
                }
            }
            prop_assert_eq!(store.backlog().entries, pending.len() as u64);
        }
        prop_assert_eq!(drain(&mut store, 5), Vec::from(pending));
    }

    /// A disk that loses the end of a file after a successful sync.
    #[test]
    fn keeps_prefix_of_truncated_last_segment(count in 1..12_usize, cut in 0.0..1.0_f64) {
        let dir = TempDir::new().unwrap();
        let mut store = open(dir.path());
        (0..count).for_each(|number| store.append(&[entry(number)]).unwrap());
        drop(store);
        let last = segments(dir.path()).pop().unwrap();
        let bytes = fs::read(&last).unwrap();
        fs::write(&last, &bytes[..(bytes.len() as f64 * cut) as usize]).unwrap();
        let rest = drain(&mut open(dir.path()), 5);
        prop_assert_eq!(&rest[..], &entries(0..count)[..rest.len()]);
    }
}
