//! From fleet.toml and the templates to definitions: what is checked in is what is rendered, slips are
//! refused, and secrets are in no file.

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

fn parse(text: &str, overlay: Option<&str>) -> Result<FleetConfig, String> {
    FleetConfig::parse(text, overlay, Path::new("fleet.toml")).map_err(|error| error.to_string())
}

/// A folder with one template and the site that is checked in.
fn with_template(template: &str) -> Result<RenderedGroup, String> {
    let here = TempDir::new().unwrap();
    fs::create_dir(here.path().join("templates")).unwrap();
    fs::write(here.path().join("templates/a.json.j2"), template).unwrap();
    render(here.path(), &parse(&text(), None).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn what_is_checked_in_is_what_is_rendered() {
    for (overlay, place) in [(None, ""), (Some("local"), "local")] {
        let site = FleetConfig::load(&folder(), overlay, &[]).unwrap();
        let rendered = render(&folder(), &site).unwrap();
        let differences = rendered.differences(&folder().join(place)).unwrap();
        assert_eq!(differences, [], "`fleet render` writes them anew");
        assert_eq!(rendered.files().len(), 12, "eleven apps and the group");
    }
}

#[test]
fn an_overlay_replaces_what_it_names_and_leaves_the_rest() {
    let (base, local) = (
        parse(&text(), None).unwrap(),
        parse(&text(), Some("local")).unwrap(),
    );
    assert_ne!(base.kafka.nodes, local.kafka.nodes);
    assert_eq!(base.kafka.partitions, local.kafka.partitions);
    assert_eq!(base.images, local.images);
    let known = parse(&text(), Some("lokal")).unwrap_err();
    assert_eq!(
        known,
        "fleet.toml: there is no [overlay.lokal]; there is: local"
    );
}

#[test]
fn a_slip_in_the_site_is_told_with_its_place() {
    for (from, to, told) in [
        ("agents = 3", "agent = 3", "fleet.toml: hosts"),
        (
            "agents = 3",
            "agents = \"3\"",
            "fleet.toml: hosts.agents: invalid type",
        ),
        ("agents = 3", "agents = ", "fleet.toml: line 25"),
        (
            "[logging]\nlevel = \"info\"",
            "[logging]",
            "missing field `level`",
        ),
        ("[logging]", "[logs]", "unknown field `logs`"),
    ] {
        assert!(text().contains(from), "{from}");
        let error = parse(&text().replacen(from, to, 1), None).unwrap_err();
        assert!(error.contains(told), "{to}: {error}");
    }
    let none = parse(
        &format!("{}\n[[secret]]\nvariable = \"X\"\napps = []\n", text()),
        None,
    )
    .unwrap_err();
    assert!(
        none.contains("secret[0]: must have one of store, file and from"),
        "{none}"
    );
}

#[test]
fn files_of_values_are_laid_over_the_overlay_in_turn() {
    let here = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = here.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let first = file("1.toml", "replicas.server = 4\nlogging.level = 'debug'");
    let second = file("2.toml", "replicas.server = 5");
    let load = |values: &[PathBuf]| FleetConfig::load(&folder(), Some("local"), values);
    let site = load(&[first.clone(), second.clone()]).unwrap();
    let plain = load(&[]).unwrap();
    assert_eq!(site.replicas["server"], 5);
    assert_eq!(site.logging.level, "debug");
    assert_eq!(site.kafka, plain.kafka, "the overlay's");
    for (text, told) in [
        ("replicas.server = ", "3.toml: line 1"),
        ("server.cpu = 1", "3.toml: server.cpu: unknown field `cpu`"),
        (
            "overlay.local.logging.level = 'x'",
            "unknown field `overlay`",
        ),
    ] {
        let error = load(&[file("3.toml", text)]).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    let error = load(&[here.path().join("none.toml")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("none.toml: No such file"), "{error}");
}

#[test]
fn a_setting_is_in_the_environment_of_the_apps_it_names() {
    let with = |setting: &str| {
        let site = parse(&format!("{}\n[[setting]]\n{setting}", text()), None)?;
        render(&folder(), &site).map_err(|error| error.to_string())
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
        "it replaces what a template says"
    );
    let error = with("variable = 'X'\napps = ['servers']\nvalue = '7'").unwrap_err();
    assert_eq!(error, "the variable X: no app is named servers");
}

#[test]
fn a_slip_in_a_template_is_told_with_its_place() {
    for (template, told) in [
        ("[\n{ \"id\": {{ grupp.id }} }\n]", "a.json.j2: line 2"),
        ("[\n{ \"id\": {{ group.id } }\n]", "a.json.j2: line 2"),
        ("[ { \"id\": \"a\" ]", "does not give JSON"),
        ("{ \"id\": \"a\" }", "must give an array"),
    ] {
        let error = with_template(template).unwrap_err();
        assert!(error.contains(told), "{template}: {error}");
    }
}

#[test]
fn what_a_site_says_cannot_break_out_of_its_place() {
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
fn what_marathon_would_refuse_is_told_before_it_is_asked() {
    let rendered =
        with_template(r#"[{ "id": "/moodvane/a", "cmd": "x", "instances": -1 }]"#).unwrap();
    let error = rendered.typed().unwrap_err().to_string();
    assert!(
        error.contains("/moodvane") && error.contains("instances"),
        "{error}"
    );
}

#[test]
fn files_are_written_compared_and_taken_away() {
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
    assert!(!old.exists(), "what is not rendered any more does not stay");
    let read = RenderedGroup::read(&here.path().join("group.json")).unwrap();
    assert_eq!(
        read, rendered,
        "a group that was rendered can be taken as it is"
    );
}

#[test]
fn a_secret_of_a_store_is_named_and_one_of_a_file_is_only_sent() {
    let here = TempDir::new().unwrap();
    let file = here.path().join("password");
    fs::write(&file, "hunter2\n").unwrap();
    let secret = |variable: &str| Secret {
        variable: variable.to_owned(),
        apps: vec!["processor-*".to_owned(), "server".to_owned()],
        store: None,
        file: None,
        from: None,
    };
    let mut site = FleetConfig::load(&folder(), None, &[]).unwrap();
    let (kafka, cassandra) = (
        "MOODVANE_EVENTLOG__KAFKA__SASL_PASSWORD",
        "MOODVANE_STORE__CASSANDRA__PASSWORD",
    );
    site.secret = vec![
        Secret {
            store: Some("moodvane/kafka".to_owned()),
            ..secret(kafka)
        },
        Secret {
            file: Some(file.clone()),
            ..secret(cassandra)
        },
    ];
    let rendered = render(&folder(), &site).unwrap();
    let server = rendered.app("/moodvane/server").unwrap();
    let name = "moodvane-eventlog--kafka--sasl-password";
    assert_eq!(server["env"][kafka], json!({ "secret": name }));
    assert_eq!(
        server["secrets"][name],
        json!({ "source": "moodvane/kafka" })
    );
    assert!(server["env"].get(cassandra).is_none());
    assert!(
        rendered
            .files()
            .iter()
            .all(|(_, text)| !text.contains("hunter2")),
        "no file has it"
    );

    let sent = rendered.with_secrets(&site.secret).unwrap();
    for (app, value) in [
        ("server", json!("hunter2")),
        ("processor-tweets", json!("hunter2")),
        ("kafka-1", json!(null)),
    ] {
        let app = sent.app(&format!("/moodvane/{app}")).unwrap();
        assert_eq!(
            app["env"].get(cassandra).cloned().unwrap_or_default(),
            value
        );
    }
    fs::write(&file, "\n").unwrap();
    let empty = rendered.with_secrets(&site.secret).unwrap_err().to_string();
    assert!(
        empty.contains(cassandra) && empty.contains("1 to "),
        "{empty}"
    );
    fs::remove_file(&file).unwrap();
    assert!(
        rendered
            .with_secrets(&site.secret)
            .unwrap_err()
            .to_string()
            .contains("password: ")
    );
}
