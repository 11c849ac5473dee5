//! Waits until every broker has the metadata of new topics.
//!
//! A new topic reaches the brokers one after the other. A group coordinator without its metadata
//! assigns none of its partitions, and does not rebalance when the metadata arrives: the members
//! wait for ever. So no member joins before every broker has the metadata.

use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::{Metadata, MetadataBroker};

use super::KafkaConfig;
use super::client::{LoggingContext, close_in_background, log_error};
use crate::LogError;

/// A broker that does not answer in this time is down, and reads all metadata before it is back.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `is_complete` holds for the metadata of each broker. Blocks until `deadline` at most.
pub(super) fn wait_for_all(
    config: &KafkaConfig,
    brokers: &[MetadataBroker],
    deadline: Instant,
    is_complete: impl Fn(&Metadata) -> bool,
) -> Result<(), LogError> {
    for broker in brokers {
        let client = connect(config, broker)?;
        let result = wait_for_one(&client, broker, deadline, &is_complete);
        close_in_background("broker", move || drop(client));
        result?;
    }
    Ok(())
}

/// A client whose only bootstrap server is this broker.
fn connect(
    config: &KafkaConfig,
    broker: &MetadataBroker,
) -> Result<BaseConsumer<LoggingContext>, LogError> {
    let host = broker.host();
    let port = broker.port();
    let address = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut client = config.client();
    client.set("bootstrap.servers", address);
    BaseConsumer::from_config_and_context(&client, LoggingContext)
        .map_err(|e| log_error("cannot create kafka client", e))
}

fn wait_for_one(
    client: &BaseConsumer<LoggingContext>,
    broker: &MetadataBroker,
    deadline: Instant,
    is_complete: impl Fn(&Metadata) -> bool,
) -> Result<(), LogError> {
    loop {
        match client.fetch_metadata(None, REQUEST_TIMEOUT) {
            Ok(metadata) if is_complete(&metadata) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                tracing::info!(broker = broker.id(), %error, "kafka broker unreachable");
                return Ok(());
            }
        }
        if Instant::now() >= deadline {
            let (id, host, port) = (broker.id(), broker.host(), broker.port());
            return Err(LogError::Unavailable(
                format!("kafka broker {id} at {host}:{port} does not have the metadata of all topics yet").into(),
            ));
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
}
