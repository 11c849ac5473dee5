//! A new client in place of one that finds no broker any more.
//!
//! Why that is needed is said in [`super::super::outage`]. What is long here is what the group waits
//! for a member anyway.

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer as _;

use super::super::client::{log_error, retire};
use super::super::context::GroupContext;
use super::super::names::Names;
use super::super::slots::Slots;
use super::{Client, KafkaConsumer};
use crate::LogError;

/// A client that has joined the group, or will once the cluster is there.
pub(super) fn connect(
    config: &ClientConfig,
    names: &Names,
    topics: &[String],
) -> Result<Client, LogError> {
    let failed = |e| log_error("cannot join the kafka group", e);
    let context = GroupContext::new(names.clone());
    let client = Client::from_config_and_context(config, context).map_err(failed)?;
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    client.subscribe(&topics).map_err(failed)?;
    Ok(client)
}

impl KafkaConsumer {
    /// Gives the client up. Its partitions are reported as revoked: others may have them.
    pub(super) fn renew(&mut self) -> Result<(), LogError> {
        tracing::warn!("no kafka broker for long: a new client takes over");
        let new = connect(&self.config, &self.names, &self.topics)?;
        if let Some(old) = self.client.replace(new) {
            old.context().close();
            retire("consumer", move || drop(old));
        }
        self.lost.extend(self.slots.iter().map(|slot| slot.at));
        self.slots = Slots::default();
        self.unreported.clear();
        self.revocation = None;
        self.committed.clear();
        self.astray = false;
        Ok(())
    }
}
