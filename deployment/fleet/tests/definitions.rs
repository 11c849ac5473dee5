//! Rendering: the files in the tree are up to date, errors are reported with their location, and no file
//! contains a secret.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use moodvane_fleet::config::{FleetConfig, Secret};
use moodvane_fleet::render::{Difference, RenderedGroup, render};
use serde_json::{Value, json};
use tempfile::TempDir;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../marathon")
}

fn text() -> String {
    fs::read_to_string(folder().join("fleet.toml")).unwrap()
}

/// The error with its causes.
fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

fn parse(text: &str, overlay: Option<&str>) -> Result<FleetConfig, String> {
    FleetConfig::parse(text, overlay, Path::new("fleet.toml")).map_err(chain)
}

/// Renders one template with the configuration of the tree.
fn with_template(template: &str) -> Result<RenderedGroup, String> {
    let here = TempDir::new().unwrap();
    fs::create_dir(here.path().join("templates")).unwrap();
    fs::write(here.path().join("templates/a.json.j2"), template).unwrap();
    render(here.path(), &parse(&text(), None).unwrap()).map_err(chain)
}

#[test]
fn files_in_tree_are_up_to_date() {
    for (overlay, place) in [(None, ""), (Some("local"), "local")] {
        let config = FleetConfig::load(&folder(), overlay, &[]).unwrap();
        let rendered = render(&folder(), &config).unwrap();
        let differences = rendered.differences(&folder().join(place)).unwrap();
        assert_eq!(differences, [], "run `fleet render`");
        assert_eq!(rendered.files().len(), 12, "eleven apps and the group");
    }
}

#[test]
fn overlay_replaces_only_its_keys() {
    let (base, local) = (
        parse(&text(), None).unwrap(),
        parse(&text(), Some("local")).unwrap(),
    );
    assert_ne!(base.kafka.nodes, local.kafka.nodes);
    assert_eq!(base.kafka.partitions, local.kafka.partitions);
    assert_eq!(base.images, local.images);
    let known = parse(&text(), Some("lokal")).unwrap_err();
    assert_eq!(known, "fleet.toml: no [overlay.lokal]; available: local");
}

#[test]
fn reports_location_of_invalid_key() {
    for (from, to, expected) in [
        ("agents = 3", "agent = 3", "fleet.toml: hosts"),
        (
            "agents = 3",
            "agents = \"3\"",
            "fleet.toml: hosts.agents: invalid type",
        ),
        ("agents = 3", "agents = ", "fleet.toml: line 25"),
        (
            "ports = \"31000-32000\"",
            "ports = \"32000-31000\"",
            "fleet.toml: hosts.ports: \"32000-31000\" is no range of ports: expected the form 31000-32000",
        ),
        (
            "[logging]\nlevel = \"info\"",
            "[logging]",
            "missing field `level`",
        ),
        ("[logging]", "[logs]", "unknown field `logs`"),
    ] {
        assert!(text().contains(from), "{from}");
        let error = parse(&text().replacen(from, to, 1), None).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
    }
    let none = parse(
        &format!("{}\n[[secret]]\nvariable = \"X\"\napps = []\n", text()),
        None,
    )
    .unwrap_err();
    assert!(
        none.contains("secret[0]: needs exactly one of store, file and from"),
        "{none}"
    );
}

#[test]
fn values_files_override_overlay_in_order() {
    let here = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = here.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let first = file("1.toml", "replicas.server = 4\nlogging.level = 'debug'");
    let second = file("2.toml", "replicas.server = 5");
    let load = |values: &[PathBuf]| FleetConfig::load(&folder(), Some("local"), values);
    let config = load(&[first.clone(), second.clone()]).unwrap();
    let plain = load(&[]).unwrap();
    assert_eq!(config.replicas["server"], 5);
    assert_eq!(config.logging.level, "debug");
    assert_eq!(config.kafka, plain.kafka, "keys of the overlay stay");
    for (text, expected) in [
        ("replicas.server = ", "3.toml: line 1"),
        ("server.cpu = 1", "3.toml: server.cpu: unknown field `cpu`"),
        (
            "overlay.local.logging.level = 'x'",
            "unknown field `overlay`",
        ),
    ] {
        let error = chain(load(&[file("3.toml", text)]).unwrap_err());
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = chain(load(&[here.path().join("none.toml")]).unwrap_err());
    assert!(error.contains("none.toml: No such file"), "{error}");
}

#[test]
fn settings_are_added_to_matching_apps() {
    let with = |setting: &str| {
        let config = parse(&format!("{}\n[[setting]]\n{setting}", text()), None)?;
        render(&folder(), &config).map_err(chain)
    };
    let rendered = with(
        "variable = 'MOODVANE_PROCESSOR__BEHIND_S'\napps = ['processor-*', 'server']\nvalue = '7'",
    )
    .unwrap();
    let value = |app: &str| {
        let env = &rendered.app(&format!("/moodvane/{app}")).unwrap()["env"];
        env["MOODVANE_PROCESSOR__BEHIND_S"].clone()
    };
    assert_eq!(value("processor-temperature"), "7");
    assert_eq!(value("processor-tweets"), "7");
    assert_eq!(value("server"), "7");
    assert_eq!(value("ingester-tweets"), Value::Null);
    let over =
        with("variable = 'MOODVANE_SERVER__PORT'\napps = ['server']\nvalue = '8080'").unwrap();
    let env = &over.app("/moodvane/server").unwrap()["env"];
    assert_eq!(
        env["MOODVANE_SERVER__PORT"], "8080",
        "a setting replaces the template's value"
    );
    let error = with("variable = 'X'\napps = ['servers']\nvalue = '7'").unwrap_err();
    assert_eq!(error, "variable X: no app matches servers");
}

#[test]
fn reports_location_of_template_error() {
    for (template, expected) in [
        ("[\n{ \"id\": {{ grupp.id }} }\n]", "a.json.j2: line 2"),
        ("[\n{ \"id\": {{ group.id } }\n]", "a.json.j2: line 2"),
        ("[ { \"id\": \"a\" ]", "does not render JSON"),
        ("{ \"id\": \"a\" }", "must render an array"),
    ] {
        let error = with_template(template).unwrap_err();
        assert!(error.contains(expected), "{template}: {error}");
    }
}

#[test]
fn escapes_configuration_values() {
    let hostile = text().replace("level = \"info\"", r#"level = 'x", "cmd": "rm'"#);
    let here = TempDir::new().unwrap();
    fs::create_dir(here.path().join("templates")).unwrap();
    let template = r#"[{ "id": "/moodvane/a", "env": { "L": {{ logging.level }} } }]"#;
    fs::write(here.path().join("templates/a.json.j2"), template).unwrap();
    let rendered = render(here.path(), &parse(&hostile, None).unwrap()).unwrap();
    let app = rendered.app("/moodvane/a").unwrap();
    assert_eq!(app["env"]["L"], r#"x", "cmd": "rm"#);
    assert!(app.get("cmd").is_none());
}

#[test]
fn rejects_definitions_invalid_for_marathon() {
    let rendered =
        with_template(r#"[{ "id": "/moodvane/a", "cmd": "x", "instances": -1 }]"#).unwrap();
    let error = chain(rendered.parse().unwrap_err());
    assert!(
        error.contains("/moodvane") && error.contains("instances"),
        "{error}"
    );
}

#[test]
fn writes_compares_and_removes_files() {
    let here = TempDir::new().unwrap();
    let rendered = render(&folder(), &FleetConfig::load(&folder(), None, &[]).unwrap()).unwrap();
    assert_eq!(rendered.write(here.path()).unwrap(), 12);
    assert_eq!(rendered.differences(here.path()).unwrap(), []);
    let (server, old) = (
        here.path().join("server.json"),
        here.path().join("old.json"),
    );
    fs::write(&old, "{}").unwrap();
    fs::write(
        &server,
        fs::read_to_string(&server)
            .unwrap()
            .replacen("\"disk\": 256", "\"disk\": 1", 1),
    )
    .unwrap();
    fs::remove_file(here.path().join("kafka-1.json")).unwrap();
    let shown: Vec<String> = rendered
        .differences(here.path())
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].ends_with("kafka-1.json: is missing"));
    assert!(shown[1].contains("server.json: differs from line "));
    assert_eq!(
        rendered.differences(here.path()).unwrap()[2],
        Difference::Unexpected(old.clone())
    );
    rendered.write(here.path()).unwrap();
    assert!(!old.exists(), "a file that is not rendered is removed");
    let read = RenderedGroup::read(&here.path().join("group.json")).unwrap();
    assert_eq!(read, rendered, "a rendered group can be read back");
}

const KAFKA_PASSWORD: &str = "MOODVANE_EVENTLOG__KAFKA__SASL_PASSWORD";
const CASSANDRA_PASSWORD: &str = "MOODVANE_STORE__CASSANDRA__PASSWORD";

fn secret(variable: &str) -> Secret {
    Secret {
        variable: variable.to_owned(),
        apps: vec!["processor-*".to_owned(), "server".to_owned()],
        store: None,
        file: None,
        from: None,
    }
}

/// Renders the tree's definitions with a secret from the store and one from a file with `content`.
fn with_secrets(folder_of_file: &Path, content: &str) -> (RenderedGroup, Vec<Secret>) {
    let file = folder_of_file.join("password");
    fs::write(&file, content).unwrap();
    let mut config = FleetConfig::load(&folder(), None, &[]).unwrap();
    config.secret = vec![
        Secret {
            store: Some("moodvane/kafka".to_owned()),
            ..secret(KAFKA_PASSWORD)
        },
        Secret {
            file: Some(file),
            ..secret(CASSANDRA_PASSWORD)
        },
    ];
    (render(&folder(), &config).unwrap(), config.secret)
}

#[test]
fn references_stored_secrets_and_adds_others_only_to_requests() {
    let here = TempDir::new().unwrap();
    let (rendered, secrets) = with_secrets(here.path(), "hunter2\n");
    let server = rendered.app("/moodvane/server").unwrap();
    let name = "moodvane-eventlog--kafka--sasl-password";
    assert_eq!(server["env"][KAFKA_PASSWORD], json!({ "secret": name }));
    assert_eq!(
        server["secrets"][name],
        json!({ "source": "moodvane/kafka" })
    );
    assert!(server["env"].get(CASSANDRA_PASSWORD).is_none());
    assert!(
        rendered
            .files()
            .iter()
            .all(|(_, text)| !text.contains("hunter2")),
        "no file contains it"
    );
    let sent = rendered.with_secrets(&secrets).unwrap();
    for (app, value) in [
        ("server", json!("hunter2")),
        ("processor-tweets", json!("hunter2")),
        ("kafka-1", json!(null)),
    ] {
        let app = sent.app(&format!("/moodvane/{app}")).unwrap();
        assert_eq!(
            app["env"]
                .get(CASSANDRA_PASSWORD)
                .cloned()
                .unwrap_or_default(),
            value
        );
    }
}

#[test]
fn rejects_empty_and_missing_secret_files() {
    let here = TempDir::new().unwrap();
    let (rendered, secrets) = with_secrets(here.path(), "\n");
    let empty = chain(rendered.with_secrets(&secrets).unwrap_err());
    assert!(
        empty.contains(CASSANDRA_PASSWORD) && empty.contains("1 to "),
        "{empty}"
    );
    fs::remove_file(here.path().join("password")).unwrap();
    let missing = chain(rendered.with_secrets(&secrets).unwrap_err());
    assert!(missing.contains("password: No such file"), "{missing}");
}
