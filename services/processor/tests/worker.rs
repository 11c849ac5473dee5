//! A processor on its thread, over a real log and store in SQLite: catching up, dead letters,
//! drain, restart, and the detection of a foreign log.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use moodvane_eventlog::{
    Batch, Consumer, ConsumerEvent, DeadLetter, EventLog, LogError, NewRecord, SqliteLog,
    SqliteLogConfig, TopicPartition, Watermarks,
};
use moodvane_model::{CityId, HourRange, Incarnation, Offset, Timestamp, Topic};
use moodvane_processor::{
    EngineDeps, FlushedOffsets, Processor, ProcessorConfig, ProcessorError, ProcessorMetrics,
    TopicChoice, start,
};
use moodvane_runtime::{Clock, Readiness, SystemClock, VirtualClock};
use moodvane_store::{SqliteStore, Store};
use support::{LengthScorer, config, post};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

fn processor_config(incarnation: u32, flush_interval: Duration) -> ProcessorConfig {
    let mut engine = config();
    engine.incarnation = Incarnation(incarnation);
    ProcessorConfig {
        engine,
        topics: TopicChoice::Both,
        scorer_threads: 1,
        batch_records: 7,
        flush_interval,
        flush_records: 1_000_000,
        drain_timeout: Duration::from_secs(60),
    }
}

struct Bench {
    log: Arc<SqliteLog>,
    store: Arc<SqliteStore>,
    readiness: Readiness,
}

impl Bench {
    fn open(dir: &Path) -> Self {
        let path = dir.join("m.db");
        let log = SqliteLog::open(SqliteLogConfig {
            path: path.clone(),
            partitions: 3,
        })
        .unwrap();
        let store = SqliteStore::open(&path).unwrap();
        Self {
            log: Arc::new(log),
            store: Arc::new(store),
            readiness: Readiness::new(),
        }
    }

    async fn start(
        &self,
        incarnation: u32,
        flush_interval: Duration,
        stop: &CancellationToken,
    ) -> Processor {
        let log = self.log.clone();
        self.start_on(log, incarnation, flush_interval, stop).await
    }

    async fn start_on(
        &self,
        log: Arc<dyn EventLog>,
        incarnation: u32,
        flush_interval: Duration,
        stop: &CancellationToken,
    ) -> Processor {
        let config = processor_config(incarnation, flush_interval);
        self.start_with(config, log, Arc::new(SystemClock), stop)
            .await
    }

    async fn start_with(
        &self,
        config: ProcessorConfig,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        stop: &CancellationToken,
    ) -> Processor {
        let deps = EngineDeps {
            log,
            store: self.store.clone(),
            scorer: Box::new(LengthScorer),
            metrics: ProcessorMetrics::new(&prometheus::Registry::new()),
            handle: Handle::current(),
        };
        start(config, deps, clock, &self.readiness, stop.clone())
            .await
            .unwrap()
    }

    /// Folds the whole log with one processor and drains it.
    async fn fold_all(&self) {
        let stop = CancellationToken::new();
        let processor = self.start(1, Duration::from_millis(10), &stop).await;
        assert!(
            processor
                .wait_until_caught_up(&self.log.watermarks(Topic::Tweet).await.unwrap())
                .await
        );
        assert_eq!(self.readiness.report(), [("processor", Ok(()))]);
        stop.cancel();
        processor.join().await.unwrap();
    }

    async fn publish(&self, ids: std::ops::Range<u32>) {
        let record = |id| {
            let (key, value) = post(id);
            NewRecord { key, value }
        };
        self.log
            .publish(Topic::Tweet, ids.map(record).collect())
            .await
            .unwrap();
    }

    async fn posts(&self) -> u64 {
        let hour = |text: &str| text.parse().unwrap();
        let range = HourRange::new(hour("1970-01-01 00"), hour("1970-01-02 00")).unwrap();
        let rows = self
            .store
            .hours(CityId::parse("nyc").unwrap(), range)
            .await
            .unwrap();
        rows.iter()
            .map(|row| row.posts().scored() + row.posts().unscored)
            .sum()
    }
}

/// A log without records, which may be unavailable to its consumer. Reports the time-out of each poll.
struct IdleLog {
    polls: mpsc::SyncSender<Duration>,
    is_available: bool,
}

#[async_trait]
impl EventLog for IdleLog {
    async fn publish(&self, _: Topic, _: Vec<NewRecord>) -> Result<(), LogError> {
        Ok(())
    }
    async fn publish_dead_letters(&self, _: Vec<DeadLetter>) -> Result<(), LogError> {
        Ok(())
    }
    async fn dead_letters(&self, _: Topic, _: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(Vec::new())
    }
    async fn cursor(&self, _: &str) -> Result<Option<String>, LogError> {
        Ok(None)
    }
    async fn save_cursor(&self, _: &str, _: &str) -> Result<(), LogError> {
        Ok(())
    }
    async fn watermarks(&self, _: Topic) -> Result<Vec<Watermarks>, LogError> {
        Ok(Vec::new())
    }
    fn consumer(&self, _: &str, _: &[Topic]) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(Self {
            polls: self.polls.clone(),
            is_available: self.is_available,
        }))
    }
}

impl Consumer for IdleLog {
    fn poll(&mut self, _: &mut Batch, wait: Duration) -> Result<ConsumerEvent, LogError> {
        // The test drops the receiver once it has enough.
        let _ = self.polls.send(wait);
        match self.is_available {
            true => Ok(ConsumerEvent::Idle),
            false => Err(LogError::Unavailable("on purpose".into())),
        }
    }
    fn start(&mut self, _: TopicPartition, _: Offset) -> Result<(), LogError> {
        Ok(())
    }
    fn release(&mut self, _: &[TopicPartition]) -> Result<(), LogError> {
        Ok(())
    }
    fn commit(&mut self, _: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_processor_waits_instead_of_spinning() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::open(dir.path());
    let (sender, timeouts) = mpsc::sync_channel(0);
    let stop = CancellationToken::new();
    let log = Arc::new(IdleLog {
        polls: sender,
        is_available: true,
    });
    // The interval is always over, but there is nothing to flush.
    let processor = bench.start_on(log, 1, Duration::ZERO, &stop).await;
    let waits: Vec<Duration> = timeouts.iter().take(20).collect();
    drop(timeouts);
    stop.cancel();
    processor.join().await.unwrap();
    assert_eq!(waits, [Duration::from_millis(100); 20]);
}

/// After six failures in a row the next retry is seconds away.
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_wait_for_retry_and_drain_timeout_bounds_later_waits() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::open(dir.path());
    let (sender, polls) = mpsc::sync_channel(0);
    let log = Arc::new(IdleLog {
        polls: sender,
        is_available: false,
    });
    let clock = Arc::new(VirtualClock::new(Timestamp::from_millis(0).unwrap()));
    let (step, drain) = (Duration::from_secs(1), Duration::from_secs(2));
    let mut config = processor_config(1, Duration::ZERO);
    config.drain_timeout = drain;
    let stop = CancellationToken::new();
    let processor = bench.start_with(config, log, clock.clone(), &stop).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut failures = 0;
    while failures < 6 {
        ticks.tick().await;
        if !clock.pending_sleeps().is_empty() {
            clock.advance(step);
        }
        failures += polls.try_iter().count();
    }
    drop(polls);
    // The worker waits by now, or at the latest when the ticks are over.
    for _ in 0..20 {
        ticks.tick().await;
    }
    stop.cancel();
    let stopped_at = clock.uptime();
    let advance = async {
        loop {
            ticks.tick().await;
            if !clock.pending_sleeps().is_empty() {
                clock.advance(step);
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(1), async {
        tokio::select! {
            ended = processor.join() => ended,
            () = advance => unreachable!(),
        }
    });
    let ended = ended.await.expect("the shutdown ends the wait");
    assert!(
        matches!(ended, Err(ProcessorError::DrainTimeout(2_000))),
        "{ended:?}"
    );
    assert!(clock.uptime() - stopped_at <= drain);
}

#[tokio::test(flavor = "multi_thread")]
async fn flushes_first_records_at_once() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::open(dir.path());
    bench.publish(0..20).await;
    let stop = CancellationToken::new();
    // Longer than the test.
    let processor = bench.start(1, Duration::from_secs(3_600), &stop).await;
    let is_written = |all: &FlushedOffsets| all.values().any(|next| next.0 > 0);
    let mut report = processor.flushed_offsets();
    report.wait_for(is_written).await.unwrap();
    stop.cancel();
    processor.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_record_goes_to_dead_letters() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::open(dir.path());
    bench.publish(0..20).await;
    let bad = NewRecord {
        key: b"nyc:b:99".to_vec(),
        value: b"{\"v\":1".to_vec(),
    };
    bench
        .log
        .publish(Topic::Tweet, vec![bad.clone()])
        .await
        .unwrap();
    bench.publish(20..40).await;
    bench.fold_all().await;
    assert_eq!(bench.posts().await, 40);
    let letters = bench.log.dead_letters(Topic::Tweet, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((&letters[0].key, &letters[0].value), (&bad.key, &bad.value));
    assert!(
        letters[0]
            .reason
            .contains("cannot parse record as JSON: EOF"),
        "{}",
        letters[0].reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_counts_nothing_twice() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::open(dir.path());
    bench.publish(0..20).await;
    bench.fold_all().await;
    // The last three are repeated within the window.
    bench.publish(17..30).await;
    bench.fold_all().await;
    assert_eq!(bench.posts().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_flushes_read_records() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::open(dir.path());
    bench.publish(0..20).await;
    let stop = CancellationToken::new();
    // Longer than the test: only the drain flushes.
    let processor = bench.start(1, Duration::from_secs(3_600), &stop).await;
    let mut report = processor.flushed_offsets();
    report.wait_for(|started| started.len() == 6).await.unwrap();
    stop.cancel();
    processor.join().await.unwrap();
    let read: u64 = report.borrow().values().map(|offset| offset.0).sum();
    assert_eq!(
        bench.posts().await,
        read,
        "all read records are in the rows"
    );
    bench.fold_all().await;
    assert_eq!(bench.posts().await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_log_ends_processor_until_incarnation_is_raised() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let bench = Bench::open(dir.path());
    bench.publish(0..30).await;
    bench.fold_all().await;
    // The topic was recreated: the store is the old one, the log is new.
    let new_log = Bench::open(other.path()).log;
    let bench = Bench {
        log: new_log,
        ..bench
    };
    bench.publish(30..34).await;
    let stop = CancellationToken::new();
    let processor = bench.start(1, Duration::from_millis(10), &stop).await;
    let error = processor.join().await.unwrap_err();
    assert!(
        matches!(error, ProcessorError::LogTooShort { .. }),
        "{error}"
    );
    assert!(
        bench.readiness.report()[0]
            .1
            .as_ref()
            .unwrap_err()
            .contains("another log")
    );

    let processor = bench.start(2, Duration::from_millis(10), &stop).await;
    assert!(
        processor
            .wait_until_caught_up(&bench.log.watermarks(Topic::Tweet).await.unwrap())
            .await
    );
    assert_eq!(
        bench.posts().await,
        34,
        "the rows of both incarnations add up"
    );
}
