//! Shared by the benches: texts, posts built from them, and readings of `/proc`. Nothing here is
//! measured.
//!
//! The texts are real ones if the shared data folder exists, else generated sentences. The posts are
//! deterministic in both cases.

pub mod cities;
mod texts;
pub mod year;

use std::fmt::Display;
use std::fs;
use std::time::Duration;

use moodvane_eventlog::NewRecord;
use moodvane_model::{CityId, ModelError, Post, SourceId, Timestamp};

pub use texts::Texts;

/// 2013-02-19 07:00 UTC, an arbitrary hour.
const BEGIN_MS: i64 = 1_361_257_200_000;
const HOUR_MS: i64 = 3_600_000;
/// Identifiers as long as real ones.
const FIRST_ID: u64 = 567_588_278_875_213_824;

/// The parts of a post that vary.
#[derive(Debug, Clone)]
pub struct Draft<'t> {
    /// Unique identifier.
    pub id: String,
    /// Time of creation.
    pub at: Timestamp,
    /// Text.
    pub text: &'t str,
}

/// Returns `count` posts, spread evenly over `hours`, with the texts of `texts` in rotation.
///
/// # Errors
/// [`ModelError::Timestamp`] if a time is outside the calendar.
pub fn drafts(
    texts: &Texts,
    count: u64,
    hours: u32,
) -> impl Iterator<Item = Result<Draft<'_>, ModelError>> {
    let span_ms = i64::from(hours) * HOUR_MS;
    let texts = texts.all().iter().cycle();
    (0..count).zip(texts).map(move |(n, text)| {
        let elapsed_ms = span_ms * n.cast_signed() / count.cast_signed();
        Ok(Draft {
            id: (FIRST_ID + n).to_string(),
            at: Timestamp::from_millis(BEGIN_MS + elapsed_ms)?,
            text,
        })
    })
}

/// Returns the posts of [`drafts`] as records of topic `tweet`.
///
/// # Errors
/// Fails if a post exceeds the model's limits.
pub fn records(texts: &Texts, count: u64, hours: u32) -> anyhow::Result<Vec<NewRecord>> {
    let place = (CityId::parse("new-york")?, SourceId::parse("replay-posts")?);
    drafts(texts, count, hours)
        .map(|draft| {
            let Draft { id, at, text } = draft?;
            let post = Post::new(place, id, text, None, (at, at))?;
            Ok(NewRecord {
                key: post.identity().into_bytes(),
                value: post.to_json()?,
            })
        })
        .collect()
}

/// CPU time of all current threads of this process; `None` where `/proc` has no schedstat.
#[must_use]
pub fn cpu_time() -> Option<Duration> {
    cpu_time_of("self")
}

/// CPU time of all current threads of the process `pid`; `None` if it has ended.
#[must_use]
pub fn cpu_time_of(pid: impl Display) -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let schedstat = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += schedstat.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// Like [`cpu_time_of`], but includes threads that have ended, with a resolution of 10 ms.
#[must_use]
pub fn total_cpu_time_of(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program name, in parentheses, may contain any character.
    let (_, numbers) = stat.rsplit_once(')')?;
    let mut numbers = numbers.split_whitespace().skip(11);
    let mut ticks = || numbers.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

/// Peak resident memory of the process `pid` so far, in KiB; `None` if it has ended.
#[must_use]
pub fn peak_rss_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Prints the duration and the rate.
pub fn print_rate(label: &str, records: u64, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    println!(
        "{label}: {seconds:.1} s, {:.0} records/s",
        records as f64 / seconds
    );
}
