//! Comparison of a requested definition with what Marathon returns for it.

#![allow(clippy::unwrap_used)]

use moodvane_marathon_api::{App, parse_app, to_json};
use serde_json::{Value, json};

/// A definition with every set field, and with fields that Marathon completes.
fn requested() -> Value {
    json!({
        "id": "/g/a", "cmd": "x", "cpus": 0.25, "instances": 2,
        "dependencies": ["/g/d", "/g/b", "/g/e", "/g/c", "b"],
        "constraints": [["hostname", "UNIQUE"], ["rack", "GROUP_BY", "3"]],
        "acceptedResourceRoles": ["moodvane", "*"],
        "healthChecks": [
            { "protocol": "MESOS_HTTP", "path": "/health" },
            { "protocol": "COMMAND", "command": { "value": "true" } },
        ],
        "portDefinitions": [{ "port": 0, "name": "http" }, { "port": 10_080, "name": "admin" }],
        "readinessChecks": [{ "portName": "http", "httpStatusCodesForReady": [204, 200] }],
        "env": { "B": "2", "A": "1" }, "labels": { "y": "2", "x": "1" },
        "container": { "type": "MESOS", "volumes": [
            { "containerPath": "data", "mode": "RW",
              "persistent": { "size": 10, "constraints": [["path", "LIKE", "/b"], ["path", "LIKE", "/a"]] } },
        ] },
    })
}

fn parse(app: &Value) -> App {
    parse_app(app.to_string().as_bytes()).unwrap()
}

/// The response to a GET of the app: reordered, completed, with state.
fn returned() -> Value {
    let mut app = to_json(&parse(&requested()).with_reordered_sets());
    app["dependencies"] = json!(["/g/c", "/g/b", "/g/e", "/g/d"]);
    app["portDefinitions"][0]["port"] = json!(10_001);
    app["role"] = json!("marathon");
    app["version"] = json!("2026-11-21T03:29:36.924Z");
    app["versionInfo"] = json!({ "lastScalingAt": "2026-11-21T03:29:36.924Z", "lastConfigChangeAt": "2026-11-21T03:29:36.924Z" });
    app["residency"] =
        json!({ "relaunchEscalationTimeoutSeconds": 3600, "taskLostBehavior": "WAIT_FOREVER" });
    app["container"]["volumes"][0]["persistent"]["type"] = json!("root");
    app
}

fn differences(returned: &Value) -> Vec<String> {
    parse(&requested()).differences(&parse(returned), Some("marathon"))
}

#[test]
fn definition_equals_normalized_one() {
    assert_eq!(differences(&returned()), [] as [&str; 0]);
    let requested = parse(&requested());
    assert!(requested.has_same_run_spec(&requested.with_reordered_sets()));
}

#[test]
fn every_reordered_set_has_another_order() {
    let (given, reordered) = (
        to_json(&parse(&requested())),
        to_json(&parse(&requested()).with_reordered_sets()),
    );
    for set in [
        "/dependencies",
        "/constraints",
        "/acceptedResourceRoles",
        "/healthChecks",
        "/readinessChecks/0/httpStatusCodesForReady",
        "/container/volumes/0/persistent/constraints",
    ] {
        assert_ne!(given.pointer(set), reordered.pointer(set), "{set}");
    }
    let twice = parse(&requested()).with_reordered_sets();
    assert_ne!(twice.with_reordered_sets().dependencies, twice.dependencies);
}

#[test]
fn names_every_changed_field() {
    for (pointer, value, path) in [
        ("/cmd", json!("y"), "cmd"),
        ("/cpus", json!(0.5), "cpus"),
        ("/instances", json!(3), "instances"),
        ("/dependencies", json!(["/g/b"]), "dependencies"),
        (
            "/constraints",
            json!([["hostname", "UNIQUE"]]),
            "constraints",
        ),
        (
            "/acceptedResourceRoles",
            json!(["*"]),
            "acceptedResourceRoles",
        ),
        ("/healthChecks/0/intervalSeconds", json!(7), "healthChecks"),
        ("/portDefinitions/1/port", json!(10_081), "portDefinitions"),
        ("/env/A", json!("3"), "env/A"),
        ("/env/C", json!("3"), "env/C"),
        ("/labels/x", json!("3"), "labels/x"),
        ("/role", json!("other"), "role"),
        ("/user", json!("root"), "user"),
        (
            "/executorResources",
            json!({ "cpus": 1 }),
            "executorResources",
        ),
        (
            "/taskKillGracePeriodSeconds",
            json!(7),
            "taskKillGracePeriodSeconds",
        ),
        (
            "/container/volumes/0/persistent/size",
            json!(11),
            "container/volumes",
        ),
    ] {
        let mut returned = returned();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        returned.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(differences(&returned), [path], "{pointer}");
    }
}

#[test]
fn order_of_other_lists_counts() {
    let mut returned = returned();
    returned["portDefinitions"]
        .as_array_mut()
        .unwrap()
        .reverse();
    assert_eq!(differences(&returned), ["portDefinitions"]);
    let args = |args: Value| parse(&json!({ "id": "/g/a", "args": args }));
    let given = args(json!(["x", "y"]));
    assert!(!given.has_same_run_spec(&args(json!(["y", "x"]))));
}

#[test]
fn unset_role_means_default_role() {
    for (role, expected) in [("marathon", 0), ("g", 0), ("other", 1)] {
        let mut returned = returned();
        returned["role"] = json!(role);
        assert_eq!(differences(&returned).len(), expected, "{role}");
        let unknown = parse(&requested()).differences(&parse(&returned), None);
        assert_eq!(unknown, [] as [&str; 0], "without a known default: {role}");
    }
}
