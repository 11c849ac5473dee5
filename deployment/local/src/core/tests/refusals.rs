//! What is refused, where, and as what.

use moodvane_marathon_api::ErrorDetails;
use serde_json::{Value, json};

use super::world::{World, app, path};
use crate::core::{Force, RequestError};

fn places(error: &RequestError) -> Vec<String> {
    match error.body().details {
        Some(ErrorDetails::Violations(places)) => {
            places.into_iter().map(|violation| violation.path).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn what_is_not_done_here_is_refused_by_name() {
    let docker = |more: Value| {
        let mut docker = json!({ "image": "x" });
        docker
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "container": { "type": "DOCKER", "docker": docker } })
    };
    let secret_volume = json!({ "container": { "docker": { "image": "x" }, "volumes": [{ "containerPath": "/s", "secret": "s" }] } });
    let external = json!({ "container": { "docker": { "image": "x" }, "volumes": [
        { "containerPath": "/s", "external": { "name": "n", "provider": "dvdi" }, "mode": "RW" }] } });
    let relative = json!({ "container": { "docker": { "image": "x" }, "volumes": [
        { "containerPath": "/s", "hostPath": "s", "mode": "RW" }] } });
    for (more, place) in [
        (json!({ "gpus": 1 }), "/gpus"),
        (
            json!({ "secrets": { "s": { "source": "x" } }, "env": { "A": { "secret": "s" } } }),
            "/secrets",
        ),
        (json!({ "fetch": [{ "uri": "http://x/y" }] }), "/fetch"),
        (json!({ "uris": ["http://x/y"] }), "/fetch"),
        (json!({ "check": { "tcp": { "port": 1 } } }), "/check"),
        (
            json!({ "resourceLimits": { "mem": 100 } }),
            "/resourceLimits",
        ),
        (json!({ "executor": "/mine" }), "/executor"),
        (
            json!({ "healthChecks": [{ "protocol": "MESOS_TCP", "ipProtocol": "IPv6" }] }),
            "/healthChecks",
        ),
        (
            json!({ "networks": [{ "mode": "container", "name": "dcos" }] }),
            "/networks",
        ),
        (
            json!({ "constraints": [["hostname", "LIKE", "node-[0-9]+"]] }),
            "/constraints(0)",
        ),
        (
            docker(json!({ "pullConfig": { "secret": "s" } })),
            "/container/docker/pullConfig",
        ),
        (
            docker(json!({ "parameters": [{ "key": "gpus", "value": "all" }] })),
            "/container/docker/parameters",
        ),
        (secret_volume, "/container/volumes(0)"),
        (external, "/container/volumes(0)"),
        (relative, "/container/volumes(0)"),
    ] {
        let mut world = World::new();
        let mut asked = app("/a", json!({}));
        asked
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let refusal = world.create(asked).unwrap_err();
        assert_eq!(
            (refusal.status(), places(&refusal)),
            (422, vec![place.to_owned()]),
            "{more}"
        );
        assert!(
            refusal.to_string().contains("fleet local does not do this"),
            "{refusal}"
        );
        assert!(!world.exists("/a") && world.launches.is_empty());
    }
}

#[test]
fn what_is_not_valid_changes_nothing() {
    let mut world = World::new();
    world.create(app("/g/a", json!({}))).unwrap();
    world.settle();
    let before = world.core.desired().clone();
    for (group, place) in [
        (json!({ "apps": [app("/o/x", json!({}))] }), "/apps(0)/id"),
        (
            json!({ "apps": [app("x", json!({})), app("x", json!({}))] }),
            "/apps(1)/id",
        ),
        (
            json!({ "apps": [app("x", json!({ "dependencies": ["/g/y"] })), app("y", json!({ "dependencies": ["x"] }))] }),
            "/",
        ),
        (json!({ "apps": [{ "id": "x" }] }), "/apps(0)/"),
        (json!({ "scaleBy": 2, "apps": [] }), "/scaleBy"),
        (
            json!({ "groups": [{ "id": "s", "apps": [app("x", json!({ "gpus": 1 }))] }] }),
            "/groups(0)/apps(0)/gpus",
        ),
    ] {
        let refusal = world.put_group("/g", group.clone()).unwrap_err();
        assert_eq!(
            (refusal.status(), places(&refusal)),
            (422, vec![place.to_owned()]),
            "{group}"
        );
        assert_eq!(world.core.desired(), &before, "{group}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut world = World::new();
    let missing = path("/none");
    let now = world.now;
    for (refusal, has_details) in [
        (
            world.core.app(&missing, Default::default()).unwrap_err(),
            true,
        ),
        (world.core.app_tasks(&missing).unwrap_err(), true),
        (world.core.group(&missing).unwrap_err(), true),
        (world.core.roll_back("nope", now).unwrap_err(), true),
        (world.core.reset_delay(&missing).unwrap_err(), true),
        (
            world.core.delete_app(&missing, Force::No, now).unwrap_err(),
            false,
        ),
        (
            world
                .core
                .restart_app(&missing, Force::No, now)
                .unwrap_err(),
            false,
        ),
        (
            world
                .core
                .delete_group(&missing, Force::No, now)
                .unwrap_err(),
            false,
        ),
    ] {
        assert_eq!(
            (refusal.status(), refusal.body().details.is_some()),
            (404, has_details),
            "{refusal}"
        );
    }
}

#[test]
fn an_app_is_created_once() {
    let mut world = World::new();
    world.create(app("/a", json!({}))).unwrap();
    assert_eq!(
        world.create(app("/a", json!({}))),
        Err(RequestError::Exists(path("/a")))
    );
}
