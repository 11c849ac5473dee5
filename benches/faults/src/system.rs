//! The running system: simulator, ingester, processors, and the observers of log and store.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use moodvane_eventlog::{KafkaConfig, KafkaLog};
use moodvane_model::{HourSlot, Incarnation, RunId, Timestamp, Topic};
use moodvane_runtime::{Clock, SystemClock};
use moodvane_simulator::Truth;
use moodvane_store::{CassandraConfig, CassandraStore, Store};

use crate::cluster::Cluster;
use crate::configuration::{LATEST_MS, PARTITIONS, Run};
use crate::kafka::Operator;
use crate::options::Options;
use crate::outcome::{Allowances, Outcome};
use crate::progress::Watch;
use crate::service::{Service, client, free_address};
use crate::waiting::wait_until;

/// Short, so that a slow read does not count as a stall.
const WATCH_TIMEOUT: Duration = Duration::from_secs(1);

/// The running system.
pub(crate) struct System {
    pub(crate) cluster: Cluster,
    pub(crate) operator: Operator,
    pub(crate) log: KafkaLog,
    pub(crate) store: CassandraStore,
    pub(crate) watch: Watch,
    pub(crate) run: RunId,
    pub(crate) incarnation: Incarnation,
    /// The allowances of all faults so far.
    pub(crate) allowances: Allowances,
    pub(crate) ingester: Option<Service>,
    pub(crate) processors: BTreeMap<u32, Service>,
    pub(crate) timeout: Duration,
    /// From the last kill of a server until all replicas are in sync again.
    pub(crate) downtime: Option<Duration>,
    /// The prefix of the topics; also the keyspace.
    name: String,
    config: PathBuf,
    kafka: KafkaConfig,
    truth_url: String,
    _simulator: Service,
}

impl System {
    /// Starts everything, with one processor, and waits until it is ready.
    pub(crate) async fn start(options: &Options, folder: &Path) -> anyhow::Result<Self> {
        let cluster = Cluster::find(&options.servers)?;
        let now = SystemClock.now();
        let name = format!("faults{}", now.millis());
        let simulator = free_address()?;
        let run = Run {
            name: &name,
            folder,
            cluster: &cluster,
            simulator,
            rate: options.rate,
            now,
        };
        let config = folder.join("faults.toml");
        fs::write(&config, run.toml()?)?;
        let operator = Operator::connect(&cluster.kafka)?;
        let kafka = kafka(&cluster, &name);
        let log = KafkaLog::open(kafka.clone()).await?;
        let store = store(&cluster, &name, None).await?;
        let simulator_process = Service::start("simulator", "simulator", &config, &[])?;
        let truth_url = format!("http://{simulator}/truth");
        simulator_process.ready(options.timeout()).await?;
        let incarnation = Incarnation(1);
        let first = start_processor(&config, 1, incarnation)?;
        let ingester = Service::start("ingester", "ingester", &config, &[])?;
        first.ready(options.timeout()).await?;
        let runs = store.runs().await?;
        let run = runs.first().context("no run is registered")?.id.clone();
        let watched = self::store(&cluster, &name, Some(WATCH_TIMEOUT)).await?;
        let watch = Watch::start(watched, run.clone(), incarnation, PARTITIONS);
        Ok(Self {
            cluster,
            operator,
            log,
            store,
            watch,
            run,
            incarnation,
            allowances: Allowances::new(),
            ingester: Some(ingester),
            processors: BTreeMap::from([(1, first)]),
            timeout: options.timeout(),
            downtime: None,
            name,
            config,
            kafka,
            truth_url,
            _simulator: simulator_process,
        })
    }

    /// The name that a topic has in the cluster.
    pub(crate) fn topic(&self, topic: Topic) -> String {
        format!("{}.{topic}", self.name)
    }

    /// Starts processor `number`. The first is a static member, so that its successor gets the
    /// partitions of a killed one. The others are dynamic members, which leave the group as they
    /// stop.
    pub(crate) fn start_processor(&mut self, number: u32) -> anyhow::Result<()> {
        let processor = start_processor(&self.config, number, self.incarnation)?;
        self.processors.insert(number, processor);
        Ok(())
    }

    /// Removes processor `number` from the system.
    pub(crate) fn take_processor(&mut self, number: u32) -> anyhow::Result<Service> {
        let processor = self.processors.remove(&number);
        processor.with_context(|| format!("no processor {number}"))
    }

    /// The processor `number`.
    pub(crate) fn processor(&self, number: u32) -> anyhow::Result<&Service> {
        let processor = self.processors.get(&number);
        processor.with_context(|| format!("no processor {number}"))
    }

    pub(crate) fn start_ingester(&mut self) -> anyhow::Result<()> {
        self.ingester = Some(Service::start("ingester", "ingester", &self.config, &[])?);
        Ok(())
    }

    /// Removes the ingester from the system.
    pub(crate) fn take_ingester(&mut self) -> anyhow::Result<Service> {
        self.ingester.take().context("no ingester")
    }

    /// Creates the topics, as the services do at their start.
    pub(crate) async fn create_topics(&self) -> anyhow::Result<()> {
        wait_until("the topics are created", self.timeout, async || {
            Ok(Some(KafkaLog::open(self.kafka.clone()).await?))
        })
        .await?;
        Ok(())
    }

    /// Processors started from now on fold into another incarnation.
    pub(crate) fn switch_incarnation(&mut self, incarnation: Incarnation) {
        self.incarnation = incarnation;
        self.watch.follow(incarnation);
    }

    pub(crate) async fn truth(&self) -> anyhow::Result<Truth> {
        let answer = client()?.get(&self.truth_url).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Waits until every event sent so far belongs to an hour that is over.
    pub(crate) async fn wait_for_hour_end(&self) -> anyhow::Result<()> {
        let now_ms = self.truth().await?.complete_through_ms + LATEST_MS;
        let mark = HourSlot::containing(Timestamp::from_millis(now_ms)?);
        wait_until("the hour is over", self.timeout, async || {
            let through = self.truth().await?.through;
            Ok(through.is_some_and(|through| through >= mark).then_some(()))
        })
        .await
    }

    /// Compares all hours that are over.
    pub(crate) async fn compare(&self) -> anyhow::Result<Outcome> {
        let truth = self.truth().await?;
        let range = truth.final_hours().context("no hour is over yet")?;
        let rows = self.store.hours(truth.city, range).await?;
        Ok(Outcome::compare(truth, &self.allowances, &rows, range))
    }

    /// Compares until all hours match, or until they can no longer match.
    pub(crate) async fn settle(&self) -> anyhow::Result<Outcome> {
        let mut last = None;
        let mut beyond = 0;
        let settled = wait_until(
            "the hours match the ground truth",
            self.timeout,
            async || {
                let outcome = self.compare().await?;
                // PartitionProgress twice, so that no answer of one moment is compared with that of another.
                beyond = if outcome.has_too_many_posts() {
                    beyond + 1
                } else {
                    0
                };
                if outcome.is_correct() || beyond > 1 {
                    return Ok(Some(outcome));
                }
                last = Some(outcome);
                Ok(None)
            },
        )
        .await;
        match (settled, last) {
            (Ok(outcome), _) | (Err(_), Some(outcome)) => Ok(outcome),
            (Err(error), None) => Err(error),
        }
    }

    /// Fails when a service has exited by itself.
    pub(crate) fn check_running(&mut self) -> anyhow::Result<()> {
        let all = self.ingester.iter_mut().chain(self.processors.values_mut());
        for service in all {
            let ended = service.exit_status()?;
            ensure!(
                ended.is_none(),
                "{} exited by itself: {ended:?}",
                service.name()
            );
        }
        Ok(())
    }
}

fn start_processor(
    config: &Path,
    number: u32,
    incarnation: Incarnation,
) -> anyhow::Result<Service> {
    let name = format!("processor-{number}");
    let mut sets = vec![format!("eventlog.incarnation={}", incarnation.0)];
    if number == 1 {
        sets.push(format!("eventlog.kafka.instance_id={name}"));
    }
    Service::start("processor", &name, config, &sets)
}

fn kafka(cluster: &Cluster, name: &str) -> KafkaConfig {
    KafkaConfig {
        topic_prefix: format!("{name}."),
        partitions: PARTITIONS,
        replication: 3,
        min_insync_replicas: 2,
        retention: Some(Duration::from_hours(168)),
        ..KafkaConfig::new(&cluster.kafka)
    }
}

async fn store(
    cluster: &Cluster,
    name: &str,
    within: Option<Duration>,
) -> anyhow::Result<CassandraStore> {
    let nodes = cluster.cassandra.split(',').map(str::parse);
    let mut config = CassandraConfig::new(nodes.collect::<Result<_, _>>()?, name.parse()?);
    config.replication_factor = NonZeroU8::new(3).unwrap_or(NonZeroU8::MIN);
    config.request_timeout = within.unwrap_or(config.request_timeout);
    Ok(CassandraStore::connect(&config).await?)
}
