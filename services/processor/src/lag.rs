//! How far the rows are behind the log, partition by partition, for those who watch.
//!
//! It only looks: where the log does not answer, the last figure stays. Nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, Watermarks};
use moodvane_model::Topic;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::{Flushed, ProcessorMetrics};

/// Each look asks the log for the end of every partition.
const EVERY: Duration = Duration::from_secs(5);

/// Looks now and then, until the processor has ended.
pub(crate) async fn watch(
    log: Arc<dyn EventLog>,
    topics: Vec<Topic>,
    flushed: watch::Receiver<Flushed>,
    metrics: ProcessorMetrics,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The worker holds the other end as long as it works.
    while flushed.has_changed().is_ok() {
        ticks.tick().await;
        for topic in &topics {
            match log.watermarks(*topic).await {
                Ok(marks) => note(&metrics, &marks, &flushed.borrow()),
                Err(error) => tracing::debug!(%error, "cannot see how long the log is"),
            }
        }
    }
}

/// Notes the lag of the partitions that are this processor's, and forgets that of others.
fn note(metrics: &ProcessorMetrics, marks: &[Watermarks], flushed: &Flushed) {
    for Watermarks { at, high, .. } in marks {
        let lag = flushed.get(at).map(|next| high.0.saturating_sub(next.0));
        metrics.lag(*at, lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_eventlog::TopicPartition;
    use moodvane_model::{Offset, Partition};
    use prometheus::Registry;

    #[test]
    fn only_partitions_of_this_processor_have_a_lag() {
        let registry = Registry::new();
        let metrics = ProcessorMetrics::new(&registry);
        let at = |partition| TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(partition),
        };
        let marks = [0, 1, 2].map(|partition| Watermarks {
            at: at(partition),
            low: Offset(0),
            high: Offset(100),
        });
        let shown = |metrics: &ProcessorMetrics, flushed: &[(u32, u64)]| {
            let flushed = flushed.iter().map(|(p, next)| (at(*p), Offset(*next)));
            note(metrics, &marks, &flushed.collect());
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
        // A partition that was let go is another processor's to tell of.
        assert_eq!(shown(&metrics, &[(1, 99)]), ["1:1"]);
    }
}
