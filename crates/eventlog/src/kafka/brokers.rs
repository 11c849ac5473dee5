//! Asking every broker for itself.
//!
//! A new topic reaches the brokers one after the other. A group whose coordinator does not know it
//! yet shares out none of its partitions, and does not notice when that changes: its members wait
//! for ever. So nobody joins before every broker knows.

use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::{Metadata, MetadataBroker};

use super::KafkaConfig;
use super::client::{Quiet, log_error, retire};
use crate::LogError;

/// A broker that does not answer by then is away, and knows everything before it is back.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until `knows` holds for what each of the `brokers` says. Blocks until `deadline` at most.
pub(super) fn await_all(
    config: &KafkaConfig,
    brokers: &[MetadataBroker],
    deadline: Instant,
    knows: impl Fn(&Metadata) -> bool,
) -> Result<(), LogError> {
    for broker in brokers {
        let client = connect(config, broker)?;
        let result = await_one(&client, broker, deadline, &knows);
        retire("broker", move || drop(client));
        result?;
    }
    Ok(())
}

/// A client that knows only this broker to begin with, and so asks it.
fn connect(config: &KafkaConfig, broker: &MetadataBroker) -> Result<BaseConsumer<Quiet>, LogError> {
    let host = broker.host();
    let port = broker.port();
    let address = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut client = config.client();
    client.set("bootstrap.servers", address);
    BaseConsumer::from_config_and_context(&client, Quiet)
        .map_err(|e| log_error("cannot make a kafka client", e))
}

fn await_one(
    client: &BaseConsumer<Quiet>,
    broker: &MetadataBroker,
    deadline: Instant,
    knows: impl Fn(&Metadata) -> bool,
) -> Result<(), LogError> {
    loop {
        match client.fetch_metadata(None, ANSWER_WITHIN) {
            Ok(metadata) if knows(&metadata) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                tracing::info!(broker = broker.id(), %error, "kafka broker is away");
                return Ok(());
            }
        }
        if Instant::now() >= deadline {
            let (id, host, port) = (broker.id(), broker.host(), broker.port());
            return Err(LogError::Unavailable(
                format!("kafka broker {id} at {host}:{port} does not know all topics yet").into(),
            ));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
