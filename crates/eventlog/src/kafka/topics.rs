//! The topics: making them, and checking that they are as the guarantees need them.

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
use super::client::{Quiet, log_error, retire};
use super::names::Names;
use super::producer::Producer;
use crate::LogError;

/// Between two looks at whether a new topic is there.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A topic as it should be.
struct Wanted {
    name: String,
    partitions: usize,
    /// Settings that are made and checked.
    policy: &'static str,
    /// Settings that are made only: an operator may change them.
    extra: Vec<(&'static str, String)>,
}

fn wanted(config: &KafkaConfig, names: &Names) -> Vec<Wanted> {
    let retention = config
        .retention
        .map_or_else(|| "-1".to_owned(), |r| r.as_millis().to_string());
    let partitions = config.partitions as usize;
    let kept = |name: String, largest: &str| Wanted {
        name,
        partitions,
        policy: "delete",
        extra: vec![
            ("retention.ms", retention.clone()),
            ("max.message.bytes", largest.to_owned()),
        ],
    };
    let mut all = Vec::new();
    for topic in Topic::ALL {
        all.push(kept(names.live(topic).to_owned(), "2097152"));
        // A letter is a record that may be over our limits already, with headers on top.
        all.push(kept(names.dead(topic), "4194304"));
    }
    all.push(Wanted {
        name: names.cursors(),
        partitions: 1,
        policy: "compact",
        // Compaction never touches the newest segment, which is read whole: keep it small.
        extra: vec![
            ("segment.ms", "3600000".to_owned()),
            ("segment.bytes", "16777216".to_owned()),
            ("min.cleanable.dirty.ratio", "0.1".to_owned()),
        ],
    });
    all
}

/// Makes the topics that are absent, adds partitions where there are too few, and checks the rest.
/// Blocks. Several processes may do it at once.
pub(super) fn ensure(
    config: &KafkaConfig,
    names: &Names,
    producer: &Producer,
    runtime: &Handle,
) -> Result<(), LogError> {
    let client = AdminClient::from_config_and_context(&config.client(), Quiet)
        .map_err(|e| log_error("cannot make a kafka admin client", e))?;
    let admin = Admin {
        client: Some(client),
        config,
        producer,
        runtime,
        deadline: Instant::now() + 3 * config.request_timeout,
    };
    admin.ensure(&wanted(config, names))
}

struct Admin<'a> {
    /// `None` only while it is dropped.
    client: Option<AdminClient<Quiet>>,
    config: &'a KafkaConfig,
    /// Asked for the metadata: its thread hears why a connection fails, the admin client's does not.
    producer: &'a Producer,
    runtime: &'a Handle,
    deadline: Instant,
}

impl Drop for Admin<'_> {
    fn drop(&mut self) {
        let client = self.client.take();
        retire("admin", move || drop(client));
    }
}

impl Admin<'_> {
    fn client(&self) -> Result<&AdminClient<Quiet>, LogError> {
        let gone = || LogError::Unavailable("the admin client is closed".into());
        self.client.as_ref().ok_or_else(gone)
    }

    fn options(&self) -> AdminOptions {
        let within = Some(self.config.request_timeout);
        AdminOptions::new()
            .request_timeout(within)
            .operation_timeout(within)
    }

    fn ensure(&self, wanted: &[Wanted]) -> Result<(), LogError> {
        let there = self.metadata()?;
        let absent: Vec<&Wanted> = wanted
            .iter()
            .filter(|w| partitions_of(&there, &w.name) == 0)
            .collect();
        if !absent.is_empty() {
            self.create(&absent)?;
        }
        let mut there = self.await_partitions(wanted, |_| 1)?;
        let short: Vec<(&Wanted, usize)> = wanted
            .iter()
            .map(|w| (w, partitions_of(&there, &w.name)))
            .filter(|(w, has)| *has < w.partitions)
            .collect();
        if !short.is_empty() {
            self.add_partitions(&short)?;
            there = self.await_partitions(wanted, |w| w.partitions)?;
        }
        let knows = |there: &Metadata| {
            wanted
                .iter()
                .all(|w| led_partitions_of(there, &w.name) >= w.partitions)
        };
        brokers::await_all(self.config, there.brokers(), self.deadline, knows)?;
        wanted
            .iter()
            .try_for_each(|w| self.check_replicas(&there, w))?;
        self.check_settings(wanted)
    }

    fn metadata(&self) -> Result<Metadata, LogError> {
        self.producer.metadata(None, self.config.request_timeout)
    }

    fn create(&self, absent: &[&Wanted]) -> Result<(), LogError> {
        let in_sync = self.config.min_insync_replicas.to_string();
        let copies = i32::from(self.config.replication);
        let topics: Vec<NewTopic<'_>> = absent
            .iter()
            .map(|w| {
                let topic = NewTopic::new(
                    &w.name,
                    w.partitions as i32,
                    TopicReplication::Fixed(copies),
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
            .map_err(|e| log_error("cannot make the kafka topics", e))?;
        for result in results {
            match result {
                Ok(name) => tracing::info!(topic = name, "topic made"),
                // Another process was quicker.
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    let doing = format!("cannot make the kafka topic {name}");
                    return Err(log_error(&doing, KafkaError::AdminOp(code)));
                }
            }
        }
        Ok(())
    }

    fn add_partitions(&self, short: &[(&Wanted, usize)]) -> Result<(), LogError> {
        let wanted: Vec<NewPartitions<'_>> = short
            .iter()
            .map(|(w, _)| NewPartitions::new(&w.name, w.partitions))
            .collect();
        let results = self
            .runtime
            .block_on(self.client()?.create_partitions(&wanted, &self.options()))
            .map_err(|e| log_error("cannot add kafka partitions", e))?;
        for (result, (w, had)) in results.into_iter().zip(short) {
            match result {
                Ok(name) => {
                    tracing::info!(topic = name, had, now = w.partitions, "partitions added");
                }
                // Another process was quicker; whether they are enough is checked next.
                Err((_, Code::InvalidPartitions)) => {}
                Err((name, code)) => {
                    let doing = format!("cannot add partitions to the kafka topic {name}");
                    return Err(log_error(&doing, KafkaError::AdminOp(code)));
                }
            }
        }
        Ok(())
    }

    /// Waits until the cluster shows every topic with at least `least` partitions, all with a
    /// leader.
    fn await_partitions(
        &self,
        wanted: &[Wanted],
        least: impl Fn(&Wanted) -> usize,
    ) -> Result<Metadata, LogError> {
        loop {
            let there = self.metadata()?;
            let missing = wanted
                .iter()
                .find(|w| led_partitions_of(&there, &w.name) < least(w));
            let Some(missing) = missing else {
                return Ok(there);
            };
            if Instant::now() >= self.deadline {
                return Err(LogError::Unavailable(
                    format!(
                        "the kafka topic {} has {} partitions with a leader, {} are needed",
                        missing.name,
                        led_partitions_of(&there, &missing.name),
                        least(missing)
                    )
                    .into(),
                ));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn check_replicas(&self, there: &Metadata, w: &Wanted) -> Result<(), LogError> {
        let needed = usize::from(self.config.replication);
        let topic = there.topics().iter().find(|t| t.name() == w.name);
        let few = topic
            .iter()
            .flat_map(|t| t.partitions())
            .find(|p| p.replicas().len() < needed);
        few.map_or(Ok(()), |p| {
            Err(LogError::Mismatch(format!(
                "partition {} of the kafka topic {} has {} replicas, the configuration asks for {needed}; \
                 reassign it to more brokers or lower kafka replication",
                p.id(),
                w.name,
                p.replicas().len()
            ).into()))
        })
    }

    fn check_settings(&self, wanted: &[Wanted]) -> Result<(), LogError> {
        let topics: Vec<ResourceSpecifier<'_>> = wanted
            .iter()
            .map(|w| ResourceSpecifier::Topic(&w.name))
            .collect();
        let results = self
            .runtime
            .block_on(self.client()?.describe_configs(&topics, &self.options()))
            .map_err(|e| log_error("cannot read the settings of the kafka topics", e))?;
        for (result, w) in results.into_iter().zip(wanted) {
            let doing = format!("cannot read the settings of the kafka topic {}", w.name);
            let settings = result.map_err(|code| log_error(&doing, KafkaError::AdminOp(code)))?;
            self.check(w, &settings)?;
        }
        Ok(())
    }

    fn check(&self, w: &Wanted, settings: &ConfigResource) -> Result<(), LogError> {
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
        let wrong = checks.into_iter().find(|(.., is_right)| !is_right);
        wrong.map_or(Ok(()), |(key, right, _)| {
            Err(LogError::Mismatch(
                format!(
                    "the kafka topic {} has {key}={}, it must be {right}; \
                 set it with kafka-configs --alter --topic {} --add-config {key}={right}",
                    w.name,
                    value(key).unwrap_or_default(),
                    w.name
                )
                .into(),
            ))
        })
    }
}

fn partitions_of(there: &Metadata, name: &str) -> usize {
    let topic = there.topics().iter().find(|t| t.name() == name);
    topic.map_or(0, |t| t.partitions().len())
}

fn led_partitions_of(there: &Metadata, name: &str) -> usize {
    let topic = there.topics().iter().find(|t| t.name() == name);
    let led = |t: &rdkafka::metadata::MetadataTopic| {
        t.partitions().iter().filter(|p| p.leader() >= 0).count()
    };
    topic.map_or(0, led)
}
