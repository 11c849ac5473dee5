//! A new client in place of one that finds no broker any more.
//!
//! The library forgets all brokers where one that is just starting says that there are none, and
//! then connects to nobody for ever (librdkafka 2.10 to 2.13, its issue 5301). From outside this
//! looks as an outage does. So an outage that is longer than the group waits for a member anyway
//! ends with a new client, which begins at the addresses of the configuration.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer as _;

use super::super::client::{log_error, retire};
use super::super::context::GroupContext;
use super::super::names::Names;
use super::super::slots::Slots;
use super::{Client, KafkaConsumer};
use crate::LogError;

/// How long the cluster has not been there.
pub(super) struct Outage {
    long: Duration,
    since: Option<Instant>,
}

impl Outage {
    pub(super) fn longer_than(long: Duration) -> Self {
        Self { long, since: None }
    }

    pub(super) fn ended(&mut self) {
        self.since = None;
    }

    /// A look at a cluster that is away; whether it has been so for long since the last time that
    /// this was answered with yes.
    pub(super) fn is_long(&mut self) -> bool {
        let is_long = self.since.get_or_insert_with(Instant::now).elapsed() >= self.long;
        if is_long {
            self.since = None;
        }
        is_long
    }
}

/// A client that has joined the group, or will once the cluster is there.
pub(super) fn connect(
    config: &ClientConfig,
    names: &Names,
    topics: &[String],
) -> Result<Client, LogError> {
    let failed = |e| log_error("cannot join the kafka group", &e);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_long_from_its_first_look_on_and_counts_anew_after_each_renewal() {
        let mut never = Outage::longer_than(Duration::MAX);
        assert!(!never.is_long() && !never.is_long());
        let mut at_once = Outage::longer_than(Duration::ZERO);
        assert!(at_once.is_long() && at_once.since.is_none());
        never.ended();
        assert!(never.since.is_none());
    }
}
