//! An ingester on real Kafka, from the outside: how long a post takes from the moment at which it is to
//! be sent to the moment at which the broker has written it, at which rate that stops to hold, and how
//! soon a stream that was cut is back. Run it as
//! `deployment/servers/run --cassandra 0 -- target/release/ingest [SECONDS]`, with the ingester built for
//! release beside it.
//!
//! Terms: a *load* is so many posts a second for so many seconds, sent by a server of our own that speaks
//! Jetstream; a post is *due* by the load's even pace, whether it could be sent then or not. Guarantee:
//! what the ingester keeps waiting counts, since a post's time runs from when it was due; the end is
//! Kafka's own time of writing, which with one broker and `acks=all` is that of the acknowledgement, to
//! the millisecond. Nobody reads the topic while it is measured.

mod figures;
mod log;
mod process;
mod sender;

use std::time::Duration;

use anyhow::{Context, ensure};
use moodvane_benches::{peak_kib_of, whole_time_of};

use self::figures::{Latencies, Row, spread};
use self::log::Written;
use self::process::Ingester;
use self::sender::{Sender, Sent, now_us};

/// All of X's public posts, on average.
const AIM_PER_S: u32 = 5_787;
const SECONDS: u64 = 60;
/// The rates after it, until one is too much.
const STEPS: [u32; 10] = [
    10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 125_000, 150_000, 175_000, 200_000,
];
const MOST_MS: u64 = 1_000;
const CUTS: usize = 20;
/// How many posts a second come while the stream is cut again and again.
const CUT_PER_S: u32 = 200;
/// How long a life lasts before it is cut: longer than the longest back-off, so that it counts as held.
const LIFE: Duration = Duration::from_secs(1);
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
    println!("{}", Row::HEAD);
    bench.load(AIM_PER_S, seconds).await?;
    for rate in STEPS {
        let row = bench.load(rate, seconds.div_ceil(3)).await?;
        if !row.holds(MOST_MS) {
            break;
        }
    }
    bench.cuts().await
}

struct Bench {
    written: Written,
    ingester: Ingester,
    sender: Sender,
}

impl Bench {
    async fn open() -> anyhow::Result<Self> {
        let written = Written::open().await?;
        let sender = Sender::open().await?;
        let ingester = Ingester::start(&written, &sender)?;
        let mut bench = Self {
            written,
            ingester,
            sender,
        };
        bench.sender.connected().await?;
        println!("texts: {}", bench.sender.origin());
        Ok(bench)
    }

    /// What is paid once is not measured.
    async fn warm_up(&mut self) -> anyhow::Result<()> {
        let sent = self.sender.send(1_000, WARM_UP).await?;
        self.ingester.published(sent.next).await
    }

    async fn load(&mut self, rate: u32, seconds: u64) -> anyhow::Result<Row> {
        let pid = self.ingester.pid();
        let from = self.written.ends().await?;
        let before = self.ingester.acknowledged().await?;
        let cpu_before = whole_time_of(pid);
        let span = Duration::from_secs(seconds);
        let Sent {
            first,
            next,
            took,
            fell_behind,
        } = self.sender.send(rate, span).await?;
        self.ingester.published(next).await?;
        let cpu = whole_time_of(pid).zip(cpu_before);
        let (cpu_after, cpu_before) = cpu.context("this needs Linux' /proc")?;
        let acknowledged = self.ingester.acknowledged().await?.since(&before);
        let posts = self.written.read(from, next - first).await?;
        let late = posts.iter().map(|post| post.written_us - post.due_us);
        let row = Row {
            rate,
            posts: next - first,
            took,
            fell_behind,
            latencies: Latencies::of(late),
            acknowledged,
            cores: (cpu_after - cpu_before).as_secs_f64() / took.as_secs_f64(),
            peak_kib: peak_kib_of(pid).unwrap_or(0),
        };
        println!("{row}");
        Ok(row)
    }

    /// The aim: at work again within 250 ms of the back-off's end.
    async fn cuts(&mut self) -> anyhow::Result<()> {
        let (mut connected, mut written) = (Vec::new(), Vec::new());
        for _ in 0..CUTS {
            let Sent { next, .. } = self.sender.send(CUT_PER_S, LIFE).await?;
            // What is on its way would be lost with the connection.
            self.ingester.published(next).await?;
            let from = self.written.ends().await?;
            self.sender.cut();
            let until = self.ingester.rests_until_us().await?;
            self.sender.connected().await?;
            connected.push(now_us() - until);
            let Sent { first, next, .. } = self.sender.send(CUT_PER_S, LIFE).await?;
            self.ingester.published(next).await?;
            let posts = self.written.read_to(from, next).await?;
            let back = posts.iter().filter(|post| post.n >= first);
            let back = back.map(|post| post.written_us).min();
            written.push(back.context("nothing came after the cut")? - until);
        }
        ensure!(connected.len() == CUTS, "a cut was not noticed");
        println!("after the end of the back-off, {CUTS} cuts, in ms:");
        println!("  connected again: {}", spread(connected));
        println!("  its first post written by Kafka: {}", spread(written));
        Ok(())
    }
}
