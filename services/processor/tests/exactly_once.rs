//! I1 and I4: an hour is a pure function of the log, and a post counts once, whatever the batches,
//! the flushes, the crashes between any two writes, and the processors that take over.

#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::*;

/// What happens next to a partition's processor.
#[derive(Debug, Clone)]
enum Step {
    /// Fold the next records, at most so many.
    Fold(usize),
    Flush,
    /// Die: in memory nothing is left.
    Crash,
    /// Die within a flush, after so many single writes.
    CrashInFlush(usize),
    /// Another processor takes over; this one does not know and flushes once more later (I2).
    TakenOver,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1usize..12).prop_map(Step::Fold),
        3 => Just(Step::Flush),
        1 => Just(Step::Crash),
        2 => (0usize..8).prop_map(Step::CrashInFlush),
        1 => Just(Step::TakenOver),
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
        let from = engine.begin(watermarks(partition, log), at(0)).unwrap();
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
            Step::TakenOver => {
                let (next, next_from) = begin();
                stale.push(std::mem::replace(&mut engine, next));
                from = next_from;
            }
        }
    }
    let rest = batch(partition, log, from, usize::MAX >> 1);
    engine.fold(&rest).unwrap();
    engine.flush().unwrap();
    for mut late in stale {
        late.flush().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn an_hour_is_a_pure_function_of_the_log(
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
        prop_assert_eq!(dead_places(&bench.log), unreadable);
    }

    #[test]
    fn equal_copies_within_the_window_may_come_in_any_order(
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
