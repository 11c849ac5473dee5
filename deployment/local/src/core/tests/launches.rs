//! Launches: agents, constraints, resources, ports, environment, recovery.

use std::collections::BTreeMap;

use moodvane_marathon_api::{App, Task, Timestamp};
use serde_json::json;

use super::simulation::{SECOND, Simulation, app, path};
use crate::core::{Capacity, Force, RecoveredTask};

fn hosts(tasks: &[Task]) -> Vec<&str> {
    let mut hosts: Vec<&str> = tasks.iter().map(|task| task.host.as_str()).collect();
    hosts.sort_unstable();
    hosts
}

fn decline_reasons(sim: &Simulation) -> Vec<String> {
    let queue = sim.core.queue(sim.now).queue;
    let reasons = queue
        .iter()
        .flat_map(|item| &item.processed_offers_summary.reject_summary_last_offers);
    reasons
        .filter(|reason| reason.declined > 0)
        .map(|reason| reason.reason.clone())
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn places_tasks_by_constraints() {
    for (constraints, instances, expected, waits) in [
        (
            json!([]),
            3,
            vec!["127.0.0.1", "127.0.0.1", "127.0.0.1"],
            vec![],
        ),
        (
            json!([["hostname", "UNIQUE"]]),
            3,
            vec!["127.0.0.1", "127.0.0.2", "127.0.0.3"],
            vec![],
        ),
        (
            json!([["hostname", "UNIQUE"]]),
            4,
            vec!["127.0.0.1", "127.0.0.2", "127.0.0.3"],
            vec!["UnfulfilledConstraint"],
        ),
        (
            json!([["hostname", "GROUP_BY"]]),
            4,
            vec!["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"],
            vec![],
        ),
        (
            json!([["hostname", "MAX_PER", "2"]]),
            3,
            vec!["127.0.0.1", "127.0.0.1", "127.0.0.2"],
            vec![],
        ),
        (
            json!([["hostname", "CLUSTER", "127.0.0.2"]]),
            2,
            vec!["127.0.0.2", "127.0.0.2"],
            vec![],
        ),
        (
            json!([
                ["hostname", "LIKE", "127.0.0.2|127.0.0.3"],
                ["hostname", "UNIQUE"]
            ]),
            2,
            vec!["127.0.0.2", "127.0.0.3"],
            vec![],
        ),
        (
            json!([["hostname", "UNLIKE", "127.0.0.1"]]),
            1,
            vec!["127.0.0.2"],
            vec![],
        ),
        (
            json!([["rack", "UNIQUE"]]),
            1,
            vec![],
            vec!["UnfulfilledConstraint"],
        ),
    ] {
        let mut sim = Simulation::new();
        sim.create(app(
            "/a",
            json!({ "instances": instances, "constraints": constraints }),
        ))
        .unwrap();
        sim.advance_by(10 * SECOND);
        assert_eq!(
            hosts(&sim.running("/a")),
            expected,
            "{constraints} {instances}"
        );
        assert_eq!(decline_reasons(&sim), waits, "{constraints} {instances}");
    }
}

#[test]
fn waits_for_free_resources() {
    for (with, reason) in [
        (json!({ "cpus": 3 }), "InsufficientCpus"),
        (json!({ "mem": 300 }), "InsufficientMemory"),
    ] {
        let mut sim = Simulation::with(
            1,
            Capacity {
                cpus: 4.0,
                mem: 400.0,
            },
        );
        sim.create(app("/a", with.clone())).unwrap();
        sim.create(app("/b", with)).unwrap();
        sim.advance_by(10 * SECOND);
        assert_eq!((sim.running("/a").len(), sim.running("/b").len()), (1, 0));
        assert_eq!(decline_reasons(&sim), [reason]);
        assert!(sim.core.queue(sim.now).queue[0].delay.overdue);
        sim.request(|core, now| core.delete_app(&path("/a"), Force::No, now))
            .unwrap();
        sim.finish_deployments();
        assert_eq!(sim.running("/b").len(), 1);
    }
}

#[test]
fn gives_required_port_once_on_each_agent() {
    let mut sim = Simulation::new();
    let with = json!({ "instances": 4, "requirePorts": true, "portDefinitions": [{ "port": 9092, "name": "kafka" }],
                       "constraints": [["hostname", "GROUP_BY"]] });
    sim.create(app("/a", with)).unwrap();
    sim.advance_by(10 * SECOND);
    let tasks = sim.running("/a");
    assert_eq!(hosts(&tasks), ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    assert!(tasks.iter().all(|task| task.ports == [9092]));
    assert_eq!(decline_reasons(&sim), ["InsufficientPorts"]);
}

#[test]
fn never_shares_assigned_ports() {
    let mut sim = Simulation::new();
    sim.create(app(
        "/a",
        json!({ "instances": 50, "portDefinitions": [{ "port": 0 }, { "port": 0 }] }),
    ))
    .unwrap();
    sim.finish_deployments();
    let mut ports: Vec<u16> = sim
        .running("/a")
        .into_iter()
        .flat_map(|task| task.ports)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 100);
    assert!(ports.iter().all(|port| (31_000..=32_000).contains(port)));
}

#[test]
fn keeps_assigned_service_port() {
    let mut sim = Simulation::new();
    for name in ["/a", "/b"] {
        sim.create(app(name, json!({}))).unwrap();
    }
    sim.finish_deployments();
    let port = |sim: &Simulation, id: &str| sim.core.desired().apps[&path(id)].service_ports()[0];
    assert_eq!((port(&sim, "/a"), port(&sim, "/b")), (10_000, 10_001));
    sim.request(|core, now| core.delete_app(&path("/a"), Force::No, now))
        .unwrap();
    sim.put(
        "/b",
        json!({ "portDefinitions": [{ "port": 0, "name": "x" }] }),
        Force::No,
    )
    .unwrap();
    assert_eq!(port(&sim, "/b"), 10_001);
}

#[test]
fn app_environment_overrides_marathon_variables() {
    let mut sim = Simulation::new();
    let with = json!({
        "env": { "OWN": "1", "MARATHON_APP_RESOURCE_CPUS": "mine" },
        "labels": { "moodvane.part": "server" },
        "portDefinitions": [{ "port": 10_080, "name": "http-api" }, { "port": 0 }],
    });
    sim.create(app("/g/a", with)).unwrap();
    let (_, launch) = &sim.launches[0];
    let [first, second] = launch.ports.as_slice() else {
        panic!("{:?}", launch.ports)
    };
    for (name, value) in [
        ("OWN", "1".to_owned()),
        ("MARATHON_APP_RESOURCE_CPUS", "mine".to_owned()),
        ("MARATHON_APP_RESOURCE_MEM", "16".to_owned()),
        ("MARATHON_APP_ID", "/g/a".to_owned()),
        (
            "MARATHON_APP_VERSION",
            "2026-01-01T00:00:00.001Z".to_owned(),
        ),
        ("MARATHON_APP_DOCKER_IMAGE", "x".to_owned()),
        ("MARATHON_APP_LABELS", "MOODVANE_PART".to_owned()),
        ("MARATHON_APP_LABEL_MOODVANE_PART", "server".to_owned()),
        ("MESOS_TASK_ID", launch.task.clone()),
        ("HOST", "127.0.0.1".to_owned()),
        ("PORT", first.to_string()),
        ("PORT0", first.to_string()),
        ("PORT1", second.to_string()),
        ("PORT_10080", first.to_string()),
        ("PORT_HTTP_API", first.to_string()),
        ("PORTS", format!("{first},{second}")),
    ] {
        assert_eq!(launch.env.get(name), Some(&value), "{name}");
    }
    assert!(
        launch.task.starts_with("g_a.instance-") && launch.task.ends_with("._app.1"),
        "{}",
        launch.task
    );
}

#[test]
fn kill_with_scale_removes_only_named_tasks() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({ "instances": 3 }))).unwrap();
    sim.finish_deployments();
    let killed = sim.running("/a").remove(1).id;
    sim.request(|core, now| core.kill_and_scale(std::slice::from_ref(&killed), Force::No, now))
        .unwrap();
    sim.finish_deployments();
    sim.advance_by(10 * SECOND);
    let remaining = sim.running("/a");
    assert_eq!(
        (
            remaining.len(),
            remaining.iter().any(|task| task.id == killed),
            sim.launches.len()
        ),
        (2, false, 3)
    );
}

#[test]
fn recovers_and_supervises_running_tasks() {
    let version: Timestamp = "2025-12-31T00:00:00Z".parse().unwrap();
    let mut before = Simulation::new();
    before
        .create(app("/g/a", json!({ "instances": 2 })))
        .unwrap();
    before.finish_deployments();
    let found = |slot: u32, task: &Task| RecoveredTask {
        instance: task.id.trim_end_matches("._app.1").to_owned(),
        attempt: 1,
        slot,
        app: App {
            version: Some(version),
            ..before.core.desired().apps[&path("/g/a")].clone()
        },
        host: task.host.clone(),
        ports: task.ports.clone(),
        groups: BTreeMap::from([(path("/g"), vec![path("/other")])]),
    };
    let tasks = before.running("/g/a");
    let mut sim = Simulation::new();
    sim.request(|core, now| core.recover(vec![found(0, &tasks[0]), found(1, &tasks[1])], now));
    assert_eq!(
        sim.running("/g/a")
            .iter()
            .map(|task| &task.id)
            .collect::<Vec<_>>(),
        [&tasks[0].id, &tasks[1].id]
    );
    assert!(sim.launches.is_empty());
    assert_eq!(
        sim.core.group(&path("/g")).unwrap().dependencies,
        [path("/other")]
    );
    // A recovered task that ends is relaunched.
    sim.crash(&tasks[0].id);
    sim.run_until("it runs again", |sim| {
        sim.running("/g/a")
            .iter()
            .any(|task| task.id.ends_with("._app.2"))
    });
    sim.put("/g/a", json!({ "instances": 1 }), Force::No)
        .unwrap();
    sim.finish_deployments();
}
