//! What the benches share: texts, and posts made of them. Nothing here is measured.
//!
//! The texts are the real ones of the shared data folder where that is there, else sentences put
//! together from words of ours. Either way the same call gives the same posts.

mod texts;
pub mod year;

use std::fmt::Display;
use std::fs;
use std::time::Duration;

use moodvane_eventlog::NewRecord;
use moodvane_model::{CityId, ModelError, Post, SourceId, Timestamp};

pub use texts::Texts;

/// 2013-02-19 07:00 UTC: any hour would do.
const BEGIN_MS: i64 = 1_361_257_200_000;
const HOUR_MS: i64 = 3_600_000;
/// Identifiers as long as real ones.
const FIRST_ID: u64 = 567_588_278_875_213_824;

/// One post before it is a record.
#[derive(Debug, Clone)]
pub struct Draft<'t> {
    /// Its identifier; no two posts share one.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// Its text.
    pub text: &'t str,
}

/// `count` posts, spread evenly over `hours`, whose texts are those of `texts` in turn.
///
/// # Errors
/// [`ModelError::Timestamp`] where so many hours do not fit into the calendar.
pub fn drafts(
    texts: &Texts,
    count: u64,
    hours: u32,
) -> impl Iterator<Item = Result<Draft<'_>, ModelError>> {
    let span_ms = i64::from(hours) * HOUR_MS;
    let all = texts.all().iter().cycle();
    (0..count).zip(all).map(move |(n, text)| {
        let after_ms = span_ms * n.cast_signed() / count.cast_signed();
        Ok(Draft {
            id: (FIRST_ID + n).to_string(),
            at: Timestamp::from_millis(BEGIN_MS + after_ms)?,
            text,
        })
    })
}

/// The same posts as records of topic `tweet`.
///
/// # Errors
/// Where a post is beyond the model's limits.
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

/// The processor time that all threads of this process have had, where the system tells it.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    processor_time_of("self")
}

/// The same of the process `pid`, while it runs.
#[must_use]
pub fn processor_time_of(pid: impl Display) -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let told = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += told.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// As [`processor_time_of`], with threads that have ended, and only to a hundredth of a second.
#[must_use]
pub fn whole_time_of(pid: u32) -> Option<Duration> {
    let told = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A program's name may hold anything; what follows it are numbers.
    let (_, numbers) = told.rsplit_once(')')?;
    let mut numbers = numbers.split_whitespace().skip(11);
    let mut ticks = || numbers.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

/// The most memory that the process `pid` has held so far, in KiB, while it runs.
#[must_use]
pub fn peak_kib_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Prints how long so many records took.
pub fn print_rate(what: &str, records: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    println!(
        "{what}: {seconds:.1} s, {:.0} records/s",
        records as f64 / seconds
    );
}
