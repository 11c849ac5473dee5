//! Every rule with violating definitions; the definitions in the tree violate none.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use moodvane_fleet::check::{Agents, Finding, check_apps, rule_names};
use moodvane_fleet::config::FleetConfig;
use moodvane_fleet::render::{RenderedGroup, render};
use moodvane_marathon_api::parse_group;
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../marathon")
}

fn rendered(overlay: Option<&str>) -> RenderedGroup {
    render(
        &folder(),
        &FleetConfig::load(&folder(), overlay, &[]).unwrap(),
    )
    .unwrap()
}

/// Checks the group with one changed field of one app; `null` removes the field.
fn found(app: &str, place: &str, value: Value) -> Vec<Finding> {
    let mut group = rendered(None).json().clone();
    let id = format!("/moodvane/{app}");
    let apps = group["apps"].as_array_mut().unwrap();
    let app = apps.iter_mut().find(|one| one["id"] == id).unwrap();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = app.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(fields), Value::Null) => drop(fields.remove(key)),
        (Value::Object(fields), value) => drop(fields.insert(key.to_owned(), value)),
        (Value::Array(items), value) => items[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{place} is nowhere"),
    }
    let group = parse_group(group.to_string().as_bytes()).unwrap();
    check_apps(&group.apps.unwrap(), Agents::new(Some(3)))
}

#[test]
fn definitions_in_tree_violate_no_rule() {
    for overlay in [None, Some("local")] {
        let apps = rendered(overlay).parse().unwrap().apps.unwrap();
        assert_eq!(check_apps(&apps, Agents::new(Some(3))), [], "{overlay:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn every_rule_reports_violation_and_expected_value() {
    let env = |name: &str| format!("/env/{name}");
    let cases: Vec<(&str, &str, String, Value, &str)> = vec![
        (
            "image",
            "server",
            "/container/docker/image".into(),
            json!("moodvane/server:latest"),
            "must name one version",
        ),
        (
            "image",
            "server",
            "/container/docker/image".into(),
            json!("moodvane/server"),
            "has no tag",
        ),
        (
            "image",
            "server",
            "/container/docker/image".into(),
            json!("host:5000/moodvane/server"),
            "has no tag",
        ),
        (
            "grace",
            "processor-tweets",
            "/taskKillGracePeriodSeconds".into(),
            json!(11),
            "must be at least 12",
        ),
        (
            "grace",
            "server",
            "/taskKillGracePeriodSeconds".into(),
            json!(6),
            "server.drain_ms may take 5.0 s",
        ),
        (
            "grace",
            "server",
            "/taskKillGracePeriodSeconds".into(),
            Value::Null,
            "interrupts a drain",
        ),
        (
            "grace",
            "kafka-1",
            "/taskKillGracePeriodSeconds".into(),
            json!(3),
            "must be at least 30",
        ),
        (
            "grace",
            "processor-tweets",
            env("MOODVANE_PROCESSOR__DRAIN_MS"),
            json!("60000"),
            "must be at least 62",
        ),
        (
            "health",
            "server",
            "/healthChecks".into(),
            json!([]),
            "has no health check",
        ),
        (
            "health",
            "server",
            "/healthChecks/0/protocol".into(),
            json!("HTTP"),
            "must be MESOS_HTTP",
        ),
        (
            "health-port",
            "server",
            "/healthChecks/0/portIndex".into(),
            json!(1),
            "there are 1 ports",
        ),
        (
            "health-port",
            "server",
            "/healthChecks/0/path".into(),
            json!("health"),
            "must start with a slash",
        ),
        (
            "health-pace",
            "server",
            "/healthChecks/0/delaySeconds".into(),
            Value::Null,
            "15 by default",
        ),
        (
            "health-pace",
            "server",
            "/healthChecks/0/intervalSeconds".into(),
            json!(60),
            "1 to 5",
        ),
        (
            "health-pace",
            "server",
            "/healthChecks/0/maxConsecutiveFailures".into(),
            json!(0),
            "never be replaced",
        ),
        (
            "health-pace",
            "server",
            "/healthChecks/0/gracePeriodSeconds".into(),
            json!(0),
            "during its start",
        ),
        (
            "readiness",
            "server",
            "/readinessChecks".into(),
            json!([]),
            "has no readiness check",
        ),
        (
            "readiness",
            "server",
            "/readinessChecks/0/portName".into(),
            json!("admin"),
            "is none of: http",
        ),
        (
            "readiness",
            "server",
            "/readinessChecks/0/intervalSeconds".into(),
            Value::Null,
            "30 by default",
        ),
        (
            "readiness",
            "server",
            "/readinessChecks/0/timeoutSeconds".into(),
            json!(2),
            "must be less than",
        ),
        (
            "dependencies",
            "server",
            "/dependencies".into(),
            json!(["/moodvane/zookeeper"]),
            "does not exist",
        ),
        (
            "cycle",
            "kafka-1",
            "/dependencies".into(),
            json!(["/moodvane/server"]),
            "cyclic dependencies",
        ),
        (
            "environment",
            "server",
            env("MOODVANE_SERVER__PROT"),
            json!("1"),
            "did you mean server.port?",
        ),
        (
            "environment",
            "processor-tweets",
            env("MOODVANE_KAFKA"),
            json!("x"),
            "unknown key",
        ),
        (
            "port-variable",
            "server",
            env("MOODVANE_SERVER__PORT"),
            json!("$PORT1"),
            "the app has 1 ports",
        ),
        (
            "plain-secret",
            "server",
            env("MOODVANE_STORE__CASSANDRA__PASSWORD"),
            json!("x"),
            "[[secret]]",
        ),
        (
            "resources",
            "server",
            "/disk".into(),
            Value::Null,
            "what a task uses",
        ),
        (
            "heap",
            "kafka-1",
            "/mem".into(),
            json!(1024),
            "must be at least 1408",
        ),
        (
            "heap",
            "cassandra-1",
            "/mem".into(),
            json!(2048),
            "must be at least 2688",
        ),
        (
            "unique",
            "server",
            "/instances".into(),
            json!(3),
            "there are 3 agents",
        ),
        (
            "upgrade",
            "processor-tweets",
            "/upgradeStrategy/minimumHealthCapacity".into(),
            json!(0),
            "all instances at once",
        ),
        (
            "upgrade",
            "server",
            "/upgradeStrategy/maximumOverCapacity".into(),
            json!(0),
            "would never start",
        ),
        (
            "backoff",
            "server",
            "/maxLaunchDelaySeconds".into(),
            Value::Null,
            "at most 60",
        ),
        (
            "backoff",
            "server",
            "/backoffSeconds".into(),
            json!(0),
            "without a delay",
        ),
        (
            "balancer",
            "server",
            "/labels/HAPROXY_1_PORT".into(),
            json!("80"),
            "there are 1 ports",
        ),
        (
            "balancer",
            "server",
            "/labels/HAPROXY_GROUP".into(),
            Value::Null,
            "would ignore it",
        ),
        (
            "volume",
            "kafka-1",
            "/unreachableStrategy".into(),
            json!({ "inactiveAfterSeconds": 30, "expungeAfterSeconds": 120 }),
            "is destroyed",
        ),
        (
            "volume",
            "kafka-1",
            "/upgradeStrategy/maximumOverCapacity".into(),
            json!(1),
            "must be 0",
        ),
        (
            "volume",
            "server",
            "/unreachableStrategy".into(),
            json!("disabled"),
            "would not be replaced",
        ),
        (
            "volume",
            "kafka-1",
            "/container/volumes/0/containerPath".into(),
            json!("a/b"),
            "without slashes",
        ),
        (
            "data",
            "kafka-1",
            "/container/volumes".into(),
            json!([]),
            "on no volume",
        ),
        (
            "data",
            "cassandra-1",
            "/container/volumes".into(),
            json!([]),
            "/var/lib/cassandra",
        ),
        (
            "data",
            "ingester-tweets",
            env("MOODVANE_DATA__DIR"),
            json!("/elsewhere"),
            "/elsewhere",
        ),
        (
            "quorum",
            "kafka-2",
            env("KAFKA_NODE_ID"),
            json!("9"),
            "not among the voters",
        ),
        (
            "quorum",
            "kafka-2",
            env("KAFKA_NODE_ID"),
            json!("1"),
            "used by another node",
        ),
        (
            "quorum",
            "kafka-2",
            env("CLUSTER_ID"),
            json!("other"),
            "several clusters",
        ),
        (
            "reach",
            "server",
            env("MOODVANE_EVENTLOG__KAFKA__BOOTSTRAP_SERVERS"),
            json!("node-9:9092"),
            "no node of the group",
        ),
        (
            "reach",
            "server",
            env("MOODVANE_STORE__CASSANDRA__CONTACT_POINTS"),
            json!("node-9:9042"),
            "no node of the group",
        ),
        (
            "reach",
            "server",
            env("MOODVANE_EVENTLOG__KAFKA__REPLICATION"),
            json!("4"),
            "has 3 nodes",
        ),
        (
            "apart",
            "kafka-2",
            "/constraints/0/2".into(),
            json!("node-1"),
            "would stop both",
        ),
        (
            "ports",
            "kafka-1",
            "/healthChecks/0/port".into(),
            json!(31_500),
            "listens on port 31500, which is among the ports that agents offer (31000-32000)",
        ),
        (
            "ports",
            "cassandra-1",
            env("JVM_EXTRA_OPTS"),
            json!("-Dcassandra.jmx.local.port=31999"),
            "listens on port 31999",
        ),
        (
            "ports",
            "kafka-2",
            env("KAFKA_LISTENERS"),
            json!("PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:7000"),
            "listens on port 7000 of node-2, and so does /moodvane/cassandra-2",
        ),
        (
            "ports",
            "server",
            "/requirePorts".into(),
            json!(true),
            "requires port 10080 of its agent, but Marathon may assign it to /moodvane/processor-temperature",
        ),
    ];
    let mut seen = BTreeSet::new();
    for (rule, app, place, value, words) in cases {
        let findings = found(app, &place, value.clone());
        let id = format!("/moodvane/{app}");
        let hit = findings
            .iter()
            .find(|one| one.rule == rule && one.app == id && one.message.contains(words));
        assert!(
            hit.is_some(),
            "{rule}: {app}{place} = {value}: {findings:#?}"
        );
        seen.insert(rule);
    }
    assert_eq!(
        seen,
        rule_names().into_iter().collect(),
        "every rule has a case"
    );
}

#[test]
fn ignores_agents_without_constraints() {
    let mut config = FleetConfig::load(&folder(), None, &[]).unwrap();
    config.replicas.insert("server".to_owned(), 9);
    let apps = render(&folder(), &config)
        .unwrap()
        .parse()
        .unwrap()
        .apps
        .unwrap();
    let broken = |agents| {
        check_apps(&apps, Agents::new(agents))
            .into_iter()
            .map(|one| one.rule)
            .collect::<Vec<_>>()
    };
    assert_eq!(broken(None), [""; 0]);
    assert_eq!(broken(Some(3)), ["unique"]);
}
