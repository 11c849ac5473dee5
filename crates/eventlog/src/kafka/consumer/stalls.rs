//! Restarts stalled partitions: they are reported as assigned again, so that the caller reads the
//! watermarks and decides where to start.

use std::time::Duration;

use moodvane_model::Offset;

use super::KafkaConsumer;
use crate::{LogError, TopicPartition};

/// Bounds how long the check delays the other partitions. The next check asks again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

impl KafkaConsumer {
    /// Looks for stalled partitions where a check is due.
    pub(super) fn check_stalls(&mut self) -> Result<(), LogError> {
        if !self.stall_check.is_due() || self.unreachable.is_some() {
            return Ok(());
        }
        let fetching = self.assignment.iter_mut().filter(|p| p.is_fetching);
        let idle: Vec<(TopicPartition, Offset)> = fetching
            .filter_map(|p| Some((p.at, p.position.filter(|_| p.stall.is_idle())?)))
            .collect();
        for (at, position) in idle {
            let Ok(watermarks) = self.watermarks_with_timeout(at, REQUEST_TIMEOUT) else {
                // The other partitions are likely to be as slow to answer.
                return Ok(());
            };
            let partition = self.assignment.get_mut(at);
            if !partition.is_some_and(|p| p.stall.is_stalled(position, watermarks)) {
                continue;
            }
            tracing::warn!(
                topic = %at.topic, partition = at.partition.0, position = position.0,
                low = watermarks.low.0, high = watermarks.high.0,
                "kafka partition stalled, restarting it"
            );
            self.assignment.reset(at);
            self.unreported.push(at);
        }
        Ok(())
    }
}
