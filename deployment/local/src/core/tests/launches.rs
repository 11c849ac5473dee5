//! Where tasks run: agents, constraints, resources, ports, volumes, environment.

use std::collections::BTreeMap;

use moodvane_marathon_api::{App, Task, Timestamp};
use serde_json::{Value, json};

use super::world::{SECOND, World, app, path};
use crate::core::{Capacity, Force, Found, Kill};

fn hosts(tasks: &[Task]) -> Vec<&str> {
    let mut hosts: Vec<&str> = tasks.iter().map(|task| task.host.as_str()).collect();
    hosts.sort_unstable();
    hosts
}

fn why_it_waits(world: &World) -> Vec<String> {
    let queue = world.core.queue(world.now).queue;
    let reasons = queue
        .iter()
        .flat_map(|item| &item.processed_offers_summary.reject_summary_last_offers);
    reasons
        .filter(|reason| reason.declined > 0)
        .map(|reason| reason.reason.clone())
        .collect()
}

#[test]
fn constraints_choose_among_the_agents() {
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
        let mut world = World::new();
        world
            .create(app(
                "/a",
                json!({ "instances": instances, "constraints": constraints }),
            ))
            .unwrap();
        world.pass(10 * SECOND);
        assert_eq!(
            hosts(&world.running("/a")),
            expected,
            "{constraints} {instances}"
        );
        assert_eq!(why_it_waits(&world), waits, "{constraints} {instances}");
    }
}

#[test]
fn what_has_no_room_waits_until_there_is() {
    for (with, reason) in [
        (json!({ "cpus": 3 }), "InsufficientCpus"),
        (json!({ "mem": 300 }), "InsufficientMemory"),
    ] {
        let mut world = World::with(
            1,
            Capacity {
                cpus: 4.0,
                mem: 400.0,
            },
        );
        world.create(app("/a", with.clone())).unwrap();
        world.create(app("/b", with)).unwrap();
        world.pass(10 * SECOND);
        assert_eq!(
            (world.running("/a").len(), world.running("/b").len()),
            (1, 0)
        );
        assert_eq!(why_it_waits(&world), [reason]);
        assert!(world.core.queue(world.now).queue[0].delay.overdue);
        world
            .ask(|core, now| core.delete_app(&path("/a"), Force::No, now))
            .unwrap();
        world.settle();
        assert_eq!(world.running("/b").len(), 1);
    }
}

#[test]
fn a_required_port_is_the_tasks_own_and_each_agent_has_it_once() {
    let mut world = World::new();
    let with = json!({ "instances": 4, "requirePorts": true, "portDefinitions": [{ "port": 9092, "name": "kafka" }],
                       "constraints": [["hostname", "GROUP_BY"]] });
    world.create(app("/a", with)).unwrap();
    world.pass(10 * SECOND);
    let tasks = world.running("/a");
    assert_eq!(hosts(&tasks), ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    assert!(tasks.iter().all(|task| task.ports == [9092]));
    assert_eq!(why_it_waits(&world), ["InsufficientPorts"]);
}

#[test]
fn other_ports_are_the_machines_and_never_shared() {
    let mut world = World::new();
    world
        .create(app(
            "/a",
            json!({ "instances": 50, "portDefinitions": [{ "port": 0 }, { "port": 0 }] }),
        ))
        .unwrap();
    world.settle();
    let mut ports: Vec<u16> = world
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
fn a_service_port_is_given_once_and_kept() {
    let mut world = World::new();
    for name in ["/a", "/b"] {
        world.create(app(name, json!({}))).unwrap();
    }
    world.settle();
    let port = |world: &World, id: &str| world.core.desired().apps[&path(id)].service_ports()[0];
    assert_eq!((port(&world, "/a"), port(&world, "/b")), (10_000, 10_001));
    world
        .ask(|core, now| core.delete_app(&path("/a"), Force::No, now))
        .unwrap();
    world
        .put(
            "/b",
            json!({ "portDefinitions": [{ "port": 0, "name": "x" }] }),
            Force::No,
        )
        .unwrap();
    assert_eq!(port(&world, "/b"), 10_001);
}

#[test]
fn the_environment_is_marathons_and_the_apps_own_wins() {
    let mut world = World::new();
    let with = json!({
        "env": { "OWN": "1", "MARATHON_APP_RESOURCE_CPUS": "mine" },
        "labels": { "moodvane.part": "server" },
        "portDefinitions": [{ "port": 10_080, "name": "http-api" }, { "port": 0 }],
    });
    world.create(app("/g/a", with)).unwrap();
    let (_, launch) = &world.launches[0];
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

fn kept() -> Value {
    json!({ "instances": 2, "volumes": [{ "containerPath": "/var/data", "persistent": { "size": 1 }, "mode": "RW" }] })
}

fn names(world: &World, from: usize) -> Vec<String> {
    let mut names: Vec<String> = world.launches[from..]
        .iter()
        .flat_map(|(_, launch)| &launch.mounts)
        .map(|mount| mount.name.clone())
        .collect();
    names.sort();
    names
}

#[test]
fn what_an_instance_keeps_comes_again_and_goes_with_its_app() {
    let all = ["fleet-local.g_db.0.var_data", "fleet-local.g_db.1.var_data"];
    let mut world = World::new();
    world.create(app("/g/db", kept())).unwrap();
    world.settle();
    assert_eq!(names(&world, 0), all);
    world
        .ask(|core, now| core.restart_app(&path("/g/db"), Force::No, now))
        .unwrap();
    world.settle();
    assert_eq!(names(&world, 2), all, "the same, one after the other");
    let task = world
        .running("/g/db")
        .into_iter()
        .find(|task| task.ports.len() == 1)
        .unwrap()
        .id;
    world.ask(|core, now| core.kill(&[task], Kill::Relaunch, now));
    world.until("it runs again", |world| {
        world.running("/g/db").len() == 2 && world.launches.len() == 5
    });
    assert!(world.removed.is_empty());
    world
        .put("/g/db", json!({ "instances": 1 }), Force::No)
        .unwrap();
    world.settle();
    world
        .put("/g/db", json!({ "instances": 0 }), Force::No)
        .unwrap();
    world.settle();
    assert!(world.removed.is_empty(), "scaled away, and kept");
    let from = world.launches.len();
    world
        .put("/g/db", json!({ "instances": 2 }), Force::No)
        .unwrap();
    world.settle();
    assert_eq!(names(&world, from), all, "the same as before");
    world
        .put("/g/db", json!({ "instances": 1 }), Force::No)
        .unwrap();
    world.settle();
    world
        .ask(|core, now| core.delete_app(&path("/g/db"), Force::No, now))
        .unwrap();
    world.settle();
    world.removed.sort();
    assert_eq!(world.removed, all);
}

#[test]
fn a_volume_of_the_tasks_folder_comes_where_a_host_path_names_it() {
    let volume = |path: &str, more: Value| {
        let mut volume = json!({ "containerPath": path, "mode": "RW" });
        volume
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        volume
    };
    let mut world = World::new();
    let volumes = json!([
        volume("data", json!({ "persistent": { "size": 1 } })),
        volume("/var/data", json!({ "hostPath": "data" })),
        volume("other", json!({ "persistent": { "size": 1 } })),
        volume("/etc/x", json!({ "hostPath": "/etc/x" })),
    ]);
    world
        .create(app("/db", json!({ "volumes": volumes })))
        .unwrap();
    let mounts: Vec<(&str, &str)> = world.launches[0]
        .1
        .mounts
        .iter()
        .map(|mount| (mount.name.as_str(), mount.path.as_str()))
        .collect();
    assert_eq!(
        mounts,
        [
            ("fleet-local.db.0.data", "/var/data"),
            ("fleet-local.db.0.other", "other")
        ]
    );
}

#[test]
fn a_kill_that_wipes_begins_anew() {
    let mut world = World::new();
    world.create(app("/g/db", kept())).unwrap();
    world.settle();
    let task = world.running("/g/db").remove(0).id;
    world.ask(|core, now| core.kill(&[task], Kill::Wipe, now));
    world.until("it runs again", |world| world.running("/g/db").len() == 2);
    assert_eq!(world.removed.len(), 1);
    assert!(
        !names(&world, 2).contains(&world.removed[0]),
        "the removal may still be under way"
    );
}

#[test]
fn a_kill_with_scale_takes_just_these_away() {
    let mut world = World::new();
    world.create(app("/a", json!({ "instances": 3 }))).unwrap();
    world.settle();
    let gone = world.running("/a").remove(1).id;
    world
        .ask(|core, now| core.kill_and_scale(std::slice::from_ref(&gone), Force::No, now))
        .unwrap();
    world.settle();
    world.pass(10 * SECOND);
    let left = world.running("/a");
    assert_eq!(
        (
            left.len(),
            left.iter().any(|task| task.id == gone),
            world.launches.len()
        ),
        (2, false, 3)
    );
}

#[test]
fn running_tasks_are_taken_over_and_looked_after() {
    let version: Timestamp = "2025-12-31T00:00:00Z".parse().unwrap();
    let mut before = World::new();
    before
        .create(app("/g/a", json!({ "instances": 2 })))
        .unwrap();
    before.settle();
    let found = |slot: u32, task: &Task| Found {
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
    let mut world = World::new();
    world.ask(|core, now| core.take_over(vec![found(0, &tasks[0]), found(1, &tasks[1])], now));
    assert_eq!(
        world
            .running("/g/a")
            .iter()
            .map(|task| &task.id)
            .collect::<Vec<_>>(),
        [&tasks[0].id, &tasks[1].id]
    );
    assert!(world.launches.is_empty());
    assert_eq!(
        world.core.group(&path("/g")).unwrap().dependencies,
        [path("/other")]
    );
    // One that is lost comes again.
    world.dies(&tasks[0].id);
    world.until("it runs again", |world| {
        world
            .running("/g/a")
            .iter()
            .any(|task| task.id.ends_with("._app.2"))
    });
    world
        .put("/g/a", json!({ "instances": 1 }), Force::No)
        .unwrap();
    world.settle();
}
