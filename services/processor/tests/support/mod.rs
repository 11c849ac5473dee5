//! An in-memory store, log and scorer with injected crashes, and the ground truth by brute force.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use moodvane_eventlog::{
    Batch, Consumer, DeadLetter, EventLog, LogError, NewRecord, RecordRef, TopicPartition,
    Watermarks,
};
use moodvane_model::{
    Calibration, CityId, DuplicateWindow, EventTimeBounds, HourRange, HourRow, HourSlot,
    Incarnation, Language, Observation, Offset, PartialHour, PartialKey, Partition, Post, Progress,
    ProgressKey, RunId, Score, Sentiment, SourceId, Timestamp, Topic,
};
use moodvane_processor::{Engine, EngineConfig, EngineDeps, ProcessorMetrics};
use moodvane_sentiment::Scorer;
use moodvane_store::{Gap, RunInfo, Store, StoreError};

/// The class is the text's length modulo 5.
pub struct LengthScorer;

impl Scorer for LengthScorer {
    fn fingerprint(&self) -> &str {
        "length"
    }
    fn supports_language(&self, language: Option<Language>) -> bool {
        language.is_none_or(|l| l.as_str() == "en")
    }
    fn score(&mut self, text: &str) -> Score {
        let class = (text.len() % 5) as u8;
        Score::new(Sentiment::try_from(class).unwrap(), f64::from(class) + 0.1)
    }
}

/// A store in memory. A crash is a write that fails halfway.
#[derive(Default)]
pub struct MemoryStore {
    pub rows: Mutex<BTreeMap<PartialKey, PartialHour>>,
    pub progress: Mutex<BTreeMap<ProgressKey, Progress>>,
    pub gaps: Mutex<Vec<Gap>>,
    /// Single writes until the next crash.
    pub crash_after: Mutex<Option<usize>>,
    /// Whether writes fail because the store is unavailable.
    pub unavailable: Mutex<bool>,
}

impl MemoryStore {
    /// Counts one single write; fails if a crash is due.
    fn write(&self) -> Result<(), StoreError> {
        if *self.unavailable.lock().unwrap() {
            return Err(StoreError::Unavailable("unavailable".into()));
        }
        let mut left = self.crash_after.lock().unwrap();
        match left.as_mut() {
            Some(0) => Err(StoreError::Corrupt("crash".into())),
            Some(n) => {
                *n -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The merged hours of all cities.
    pub fn merged(&self) -> Vec<HourRow> {
        let mut merged = BTreeMap::new();
        for row in self.rows.lock().unwrap().values() {
            let PartialKey {
                city, hour, source, ..
            } = row.key;
            let entry = merged
                .entry((city, hour))
                .or_insert_with(|| HourRow::empty(city, hour));
            entry.add(source, &row.sums);
        }
        merged.into_values().collect()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn register_run(&self, _: &RunId) -> Result<(), StoreError> {
        Ok(())
    }
    async fn put_calibration(&self, _: &RunId, _: &Calibration) -> Result<(), StoreError> {
        Ok(())
    }
    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        Ok(Vec::new())
    }
    async fn switch_run(&self, _: &RunId, _: HourSlot) -> Result<(), StoreError> {
        Ok(())
    }
    async fn delete_run(&self, _: &RunId) -> Result<(), StoreError> {
        Ok(())
    }
    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError> {
        let rows = self.rows.lock().unwrap();
        Ok(keys
            .iter()
            .filter_map(|key| rows.get(key).cloned())
            .collect())
    }
    async fn put_partials(&self, all: Vec<PartialHour>) -> Result<(), StoreError> {
        for row in all {
            self.write()?;
            let mut rows = self.rows.lock().unwrap();
            let stays = rows
                .get(&row.key)
                .is_some_and(|r| r.through_offset >= row.through_offset);
            if !stays {
                rows.insert(row.key.clone(), row);
            }
        }
        Ok(())
    }
    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        Ok(self.progress.lock().unwrap().get(key).cloned())
    }
    async fn put_progress(&self, all: Vec<Progress>) -> Result<(), StoreError> {
        for row in all {
            self.write()?;
            let mut progress = self.progress.lock().unwrap();
            if progress.get(&row.key).is_none_or(|p| p.next < row.next) {
                progress.insert(row.key.clone(), row);
            }
        }
        Ok(())
    }
    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError> {
        self.gaps.lock().unwrap().push(gap);
        Ok(())
    }
    async fn gaps(&self, _: &RunId) -> Result<Vec<Gap>, StoreError> {
        Ok(self.gaps.lock().unwrap().clone())
    }
    async fn hours(&self, _: CityId, _: HourRange) -> Result<Vec<HourRow>, StoreError> {
        Ok(self.merged())
    }
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Records dead letters. The tests pass their batches directly to the engine.
#[derive(Default)]
pub struct RecordingDeadLetters(pub Mutex<Vec<DeadLetter>>);

#[async_trait]
impl EventLog for RecordingDeadLetters {
    async fn publish(&self, _: Topic, _: Vec<NewRecord>) -> Result<(), LogError> {
        Ok(())
    }
    async fn publish_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<(), LogError> {
        self.0.lock().unwrap().extend(letters);
        Ok(())
    }
    async fn dead_letters(&self, _: Topic, _: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(self.0.lock().unwrap().clone())
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
        Err(LogError::Unavailable("no consumer".into()))
    }
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms).unwrap()
}

pub fn tweets(partition: u32) -> TopicPartition {
    TopicPartition {
        topic: Topic::Tweet,
        partition: Partition(partition),
    }
}

/// A record of topic `tweet`: the `id`-th post, whose content depends only on the id.
pub fn post(id: u32) -> (Vec<u8>, Vec<u8>) {
    let source = SourceId::parse(if id.is_multiple_of(3) { "a" } else { "b" }).unwrap();
    let created = at(i64::from(id % 5) * 3_600_000 + i64::from(id) * 1_000);
    let language = id.is_multiple_of(7).then(|| Language::parse("fr").unwrap());
    let text = "x".repeat(id as usize % 11);
    let place = (CityId::parse("nyc").unwrap(), source);
    let post = Post::new(place, id.to_string(), text, language, (created, created)).unwrap();
    (post.identity().into_bytes(), post.to_json().unwrap())
}

/// The records of one partition by offset. Offsets may be missing.
pub type Log = BTreeMap<u64, (Vec<u8>, Vec<u8>)>;

pub const WINDOW: u32 = 8;

pub fn config() -> EngineConfig {
    EngineConfig {
        window: DuplicateWindow::new(WINDOW).unwrap(),
        bounds: EventTimeBounds::STANDARD,
        incarnation: Incarnation(1),
        open_rows: 3,
    }
}

pub struct Bench {
    pub store: Arc<MemoryStore>,
    pub log: Arc<RecordingDeadLetters>,
    pub runtime: tokio::runtime::Runtime,
}

impl Default for Bench {
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        Self {
            store: Arc::default(),
            log: Arc::default(),
            runtime,
        }
    }
}

impl Bench {
    pub fn engine(&self) -> Engine {
        self.engine_with(&prometheus::Registry::new())
    }

    /// An engine whose counters are in `registry`.
    pub fn engine_with(&self, registry: &prometheus::Registry) -> Engine {
        let deps = EngineDeps {
            log: self.log.clone(),
            store: self.store.clone(),
            scorer: Box::new(LengthScorer),
            metrics: ProcessorMetrics::new(registry),
            handle: self.runtime.handle().clone(),
        };
        Engine::new(config(), deps)
    }
}

pub fn watermarks(partition: u32, log: &Log) -> Watermarks {
    let low = log.keys().next().copied().unwrap_or(0);
    let high = log.keys().last().map_or(0, |last| last + 1);
    Watermarks {
        topic_partition: tweets(partition),
        low: Offset(low),
        high: Offset(high),
    }
}

/// At most `count` records from offset `from` on.
pub fn batch(partition: u32, log: &Log, from: u64, count: usize) -> Batch {
    let mut batch = Batch::with_capacity(count);
    batch.reset(tweets(partition));
    for (offset, (key, value)) in log.range(from..).take(count) {
        let written_at = at(*offset as i64);
        batch.push(RecordRef {
            offset: Offset(*offset),
            written_at,
            key,
            value,
        });
    }
    batch
}

/// The expected hours, computed record by record from the definition.
pub fn truth(partitions: &[Log], window: u32) -> Vec<HourRow> {
    let mut merged = BTreeMap::new();
    for log in partitions {
        let mut seen: Vec<(u64, &[u8])> = Vec::new();
        for (offset, (key, value)) in log {
            let Ok(post) = Post::from_json(value) else {
                continue;
            };
            if !post.has_identity(key) {
                continue;
            }
            let duplicate = seen
                .iter()
                .any(|(o, k)| k == key && offset - o <= u64::from(window));
            seen.push((*offset, key));
            if duplicate {
                continue;
            }
            let hour = HourSlot::containing(post.created_at);
            let row = merged
                .entry((post.city, hour))
                .or_insert_with(|| HourRow::empty(post.city, hour));
            let score = LengthScorer
                .supports_language(post.language)
                .then(|| LengthScorer.score(post.text()));
            let mut sums = moodvane_model::Sums::default();
            sums.add_post(post.created_at, score);
            row.add(post.source, &sums);
        }
    }
    merged.into_values().collect()
}

/// The distinct positions of all dead letters.
pub fn dead_letter_positions(log: &RecordingDeadLetters) -> BTreeSet<(u32, u64)> {
    let letters = log.0.lock().unwrap();
    letters
        .iter()
        .map(|letter| (letter.topic_partition.partition.0, letter.offset.0))
        .collect()
}

/// A record of topic `temperature` that was received when it was observed.
pub fn observation(ms: i64, celsius: f64) -> (Vec<u8>, Vec<u8>) {
    received_observation(ms, ms, celsius)
}

/// A record of topic `temperature`.
pub fn received_observation(ms: i64, received_ms: i64, celsius: f64) -> (Vec<u8>, Vec<u8>) {
    let observation = Observation {
        city: CityId::parse("nyc").unwrap(),
        source: SourceId::parse("open-meteo").unwrap(),
        observed_at: at(ms),
        received_at: at(received_ms),
        readings: moodvane_model::Readings::new(celsius).unwrap(),
    };
    (
        observation.identity().into_bytes(),
        observation.to_json().unwrap(),
    )
}

/// The value of a counter by its printed name and labels, 0 if absent.
pub fn counter(registry: &prometheus::Registry, name: &str) -> u64 {
    let text = moodvane_runtime::metrics::render(registry);
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.map_or(0, |value| value.trim().parse().unwrap())
}
