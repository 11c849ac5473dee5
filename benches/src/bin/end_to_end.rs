//! Measures duration, CPU time and memory of the shipped binary: `end_to_end replay [POSTS]` and
//! `end_to_end demo [POSTS PER HOUR]`.
//!
//! Each run also measures a yardstick: for the replay, the same records through the log alone; for the
//! demo, a demo with a fortieth of the posts.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use moodvane_benches::{Texts, drafts, peak_rss_kib, print_rate, records};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, NewRecord, SqliteLog, SqliteLogConfig};
use moodvane_model::Topic;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const POSTS: u64 = 500_000;
const HOURS: u32 = 48;
/// About seven in ten name the city and are counted: a million in a month.
const POSTS_PER_HOUR: u64 = 2_000;
/// For the yardstick of the demo.
const YARDSTICK_POSTS_PER_HOUR: u64 = 50;
/// Batch size of the replay's publisher and of the processor.
const BATCH: usize = 2_000;
/// Unit of CPU times in `/proc/PID/stat` on Linux.
const TICK: Duration = Duration::from_millis(10);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = |default| match arguments.get(1) {
        Some(text) => text
            .parse()
            .with_context(|| format!("{text} is not a number")),
        None => Ok(default),
    };
    match arguments.first().map(String::as_str) {
        Some("replay") => replay(count(POSTS)?),
        Some("demo") => demo(count(POSTS_PER_HOUR)?),
        _ => bail!("usage: end_to_end replay [POSTS], or end_to_end demo [POSTS PER HOUR]"),
    }
}

/// A replay from a file to rows. Goal: 50,000 posts/s.
fn replay(posts: u64) -> anyhow::Result<()> {
    let texts = Texts::load();
    println!("{posts} posts over {HOURS} hours, {} texts", texts.origin());
    let folder = TempDir::new()?;
    let table = folder.path().join("posts.tsv");
    write_table(&table, &texts, posts)?;
    let mut command = moodvane(&folder.path().join("data"))?;
    command.arg("replay").arg("--posts").arg(&table);
    let usage = ResourceUsage::measure(&mut command)?;
    usage.print("replay", posts);
    let (publishing, reading) = measure_log(records(&texts, posts, HOURS)?)?;
    print_rate("yardstick: publishing alone", posts, publishing);
    print_rate("yardstick: reading alone", posts, reading);
    let ratio = usage.wall.as_secs_f64() / (publishing + reading).as_secs_f64();
    println!("the replay takes {ratio:.2} times the log alone");
    Ok(())
}

/// A demo with a month of history. Goal: under 150 MB resident after a million posts.
fn demo(posts_per_hour: u64) -> anyhow::Result<()> {
    let mut peaks = Vec::new();
    for per_hour in [YARDSTICK_POSTS_PER_HOUR, posts_per_hour] {
        let folder = TempDir::new()?;
        let mut command = moodvane(folder.path())?;
        command.args(["demo", "--history-only", "--days", "30", "--port", "0"]);
        command.args(["--city", "new-york", "--world", "simple"]);
        command.args(["--posts-per-hour", &per_hour.to_string()]);
        let usage = ResourceUsage::measure(&mut command)?;
        usage.print(
            &format!("demo of {per_hour} posts per hour"),
            per_hour * 24 * 30,
        );
        peaks.push(usage.peak_kib as f64);
    }
    if let [small, full] = peaks.as_slice() {
        println!(
            "the full demo holds {:.2} times the memory of the small one",
            full / small
        );
    }
    Ok(())
}

/// Command of the binary in this binary's folder.
fn moodvane(data: &Path) -> anyhow::Result<Command> {
    let here = std::env::current_exe()?;
    let path: PathBuf = here.with_file_name("moodvane");
    ensure!(
        path.is_file(),
        "{} is missing: run cargo build --profile dist -p moodvane",
        path.display()
    );
    let mut command = Command::new(path);
    command.arg("--data").arg(data);
    command.args(["--set", "logging.level=warn"]);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    Ok(command)
}

fn write_table(path: &Path, texts: &Texts, posts: u64) -> anyhow::Result<()> {
    let mut table = BufWriter::new(File::create(path)?);
    writeln!(table, "id\tcreated_at\ttext")?;
    for draft in drafts(texts, posts, HOURS) {
        let draft = draft?;
        writeln!(table, "{}\t{}\t{}", draft.id, draft.at, draft.text)?;
    }
    table.flush()?;
    Ok(())
}

/// Resources that a process used.
struct ResourceUsage {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

impl ResourceUsage {
    /// Runs a command to completion; fails if it does not exit with 0.
    fn measure(command: &mut Command) -> anyhow::Result<Self> {
        let (cpu, started) = (children_cpu()?, Instant::now());
        let mut child = command.spawn()?;
        let mut peak_kib = 0;
        let status = loop {
            peak_kib = peak_kib.max(peak_rss_kib(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(TICK);
        };
        ensure!(status.success(), "the command failed: {status}");
        Ok(Self {
            wall: started.elapsed(),
            cpu: children_cpu()?.saturating_sub(cpu),
            peak_kib,
        })
    }

    fn print(&self, label: &str, records: u64) {
        print_rate(label, records, self.wall);
        let (cpu, wall) = (self.cpu.as_secs_f64(), self.wall.as_secs_f64());
        println!(
            "  CPU time {cpu:.1} s ({:.2} cores, {:.1} µs per record), peak {:.0} MB",
            cpu / wall,
            cpu * 1e6 / records as f64,
            self.peak_kib as f64 * 1_024.0 / 1e6
        );
    }
}

/// CPU time of all children that have ended.
fn children_cpu() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")
        .context("cannot read /proc/self/stat, Linux is required")?;
    // The program name, in parentheses, may contain spaces; cutime and cstime follow.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("/proc/self/stat has no name")?;
    let ticks = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(str::parse::<u32>);
    Ok(ticks.sum::<Result<u32, _>>()? * TICK)
}

/// Publishes the records, then reads them; returns both durations.
fn measure_log(records: Vec<NewRecord>) -> anyhow::Result<(Duration, Duration)> {
    let folder = TempDir::new()?;
    let path = folder.path().join("log.db");
    let log = SqliteLog::open(SqliteLogConfig {
        path,
        partitions: 1,
    })?;
    let runtime = Runtime::new()?;
    let mut left = records.len();
    let started = Instant::now();
    for chunk in records.chunks(BATCH) {
        runtime.block_on(log.publish(Topic::Tweet, chunk.to_vec()))?;
    }
    let publishing = started.elapsed();
    let mut consumer = log.consumer("alone", &[Topic::Tweet])?;
    let mut batch = Batch::with_capacity(BATCH);
    let started = Instant::now();
    while left > 0 {
        match consumer.poll(&mut batch, Duration::ZERO)? {
            ConsumerEvent::Assigned(all) => {
                for log in all {
                    consumer.start(log.topic_partition, log.low)?;
                }
            }
            ConsumerEvent::Records => left -= batch.len(),
            ConsumerEvent::Idle | ConsumerEvent::Revoked(_) => {
                bail!("{left} published records are missing in the log")
            }
        }
    }
    Ok((publishing, started.elapsed()))
}
