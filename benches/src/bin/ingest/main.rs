//! Benchmark of an ingester on real Kafka: the latency of a post from its due time to the broker's
//! write, the highest sustained rate, and the recovery time after a lost connection. Run it as
//! `deployment/servers/run --cassandra 0 -- target/dist/ingest [SECONDS]`, with the `dist` build of
//! the ingester in the same folder.
//!
//! Terms: a *load* is a number of posts a second for a number of seconds, sent by a local Jetstream
//! server; the *due time* of a post follows from the load's constant rate, even if the post is sent later.
//!
//! Guarantees: latency includes back-pressure of the ingester, because it starts at the due time (no
//! coordinated omission). It ends at Kafka's log-append time, which with one broker and `acks=all` is
//! that of the acknowledgement, to the millisecond. No consumer reads the topic during a measurement.

mod measurements;
mod process;
mod sender;
mod topic;

use std::time::Duration;

use anyhow::{Context, ensure};
use moodvane_benches::{peak_rss_kib, total_cpu_time_of};

use self::measurements::{Latencies, LoadResult, format_range};
use self::process::Ingester;
use self::sender::{Sender, SentLoad, now_us};
use self::topic::BenchTopic;

/// The average rate of all public posts on X.
const GOAL_PER_S: u32 = 5_787;
const SECONDS: u64 = 60;
/// The rates after it, until one is not sustained.
const RATE_STEPS: [u32; 10] = [
    10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 125_000, 150_000, 175_000, 200_000,
];
const P99_LIMIT_MS: u64 = 1_000;
const DISCONNECTS: usize = 20;
/// The rate while the connection is lost repeatedly.
const DISCONNECT_RATE_PER_S: u32 = 200;
/// Longer than the maximum backoff, so that the ingester resets its backoff.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds = match std::env::args().nth(1) {
        Some(text) => text
            .parse()
            .with_context(|| format!("{text} is not a number of seconds"))?,
        None => SECONDS,
    };
    let mut bench = Bench::open().await?;
    bench.warm_up().await?;
    println!("{}", LoadResult::TABLE_HEAD);
    bench.run_load(GOAL_PER_S, seconds).await?;
    for rate in RATE_STEPS {
        let result = bench.run_load(rate, seconds.div_ceil(3)).await?;
        if !result.is_sustained(P99_LIMIT_MS) {
            break;
        }
    }
    bench.run_disconnects().await
}

struct Bench {
    topic: BenchTopic,
    ingester: Ingester,
    sender: Sender,
}

impl Bench {
    async fn open() -> anyhow::Result<Self> {
        let topic = BenchTopic::open().await?;
        let sender = Sender::open().await?;
        let ingester = Ingester::start(&topic, &sender)?;
        let mut bench = Self {
            topic,
            ingester,
            sender,
        };
        bench.sender.accept().await?;
        println!("texts: {}", bench.sender.origin());
        Ok(bench)
    }

    /// Excludes one-off costs from the measurement.
    async fn warm_up(&mut self) -> anyhow::Result<()> {
        let sent = self.sender.send(1_000, WARM_UP).await?;
        self.ingester.wait_for_acks(sent.next).await
    }

    async fn run_load(&mut self, rate: u32, seconds: u64) -> anyhow::Result<LoadResult> {
        let pid = self.ingester.pid();
        let from = self.topic.end_offsets().await?;
        let before = self.ingester.acks().await?;
        let cpu_before = total_cpu_time_of(pid);
        let span = Duration::from_secs(seconds);
        let SentLoad {
            first,
            next,
            elapsed,
            fell_behind,
        } = self.sender.send(rate, span).await?;
        self.ingester.wait_for_acks(next).await?;
        let cpu = total_cpu_time_of(pid).zip(cpu_before);
        let (cpu_after, cpu_before) =
            cpu.context("cannot read the ingester's /proc/PID/stat, Linux is required")?;
        let acks = self.ingester.acks().await?.since(&before);
        let posts = self.topic.read_count(from, next - first).await?;
        let latencies = posts.iter().map(|post| post.written_us - post.due_us);
        let result = LoadResult {
            rate,
            posts: next - first,
            elapsed,
            fell_behind,
            latencies: Latencies::new(latencies),
            acks,
            cores: (cpu_after - cpu_before).as_secs_f64() / elapsed.as_secs_f64(),
            peak_kib: peak_rss_kib(pid).unwrap_or(0),
        };
        println!("{result}");
        Ok(result)
    }

    /// Goal: resumes within 250 ms of the end of the backoff.
    async fn run_disconnects(&mut self) -> anyhow::Result<()> {
        let (mut connected, mut written) = (Vec::new(), Vec::new());
        for _ in 0..DISCONNECTS {
            let SentLoad { next, .. } = self
                .sender
                .send(DISCONNECT_RATE_PER_S, CONNECTION_LIFETIME)
                .await?;
            // A disconnect loses the posts in flight.
            self.ingester.wait_for_acks(next).await?;
            let from = self.topic.end_offsets().await?;
            self.sender.disconnect();
            let backoff_end = self.ingester.backoff_end_us().await?;
            self.sender.accept().await?;
            connected.push(now_us() - backoff_end);
            let SentLoad { first, next, .. } = self
                .sender
                .send(DISCONNECT_RATE_PER_S, CONNECTION_LIFETIME)
                .await?;
            self.ingester.wait_for_acks(next).await?;
            let posts = self.topic.read_to(from, next).await?;
            let new = posts.iter().filter(|post| post.number >= first);
            let first_written = new.map(|post| post.written_us).min();
            written
                .push(first_written.context("no post arrived after the disconnect")? - backoff_end);
        }
        ensure!(
            connected.len() == DISCONNECTS,
            "the ingester missed a disconnect"
        );
        println!("after the end of the backoff, {DISCONNECTS} disconnects, in ms:");
        println!("  reconnected: {}", format_range(connected));
        println!("  first post written by Kafka: {}", format_range(written));
        Ok(())
    }
}
