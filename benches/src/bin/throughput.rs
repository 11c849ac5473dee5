//! Benchmark of a processor on real Kafka and Cassandra: its throughput from topic to rows, and its
//! recovery time after SIGKILL. Run it as `deployment/servers/run -- target/dist/throughput [POSTS]`,
//! with a `dist` build of the workspace.
//!
//! Texts are pairs of real texts, so that no text repeats; one record in a hundred is a duplicate. The
//! yardstick is a consumer that reads the same topic and discards the records.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use moodvane_benches::{Texts, cpu_time, cpu_time_of, peak_rss_kib, print_rate};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, KafkaConfig, KafkaLog, NewRecord};
use moodvane_model::{
    CityId, Incarnation, Partition, Post, ProgressKey, SourceId, Timestamp, Topic,
};
use moodvane_store::{CassandraConfig, CassandraStore, Store};
use tempfile::TempDir;

const POSTS: u64 = 5_000_000;
const PARTITIONS: u32 = 12;
const HOUR_MS: u64 = 3_600_000;
const SPAN_MS: u64 = 48 * HOUR_MS;
const BEGIN_MS: u64 = 1_361_257_200_000;
/// One record in this many is published twice.
const DUPLICATE_EVERY: u64 = 100;
const CHUNK: u64 = 5_000;
/// Concurrent publications.
const IN_FLIGHT: usize = 4;
const BATCH: usize = 2_000;
/// Upper bound of a text's bytes; a record then has about 300.
const MAX_TEXT_BYTES: usize = 150;
const POLL_TIMEOUT: Duration = Duration::from_millis(5);
/// While waiting for a restart.
const RESTART_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// During the measurement of throughput: reading the progress of every partition costs CPU time.
const PROGRESS_POLL_INTERVAL: Duration = Duration::from_millis(250);
const WAIT_TIMEOUT: Duration = Duration::from_secs(900);
const KILLS: usize = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let posts = match std::env::args().nth(1) {
        Some(text) => text
            .parse()
            .with_context(|| format!("{text} is not a number"))?,
        None => POSTS,
    };
    let bench = Bench::open().await?;
    let published = bench.publish(posts).await?;
    bench.measure_consumer(published).await?;
    bench.measure_processor(published).await?;
    bench.measure_restarts(posts).await
}

/// A topic and a keyspace of this benchmark alone, and the processor's configuration in `folder`.
struct Bench {
    folder: TempDir,
    log: Arc<KafkaLog>,
    store: CassandraStore,
    texts: Texts,
}

/// A running processor, killed on drop.
struct Processor(Child);

impl Drop for Processor {
    fn drop(&mut self) {
        // Fails harmlessly if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    async fn open() -> anyhow::Result<Self> {
        let variable = |name: &str| {
            std::env::var(name)
                .with_context(|| format!("{name} is not set: run this with deployment/servers/run"))
        };
        let (kafka, cassandra) = (
            variable("MOODVANE_TEST_KAFKA")?,
            variable("MOODVANE_TEST_CASSANDRA")?,
        );
        let name = format!("throughput_{}", std::process::id());
        let mut config = KafkaConfig::new(kafka.clone());
        config.topic_prefix = format!("{name}.");
        config.partitions = PARTITIONS;
        let points = cassandra.split(',').map(str::parse);
        let points = points.collect::<Result<Vec<_>, _>>()?;
        let store = CassandraConfig::new(points, name.parse()?);
        let folder = TempDir::new()?;
        let nodes: Vec<String> = cassandra.split(',').map(|n| format!("\"{n}\"")).collect();
        let text = format!(
            "[logging]\nlevel = \"warn\"\n[probe]\nport = 0\n[eventlog]\nkind = \"kafka\"\npartitions = {PARTITIONS}\n\
             [eventlog.kafka]\nbootstrap_servers = \"{kafka}\"\ntopic_prefix = \"{name}.\"\ninstance_id = \"one\"\n\
             [store]\nkind = \"cassandra\"\n[store.cassandra]\ncontact_points = [{}]\nkeyspace = \"{name}\"\n\
             [processor]\ntopic = \"tweet\"\n",
            nodes.join(", ")
        );
        fs::write(folder.path().join("processor.toml"), text)?;
        Ok(Self {
            folder,
            log: Arc::new(KafkaLog::open(config).await?),
            store: CassandraStore::connect(&store).await?,
            texts: Texts::load(),
        })
    }

    /// Publishes the posts and the duplicates; returns the number of records.
    async fn publish(&self, posts: u64) -> anyhow::Result<u64> {
        let started = Instant::now();
        let chunks = (0..posts).step_by(CHUNK as usize);
        let sizes: Vec<(u64, u64)> = stream::iter(chunks)
            .map(|from| async move {
                let records = self.records(from..(from + CHUNK).min(posts), posts)?;
                let bytes = records.iter().map(|r| r.value.len() as u64).sum();
                let count = records.len() as u64;
                self.log.publish(Topic::Tweet, records).await?;
                anyhow::Ok((count, bytes))
            })
            .buffered(IN_FLIGHT)
            .try_collect()
            .await?;
        let (count, bytes) = sizes
            .iter()
            .fold((0, 0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
        println!(
            "{count} records of {} bytes, {} texts, {PARTITIONS} partitions",
            bytes / count.max(1),
            self.texts.origin()
        );
        print_rate("publishing", count, started.elapsed());
        Ok(count)
    }

    fn records(&self, range: std::ops::Range<u64>, posts: u64) -> anyhow::Result<Vec<NewRecord>> {
        let mut records = Vec::with_capacity(range.clone().count() + 100);
        for n in range {
            let offset_ms = SPAN_MS * n / posts;
            records.push(self.record(n, BEGIN_MS + offset_ms)?);
            if n.is_multiple_of(DUPLICATE_EVERY) {
                records.extend(records.last().cloned());
            }
        }
        Ok(records)
    }

    fn record(&self, n: u64, at_ms: u64) -> anyhow::Result<NewRecord> {
        let all = self.texts.all();
        let text = |n: u64| all[(n % all.len() as u64) as usize].as_str();
        // The distance between the two texts grows by one on each pass through the texts.
        let pair = format!("{} {}", text(n), text(n + n / all.len() as u64));
        let cut = pair.floor_char_boundary(MAX_TEXT_BYTES);
        let place = (CityId::parse("new-york")?, SourceId::parse("bench")?);
        let at = Timestamp::from_millis(at_ms.cast_signed())?;
        let post = Post::new(place, n.to_string(), &pair[..cut], None, (at, at))?;
        Ok(NewRecord {
            key: post.identity().into_bytes(),
            value: post.to_json()?,
        })
    }

    /// The yardstick: reads the topic and discards the records.
    async fn measure_consumer(&self, records: u64) -> anyhow::Result<()> {
        let log = Arc::clone(&self.log);
        let before = cpu_time();
        let elapsed = tokio::task::spawn_blocking(move || read_records(&log, records)).await??;
        print_rate("reading alone", records, elapsed);
        if let (Some(before), Some(after)) = (before, cpu_time()) {
            print_cpu(
                "  CPU time of this process",
                records,
                after.saturating_sub(before),
            );
        }
        Ok(())
    }

    /// Goal: 100,000 tweets/s with less than 100 MB resident.
    async fn measure_processor(&self, records: u64) -> anyhow::Result<()> {
        let started = Instant::now();
        let processor = self.start()?;
        let mut first_flush = None;
        let mut next = 0;
        while next < records {
            ensure!(
                started.elapsed() < WAIT_TIMEOUT,
                "only {next} of {records} records are folded after {WAIT_TIMEOUT:?}"
            );
            tokio::time::sleep(PROGRESS_POLL_INTERVAL).await;
            next = self.position().await?;
            if next > 0 && first_flush.is_none() {
                first_flush = Some((Instant::now(), next));
            }
        }
        let elapsed = started.elapsed();
        print_rate("processor, start-up included", records, elapsed);
        if let Some((at, before)) = first_flush {
            print_rate("  after the first flush", records - before, at.elapsed());
        }
        let pid = processor.0.id();
        let used = cpu_time_of(pid).zip(peak_rss_kib(pid));
        let (cpu_time, peak) =
            used.context("cannot read the processor's /proc/PID, Linux is required")?;
        print_cpu("  CPU time", records, cpu_time);
        println!(
            "  peak resident memory {:.0} MB",
            peak as f64 * 1_024.0 / 1e6
        );
        Ok(())
    }

    /// Goal: under 1 s from SIGKILL to the first row of the next process, including the refill of the
    /// duplicate window.
    async fn measure_restarts(&self, posts: u64) -> anyhow::Result<()> {
        let mut recoveries = Vec::new();
        let mut processor = self.start()?;
        let mut n = posts;
        for _ in 0..KILLS {
            // The kill hits a processor that makes progress and has pending records.
            n = self.publish_more(n).await?;
            let before = self
                .wait_for_progress(self.position().await?, &mut n)
                .await?;
            drop(processor);
            let killed = Instant::now();
            processor = self.start()?;
            self.wait_for_progress(before, &mut n).await?;
            recoveries.push(killed.elapsed());
        }
        recoveries.sort();
        let ms = |i: usize| recoveries.get(i).map_or(0, Duration::as_millis);
        println!(
            "SIGKILL to the next progress in the store, {KILLS} times: minimum {} ms, median {} ms, maximum {} ms",
            ms(0),
            ms(recoveries.len() / 2),
            ms(recoveries.len().saturating_sub(1))
        );
        Ok(())
    }

    /// Publishes a few more posts of the last hour.
    async fn publish_more(&self, n: u64) -> anyhow::Result<u64> {
        let records = (n..n + 50).map(|n| self.record(n, BEGIN_MS + SPAN_MS));
        let records = records.collect::<anyhow::Result<Vec<_>>>()?;
        self.log.publish(Topic::Tweet, records).await?;
        Ok(n + 50)
    }

    /// Publishes posts until the stored progress exceeds `before`.
    async fn wait_for_progress(&self, before: u64, n: &mut u64) -> anyhow::Result<u64> {
        let started = Instant::now();
        loop {
            let now = self.position().await?;
            if now > before {
                return Ok(now);
            }
            ensure!(
                started.elapsed() < WAIT_TIMEOUT,
                "no progress within {WAIT_TIMEOUT:?}"
            );
            *n = self.publish_more(*n).await?;
            tokio::time::sleep(RESTART_POLL_INTERVAL).await;
        }
    }

    /// The number of records that the stored progress covers.
    async fn position(&self) -> anyhow::Result<u64> {
        let Some(run) = self.store.runs().await?.into_iter().next() else {
            return Ok(0);
        };
        let mut sum = 0;
        for partition in 0..PARTITIONS {
            let key = ProgressKey {
                run: run.id.clone(),
                topic: Topic::Tweet,
                incarnation: Incarnation(1),
                partition: Partition(partition),
            };
            sum += self.store.progress(&key).await?.map_or(0, |p| p.next.0);
        }
        Ok(sum)
    }

    /// Starts the processor in this binary's folder.
    fn start(&self) -> anyhow::Result<Processor> {
        let path: PathBuf = std::env::current_exe()?.with_file_name("processor");
        ensure!(
            path.is_file(),
            "{} is missing: run cargo build --profile dist --workspace",
            path.display()
        );
        let mut command = Command::new(path);
        command
            .arg("--config")
            .arg(self.folder.path().join("processor.toml"));
        command.stdin(Stdio::null());
        Ok(Processor(command.spawn()?))
    }
}

fn read_records(log: &KafkaLog, mut left: u64) -> anyhow::Result<Duration> {
    let mut consumer = log.consumer("alone", &[Topic::Tweet])?;
    let mut batch = Batch::with_capacity(BATCH);
    let mut started = Instant::now();
    let mut is_assigned = false;
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while left > 0 {
        match consumer.poll(&mut batch, POLL_TIMEOUT)? {
            ConsumerEvent::Idle => thread::yield_now(),
            ConsumerEvent::Assigned(all) => {
                for log in all {
                    consumer.start(log.topic_partition, log.low)?;
                }
                // Excludes the time to join the group.
                if !is_assigned {
                    (started, is_assigned) = (Instant::now(), true);
                }
            }
            ConsumerEvent::Records => left = left.saturating_sub(batch.len() as u64),
            ConsumerEvent::Revoked(_) => bail!("Kafka revoked the partitions"),
        }
        ensure!(
            Instant::now() < deadline,
            "{left} records did not arrive within {WAIT_TIMEOUT:?}"
        );
    }
    Ok(started.elapsed())
}

fn print_cpu(label: &str, records: u64, time: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "{label} {seconds:.1} s, {:.2} s per million",
        seconds * 1e6 / records as f64
    );
}
