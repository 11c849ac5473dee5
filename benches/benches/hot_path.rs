//! Cost of one tweet on one core, step by step: decode, score, insert into the duplicate window,
//! fold into its hour.
//!
//! Every case processes the same 65,536 records in batches of the processor's size, after as many
//! other records have filled the window. Rows are loaded from an SQLite store; no timed section writes
//! to it. After criterion's figures it prints a table of each step's share: the cases run in rotation
//! for several rounds, and the fastest round of each batch counts, which excludes other load on the
//! machine.

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
    DuplicateWindow, EventTimeBounds, Incarnation, Offset, Partition, Post, Progress, ProgressKey,
    Timestamp, Topic,
};
use moodvane_processor::{Engine, EngineConfig, EngineDeps, ProcessorMetrics};
use moodvane_sentiment::{Scorer, ScorerChoice};
use moodvane_store::{SqliteStore, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const WINDOW: u32 = DuplicateWindow::STANDARD.offsets();
const BATCH: usize = 2_000;
/// Hours of each half, for a density of a few hundred posts a second.
const HOURS: u32 = 96;
const ROUNDS: usize = 15;
const TOPIC_PARTITION: TopicPartition = TopicPartition {
    topic: Topic::Tweet,
    partition: Partition(0),
};

/// State of all cases.
struct Cases {
    warm_up: Vec<Batch>,
    measured: Vec<Batch>,
    scorer: Box<dyn Scorer>,
    /// Its progress is after all records: it fills the window and folds nothing.
    refilling: Engine,
    /// Its progress is before the measured records.
    folding: Engine,
    consumer: Box<dyn Consumer>,
    _runtime: Runtime,
    _folders: [TempDir; 3],
}

/// Duration of each batch.
type BatchTimes = Vec<Duration>;
type Case = fn(&mut Cases) -> BatchTimes;

/// Name, case, goal in tweets per second on one core of a small cloud machine.
const CASES: [(&str, Case); 6] = [
    // Yardstick, not part of the product: the same JSON into `serde_json::Value`.
    ("yardstick_json_value", Cases::parse_value),
    // Goal: 1,000,000/s, the cost of validating JSON field by field.
    ("decode", Cases::decode),
    // Goal: 200,000/s.
    ("decode_score", Cases::decode_score),
    // Goal: 700,000/s, so that a restart refills the window in 0.1 s.
    ("decode_window", Cases::decode_window),
    // Goal: 150,000/s for the whole hot path.
    ("decode_window_score_fold", Cases::decode_window_score_fold),
    // Goal: 1,000,000/s, so that reading the log is no bottleneck.
    ("read_from_log", Cases::read_from_log),
];

fn batches(records: &[NewRecord], first: u64) -> Vec<Batch> {
    let written_at = Timestamp::from_millis(0).unwrap();
    let mut offset = first;
    let batch = |records: &[NewRecord]| {
        let mut batch = Batch::with_capacity(BATCH);
        batch.reset(TOPIC_PARTITION);
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

fn build_engine(runtime: &Runtime, folder: &TempDir, next: u64) -> Engine {
    let path = folder.path().join("bench.db");
    let store = SqliteStore::open(&path).unwrap();
    let deps = EngineDeps {
        log: Arc::new(open_log(folder)),
        store: Arc::new(store.clone()),
        scorer: ScorerChoice::default().build().unwrap(),
        metrics: ProcessorMetrics::new(&prometheus::Registry::new()),
        handle: runtime.handle().clone(),
    };
    let config = EngineConfig {
        window: DuplicateWindow::STANDARD,
        bounds: EventTimeBounds::STANDARD,
        incarnation: Incarnation(1),
        open_rows: 8_192,
    };
    let engine = Engine::new(config, deps);
    engine.register().unwrap();
    let key = ProgressKey {
        run: engine.run().clone(),
        topic: TOPIC_PARTITION.topic,
        incarnation: config.incarnation,
        partition: TOPIC_PARTITION.partition,
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

fn open_log(folder: &TempDir) -> SqliteLog {
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
        let (warm_up, measured) = records.split_at(WINDOW as usize);
        let (warm_up, measured) = (batches(warm_up, 0), batches(measured, span));
        let refilling = build_engine(&runtime, &folders[0], 2 * span);
        let folding = build_engine(&runtime, &folders[1], span);
        let log = open_log(&folders[2]);
        runtime
            .block_on(log.publish(TOPIC_PARTITION.topic, records))
            .unwrap();
        let mut consumer = log.consumer("bench", &[TOPIC_PARTITION.topic]).unwrap();
        let assigned = consumer.poll(&mut Batch::with_capacity(BATCH), Duration::ZERO);
        assert!(matches!(assigned, Ok(ConsumerEvent::Assigned(_))));
        Self {
            warm_up,
            measured,
            scorer: ScorerChoice::default().build().unwrap(),
            refilling,
            folding,
            consumer,
            _runtime: runtime,
            _folders: folders,
        }
    }

    fn time_records(&mut self, mut work: impl FnMut(&mut dyn Scorer, RecordRef<'_>)) -> BatchTimes {
        let scorer = self.scorer.as_mut();
        let batches = self.measured.iter();
        batches
            .map(|batch| time(|| batch.iter().for_each(|record| work(scorer, record))))
            .collect()
    }

    fn parse_value(&mut self) -> BatchTimes {
        self.time_records(|_, record| {
            let value: serde_json::Value = serde_json::from_slice(record.value).unwrap();
            black_box(value);
        })
    }

    fn decode(&mut self) -> BatchTimes {
        self.time_records(|_, record| {
            let post = Post::from_json(record.value).unwrap();
            assert!(post.has_identity(record.key));
            black_box(post);
        })
    }

    fn decode_score(&mut self) -> BatchTimes {
        self.time_records(|scorer, record| {
            let post = Post::from_json(record.value).unwrap();
            assert!(post.has_identity(record.key));
            black_box(scorer.score(post.text()));
        })
    }

    fn decode_window(&mut self) -> BatchTimes {
        time_fold(&mut self.refilling, &self.warm_up, &self.measured)
    }

    fn decode_window_score_fold(&mut self) -> BatchTimes {
        time_fold(&mut self.folding, &self.warm_up, &self.measured)
    }

    fn read_from_log(&mut self) -> BatchTimes {
        let mut batch = Batch::with_capacity(BATCH);
        self.consumer
            .start(TOPIC_PARTITION, Offset(u64::from(WINDOW)))
            .unwrap();
        let mut poll = || {
            self.consumer.poll(&mut batch, Duration::ZERO).unwrap();
            black_box(&batch);
        };
        self.measured.iter().map(|_| time(&mut poll)).collect()
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// Assigns the partition again, which clears window and rows, fills the window, then times the fold.
fn time_fold(engine: &mut Engine, warm_up: &[Batch], measured: &[Batch]) -> BatchTimes {
    let log = Watermarks {
        topic_partition: TOPIC_PARTITION,
        low: Offset::ZERO,
        high: Offset(2 * u64::from(WINDOW)),
    };
    let now = Timestamp::from_millis(0).unwrap();
    engine.assign(log, now).unwrap();
    let mut fold = |batch| engine.fold(black_box(batch)).unwrap();
    warm_up.iter().for_each(&mut fold);
    measured.iter().map(|batch| time(|| fold(batch))).collect()
}

fn run_criterion(criterion: &mut Criterion, cases: &mut Cases) {
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

/// Prints the share of each step: the difference between a case with it and one without it.
fn print_shares(cases: &mut Cases) {
    let unmeasured = || vec![Duration::MAX; cases.measured.len()];
    let mut fastest = [(); CASES.len()].map(|()| unmeasured());
    for _ in 0..ROUNDS {
        for ((_, case), fastest) in CASES.iter().zip(&mut fastest) {
            for (fastest, time) in fastest.iter_mut().zip(case(cases)) {
                *fastest = time.min(*fastest);
            }
        }
    }
    let [value, decode, scored, windowed, all, read] =
        fastest.map(|times| times.iter().sum::<Duration>().as_secs_f64() * 1e9 / f64::from(WINDOW));
    let steps = [
        ("decode", decode),
        ("score", scored - decode),
        ("window", windowed - decode),
        ("fold", all - scored - windowed + decode),
        ("all of it", all),
        ("reading the log", read),
    ];
    println!("\nfastest of {ROUNDS} rounds per batch; yardstick: serde_json::Value, {value:.0} ns");
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

/// Times the first score, which includes building the tables, and then loading the weights alone. Goal:
/// under 5 ms.
fn time_scorer_start() {
    let first = time(|| {
        let mut scorer = ScorerChoice::default().build().unwrap();
        black_box(scorer.score("what a lovely day"));
    });
    let loads = (0..ROUNDS).map(|_| time(|| drop(black_box(ScorerChoice::default().build()))));
    println!(
        "scorer: {first:?} to the first score, {:?} to load the weights",
        loads.min().unwrap()
    );
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    time_scorer_start();
    let texts = Texts::load();
    println!("{} {} texts", texts.all().len(), texts.origin());
    let mut cases = Cases::new(&texts);
    run_criterion(&mut criterion, &mut cases);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        print_shares(&mut cases);
    }
}
