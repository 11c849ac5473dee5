//! Parsing: defaults, both kinds of rejection, and legacy fields.

use moodvane_marathon_api::{
    BodyError, ErrorDetails, NetworkMode, PathId, parse_app, parse_app_update, parse_app_updates,
    parse_group, parse_task_ids, to_json, validate_app,
};
use serde_json::{Value, json};

fn read(app: &Value) -> Result<Value, BodyError> {
    parse_app(app.to_string().as_bytes()).map(|app| to_json(&app))
}

/// The status, the message and the violations.
fn summary(refused: &BodyError) -> (u16, String, Vec<String>) {
    let body = refused.body();
    let places = match body.details {
        Some(ErrorDetails::Violations(places)) => places
            .into_iter()
            .map(|place| format!("{} {}", place.path, place.errors.join(",")))
            .collect(),
        _ => Vec::new(),
    };
    (refused.status(), body.message, places)
}

#[test]
fn applies_marathon_defaults_to_apps() {
    // The response of Marathon 1.11 to the same app, without the role, which is the server's.
    let expected = json!({
        "id": "/tr/a", "backoffFactor": 1.15, "backoffSeconds": 1, "cmd": "exec sleep 1000", "cpus": 0.1, "disk": 0.0,
        "executor": "", "instances": 1, "labels": {}, "maxLaunchDelaySeconds": 300, "mem": 16.0, "gpus": 0,
        "networks": [{ "mode": "host" }], "portDefinitions": [{ "port": 0, "name": "default", "protocol": "tcp" }],
        "requirePorts": false, "upgradeStrategy": { "maximumOverCapacity": 1.0, "minimumHealthCapacity": 1.0 },
        "killSelection": "YOUNGEST_FIRST",
        "unreachableStrategy": { "inactiveAfterSeconds": 0, "expungeAfterSeconds": 0 },
    });
    let app =
        json!({ "id": "/tr/a", "cmd": "exec sleep 1000", "cpus": 0.1, "mem": 16, "instances": 1 });
    let read = read(&app).unwrap();
    assert_eq!(read, expected);
    let order = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&read), order(&expected), "key order");
}

#[test]
fn applies_marathon_defaults_to_health_checks() {
    let check = json!({ "protocol": "HTTP", "path": "/", "portIndex": 0, "intervalSeconds": 1, "timeoutSeconds": 1,
                        "gracePeriodSeconds": 5 });
    let read = read(&json!({ "id": "/a", "cmd": "x", "healthChecks": [check] })).unwrap();
    let expected = json!({ "gracePeriodSeconds": 5, "ignoreHttp1xx": false, "intervalSeconds": 1, "maxConsecutiveFailures": 3,
        "path": "/", "portIndex": 0, "protocol": "HTTP", "ipProtocol": "IPv4", "timeoutSeconds": 1, "delaySeconds": 15 });
    assert_eq!(read["healthChecks"][0], expected);
}

#[test]
fn treats_null_as_absent_and_ignores_case_of_enums() {
    let app = json!({ "id": "/a", "cmd": "x", "instances": null, "container": null, "killSelection": "oldest_first" });
    let read = read(&app).unwrap();
    assert_eq!(
        (&read["instances"], &read["killSelection"]),
        (&json!(1), &json!("OLDEST_FIRST"))
    );
}

#[test]
fn converts_legacy_fields() {
    let docker = json!({ "image": "x", "network": "BRIDGE", "portMappings": [{ "containerPort": 80, "hostPort": 0 }] });
    let bridge = json!({ "id": "/a", "container": { "type": "DOCKER", "docker": docker } });
    let app = parse_app(bridge.to_string().as_bytes()).unwrap();
    assert_eq!(
        (app.networks[0].mode, app.port_mappings()[0].container_port),
        (NetworkMode::Bridge, 80)
    );
    assert!(app.port_definitions.is_none());

    let read =
        read(&json!({ "id": "/a", "cmd": "x", "ports": [80, 0], "uris": ["http://x/y"] })).unwrap();
    assert_eq!(
        read["portDefinitions"],
        json!([{ "port": 80, "protocol": "tcp" }, { "port": 0, "protocol": "tcp" }])
    );
    assert_eq!(read["fetch"][0]["uri"], json!("http://x/y"));
    assert!(read.get("ports").is_none() && read.get("uris").is_none());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn rejects_unparseable_bodies_like_marathon() {
    let app = json!({ "id": "/tr/a", "cmd": "x" });
    let with = |key: &str, value: Value| {
        let mut app = app.clone();
        app[key] = value;
        app.to_string()
    };
    for (body, status, message, place) in [
        (
            String::new(),
            400,
            "Please specify data in JSON format",
            None,
        ),
        ("{nope".to_owned(), 400, "Invalid JSON", None),
        (
            "[]".to_owned(),
            422,
            "Invalid JSON",
            Some("/id [] is not an object"),
        ),
        (
            json!({ "cmd": "x" }).to_string(),
            422,
            "Invalid JSON",
            Some("/id 'id' is undefined on object: {\"cmd\":\"x\"}"),
        ),
        (
            with("id", json!("/Tr/A")),
            422,
            "Invalid JSON",
            Some("/id error.pattern"),
        ),
        (
            with("instances", json!("1")),
            422,
            "Invalid JSON",
            Some("/instances error.expected.jsnumber"),
        ),
        (
            with("instances", json!(-1)),
            422,
            "Invalid JSON",
            Some("/instances error.min"),
        ),
        (
            with("cpus", json!(-1)),
            422,
            "Invalid JSON",
            Some("/cpus error.min"),
        ),
        (
            with("backoffFactor", json!(0.5)),
            422,
            "Invalid JSON",
            Some("/backoffFactor error.min"),
        ),
        (
            with("cmd", json!(1)),
            422,
            "Invalid JSON",
            Some("/cmd error.expected.jsstring"),
        ),
        (
            with("labels", json!([])),
            422,
            "Invalid JSON",
            Some("/labels error.expected.jsobject"),
        ),
        (
            with("container", json!({ "docker": {} })),
            422,
            "Invalid JSON",
            Some("/container/docker/image error.path.missing"),
        ),
        (
            with("ports", json!([70_000])),
            422,
            "Invalid JSON",
            Some("/ports(0) error.max"),
        ),
        (
            with("env", json!({ "A": 1 })),
            422,
            "Invalid JSON",
            Some("/env/A error.expected.jsstring"),
        ),
        (
            with("unreachableStrategy", json!(1)),
            422,
            "Invalid JSON",
            Some("/unreachableStrategy error.expected.jsobject"),
        ),
        (
            with("container", json!([])),
            422,
            "Invalid JSON",
            Some("/container error.expected.jsobject"),
        ),
        (
            with("portDefinitions", json!([[80]])),
            422,
            "Invalid JSON",
            Some("/portDefinitions(0) error.expected.jsobject"),
        ),
        (
            with("networks", json!([{ "mode": "hots" }])),
            422,
            "Invalid JSON",
            Some("/networks(0)/mode 'hots' is none of: container, container/bridge, host"),
        ),
        (
            with("constraints", json!(["hostname"])),
            422,
            "Invalid JSON",
            Some("/constraints(0) error.expected.jsarray"),
        ),
        (
            with("upgradeStrategy", json!({ "maximumOverCapacity": 2 })),
            422,
            "Invalid JSON",
            Some("/upgradeStrategy/maximumOverCapacity error.max"),
        ),
    ] {
        let refused = parse_app(body.as_bytes()).unwrap_err();
        let (found, words, places) = summary(&refused);
        assert_eq!(
            (found, words.as_str(), places.first().map(String::as_str)),
            (status, message, place),
            "{body}"
        );
    }
}

#[test]
fn rejects_invalid_objects_like_marathon() {
    let nothing = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";
    for (more, place) in [
        (json!({}), format!("/ {nothing}")),
        (json!({ "cmd": "x", "args": ["y"] }), format!("/ {nothing}")),
        (
            json!({ "cmd": "x", "portDefinitions": [{ "name": "a" }, { "name": "a" }] }),
            "/portDefinitions Port names must be unique.".to_owned(),
        ),
        (
            json!({ "cmd": "x", "healthChecks": [{ "protocol": "TCP", "portIndex": 1 }] }),
            "/healthChecks(0) Health check port indices must address an element of the ports array or container port mappings."
                .to_owned(),
        ),
        (
            json!({ "cmd": "x", "readinessChecks": [{ "portName": "http" }] }),
            "/readinessChecks(0)/portName No port definition reference for portName http".to_owned(),
        ),
        (
            json!({ "cmd": "x", "constraints": [["hostname", "UNIQUE", "1"]] }),
            "/constraints(0) Value specified but not used".to_owned(),
        ),
        (
            json!({ "cmd": "x", "env": { "A": { "secret": "s" } } }),
            "/env(A)/secret references an undefined secret".to_owned(),
        ),
        (
            json!({ "cmd": "x", "unreachableStrategy": { "inactiveAfterSeconds": 2, "expungeAfterSeconds": 1 } }),
            "/unreachableStrategy inactiveAfterSeconds must be less than or equal to expungeAfterSeconds".to_owned(),
        ),
        (
            json!({ "cmd": "x", "ports": [80], "portDefinitions": [{ "port": 81 }] }),
            "/ cannot specify both ports and port definitions".to_owned(),
        ),
        (
            json!({ "cmd": "x", "healthChecks": [{ "protocol": "MESOS_TCP" }, { "protocol": "MESOS_HTTP" }] }),
            "/ AppDefinition can contain at most one Mesos health check".to_owned(),
        ),
        (
            json!({ "container": { "docker": { "image": "x" }, "volumes": [{ "containerPath": "d", "persistent": { "size": 1 } }] },
                    "unreachableStrategy": { "inactiveAfterSeconds": 1, "expungeAfterSeconds": 2 } }),
            "/ unreachableStrategy must be disabled for resident tasks".to_owned(),
        ),
        (json!({ "cmd": "x", "dependencies": ["/a"] }), "/dependencies Dependency graph has cyclic dependencies.".to_owned()),
    ] {
        let mut app = json!({ "id": "/a" });
        app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let app = parse_app(app.to_string().as_bytes()).unwrap();
        let (status, message, places) = summary(&validate_app(&app).unwrap_err());
        assert_eq!((status, message.as_str(), places), (422, "Object is not valid", vec![place]), "{more}");
    }
}

#[test]
fn accepts_ports_equal_to_port_definitions_and_a_command_beside_a_mesos_check() {
    let app = json!({ "id": "/a", "cmd": "x", "ports": [80], "portDefinitions": [{ "port": 80, "name": "http" }],
        "healthChecks": [{ "protocol": "MESOS_HTTP" }, { "protocol": "COMMAND", "command": { "value": "true" } }] });
    let app = parse_app(app.to_string().as_bytes()).unwrap();
    validate_app(&app).unwrap();
    assert_eq!(app.port_names(), [Some("http")]);
}

#[test]
fn chooses_strategies_of_apps_with_persistent_volumes() {
    let volume = json!({ "containerPath": "data", "mode": "RW", "persistent": { "size": 1 } });
    let app =
        json!({ "id": "a", "container": { "docker": { "image": "x" }, "volumes": [volume] } });
    let group = json!({ "id": "/g", "groups": [{ "id": "s", "apps": [app] }] });
    let group = parse_group(group.to_string().as_bytes()).unwrap();
    let app = to_json(&group.groups.unwrap()[0].apps.as_ref().unwrap()[0]);
    assert_eq!(
        app["upgradeStrategy"],
        json!({ "maximumOverCapacity": 0.0, "minimumHealthCapacity": 0.5 })
    );
    assert_eq!(app["unreachableStrategy"], json!("disabled"));
}

#[test]
fn reports_location_of_errors_in_groups() {
    let group = json!({ "id": "/g", "groups": [{ "id": "s", "apps": [{ "id": "a", "cmd": "x" }, { "id": "b", "cpus": -1 }] }] });
    let (_, _, places) = summary(&parse_group(group.to_string().as_bytes()).unwrap_err());
    assert_eq!(places, ["/groups(0)/apps(1)/cpus error.min"]);
}

#[test]
fn update_sets_given_fields_and_keeps_id() {
    let app =
        parse_app(br#"{"id": "/a", "cmd": "x", "instances": 3, "env": {"A": "1", "B": "2"}}"#)
            .unwrap();
    let update = parse_app_update(br#"{"id": "/other", "env": {"A": "2"}, "cmd": null}"#).unwrap();
    let changed = update.apply_to(&app).unwrap();
    assert_eq!(
        (
            changed.id.to_string().as_str(),
            changed.instances,
            changed.env.len()
        ),
        ("/a", 3, 1)
    );
    assert_eq!(changed.cmd, app.cmd);
    assert!(changed.has_same_run_spec(&changed.clone()) && !changed.has_same_run_spec(&app));
    let refused = parse_app_update(br#"{"instances": -1}"#).unwrap_err();
    assert_eq!(summary(&refused).2, ["/instances error.min"]);
}

#[test]
fn parses_lists() {
    let updates = parse_app_updates(br#"[{"id": "/a", "instances": 0}]"#).unwrap();
    assert_eq!(updates[0].0, "/a".parse::<PathId>().unwrap());
    assert!(parse_app_updates(br#"[{"instances": 0}]"#).is_err());
    assert_eq!(parse_task_ids(br#"{"ids": ["x"]}"#).unwrap(), ["x"]);
}

#[test]
fn resolves_relative_paths_and_rejects_invalid_ones() {
    let path = |text: &str| text.parse::<PathId>().unwrap();
    for (text, base, expected) in [
        ("/a/b", "/c", "/a/b"),
        ("b", "/a", "/a/b"),
        ("../b", "/a/c", "/a/b"),
        ("../../../b", "/a/c", "/b"),
        ("", "/a", ""),
    ] {
        if text.is_empty() {
            assert!(text.parse::<PathId>().is_err());
            continue;
        }
        assert_eq!(
            path(text).resolve(&path(base)).to_string(),
            expected,
            "{text} in {base}"
        );
    }
    for wrong in ["/A", "/a_b", "/-a", "/a-", "/a..b", "/.a", &"a".repeat(201)] {
        assert!(wrong.parse::<PathId>().is_err(), "{wrong}");
    }
    assert!(
        path("/a/b").is_below(&path("/a"))
            && !path("/a").is_below(&path("/a"))
            && !path("/ab").is_below(&path("/a"))
    );
    assert_eq!(
        (
            path("/a/b.c").safe_path().as_str(),
            path("/a/b").parent(),
            path("/").is_root()
        ),
        ("a_b.c", path("/a"), true)
    );
}
