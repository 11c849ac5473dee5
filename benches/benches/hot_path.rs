//! What one tweet costs on one core, step by step: decode, score, note in the duplicate window,
//! fold into its hour.
//!
//! Every case handles the same 65,536 records, in batches as the processor gets them, after as
//! many others have filled the window. Rows are loaded from an SQLite store; nothing is written
//! while the time runs. After criterion's figures comes a table of each step's share: all cases take
//! turns for some rounds, and of each batch the quickest round counts, so that whatever else the
//! machine does is left out.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use moodvane_benches::{Texts, records};
use moodvane_eventlog::{
    Batch, Consumer, ConsumerEvent, EventLog, NewRecord, RecordRef, SqliteLog, SqliteLogConfig,
    TopicPartition, Watermarks,
};
use moodvane_model::{
    EventTimeBounds, Incarnation, Offset, Partition, Post, Progress, ProgressKey, Timestamp, Topic,
};
use moodvane_processor::{Engine, EngineConfig, EngineDeps, ProcessorMetrics};
use moodvane_sentiment::{Scorer, ScorerChoice};
use moodvane_store::{SqliteStore, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const WINDOW: u32 = 65_536;
const BATCH: usize = 2_000;
/// Of each half: as in a stream of some hundred posts a second.
const HOURS: u32 = 96;
const ROUNDS: usize = 15;
const AT: TopicPartition = TopicPartition {
    topic: Topic::Tweet,
    partition: Partition(0),
};

/// The cases, each measured by one call.
struct Cases {
    before: Vec<Batch>,
    measured: Vec<Batch>,
    scorer: Box<dyn Scorer>,
    /// Its progress lies behind all records: it notes them, and folds none.
    rereading: Engine,
    /// Its progress lies before the measured records.
    folding: Engine,
    consumer: Box<dyn Consumer>,
    _runtime: Runtime,
    _folders: [TempDir; 3],
}

/// How long each batch took.
type Times = Vec<Duration>;
type Case = fn(&mut Cases) -> Times;

/// Name, case, goal in tweets per second on one core of a small cloud machine.
const CASES: [(&str, Case); 6] = [
    // A yardstick, not a part of the product: the same JSON into serde_json's own tree.
    ("yardstick_json_value", Cases::value),
    // Goal: 1,000,000/s. As fast as JSON can be checked field by field.
    ("decode", Cases::decode),
    // Goal: 200,000/s.
    ("decode_score", Cases::decode_score),
    // Goal: 700,000/s, so that a restart fills the window in a tenth of a second.
    ("decode_window", Cases::decode_window),
    // Goal: 150,000/s: the aim of the whole hot path.
    ("decode_window_score_fold", Cases::fold),
    // Goal: 1,000,000/s: reading the log is no bottleneck.
    ("read_from_log", Cases::read),
];

fn batches(records: &[NewRecord], first: u64) -> Vec<Batch> {
    let written_at = Timestamp::from_millis(0).unwrap();
    let mut offset = first;
    let batch = |records: &[NewRecord]| {
        let mut batch = Batch::with_capacity(BATCH);
        batch.reset(AT);
        for NewRecord { key, value } in records {
            batch.push(RecordRef {
                offset: Offset(offset),
                written_at,
                key,
                value,
            });
            offset += 1;
        }
        batch
    };
    records.chunks(BATCH).map(batch).collect()
}

fn engine(runtime: &Runtime, folder: &TempDir, next: u64) -> Engine {
    let path = folder.path().join("bench.db");
    let store = SqliteStore::open(&path).unwrap();
    let parts = EngineDeps {
        log: Arc::new(log(folder)),
        store: Arc::new(store.clone()),
        scorer: ScorerChoice::default().build().unwrap(),
        metrics: ProcessorMetrics::new(&prometheus::Registry::new()),
        handle: runtime.handle().clone(),
    };
    let config = EngineConfig {
        window: WINDOW,
        bounds: EventTimeBounds::STANDARD,
        incarnation: Incarnation(1),
        open_rows: 8_192,
    };
    let engine = Engine::new(config, parts);
    engine.register().unwrap();
    let key = ProgressKey {
        run: engine.run().clone(),
        topic: AT.topic,
        incarnation: config.incarnation,
        partition: AT.partition,
    };
    let progress = Progress {
        key,
        next: Offset(next),
        anchor: None,
    };
    runtime
        .block_on(store.put_progress(vec![progress]))
        .unwrap();
    engine
}

fn log(folder: &TempDir) -> SqliteLog {
    let path = folder.path().join("bench.db");
    SqliteLog::open(SqliteLogConfig {
        path,
        partitions: 1,
    })
    .unwrap()
}

impl Cases {
    fn new(texts: &Texts) -> Self {
        let runtime = Runtime::new().unwrap();
        let folders = [(); 3].map(|()| TempDir::new().unwrap());
        let span = u64::from(WINDOW);
        let records = records(texts, 2 * span, HOURS).unwrap();
        let (before, measured) = records.split_at(WINDOW as usize);
        let (before, measured) = (batches(before, 0), batches(measured, span));
        let rereading = engine(&runtime, &folders[0], 2 * span);
        let folding = engine(&runtime, &folders[1], span);
        let log = log(&folders[2]);
        runtime.block_on(log.publish(AT.topic, records)).unwrap();
        let mut consumer = log.consumer("bench", &[AT.topic]).unwrap();
        let assigned = consumer.poll(&mut Batch::with_capacity(BATCH), Duration::ZERO);
        assert!(matches!(assigned, Ok(ConsumerEvent::Assigned(_))));
        Self {
            before,
            measured,
            scorer: ScorerChoice::default().build().unwrap(),
            rereading,
            folding,
            consumer,
            _runtime: runtime,
            _folders: folders,
        }
    }

    fn each(&mut self, mut work: impl FnMut(&mut dyn Scorer, RecordRef<'_>)) -> Times {
        let scorer = self.scorer.as_mut();
        let batches = self.measured.iter();
        batches
            .map(|batch| timed(|| batch.iter().for_each(|record| work(scorer, record))))
            .collect()
    }

    fn value(&mut self) -> Times {
        self.each(|_, record| {
            let value: serde_json::Value = serde_json::from_slice(record.value).unwrap();
            black_box(value);
        })
    }

    fn decode(&mut self) -> Times {
        self.each(|_, record| {
            let post = Post::from_json(record.value).unwrap();
            assert!(post.has_identity(record.key));
            black_box(post);
        })
    }

    fn decode_score(&mut self) -> Times {
        self.each(|scorer, record| {
            let post = Post::from_json(record.value).unwrap();
            assert!(post.has_identity(record.key));
            black_box(scorer.score(post.text()));
        })
    }

    fn decode_window(&mut self) -> Times {
        through(&mut self.rereading, &self.before, &self.measured)
    }

    fn fold(&mut self) -> Times {
        through(&mut self.folding, &self.before, &self.measured)
    }

    fn read(&mut self) -> Times {
        let mut batch = Batch::with_capacity(BATCH);
        self.consumer.start(AT, Offset(u64::from(WINDOW))).unwrap();
        let mut poll = || {
            self.consumer.poll(&mut batch, Duration::ZERO).unwrap();
            black_box(&batch);
        };
        self.measured.iter().map(|_| timed(&mut poll)).collect()
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// Begins the partition anew, which empties window and rows; fills the window; then the time runs.
fn through(engine: &mut Engine, before: &[Batch], measured: &[Batch]) -> Times {
    let log = Watermarks {
        topic_partition: AT,
        low: Offset::ZERO,
        high: Offset(2 * u64::from(WINDOW)),
    };
    let now = Timestamp::from_millis(0).unwrap();
    engine.assign(log, now).unwrap();
    let mut fold = |batch| engine.fold(black_box(batch)).unwrap();
    before.iter().for_each(&mut fold);
    measured.iter().map(|batch| timed(|| fold(batch))).collect()
}

fn compare(criterion: &mut Criterion, cases: &mut Cases) {
    let mut group = criterion.benchmark_group("hot_path");
    group
        .throughput(Throughput::Elements(u64::from(WINDOW)))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .measurement_time(Duration::from_secs(4));
    for (name, case) in CASES {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).flat_map(|_| case(cases)).sum());
        });
    }
    group.finish();
}

/// The share of each step: the difference between a case with it and one without it.
fn shares(cases: &mut Cases) {
    let unknown = || vec![Duration::MAX; cases.measured.len()];
    let mut least = [(); CASES.len()].map(|()| unknown());
    for _ in 0..ROUNDS {
        for ((_, case), least) in CASES.iter().zip(&mut least) {
            for (least, time) in least.iter_mut().zip(case(cases)) {
                *least = time.min(*least);
            }
        }
    }
    let [value, decode, scored, noted, all, read] =
        least.map(|times| times.iter().sum::<Duration>().as_secs_f64() * 1e9 / f64::from(WINDOW));
    let steps = [
        ("decode", decode),
        ("score", scored - decode),
        ("window", noted - decode),
        ("fold", all - scored - noted + decode),
        ("all of it", all),
        ("reading the log", read),
    ];
    println!(
        "\neach batch in the quickest of {ROUNDS} rounds; yardstick: serde_json::Value, {value:.0} ns"
    );
    println!("| step | ns per tweet | share | tweets/s | of the yardstick |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (step, ns) in steps {
        println!(
            "| {step} | {ns:.0} | {:.0} % | {:.0} | {:.2} |",
            100.0 * ns / all,
            1e9 / ns,
            ns / value
        );
    }
}

/// From nothing to the first score, which makes the tables too, and then the weights alone. Goal:
/// under 5 ms.
fn load() {
    let first = timed(|| {
        let mut scorer = ScorerChoice::default().build().unwrap();
        black_box(scorer.score("what a lovely day"));
    });
    let again = (0..ROUNDS).map(|_| timed(|| drop(black_box(ScorerChoice::default().build()))));
    println!(
        "scorer: {first:?} to the first score, {:?} to load the weights again",
        again.min().unwrap()
    );
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    load();
    let texts = Texts::load();
    println!("{} {} texts", texts.all().len(), texts.origin());
    let mut cases = Cases::new(&texts);
    compare(&mut criterion, &mut cases);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        shares(&mut cases);
    }
}
