//! A client that is a member of a consumer group.

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::client::log_error;
use super::context::GroupContext;
use super::names::TopicNames;
use crate::LogError;

pub(super) type GroupClient = BaseConsumer<GroupContext>;

/// Creates a client that joins the group as soon as the cluster is reachable.
pub(super) fn join(
    config: &ClientConfig,
    names: &TopicNames,
    topics: &[String],
) -> Result<GroupClient, LogError> {
    let failed = |e| log_error("cannot join kafka consumer group", e);
    let context = GroupContext::new(names.clone());
    let client = GroupClient::from_config_and_context(config, context).map_err(failed)?;
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    client.subscribe(&topics).map_err(failed)?;
    Ok(client)
}
