//! Replaces a client that reaches no broker any more; [`super::super::outage`] says why.

use super::super::assignment::Assignment;
use rdkafka::consumer::Consumer as _;

use super::super::client::close_in_background;
use super::super::group_client::join;
use super::KafkaConsumer;
use crate::LogError;

impl KafkaConsumer {
    /// Replaces the client. Its partitions are reported as revoked: other members may own them.
    pub(super) fn replace_client(&mut self) -> Result<(), LogError> {
        tracing::warn!("no kafka broker reachable, replacing consumer client");
        let new = join(&self.config, &self.names, &self.topics)?;
        if let Some(old) = self.client.replace(new) {
            old.context().close();
            close_in_background("consumer", move || drop(old));
        }
        self.lost.extend(self.assignment.iter().map(|p| p.at));
        self.assignment = Assignment::default();
        self.unreported.clear();
        self.revocation = None;
        self.committed.clear();
        self.offset_out_of_range = false;
        Ok(())
    }
}
