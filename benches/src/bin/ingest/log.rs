//! What Kafka has written, read when nothing is measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, KafkaConfig, KafkaLog};
use moodvane_model::{Offset, Partition, Topic};

pub(crate) const PARTITIONS: u32 = 12;
const BATCH: usize = 2_000;
const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// Where each partition ended.
pub(crate) type Ends = BTreeMap<Partition, Offset>;

/// A post as it was written.
pub(crate) struct Post {
    pub(crate) n: u64,
    pub(crate) due_us: i64,
    pub(crate) written_us: i64,
}

/// A topic that nobody else uses.
pub(crate) struct Written {
    pub(crate) brokers: String,
    pub(crate) prefix: String,
    log: Arc<KafkaLog>,
    /// Each reading is a group of its own.
    readings: u32,
}

impl Written {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let brokers = std::env::var("MOODVANE_TEST_KAFKA")
            .context("MOODVANE_TEST_KAFKA is not set: deployment/servers/run")?;
        let prefix = format!("ingest_{}.", std::process::id());
        let mut config = KafkaConfig::new(brokers.clone());
        config.topic_prefix.clone_from(&prefix);
        config.partitions = PARTITIONS;
        Ok(Self {
            brokers,
            prefix,
            log: Arc::new(KafkaLog::open(config).await?),
            readings: 0,
        })
    }

    pub(crate) async fn ends(&self) -> anyhow::Result<Ends> {
        let marks = self.log.watermarks(Topic::Tweet).await?;
        Ok(marks
            .iter()
            .map(|m| (m.topic_partition.partition, m.high))
            .collect())
    }

    /// So many posts, from there on.
    pub(crate) async fn read(&mut self, from: Ends, posts: u64) -> anyhow::Result<Vec<Post>> {
        let all = usize::try_from(posts)?;
        self.read_until(from, move |found| found.len() >= all).await
    }

    /// All posts from there on, up to the one before number `next`.
    pub(crate) async fn read_to(&mut self, from: Ends, next: u64) -> anyhow::Result<Vec<Post>> {
        let is_last = move |post: &Post| post.n + 1 == next;
        self.read_until(from, move |found| found.iter().any(is_last))
            .await
    }

    async fn read_until(
        &mut self,
        from: Ends,
        all: impl Fn(&[Post]) -> bool + Send + 'static,
    ) -> anyhow::Result<Vec<Post>> {
        self.readings += 1;
        let group = format!("reading-{}", self.readings);
        let log = Arc::clone(&self.log);
        tokio::task::spawn_blocking(move || read(&log, &group, &from, all)).await?
    }
}

fn read(
    log: &KafkaLog,
    group: &str,
    from: &Ends,
    all: impl Fn(&[Post]) -> bool,
) -> anyhow::Result<Vec<Post>> {
    let mut consumer = log.consumer(group, &[Topic::Tweet])?;
    let (mut batch, mut found) = (Batch::with_capacity(BATCH), Vec::new());
    let deadline = Instant::now() + PATIENCE;
    while !all(&found) {
        let seen = found.len();
        ensure!(Instant::now() < deadline, "only {seen} posts came");
        match consumer.poll(&mut batch, LOOK)? {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Assigned(marks) => {
                for mark in marks {
                    let at = from.get(&mark.topic_partition.partition).copied();
                    consumer.start(mark.topic_partition, at.unwrap_or(mark.low))?;
                }
            }
            ConsumerEvent::Records => {
                for record in batch.iter() {
                    let (n, due_us) = named(record.key).context("a key of somebody else")?;
                    let written_us = record.written_at.millis() * 1_000;
                    found.push(Post {
                        n,
                        due_us,
                        written_us,
                    });
                }
            }
            ConsumerEvent::Revoked(_) => bail!("the partitions were taken away"),
        }
    }
    Ok(found)
}

/// The number and the time in a key that ends with `/NUMBER-TIME`.
fn named(key: &[u8]) -> Option<(u64, i64)> {
    let (_, name) = std::str::from_utf8(key).ok()?.rsplit_once('/')?;
    let (n, due_us) = name.split_once('-')?;
    Some((n.parse().ok()?, due_us.parse().ok()?))
}
