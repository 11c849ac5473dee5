//! Folds a log into hours and prints them, without a broker, a thread or a clock:
//!
//! ```sh
//! cargo run --release -p moodvane-processor --example fold_log
//! ```
//!
//! Publishes posts and observations to an SQLite log in a temporary folder, as the ingester does;
//! reads them through a consumer and folds them with an [`Engine`], as the processor does; and reads
//! the hours from the store, as the server does.
//!
//! It does all of this twice. The second engine resumes from the progress in the store: it re-reads
//! the duplicate window and drops the new records as duplicates, so the hours stay the same.

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{
    Batch, ConsumerEvent, EventLog, NewRecord, SqliteLog, SqliteLogConfig, TopicPartition,
};
use moodvane_model::{
    CityId, DuplicateWindow, EventTimeBounds, HourRange, HourRow, Incarnation, Observation, Offset,
    Post, Readings, SourceId, Timestamp, Topic, Variable,
};
use moodvane_processor::{Engine, EngineConfig, EngineDeps, ProcessorMetrics};
use moodvane_sentiment::ScorerChoice;
use moodvane_store::{SqliteStore, Store};
use tokio::runtime::Runtime;

const CONFIG: EngineConfig = EngineConfig {
    window: DuplicateWindow::STANDARD,
    bounds: EventTimeBounds::STANDARD,
    incarnation: Incarnation(1),
    open_rows: 100,
};

/// The time of a post and an observation, the text, and the temperature in °C.
const SAMPLE: [(&str, &str, f64); 4] = [
    ("2018-01-01T02:05:00Z", "What a wonderful night!", -8.9),
    ("2018-01-01T02:40:00Z", "Happy new year to all of you", -9.1),
    ("2018-01-01T03:10:00Z", "I hate this terrible cold", -9.4),
    ("2018-01-01T04:15:00Z", "The train is late again", -9.8),
];

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(SqliteLogConfig {
        path: folder.path().join("log.db"),
        partitions: 2,
    })?;
    let store = SqliteStore::open(&folder.path().join("store.db"))?;
    let runtime = Runtime::new()?;
    for engine in ["first", "second"] {
        let (posts, observations) = records()?;
        runtime.block_on(log.publish(Topic::Tweet, posts))?;
        runtime.block_on(log.publish(Topic::Temperature, observations))?;
        println!("{engine} engine");
        for (at, next) in fold_to_end(&runtime, &log, &store)? {
            println!("  {} {}: folded to {next}", at.topic, at.partition);
        }
        let day = HourRange::new("2018-01-01 00".parse()?, "2018-01-01 23".parse()?)?;
        let hours = runtime.block_on(store.hours(CityId::parse("nyc")?, day))?;
        hours.iter().for_each(print_hour);
    }
    Ok(())
}

/// The records of both topics. The key of a record is its identity.
fn records() -> anyhow::Result<(Vec<NewRecord>, Vec<NewRecord>)> {
    let city = CityId::parse("nyc")?;
    let (author, station) = (SourceId::parse("posts")?, SourceId::parse("weather")?);
    let (mut posts, mut observations) = (Vec::new(), Vec::new());
    for (time, text, celsius) in SAMPLE {
        let at = Timestamp::parse_rfc3339(time)?;
        let post = Post::new((city, author), time, text, None, (at, at))?;
        let (key, value) = (post.identity().into_bytes(), post.to_json()?);
        posts.push(NewRecord { key, value });
        let observation = Observation {
            city,
            source: station,
            observed_at: at,
            received_at: at,
            readings: Readings::new(celsius)?,
        };
        let (key, value) = (observation.identity().into_bytes(), observation.to_json()?);
        observations.push(NewRecord { key, value });
    }
    Ok((posts, observations))
}

/// Folds the log to its end with a new engine. Returns the next offset of each partition.
fn fold_to_end(
    runtime: &Runtime,
    log: &SqliteLog,
    store: &SqliteStore,
) -> anyhow::Result<Vec<(TopicPartition, Offset)>> {
    let deps = EngineDeps {
        log: Arc::new(log.clone()),
        store: Arc::new(store.clone()),
        scorer: ScorerChoice::default().build()?,
        metrics: ProcessorMetrics::new(&prometheus::Registry::new()),
        handle: runtime.handle().clone(),
    };
    let mut engine = Engine::new(CONFIG, deps);
    engine.register()?;
    let mut consumer = log.consumer(&engine.consumer_group(), &Topic::ALL)?;
    let mut batch = Batch::with_capacity(engine.max_batch_records());
    // The engine has no clock: this is the time at which it would report a gap.
    let now = Timestamp::parse_rfc3339("2018-01-02T00:00:00Z")?;
    loop {
        match consumer.poll(&mut batch, Duration::ZERO)? {
            ConsumerEvent::Assigned(partitions) => {
                for watermarks in partitions {
                    let from = engine.assign(watermarks, now)?;
                    consumer.start(watermarks.topic_partition, from)?;
                }
            }
            ConsumerEvent::Records => engine.fold(&batch)?,
            // This group has one member, so no partition is revoked.
            ConsumerEvent::Revoked(_) | ConsumerEvent::Idle => break,
        }
    }
    Ok(engine.flush()?)
}

fn print_hour(row: &HourRow) {
    let posts = row.posts();
    let mean = posts.score_micros as f64 / 1e6 / posts.scored() as f64;
    let mut weather = row.sources.values().map(|sums| sums.weather);
    let celsius = weather.find_map(|sums| sums.get(Variable::Temperature).mean());
    let (hour, scored, celsius) = (row.hour, posts.scored(), celsius.unwrap_or(f64::NAN));
    println!("  {hour}: {scored} posts, mean score {mean:.2}, {celsius:.1} °C");
}
