//! The release binary from the outside: how long it takes, how much processor time and how much
//! memory. `end_to_end replay [POSTS]` and `end_to_end demo [POSTS PER HOUR]`.
//!
//! Beside each figure stands a yardstick from the same run: for the replay, the same records
//! through the log alone; for the demo, one with a fortieth of the posts.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use moodvane_benches::{Texts, drafts, peak_kib_of, print_rate, records};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, NewRecord, SqliteLog, SqliteLogConfig};
use moodvane_model::Topic;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const POSTS: u64 = 500_000;
const HOURS: u32 = 48;
/// Of which about seven in ten name the city and count: a million in a month.
const POSTS_PER_HOUR: u64 = 2_000;
/// For the yardstick.
const FEW_POSTS_PER_HOUR: u64 = 50;
/// As many records as a replay publishes at a time, and the processor reads at a time.
const BATCH: usize = 2_000;
/// The kernel counts processor time in hundredths of a second, on every Linux.
const TICK: Duration = Duration::from_millis(10);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = |default| match arguments.get(1) {
        Some(text) => text
            .parse()
            .with_context(|| format!("{text} is not a count")),
        None => Ok(default),
    };
    match arguments.first().map(String::as_str) {
        Some("replay") => replay(count(POSTS)?),
        Some("demo") => demo(count(POSTS_PER_HOUR)?),
        _ => bail!("say what to measure: replay [POSTS] or demo [POSTS PER HOUR]"),
    }
}

/// From a file to rows. Goal: 50,000 posts a second.
fn replay(posts: u64) -> anyhow::Result<()> {
    let texts = Texts::load();
    println!("{posts} posts over {HOURS} hours, {} texts", texts.origin());
    let folder = TempDir::new()?;
    let table = folder.path().join("posts.tsv");
    write_table(&table, &texts, posts)?;
    let mut command = moodvane(&folder.path().join("data"))?;
    command.arg("replay").arg("--posts").arg(&table);
    let used = Used::by(&mut command)?;
    used.print("replay", posts);
    let alone = log_alone(records(&texts, posts, HOURS)?)?;
    print_rate("yardstick: publishing alone", posts, alone.0);
    print_rate("yardstick: reading alone", posts, alone.1);
    let ratio = used.wall.as_secs_f64() / (alone.0 + alone.1).as_secs_f64();
    println!("the replay takes {ratio:.2} times the log alone");
    Ok(())
}

/// A month of history. Goal: under 150 MB resident after a million posts.
fn demo(posts_per_hour: u64) -> anyhow::Result<()> {
    let mut peaks = Vec::new();
    for per_hour in [FEW_POSTS_PER_HOUR, posts_per_hour] {
        let folder = TempDir::new()?;
        let mut command = moodvane(folder.path())?;
        command.args(["demo", "--history-only", "--days", "30", "--port", "0"]);
        command.args(["--posts-per-hour", &per_hour.to_string()]);
        let used = Used::by(&mut command)?;
        used.print(
            &format!("demo of {per_hour} posts per hour"),
            per_hour * 24 * 30,
        );
        peaks.push(used.peak_kib as f64);
    }
    if let [small, full] = peaks.as_slice() {
        println!(
            "the full demo holds {:.2} times the memory of the small one",
            full / small
        );
    }
    Ok(())
}

/// The release binary, which is built beside this one.
fn moodvane(data: &Path) -> anyhow::Result<Command> {
    let here = std::env::current_exe()?;
    let path: PathBuf = here.with_file_name("moodvane");
    ensure!(
        path.is_file(),
        "there is no {}: build it with cargo build --release -p moodvane",
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

/// What a process used.
struct Used {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

impl Used {
    /// Runs a command to its end, which must be a good one.
    fn by(command: &mut Command) -> anyhow::Result<Self> {
        let (cpu, started) = (children_cpu()?, Instant::now());
        let mut child = command.spawn()?;
        let mut peak_kib = 0;
        let status = loop {
            peak_kib = peak_kib.max(peak_kib_of(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(TICK);
        };
        ensure!(status.success(), "it ended with {status}");
        Ok(Self {
            wall: started.elapsed(),
            cpu: children_cpu()?.saturating_sub(cpu),
            peak_kib,
        })
    }

    fn print(&self, what: &str, records: u64) {
        print_rate(what, records, self.wall);
        let (cpu, wall) = (self.cpu.as_secs_f64(), self.wall.as_secs_f64());
        println!(
            "  processor time {cpu:.1} s ({:.2} cores, {:.1} µs per record), peak {:.0} MB",
            cpu / wall,
            cpu * 1e6 / records as f64,
            self.peak_kib as f64 * 1_024.0 / 1e6
        );
    }
}

/// The processor time of all children that have ended.
fn children_cpu() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("this needs Linux' /proc")?;
    // The name, in brackets, may hold blanks; the 14th and 15th fields behind it are meant.
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

/// Publishes and then reads the records, with nothing else in the way; how long each took.
fn log_alone(records: Vec<NewRecord>) -> anyhow::Result<(Duration, Duration)> {
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
            ConsumerEvent::Idle | ConsumerEvent::Revoked(_) => bail!("the log lost {left} records"),
        }
    }
    Ok((publishing, started.elapsed()))
}
