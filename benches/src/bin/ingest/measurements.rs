//! Measurements and their display.

use std::fmt;
use std::time::Duration;

/// Latencies in microseconds, sorted.
pub(crate) struct Latencies(Vec<i64>);

impl Latencies {
    pub(crate) fn new(times: impl Iterator<Item = i64>) -> Self {
        // Kafka truncates timestamps to milliseconds, so a difference may be negative.
        let mut times: Vec<i64> = times.map(|us| us.max(0)).collect();
        times.sort_unstable();
        Self(times)
    }

    /// A quantile in milliseconds.
    pub(crate) fn quantile_ms(&self, per_mille: usize) -> u64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() * per_mille / 1_000).min(last);
        self.0.get(at).map_or(0, |us| (us / 1_000).cast_unsigned())
    }
}

/// The ingester's histogram of acknowledgement times: upper bounds in seconds with cumulative counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AckHistogram(Vec<(f64, u64)>);

impl AckHistogram {
    pub(crate) fn new(buckets: Vec<(f64, u64)>) -> Self {
        Self(buckets)
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|(_, n)| *n).max().unwrap_or(0)
    }

    /// The counts since the snapshot `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let earlier = |bound: f64| before.0.iter().find(|(b, _)| *b == bound);
        let since = self.0.iter().map(|(bound, n)| {
            let earlier = earlier(*bound).map_or(0, |(_, n)| *n);
            (*bound, n.saturating_sub(earlier))
        });
        Self(since.collect())
    }

    /// The share of posts within a bucket's bound; `None` if there is no such bucket.
    pub(crate) fn share_within(&self, bound: f64) -> Option<f64> {
        let (_, n) = self.0.iter().find(|(b, _)| *b == bound)?;
        Some(*n as f64 / self.total().max(1) as f64)
    }
}

/// The result of one load, displayed as a table row.
pub(crate) struct LoadResult {
    pub(crate) rate: u32,
    pub(crate) posts: u64,
    pub(crate) elapsed: Duration,
    pub(crate) fell_behind: bool,
    pub(crate) latencies: Latencies,
    pub(crate) acks: AckHistogram,
    /// CPU seconds of the ingester per second.
    pub(crate) cores: f64,
    pub(crate) peak_kib: u64,
}

impl LoadResult {
    pub(crate) const TABLE_HEAD: &str = "| posts/s requested | sent/s | seconds | p50, ms | p99, ms | p99.9, ms | maximum, ms | within 50 ms by its own account, % | cores | peak, MiB |\n\
        | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

    /// Whether the sender kept its pace and the p99 latency is below the limit.
    pub(crate) fn is_sustained(&self, limit_ms: u64) -> bool {
        !self.fell_behind && self.latencies.quantile_ms(990) < limit_ms
    }
}

impl fmt::Display for LoadResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let [p50, p99, p999, max] = [500, 990, 999, 1_000].map(|p| self.latencies.quantile_ms(p));
        let own = self.acks.share_within(0.05).unwrap_or(0.0) * 100.0;
        let (rate, sent) = (self.rate, self.posts as f64 / seconds);
        let (cores, peak) = (self.cores, self.peak_kib / 1_024);
        let gave_up = if self.fell_behind { " (given up)" } else { "" };
        write!(
            f,
            "| {rate}{gave_up} | {sent:.0} | {seconds:.1} | {p50} | {p99} | {p999} | {max} | {own:.2} | {cores:.2} | {peak} |"
        )
    }
}

/// Formats minimum, median and maximum in milliseconds of times in microseconds.
pub(crate) fn format_range(mut times: Vec<i64>) -> String {
    times.sort_unstable();
    let ms = |at: usize| times.get(at).map_or(0.0, |us| *us as f64 / 1_000.0);
    let (middle, last) = (times.len() / 2, times.len().saturating_sub(1));
    format!(
        "minimum {:.1}, median {:.1}, maximum {:.1}",
        ms(0),
        ms(middle),
        ms(last)
    )
}
