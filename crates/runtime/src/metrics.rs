//! Prometheus counters, gauges and histograms, created by name.
//!
//! Names and labels are constants of the program. An invalid name is a bug and panics at start. A
//! duplicate name is logged, and the later metric is not exported.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Upper bounds of the duration buckets, in seconds: 0.1 ms to 10 s.
const BUCKETS: [f64; 16] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// A counter.
#[must_use]
pub fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    register(registry, name, IntCounter::new(name, help))
}

/// A counter with labels; label values must be a bounded set.
#[must_use]
pub fn counter_vec(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(
        registry,
        name,
        IntCounterVec::new(Opts::new(name, help), labels),
    )
}

/// A gauge.
#[must_use]
pub fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    register(registry, name, IntGauge::new(name, help))
}

/// A gauge with labels; label values must be a bounded set.
#[must_use]
pub fn gauge_vec(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(
        registry,
        name,
        IntGaugeVec::new(Opts::new(name, help), labels),
    )
}

/// A histogram of durations in seconds.
#[must_use]
pub fn histogram(registry: &Registry, name: &str, help: &str) -> Histogram {
    register(registry, name, Histogram::with_opts(seconds(name, help)))
}

/// A histogram of durations in seconds with labels.
#[must_use]
pub fn histogram_vec(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    register(
        registry,
        name,
        HistogramVec::new(seconds(name, help), labels),
    )
}

fn seconds(name: &str, help: &str) -> HistogramOpts {
    HistogramOpts::new(name, help).buckets(BUCKETS.to_vec())
}

/// All metrics of the registry, in Prometheus' text format.
#[must_use]
pub fn render(registry: &Registry) -> String {
    // Fails only for an invalid name, which cannot be registered.
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap_or_default()
}

#[expect(
    clippy::expect_used,
    reason = "names and labels are constants: every test finds an invalid one"
)]
fn register<M: Collector + Clone + 'static>(
    registry: &Registry,
    name: &str,
    metric: prometheus::Result<M>,
) -> M {
    let metric = metric.expect("a metric's name and labels are valid");
    if let Err(error) = registry.register(Box::new(metric.clone())) {
        tracing::error!(metric = name, %error, "duplicate metric is not exported");
    }
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_registered_metrics() {
        let registry = Registry::new();
        counter(&registry, "moodvane_a_total", "A.").inc_by(2);
        counter_vec(&registry, "moodvane_b_total", "B.", &["why"])
            .with_label_values(&["x"])
            .inc();
        histogram(&registry, "moodvane_c_seconds", "C.").observe(0.003);
        gauge(&registry, "moodvane_d", "D.").set(-1);
        let text = render(&registry);
        for line in [
            "moodvane_a_total 2",
            "moodvane_b_total{why=\"x\"} 1",
            "moodvane_c_seconds_bucket{le=\"0.0025\"} 0",
            "moodvane_c_seconds_bucket{le=\"0.005\"} 1",
            "moodvane_d -1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
