//! A processor on real Kafka and Cassandra, from the outside: how many tweets a second it turns into
//! rows, and how soon a killed one is back. Run it as
//! `deployment/servers/run -- target/release/throughput [POSTS]`, with the workspace built for release.
//!
//! Texts are real ones put together in pairs, so that none comes twice; one record in a hundred is a
//! copy. Beside the rate stands that of reading the same topic and doing nothing else.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use moodvane_benches::{Texts, peak_kib_of, print_rate, processor_time, processor_time_of};
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
/// One record in so many is sent twice.
const COPY_EVERY: u64 = 100;
const CHUNK: u64 = 5_000;
/// Chunks on their way to Kafka at the same time.
const IN_FLIGHT: usize = 4;
const BATCH: usize = 2_000;
/// Bytes of a text, about: then a record has about 300.
const TEXT: usize = 150;
const LOOK: Duration = Duration::from_millis(5);
/// A look at the store asks about every partition, which takes processor time from what is measured.
const OFTEN: Duration = Duration::from_millis(20);
const SELDOM: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(900);
const KILLS: usize = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let posts = match std::env::args().nth(1) {
        Some(text) => text
            .parse()
            .with_context(|| format!("{text} is not a count"))?,
        None => POSTS,
    };
    let bench = Bench::open().await?;
    let written = bench.fill(posts).await?;
    bench.read_alone(written).await?;
    bench.fold(written).await?;
    bench.kills(posts).await
}

/// A topic and a keyspace that nobody else uses, and the processor's configuration.
struct Bench {
    folder: TempDir,
    log: Arc<KafkaLog>,
    store: CassandraStore,
    texts: Texts,
}

/// A running processor.
struct Processor(Child);

impl Drop for Processor {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    async fn open() -> anyhow::Result<Self> {
        let variable = |name: &str| {
            std::env::var(name)
                .with_context(|| format!("{name} is not set: deployment/servers/run"))
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

    /// Publishes the posts with their copies; returns how many records that are.
    async fn fill(&self, posts: u64) -> anyhow::Result<u64> {
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
            let after = SPAN_MS * n / posts;
            records.push(self.record(n, BEGIN_MS + after)?);
            if n.is_multiple_of(COPY_EVERY) {
                records.extend(records.last().cloned());
            }
        }
        Ok(records)
    }

    fn record(&self, n: u64, at_ms: u64) -> anyhow::Result<NewRecord> {
        let all = self.texts.all();
        let text = |n: u64| all[(n % all.len() as u64) as usize].as_str();
        // The second of the pair moves on by one each time that the first begins anew.
        let pair = format!("{} {}", text(n), text(n + n / all.len() as u64));
        let cut = pair.floor_char_boundary(TEXT);
        let place = (CityId::parse("new-york")?, SourceId::parse("bench")?);
        let at = Timestamp::from_millis(at_ms.cast_signed())?;
        let post = Post::new(place, n.to_string(), &pair[..cut], None, (at, at))?;
        Ok(NewRecord {
            key: post.identity().into_bytes(),
            value: post.to_json()?,
        })
    }

    /// The yardstick: the same topic, read and passed over.
    async fn read_alone(&self, records: u64) -> anyhow::Result<()> {
        let log = Arc::clone(&self.log);
        let before = processor_time();
        let took = tokio::task::spawn_blocking(move || read_alone(&log, records)).await??;
        print_rate("reading alone", records, took);
        if let (Some(before), Some(after)) = (before, processor_time()) {
            cpu("  of this process", records, after.saturating_sub(before));
        }
        Ok(())
    }

    /// The aim: 100,000 tweets a second, under 100 MB.
    async fn fold(&self, records: u64) -> anyhow::Result<()> {
        let started = Instant::now();
        let processor = self.start()?;
        let mut first = None;
        let mut next = 0;
        while next < records {
            ensure!(
                started.elapsed() < PATIENCE,
                "{next} of {records} are folded"
            );
            tokio::time::sleep(SELDOM).await;
            next = self.position().await?;
            if next > 0 && first.is_none() {
                first = Some((Instant::now(), next));
            }
        }
        let took = started.elapsed();
        print_rate("into rows, the start included", records, took);
        if let Some((at, before)) = first {
            print_rate("  after the first flush", records - before, at.elapsed());
        }
        let pid = processor.0.id();
        let used = processor_time_of(pid).zip(peak_kib_of(pid));
        let (cpu_time, peak) = used.context("this needs Linux' /proc")?;
        cpu("  processor time", records, cpu_time);
        println!(
            "  at the peak {:.0} MB resident",
            peak as f64 * 1_024.0 / 1e6
        );
        Ok(())
    }

    /// The aim: under 1 s from SIGKILL to the first row of the next, the window read again.
    async fn kills(&self, posts: u64) -> anyhow::Result<()> {
        let mut waits = Vec::new();
        let mut processor = self.start()?;
        let mut n = posts;
        for _ in 0..KILLS {
            // At work, and then killed while there is more to do.
            n = self.more(n).await?;
            let before = self.moved(self.position().await?, &mut n).await?;
            drop(processor);
            let killed = Instant::now();
            processor = self.start()?;
            self.moved(before, &mut n).await?;
            waits.push(killed.elapsed());
        }
        waits.sort();
        let ms = |i: usize| waits.get(i).map_or(0, Duration::as_millis);
        println!(
            "SIGKILL to the next progress in the store, {KILLS} times: least {} ms, median {} ms, most {} ms",
            ms(0),
            ms(waits.len() / 2),
            ms(waits.len().saturating_sub(1))
        );
        Ok(())
    }

    /// A few posts more, of the last hour.
    async fn more(&self, n: u64) -> anyhow::Result<u64> {
        let records = (n..n + 50).map(|n| self.record(n, BEGIN_MS + SPAN_MS));
        let records = records.collect::<anyhow::Result<Vec<_>>>()?;
        self.log.publish(Topic::Tweet, records).await?;
        Ok(n + 50)
    }

    /// Waits, while posts go on coming, until the rows are further than `before`.
    async fn moved(&self, before: u64, n: &mut u64) -> anyhow::Result<u64> {
        let started = Instant::now();
        loop {
            let now = self.position().await?;
            if now > before {
                return Ok(now);
            }
            ensure!(started.elapsed() < PATIENCE, "nothing moves any more");
            *n = self.more(*n).await?;
            tokio::time::sleep(OFTEN).await;
        }
    }

    /// How many records are in the rows.
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

    /// The release binary, which is built beside this one.
    fn start(&self) -> anyhow::Result<Processor> {
        let path: PathBuf = std::env::current_exe()?.with_file_name("processor");
        ensure!(
            path.is_file(),
            "there is no {}: build the workspace",
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

fn read_alone(log: &KafkaLog, mut left: u64) -> anyhow::Result<Duration> {
    let mut consumer = log.consumer("alone", &[Topic::Tweet])?;
    let mut batch = Batch::with_capacity(BATCH);
    let mut started = Instant::now();
    let mut begun = false;
    let deadline = Instant::now() + PATIENCE;
    while left > 0 {
        match consumer.poll(&mut batch, LOOK)? {
            ConsumerEvent::Idle => thread::yield_now(),
            ConsumerEvent::Assigned(all) => {
                for log in all {
                    consumer.start(log.topic_partition, log.low)?;
                }
                // Joining the group is not reading.
                if !begun {
                    (started, begun) = (Instant::now(), true);
                }
            }
            ConsumerEvent::Records => left = left.saturating_sub(batch.len() as u64),
            ConsumerEvent::Revoked(_) => bail!("the partitions were taken away"),
        }
        ensure!(Instant::now() < deadline, "{left} records did not come");
    }
    Ok(started.elapsed())
}

fn cpu(what: &str, records: u64, time: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "{what} {seconds:.1} s, {:.2} s per million",
        seconds * 1e6 / records as f64
    );
}
