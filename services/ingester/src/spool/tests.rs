//! The spool's files: order, bound, restart, torn ends and damage.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use moodvane_eventlog::NewRecord;
use moodvane_model::{SourceId, Topic};
use proptest::prelude::*;
use tempfile::TempDir;

use super::folder::{Folder, Refusal};
use super::{Item, SpoolConfig, SpoolError, frame};

const ALL: (usize, u64) = (usize::MAX, u64::MAX);

fn config(dir: &Path) -> SpoolConfig {
    SpoolConfig {
        dir: dir.to_owned(),
        max_bytes: 1 << 20,
        segment_bytes: 256,
    }
}

fn open(dir: &Path) -> Folder {
    Folder::open(config(dir)).unwrap().0
}

fn item(number: usize) -> Item {
    sized(number, 8)
}

fn sized(number: usize, bytes: usize) -> Item {
    Item::Record {
        topic: Topic::ALL[number % 2],
        source: SourceId::parse("fleeting").unwrap(),
        record: NewRecord {
            key: number.to_string().into_bytes(),
            value: vec![b'x'; bytes],
        },
    }
}

fn items(numbers: std::ops::Range<usize>) -> Vec<Item> {
    numbers.map(item).collect()
}

/// Drains everything, in chunks of `most`.
fn drain(folder: &mut Folder, most: usize) -> Vec<Item> {
    let mut all = Vec::new();
    loop {
        let chunk = folder.read((most, u64::MAX)).unwrap();
        assert_eq!(chunk.lost, 0);
        if chunk.items.is_empty() {
            return all;
        }
        folder.drained(&chunk).unwrap();
        all.extend(chunk.items);
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
fn what_was_appended_is_read_in_order_over_many_segments_and_their_files_go() {
    let dir = TempDir::new().unwrap();
    let mut folder = open(dir.path());
    for number in 0..100 {
        folder.append(&[item(number)]).unwrap();
    }
    assert!(segments(dir.path()).len() > 10);
    assert_eq!(folder.waiting(), 100);
    assert_eq!(drain(&mut folder, 7), items(0..100));
    assert_eq!((folder.waiting(), folder.waiting_bytes()), (0, 0));
    assert_eq!(segments(dir.path()).len(), 1, "only the last one stays");
}

#[test]
fn a_restart_goes_on_behind_what_was_drained() {
    let dir = TempDir::new().unwrap();
    let mut folder = open(dir.path());
    folder.append(&items(0..50)).unwrap();
    folder.append(&items(50..60)).unwrap();
    let chunk = folder.read((20, u64::MAX)).unwrap();
    folder.drained(&chunk).unwrap();
    drop(folder);
    let mut folder = open(dir.path());
    assert_eq!(folder.waiting(), 40);
    folder.append(&items(60..70)).unwrap();
    assert_eq!(drain(&mut folder, 9), items(20..70));
    drop(folder);
    let mut folder = open(dir.path());
    assert_eq!(drain(&mut folder, 9), []);
    folder.append(&items(70..71)).unwrap();
    assert_eq!(drain(&mut folder, 9), items(70..71));
}

#[test]
fn what_was_read_and_not_acknowledged_is_read_again() {
    let dir = TempDir::new().unwrap();
    let mut folder = open(dir.path());
    folder.append(&items(0..3)).unwrap();
    assert_eq!(folder.read(ALL).unwrap(), folder.read(ALL).unwrap());
    drop(folder);
    assert_eq!(drain(&mut open(dir.path()), 9), items(0..3));
}

#[test]
fn the_bound_holds_on_the_disk_and_draining_makes_room() {
    let dir = TempDir::new().unwrap();
    let bounded = SpoolConfig {
        max_bytes: 2_000,
        segment_bytes: 500,
        ..config(dir.path())
    };
    let mut folder = Folder::open(bounded).unwrap().0;
    let mut taken = 0;
    let refusal = loop {
        match folder.append(&[item(taken)]) {
            Ok(()) => taken += 1,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, Refusal::Full), "{refusal:?}");
    assert!(taken > 20 && bytes_on_disk(dir.path()) <= 2_000, "{taken}");
    assert!(!folder.has_room());
    let half = folder.read((taken / 2, u64::MAX)).unwrap();
    let half_len = half.items.len();
    folder.drained(&half).unwrap();
    assert!(folder.has_room());
    folder.append(&[item(taken)]).unwrap();
    assert_eq!(drain(&mut folder, 100), items(half_len..taken + 1));
}

#[test]
fn a_torn_end_is_cut_and_counted_and_what_was_whole_stays() {
    let mut whole = Vec::new();
    frame::encode(&item(3), &mut whole);
    for torn in 1..whole.len() {
        let dir = TempDir::new().unwrap();
        open(dir.path()).append(&items(0..3)).unwrap();
        let last = segments(dir.path()).pop().unwrap();
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend_from_slice(&whole[..torn]);
        fs::write(&last, bytes).unwrap();
        let (mut folder, cut) = Folder::open(config(dir.path())).unwrap();
        assert_eq!(cut, torn as u64);
        folder.append(&items(3..5)).unwrap();
        assert_eq!(drain(&mut folder, 9), items(0..5));
    }
}

#[test]
fn a_segment_that_was_just_begun_is_begun_again() {
    let dir = TempDir::new().unwrap();
    for bytes in [&b""[..], b"mvspo", b"mvspool1"] {
        let mut folder = open(dir.path());
        folder.append(&items(0..20)).unwrap();
        drop(folder);
        let next = dir.path().join(format!("{:020}.segment", 20));
        fs::write(&next, bytes).unwrap();
        let mut folder = open(dir.path());
        folder.append(&items(20..22)).unwrap();
        assert_eq!(drain(&mut folder, 5), items(0..22));
        drop(folder);
        fs::remove_dir_all(dir.path()).unwrap();
    }
}

#[test]
fn damage_in_the_middle_is_passed_over_and_its_records_are_counted() {
    let dir = TempDir::new().unwrap();
    let mut folder = open(dir.path());
    (0..40).for_each(|number| folder.append(&[item(number)]).unwrap());
    drop(folder);
    let second = &segments(dir.path())[1];
    let mut bytes = fs::read(second).unwrap();
    bytes[20] ^= 1;
    fs::write(second, bytes).unwrap();
    let mut folder = open(dir.path());
    let (mut seen, mut lost) = (Vec::new(), 0);
    while folder.waiting() > 0 {
        let chunk = folder.read(ALL).unwrap();
        folder.drained(&chunk).unwrap();
        lost += chunk.lost as usize;
        seen.extend(chunk.items);
    }
    assert!(lost > 0);
    assert_eq!(seen.len() + lost, 40, "each record is read or counted");
    let first = seen
        .iter()
        .zip(items(0..40))
        .take_while(|(a, b)| **a == *b)
        .count();
    assert_eq!(seen[first..], items(first + lost..40));
}

#[test]
fn a_disk_that_fails_refuses_and_is_tried_again_with_nothing_lost_or_doubled() {
    let dir = TempDir::new().unwrap();
    let mut folder = open(dir.path());
    folder.append(&items(0..20)).unwrap();
    // Where the next segment should be there is a folder.
    let next = dir.path().join(format!("{:020}.segment", 20));
    fs::create_dir(&next).unwrap();
    for _ in 0..2 {
        let refused = folder.append(&items(20..22));
        assert!(matches!(refused, Err(Refusal::Disk(_))), "{refused:?}");
    }
    assert_eq!(folder.waiting(), 20);
    fs::remove_dir(&next).unwrap();
    folder.append(&items(20..22)).unwrap();
    assert_eq!(drain(&mut folder, 5), items(0..22));
}

#[test]
fn one_process_at_a_time_has_it_and_foreign_files_are_refused() {
    let dir = TempDir::new().unwrap();
    let held = open(dir.path());
    let refused = Folder::open(config(dir.path())).unwrap_err();
    assert!(matches!(refused, SpoolError::Held(_)), "{refused}");
    drop(held);
    for (name, bytes) in [("7.segment", "mvspool2 of tomorrow"), ("x.segment", "")] {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let refused = Folder::open(config(dir.path())).unwrap_err();
        assert!(matches!(refused, SpoolError::Foreign(_)), "{refused}");
        fs::remove_file(path).unwrap();
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<usize>),
    /// Reads so many; acknowledges them or not.
    Read(usize, bool),
    /// A crash, with so much of an unfinished append on the disk.
    Crash(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => proptest::collection::vec(0..200_usize, 1..6).prop_map(Step::Append),
        3 => (1..12_usize, any::<bool>()).prop_map(|(most, done)| Step::Read(most, done)),
        1 => (0..60_usize).prop_map(Step::Crash),
    ];
    proptest::collection::vec(step, 0..60)
}

fn tear(dir: &Path, bytes: usize) {
    let Some(last) = segments(dir).pop() else {
        return;
    };
    let mut torn = Vec::new();
    frame::encode(&sized(0, 100), &mut torn);
    let mut whole = fs::read(&last).unwrap();
    whole.extend_from_slice(&torn[..bytes]);
    fs::write(last, whole).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_appends_drains_and_crashes_keep_all_that_waits_in_order(steps in steps()) {
        let dir = TempDir::new().unwrap();
        let mut folder = open(dir.path());
        let (mut waits, mut number) = (VecDeque::new(), 0);
        for step in steps {
            match step {
                Step::Append(sizes) => {
                    let new: Vec<Item> = sizes
                        .into_iter()
                        .map(|size| { number += 1; sized(number, size) })
                        .collect();
                    folder.append(&new).unwrap();
                    waits.extend(new);
                }
                Step::Read(most, done) => {
                    let chunk = folder.read((most, u64::MAX)).unwrap();
                    prop_assert_eq!(chunk.lost, 0);
                    prop_assert!(chunk.items.iter().eq(waits.iter().take(chunk.items.len())));
                    prop_assert_eq!(chunk.items.is_empty(), waits.is_empty());
                    if done {
                        folder.drained(&chunk).unwrap();
                        waits.drain(..chunk.items.len());
                    }
                }
                Step::Crash(torn) => {
                    drop(folder);
                    tear(dir.path(), torn);
                    folder = open(dir.path());
                }
            }
            prop_assert_eq!(folder.waiting(), waits.len() as u64);
        }
        prop_assert_eq!(drain(&mut folder, 5), Vec::from(waits));
    }

    /// More than our writes promise: a disk that loses the end of what it said it had.
    #[test]
    fn wherever_the_last_file_is_cut_a_prefix_is_left(count in 1..12_usize, cut in 0.0..1.0_f64) {
        let dir = TempDir::new().unwrap();
        let mut folder = open(dir.path());
        (0..count).for_each(|number| folder.append(&[item(number)]).unwrap());
        drop(folder);
        let last = segments(dir.path()).pop().unwrap();
        let bytes = fs::read(&last).unwrap();
        fs::write(&last, &bytes[..(bytes.len() as f64 * cut) as usize]).unwrap();
        let left = drain(&mut open(dir.path()), 5);
        prop_assert_eq!(&left[..], &items(0..count)[..left.len()]);
    }
}
