//! Figures and how they are shown.

use std::fmt;
use std::time::Duration;

/// Times, in microseconds, in order.
pub(crate) struct Latencies(Vec<i64>);

impl Latencies {
    pub(crate) fn of(times: impl Iterator<Item = i64>) -> Self {
        // Kafka's time is cut to the millisecond.
        let mut times: Vec<i64> = times.map(|us| us.max(0)).collect();
        times.sort_unstable();
        Self(times)
    }

    /// The time within which so many of a thousand are, in milliseconds.
    pub(crate) fn within_ms(&self, per_mille: usize) -> u64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() * per_mille / 1_000).min(last);
        self.0.get(at).map_or(0, |us| (us / 1_000).cast_unsigned())
    }
}

/// The ingester's own histogram: upper bounds in seconds, and how many are within each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acknowledged(Vec<(f64, u64)>);

impl Acknowledged {
    pub(crate) fn of(buckets: Vec<(f64, u64)>) -> Self {
        Self(buckets)
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.iter().map(|(_, n)| *n).max().unwrap_or(0)
    }

    /// What came since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let earlier = |bound: f64| before.0.iter().find(|(b, _)| *b == bound);
        let since = self.0.iter().map(|(bound, n)| {
            let earlier = earlier(*bound).map_or(0, |(_, n)| *n);
            (*bound, n.saturating_sub(earlier))
        });
        Self(since.collect())
    }

    /// The share within a bound that the histogram has.
    pub(crate) fn within(&self, bound: f64) -> Option<f64> {
        let (_, n) = self.0.iter().find(|(b, _)| *b == bound)?;
        Some(*n as f64 / self.all().max(1) as f64)
    }
}

/// One load.
pub(crate) struct Row {
    pub(crate) rate: u32,
    pub(crate) posts: u64,
    pub(crate) took: Duration,
    pub(crate) fell_behind: bool,
    pub(crate) latencies: Latencies,
    pub(crate) acknowledged: Acknowledged,
    /// Processor time of the ingester in each second.
    pub(crate) cores: f64,
    pub(crate) peak_kib: u64,
}

impl Row {
    pub(crate) const HEAD: &str = "| posts/s asked | sent/s | seconds | p50, ms | p99, ms | p99.9, ms | most, ms | within 50 ms by its own account, % | cores | peak, MiB |\n\
        | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

    /// Whether the load was borne, 99 of 100 posts within so many milliseconds.
    pub(crate) fn holds(&self, ms: u64) -> bool {
        !self.fell_behind && self.latencies.within_ms(990) < ms
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        let [p50, p99, p999, most] = [500, 990, 999, 1_000].map(|p| self.latencies.within_ms(p));
        let own = self.acknowledged.within(0.05).unwrap_or(0.0) * 100.0;
        let (rate, sent) = (self.rate, self.posts as f64 / seconds);
        let (cores, peak) = (self.cores, self.peak_kib / 1_024);
        let gave_up = if self.fell_behind { " (given up)" } else { "" };
        write!(
            f,
            "| {rate}{gave_up} | {sent:.0} | {seconds:.1} | {p50} | {p99} | {p999} | {most} | {own:.2} | {cores:.2} | {peak} |"
        )
    }
}

/// Least, median and most, in milliseconds, of times in microseconds.
pub(crate) fn spread(mut times: Vec<i64>) -> String {
    times.sort_unstable();
    let ms = |at: usize| times.get(at).map_or(0.0, |us| *us as f64 / 1_000.0);
    let (middle, last) = (times.len() / 2, times.len().saturating_sub(1));
    format!(
        "least {:.1}, median {:.1}, most {:.1}",
        ms(0),
        ms(middle),
        ms(last)
    )
}
