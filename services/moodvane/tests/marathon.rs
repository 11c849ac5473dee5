//! The app definitions in marathon/ configure each service correctly: the test passes every variable to
//! the functions that read the service's settings, as its main does.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use moodvane_ingester::{IngesterConfig, SourceConfig};
use moodvane_launch::{
    Backends, EventLogConfig, ProbeConfig, ScorerConfig, StoreConfig,
    marathon_env::expand_marathon_env,
};
use moodvane_processor::ProcessorConfig;
use moodvane_runtime::{LogFormat, LoggingConfig, Settings, read_cities};
use moodvane_server::ServerConfig;
use serde_json::Value;

type Env = BTreeMap<String, String>;

/// The environment of the third task of an app's instance, as Marathon starts it.
fn environment(folder: &str, app: &str) -> Env {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../marathon");
    let path = root.join(folder).join(format!("{app}.json"));
    let definition: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let env = definition["env"].as_object().unwrap();
    let text = |(name, value): (&String, &Value)| {
        (
            name.clone(),
            value.as_str().unwrap_or("a secret").to_owned(),
        )
    };
    let ports = definition["portDefinitions"].as_array().unwrap().len();
    let ports = (0..ports).map(|index| (format!("PORT{index}"), (31_000 + index).to_string()));
    let task = format!("moodvane_{app}.instance-5a._app.3");
    let task = ("MESOS_TASK_ID".to_owned(), task);
    env.iter().map(text).chain(ports).chain([task]).collect()
}

fn settings(env: Env) -> Settings {
    let mut settings = Settings::new();
    settings.merge_env(expand_marathon_env(env.into_iter().collect()));
    settings
}

fn backends(settings: &Settings) -> Option<Backends> {
    let backends = Backends::read(settings)?;
    backends.require_shared(settings);
    Some(backends)
}

/// Both renderings of the definitions, each with the addresses of log and store.
const RENDERED: [(&str, &str, [&str; 2]); 2] = [
    (
        "",
        "node-1:9092,node-2:9092,node-3:9092",
        ["node-1:9042", "node-3:9042"],
    ),
    (
        "local",
        "127.0.0.1:19092,127.0.0.2:19092,127.0.0.3:19092",
        ["127.0.0.1:19042", "127.0.0.3:19042"],
    ),
];

fn check_backends(backends: &Backends, kafka: &str, [first, last]: [&str; 2]) {
    let EventLogConfig::Kafka(log) = &backends.log else {
        panic!("the log is a file")
    };
    assert_eq!(log.bootstrap_servers, kafka);
    assert_eq!(
        (log.replication, log.min_insync_replicas, log.partitions),
        (3, 2, 6)
    );
    let StoreConfig::Cassandra(store) = &backends.store else {
        panic!("the store is a file")
    };
    let nodes: Vec<String> = store
        .contact_points
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(nodes.len(), 3);
    assert_eq!((nodes[0].as_str(), nodes[2].as_str()), (first, last));
    assert_eq!(store.replication_factor.get(), 3);
}

#[test]
fn processor_definitions_are_valid() {
    for (folder, kafka, cassandra) in RENDERED {
        for (app, topic) in [
            ("processor-temperature", "temperature"),
            ("processor-tweets", "tweet"),
        ] {
            let env = environment(folder, app);
            assert_eq!(env["MOODVANE_PROCESSOR__TOPIC"], topic);
            let settings = settings(env);
            let logging = LoggingConfig::read(&settings);
            let backends = backends(&settings);
            let probe = ProbeConfig::read(&settings);
            let scorer = ScorerConfig::read(&settings);
            let processor = ProcessorConfig::read(&settings);
            let read = logging.zip(backends).zip(probe).zip(scorer.zip(processor));
            let (((logging, backends), probe), _) = settings.finish_with(read).unwrap();
            assert_eq!(logging.format, LogFormat::Json);
            assert_eq!(probe.address.to_string(), "0.0.0.0:31000");
            check_backends(&backends, kafka, cassandra);
            let EventLogConfig::Kafka(log) = &backends.log else {
                panic!("the log is a file")
            };
            let instance = format!("moodvane_{app}.instance-5a");
            assert_eq!(log.instance_id, Some(instance), "stable across tasks");
        }
    }
}

#[test]
fn ingester_definitions_are_valid() {
    for (folder, kafka, cassandra) in RENDERED {
        for app in ["ingester-temperature", "ingester-tweets"] {
            let settings = settings(environment(folder, app));
            let logging = LoggingConfig::read(&settings);
            let backends = backends(&settings);
            let probe = ProbeConfig::read(&settings);
            let cities = read_cities(&settings).unwrap();
            let ingester = IngesterConfig::read(&settings, &cities);
            let read = logging.zip(backends).zip(probe.zip(ingester));
            let ((_, backends), (probe, ingester)) = settings.finish_with(read).unwrap();
            assert_eq!(probe.address.to_string(), "0.0.0.0:31000");
            check_backends(&backends, kafka, cassandra);
            let spool = ingester.spool.unwrap();
            assert!(spool.dir.starts_with("/data"), "the spool is on the volume");
            let is_weather = |source: &SourceConfig| matches!(source, SourceConfig::Weather(_));
            assert_eq!(ingester.sources.len(), 1, "{app}");
            assert_eq!(
                ingester.sources.iter().all(is_weather),
                app == "ingester-temperature"
            );
        }
    }
}

#[test]
fn server_definition_is_valid() {
    for (folder, kafka, cassandra) in RENDERED {
        let settings = settings(environment(folder, "server"));
        let logging = LoggingConfig::read(&settings);
        let backends = backends(&settings);
        let cities = read_cities(&settings);
        let server = ServerConfig::read(&settings);
        let read = logging.zip(backends).zip(cities.zip(server));
        let ((_, backends), (_, server)) = settings.finish_with(read).unwrap();
        assert_eq!(server.address.to_string(), "0.0.0.0:31000");
        check_backends(&backends, kafka, cassandra);
    }
}
