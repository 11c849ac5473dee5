//! Creates the topics, and checks the settings that the guarantees need.

use std::time::{Duration, Instant};

use moodvane_model::Topic;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use tokio::runtime::Handle;

use super::KafkaConfig;
use super::brokers;
use super::client::{LoggingContext, close_in_background, log_error};
use super::names::TopicNames;
use super::producer::Producer;
use crate::LogError;

/// Between two requests for the metadata of a new topic.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The expected partitions and settings of a topic.
struct TopicSpec {
    name: String,
    partitions: usize,
    /// The cleanup policy: set and checked.
    policy: &'static str,
    /// Settings that are set at creation and not checked: an operator may change them.
    extra: Vec<(&'static str, String)>,
}

fn topic_specs(config: &KafkaConfig, names: &TopicNames) -> Vec<TopicSpec> {
    let retention = config
        .retention
        .map_or_else(|| "-1".to_owned(), |r| r.as_millis().to_string());
    let partitions = config.partitions as usize;
    let retained = |name: String, max_message_bytes: &str| TopicSpec {
        name,
        partitions,
        policy: "delete",
        extra: vec![
            ("retention.ms", retention.clone()),
            ("max.message.bytes", max_message_bytes.to_owned()),
        ],
    };
    let mut all = Vec::new();
    for topic in Topic::ALL {
        all.push(retained(names.live(topic).to_owned(), "2097152"));
        // A dead letter may already be over the limits, and has headers in addition.
        all.push(retained(names.dead(topic), "4194304"));
    }
    all.push(TopicSpec {
        name: names.cursors(),
        partitions: 1,
        policy: "compact",
        // Compaction never touches the active segment, which every read scans: keep it small.
        extra: vec![
            ("segment.ms", "3600000".to_owned()),
            ("segment.bytes", "16777216".to_owned()),
            ("min.cleanable.dirty.ratio", "0.1".to_owned()),
        ],
    });
    all
}

/// Creates missing topics, adds missing partitions, and checks replicas and settings. Blocks.
/// Several processes may do so at once.
pub(super) fn ensure(
    config: &KafkaConfig,
    names: &TopicNames,
    producer: &Producer,
    runtime: &Handle,
) -> Result<(), LogError> {
    let client = AdminClient::from_config_and_context(&config.client(), LoggingContext)
        .map_err(|e| log_error("cannot create kafka admin client", e))?;
    let admin = TopicAdmin {
        client: Some(client),
        config,
        producer,
        runtime,
        deadline: Instant::now() + 3 * config.request_timeout,
    };
    admin.ensure(&topic_specs(config, names))
}

struct TopicAdmin<'a> {
    /// `None` only while the admin is dropped.
    client: Option<AdminClient<LoggingContext>>,
    config: &'a KafkaConfig,
    /// Fetches the metadata: its callback reports why a connection fails, the admin client's does not.
    producer: &'a Producer,
    runtime: &'a Handle,
    deadline: Instant,
}

impl Drop for TopicAdmin<'_> {
    fn drop(&mut self) {
        let client = self.client.take();
        close_in_background("admin", move || drop(client));
    }
}

impl TopicAdmin<'_> {
    fn client(&self) -> Result<&AdminClient<LoggingContext>, LogError> {
        let closed = || LogError::Unavailable("kafka admin client is closed".into());
        self.client.as_ref().ok_or_else(closed)
    }

    fn options(&self) -> AdminOptions {
        let timeout = Some(self.config.request_timeout);
        AdminOptions::new()
            .request_timeout(timeout)
            .operation_timeout(timeout)
    }

    fn ensure(&self, specs: &[TopicSpec]) -> Result<(), LogError> {
        let metadata = self.metadata()?;
        let missing_topics: Vec<&TopicSpec> = specs
            .iter()
            .filter(|w| partition_count(&metadata, &w.name) == 0)
            .collect();
        if !missing_topics.is_empty() {
            self.create(&missing_topics)?;
        }
        let mut metadata = self.wait_for_partitions(specs, |_| 1)?;
        let short: Vec<(&TopicSpec, usize)> = specs
            .iter()
            .map(|w| (w, partition_count(&metadata, &w.name)))
            .filter(|(w, has)| *has < w.partitions)
            .collect();
        if !short.is_empty() {
            self.add_partitions(&short)?;
            metadata = self.wait_for_partitions(specs, |w| w.partitions)?;
        }
        let is_complete = |metadata: &Metadata| {
            specs
                .iter()
                .all(|w| led_partition_count(metadata, &w.name) >= w.partitions)
        };
        brokers::wait_for_all(self.config, metadata.brokers(), self.deadline, is_complete)?;
        specs
            .iter()
            .try_for_each(|w| self.check_replicas(&metadata, w))?;
        self.check_settings(specs)
    }

    fn metadata(&self) -> Result<Metadata, LogError> {
        self.producer.metadata(None, self.config.request_timeout)
    }

    fn create(&self, missing_topics: &[&TopicSpec]) -> Result<(), LogError> {
        let in_sync = self.config.min_insync_replicas.to_string();
        let replicas = i32::from(self.config.replication);
        let topics: Vec<NewTopic<'_>> = missing_topics
            .iter()
            .map(|w| {
                let topic = NewTopic::new(
                    &w.name,
                    w.partitions as i32,
                    TopicReplication::Fixed(replicas),
                )
                .set("cleanup.policy", w.policy)
                .set("message.timestamp.type", "LogAppendTime")
                .set("min.insync.replicas", &in_sync);
                w.extra
                    .iter()
                    .fold(topic, |topic, (key, value)| topic.set(key, value))
            })
            .collect();
        let results = self
            .runtime
            .block_on(self.client()?.create_topics(&topics, &self.options()))
            .map_err(|e| log_error("cannot create kafka topics", e))?;
        for result in results {
            match result {
                Ok(name) => tracing::info!(topic = name, "kafka topic created"),
                // Another process created it.
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    let failure = format!("cannot create kafka topic {name}");
                    return Err(log_error(&failure, KafkaError::AdminOp(code)));
                }
            }
        }
        Ok(())
    }

    fn add_partitions(&self, short: &[(&TopicSpec, usize)]) -> Result<(), LogError> {
        let specs: Vec<NewPartitions<'_>> = short
            .iter()
            .map(|(w, _)| NewPartitions::new(&w.name, w.partitions))
            .collect();
        let results = self
            .runtime
            .block_on(self.client()?.create_partitions(&specs, &self.options()))
            .map_err(|e| log_error("cannot add kafka partitions", e))?;
        for (result, (w, had)) in results.into_iter().zip(short) {
            match result {
                Ok(name) => {
                    tracing::info!(
                        topic = name,
                        had,
                        now = w.partitions,
                        "kafka partitions added"
                    );
                }
                // Another process added partitions; the caller checks the number next.
                Err((_, Code::InvalidPartitions)) => {}
                Err((name, code)) => {
                    let failure = format!("cannot add partitions to kafka topic {name}");
                    return Err(log_error(&failure, KafkaError::AdminOp(code)));
                }
            }
        }
        Ok(())
    }

    /// Waits until every topic has at least `least` partitions with a leader.
    fn wait_for_partitions(
        &self,
        specs: &[TopicSpec],
        least: impl Fn(&TopicSpec) -> usize,
    ) -> Result<Metadata, LogError> {
        loop {
            let metadata = self.metadata()?;
            let missing = specs
                .iter()
                .find(|w| led_partition_count(&metadata, &w.name) < least(w));
            let Some(missing) = missing else {
                return Ok(metadata);
            };
            if Instant::now() >= self.deadline {
                return Err(LogError::Unavailable(
                    format!(
                        "kafka topic {} has {} partitions with a leader, expected {}",
                        missing.name,
                        led_partition_count(&metadata, &missing.name),
                        least(missing)
                    )
                    .into(),
                ));
            }
            std::thread::sleep(RETRY_INTERVAL);
        }
    }

    fn check_replicas(&self, metadata: &Metadata, w: &TopicSpec) -> Result<(), LogError> {
        let required = usize::from(self.config.replication);
        let topic = metadata.topics().iter().find(|t| t.name() == w.name);
        let few = topic
            .iter()
            .flat_map(|t| t.partitions())
            .find(|p| p.replicas().len() < required);
        few.map_or(Ok(()), |p| {
            Err(LogError::Mismatch(format!(
                "partition {} of kafka topic {} has {} replicas, the configuration requires {required}; \
                 reassign it to more brokers or lower kafka replication",
                p.id(),
                w.name,
                p.replicas().len()
            ).into()))
        })
    }

    fn check_settings(&self, specs: &[TopicSpec]) -> Result<(), LogError> {
        let topics: Vec<ResourceSpecifier<'_>> = specs
            .iter()
            .map(|w| ResourceSpecifier::Topic(&w.name))
            .collect();
        let results = self
            .runtime
            .block_on(self.client()?.describe_configs(&topics, &self.options()))
            .map_err(|e| log_error("cannot read settings of kafka topics", e))?;
        for (result, w) in results.into_iter().zip(specs) {
            let failure = format!("cannot read settings of kafka topic {}", w.name);
            let settings = result.map_err(|code| log_error(&failure, KafkaError::AdminOp(code)))?;
            self.check(w, &settings)?;
        }
        Ok(())
    }

    fn check(&self, w: &TopicSpec, settings: &ConfigResource) -> Result<(), LogError> {
        let value = |key: &str| settings.get(key).and_then(|e| e.value.as_deref());
        let in_sync = self.config.min_insync_replicas;
        let enough = value("min.insync.replicas")
            .and_then(|v| v.parse::<u16>().ok())
            .is_none_or(|has| has >= in_sync);
        let checks = [
            (
                "cleanup.policy",
                w.policy.to_owned(),
                value("cleanup.policy").is_none_or(|v| v == w.policy),
            ),
            (
                "message.timestamp.type",
                "LogAppendTime".to_owned(),
                value("message.timestamp.type").is_none_or(|v| v == "LogAppendTime"),
            ),
            ("min.insync.replicas", in_sync.to_string(), enough),
        ];
        let violated = checks.into_iter().find(|(.., holds)| !holds);
        violated.map_or(Ok(()), |(key, expected, _)| {
            Err(LogError::Mismatch(
                format!(
                    "kafka topic {} has {key}={}, it must be {expected}; \
                 set it with kafka-configs --alter --topic {} --add-config {key}={expected}",
                    w.name,
                    value(key).unwrap_or_default(),
                    w.name
                )
                .into(),
            ))
        })
    }
}

fn partition_count(metadata: &Metadata, name: &str) -> usize {
    let topic = metadata.topics().iter().find(|t| t.name() == name);
    topic.map_or(0, |t| t.partitions().len())
}

fn led_partition_count(metadata: &Metadata, name: &str) -> usize {
    let topic = metadata.topics().iter().find(|t| t.name() == name);
    let led = |t: &rdkafka::metadata::MetadataTopic| {
        t.partitions().iter().filter(|p| p.leader() >= 0).count()
    };
    topic.map_or(0, led)
}
