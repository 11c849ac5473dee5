//! Reads the posts that the ingester wrote to Kafka; never during a measurement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, KafkaConfig, KafkaLog};
use moodvane_model::{Offset, Partition, Topic};

pub(crate) const PARTITIONS: u32 = 12;
const BATCH: usize = 2_000;
const POLL_TIMEOUT: Duration = Duration::from_millis(20);
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// The end offset of each partition.
pub(crate) type EndOffsets = BTreeMap<Partition, Offset>;

/// A post in the log.
pub(crate) struct WrittenPost {
    pub(crate) number: u64,
    pub(crate) due_us: i64,
    pub(crate) written_us: i64,
}

/// A topic of this benchmark alone.
pub(crate) struct BenchTopic {
    pub(crate) brokers: String,
    pub(crate) prefix: String,
    log: Arc<KafkaLog>,
    /// Number of reads so far; each uses its own consumer group.
    reads: u32,
}

impl BenchTopic {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let brokers = std::env::var("MOODVANE_TEST_KAFKA")
            .context("MOODVANE_TEST_KAFKA is not set: run this with deployment/servers/run")?;
        let prefix = format!("ingest_{}.", std::process::id());
        let mut config = KafkaConfig::new(brokers.clone());
        config.topic_prefix.clone_from(&prefix);
        config.partitions = PARTITIONS;
        Ok(Self {
            brokers,
            prefix,
            log: Arc::new(KafkaLog::open(config).await?),
            reads: 0,
        })
    }

    pub(crate) async fn end_offsets(&self) -> anyhow::Result<EndOffsets> {
        let marks = self.log.watermarks(Topic::Tweet).await?;
        Ok(marks
            .iter()
            .map(|m| (m.topic_partition.partition, m.high))
            .collect())
    }

    /// Reads this many posts from the offsets on.
    pub(crate) async fn read_count(
        &mut self,
        from: EndOffsets,
        posts: u64,
    ) -> anyhow::Result<Vec<WrittenPost>> {
        let count = usize::try_from(posts)?;
        self.read_until(from, move |found| found.len() >= count)
            .await
    }

    /// Reads the posts from the offsets on, up to the one before number `next`.
    pub(crate) async fn read_to(
        &mut self,
        from: EndOffsets,
        next: u64,
    ) -> anyhow::Result<Vec<WrittenPost>> {
        let is_last = move |post: &WrittenPost| post.number + 1 == next;
        self.read_until(from, move |found| found.iter().any(is_last))
            .await
    }

    async fn read_until(
        &mut self,
        from: EndOffsets,
        is_complete: impl Fn(&[WrittenPost]) -> bool + Send + 'static,
    ) -> anyhow::Result<Vec<WrittenPost>> {
        self.reads += 1;
        let group = format!("read-{}", self.reads);
        let log = Arc::clone(&self.log);
        tokio::task::spawn_blocking(move || read(&log, &group, &from, is_complete)).await?
    }
}

fn read(
    log: &KafkaLog,
    group: &str,
    from: &EndOffsets,
    is_complete: impl Fn(&[WrittenPost]) -> bool,
) -> anyhow::Result<Vec<WrittenPost>> {
    let mut consumer = log.consumer(group, &[Topic::Tweet])?;
    let (mut batch, mut found) = (Batch::with_capacity(BATCH), Vec::new());
    let deadline = Instant::now() + READ_TIMEOUT;
    while !is_complete(&found) {
        let count = found.len();
        ensure!(
            Instant::now() < deadline,
            "only {count} posts arrived within {READ_TIMEOUT:?}"
        );
        match consumer.poll(&mut batch, POLL_TIMEOUT)? {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Assigned(marks) => {
                for mark in marks {
                    let at = from.get(&mark.topic_partition.partition).copied();
                    consumer.start(mark.topic_partition, at.unwrap_or(mark.low))?;
                }
            }
            ConsumerEvent::Records => {
                for record in batch.iter() {
                    let (number, due_us) =
                        parse_key(record.key).context("the topic has a foreign record")?;
                    let written_us = record.written_at.millis() * 1_000;
                    found.push(WrittenPost {
                        number,
                        due_us,
                        written_us,
                    });
                }
            }
            ConsumerEvent::Revoked(_) => bail!("Kafka revoked the partitions"),
        }
    }
    Ok(found)
}

/// Parses the number and the due time in a key that ends with `/NUMBER-TIME`.
fn parse_key(key: &[u8]) -> Option<(u64, i64)> {
    let (_, name) = std::str::from_utf8(key).ok()?.rsplit_once('/')?;
    let (number, due_us) = name.split_once('-')?;
    Some((number.parse().ok()?, due_us.parse().ok()?))
}
