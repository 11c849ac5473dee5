//! Rejected requests: their status, path and text.

use moodvane_marathon_api::ErrorDetails;
use serde_json::{Value, json};

use super::simulation::{Simulation, app, path};
use crate::core::{Force, RequestError};

fn paths(error: &RequestError) -> Vec<String> {
    match error.body().details {
        Some(ErrorDetails::Violations(paths)) => {
            paths.into_iter().map(|violation| violation.path).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn rejects_unsupported_fields_by_path() {
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
    for (more, expected) in [
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
        let mut sim = Simulation::new();
        let mut definition = app("/a", json!({}));
        definition
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let error = sim.create(definition).unwrap_err();
        assert_eq!(
            (error.status(), paths(&error)),
            (422, vec![expected.to_owned()]),
            "{more}"
        );
        assert!(
            error.to_string().contains("fleet local does not support"),
            "{error}"
        );
        assert!(!sim.exists("/a") && sim.launches.is_empty());
    }
}

#[test]
fn invalid_group_changes_nothing() {
    let mut sim = Simulation::new();
    sim.create(app("/g/a", json!({}))).unwrap();
    sim.finish_deployments();
    let before = sim.core.desired().clone();
    for (group, expected) in [
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
        let error = sim.put_group("/g", group.clone()).unwrap_err();
        assert_eq!(
            (error.status(), paths(&error)),
            (422, vec![expected.to_owned()]),
            "{group}"
        );
        assert_eq!(sim.core.desired(), &before, "{group}");
    }
}

#[test]
fn reports_missing_objects_as_not_found() {
    let mut sim = Simulation::new();
    let missing = path("/none");
    let now = sim.now;
    for (error, has_details) in [
        (
            sim.core.app(&missing, Default::default()).unwrap_err(),
            true,
        ),
        (sim.core.app_tasks(&missing).unwrap_err(), true),
        (sim.core.group(&missing).unwrap_err(), true),
        (sim.core.roll_back("nope", now).unwrap_err(), true),
        (sim.core.reset_delay(&missing).unwrap_err(), true),
        (
            sim.core.delete_app(&missing, Force::No, now).unwrap_err(),
            false,
        ),
        (
            sim.core.restart_app(&missing, Force::No, now).unwrap_err(),
            false,
        ),
        (
            sim.core.delete_group(&missing, Force::No, now).unwrap_err(),
            false,
        ),
    ] {
        assert_eq!(
            (error.status(), error.body().details.is_some()),
            (404, has_details),
            "{error}"
        );
    }
}

#[test]
fn rejects_app_with_existing_id() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({}))).unwrap();
    assert_eq!(
        sim.create(app("/a", json!({}))),
        Err(RequestError::AlreadyExists(path("/a")))
    );
}
