//! Reports the lag of the rows behind the log as a metric, by partition.
//!
//! Guarantee: it only reads. The last value stays while the log is unavailable, and nothing waits
//! for it.

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, Watermarks};
use moodvane_model::{ErrorChain, Topic};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::{FlushedOffsets, ProcessorMetrics};

/// Each report reads the watermarks of every partition.
const INTERVAL: Duration = Duration::from_secs(5);

/// Reports the lag regularly until the processor ends.
pub(crate) async fn report_lag(
    log: Arc<dyn EventLog>,
    topics: Vec<Topic>,
    flushed: watch::Receiver<FlushedOffsets>,
    metrics: ProcessorMetrics,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The worker holds the sender until it ends.
    while flushed.has_changed().is_ok() {
        ticks.tick().await;
        for topic in &topics {
            match log.watermarks(*topic).await {
                Ok(marks) => set_lag(&metrics, &marks, &flushed.borrow()),
                Err(error) => {
                    tracing::debug!(error = %ErrorChain(&error), %topic, "cannot read watermarks for the lag");
                }
            }
        }
    }
}

/// Sets the lag of this processor's partitions and removes that of all others.
fn set_lag(metrics: &ProcessorMetrics, marks: &[Watermarks], flushed: &FlushedOffsets) {
    for Watermarks {
        topic_partition,
        high,
        ..
    } in marks
    {
        let lag = flushed
            .get(topic_partition)
            .map(|next| high.0.saturating_sub(next.0));
        metrics.set_lag(*topic_partition, lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_eventlog::TopicPartition;
    use moodvane_model::{Offset, Partition};
    use prometheus::Registry;

    #[test]
    fn reports_lag_of_own_partitions_only() {
        let registry = Registry::new();
        let metrics = ProcessorMetrics::new(&registry);
        let at = |partition| TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(partition),
        };
        let marks = [0, 1, 2].map(|partition| Watermarks {
            topic_partition: at(partition),
            low: Offset(0),
            high: Offset(100),
        });
        let shown = |metrics: &ProcessorMetrics, flushed: &[(u32, u64)]| {
            let flushed = flushed.iter().map(|(p, next)| (at(*p), Offset(*next)));
            set_lag(metrics, &marks, &flushed.collect());
            let text = moodvane_runtime::metrics::render(&registry);
            let lines = text
                .lines()
                .filter(|l| l.starts_with("moodvane_processor_lag_records{"));
            lines
                .filter_map(|l| l.split_once('}'))
                .map(|(labels, value)| {
                    let partition = labels.split('"').nth(1).unwrap();
                    format!("{partition}:{}", value.trim())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&metrics, &[(0, 40), (2, 100)]), ["0:60", "2:0"]);
        // Another processor reports a revoked partition.
        assert_eq!(shown(&metrics, &[(1, 99)]), ["1:1"]);
    }
}
