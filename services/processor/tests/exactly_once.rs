//! I1 and I4: an hour is a pure function of the log, and a post counts once, whatever the batches,
//! the flushes, the crashes between any two writes, and the takeovers by other processors.

#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::*;

/// The next event of a partition's processor.
#[derive(Debug, Clone)]
enum Step {
    /// Folds at most this many of the next records.
    Fold(usize),
    Flush,
    /// Crashes and loses its memory.
    Crash,
    /// Crashes within a flush, after this many single writes.
    CrashInFlush(usize),
    /// Another processor takes over; this one does not notice and flushes once more later (I2).
    Takeover,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1usize..12).prop_map(Step::Fold),
        3 => Just(Step::Flush),
        1 => Just(Step::Crash),
        2 => (0usize..8).prop_map(Step::CrashInFlush),
        1 => Just(Step::Takeover),
    ]
}

/// Records of one partition: ids repeat, some records are unreadable, some offsets are missing.
fn log() -> impl Strategy<Value = Log> {
    let record = prop_oneof![
        8 => (0u32..30).prop_map(post),
        1 => (0u32..30).prop_map(|id| (post(id).0, b"{broken".to_vec())),
        1 => (0u32..30).prop_map(|id| (post(id + 1).0, post(id).1)),
    ];
    proptest::collection::vec((record, 1u64..3), 0..60).prop_map(|records| {
        let mut offset = 0;
        records
            .into_iter()
            .map(|(record, step)| {
                offset += step;
                (offset - 1, record)
            })
            .collect()
    })
}

fn run(bench: &Bench, partition: u32, log: &Log, steps: &[Step]) {
    let begin = || {
        let mut engine = bench.engine();
        let from = engine.assign(watermarks(partition, log), at(0)).unwrap();
        (engine, from.0)
    };
    let (mut engine, mut from) = begin();
    let mut stale = Vec::new();
    for step in steps {
        match step {
            Step::Fold(count) => {
                let batch = batch(partition, log, from, *count);
                engine.fold(&batch).unwrap();
                from = batch.iter().last().map_or(from, |r| r.offset.0 + 1);
            }
            Step::Flush => drop(engine.flush().unwrap()),
            Step::Crash => (engine, from) = begin(),
            Step::CrashInFlush(writes) => {
                *bench.store.crash_after.lock().unwrap() = Some(*writes);
                let survived = engine.flush().is_ok();
                *bench.store.crash_after.lock().unwrap() = None;
                if !survived {
                    (engine, from) = begin();
                }
            }
            Step::Takeover => {
                let (next, next_from) = begin();
                stale.push(std::mem::replace(&mut engine, next));
                from = next_from;
            }
        }
    }
    let rest = batch(partition, log, from, usize::MAX >> 1);
    engine.fold(&rest).unwrap();
    engine.flush().unwrap();
    for mut engine in stale {
        engine.flush().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn hours_are_a_pure_function_of_the_log(
        partitions in proptest::collection::vec((log(), proptest::collection::vec(step(), 0..40)), 1..4),
    ) {
        let bench = Bench::default();
        for (number, (log, steps)) in (0..).zip(&partitions) {
            run(&bench, number, log, steps);
        }
        let logs: Vec<Log> = partitions.into_iter().map(|(log, _)| log).collect();
        prop_assert_eq!(bench.store.merged(), truth(&logs, WINDOW));
        let unreadable = (0..).zip(&logs).flat_map(|(number, log)| {
            log.iter().filter(|(_, (key, value))| {
                moodvane_model::Post::from_json(value).map_or(true, |p| !p.has_identity(key))
            }).map(move |(offset, _)| (number, *offset))
        }).collect();
        prop_assert_eq!(dead_letter_positions(&bench.log), unreadable);
    }

    #[test]
    fn order_of_duplicates_within_window_does_not_matter(
        ids in proptest::collection::vec(0u32..6, 1..9), seed in any::<u64>(),
    ) {
        let rows = |ids: &[u32]| {
            let bench = Bench::default();
            let log: Log = (0..).zip(ids.iter().map(|id| post(*id))).collect();
            run(&bench, 0, &log, &[]);
            bench.store.merged()
        };
        let mut shuffled = ids.clone();
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        prop_assert_eq!(rows(&ids), rows(&shuffled));
    }
}
