//! I9: each kind of fault, with its message.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::IpAddr;

use moodvane_model::CityId;
use moodvane_runtime::{LoggingConfig, Settings, read_cities};
use proptest::prelude::*;

/// The faults of a file with this text, as a message.
fn faults_in(text: &str, read: impl Fn(&Settings)) -> String {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("m.toml");
    std::fs::write(&path, text).unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&path);
    read(&settings);
    let folder = format!("{}/", dir.path().display());
    match settings.finish() {
        Ok(()) => "no fault".to_owned(),
        Err(error) => error.to_string().replace(&folder, ""),
    }
}

fn port(settings: &Settings) {
    let _ = settings.section("server").number("port", 1..=65_535_u16);
}

#[test]
fn table_in_place_of_value_or_reverse_is_one_fault() {
    let all = [
        "server = 5",
        "[[server]]\nport = 1",
        "[server.port]\nx = 1",
        "[source]\nkind = \"k\"",
    ];
    let messages: Vec<String> = all.iter().map(|text| faults_in(text, port)).collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the configuration has 1 fault:
      server (m.toml): must be one table, with the header [server]
    the configuration has 1 fault:
      server (m.toml): must be one table, with the header [server]
    the configuration has 1 fault:
      server.port (m.toml): must be a value, not a table
    the configuration has 1 fault:
      source (m.toml): must be an array of tables, each with the header [[source]]
    "#);
}

#[test]
fn invalid_city_is_reported_under_its_index() {
    let text = "[[city]]\nid = \"a\"\nname = \"A\"\nnames = [\"a\"]\nlatitude = 1\n\
                longitude = 1\nzone = \"Mars/Base\"";
    insta::assert_snapshot!(faults_in(text, |s| assert_eq!(read_cities(s), None)), @r#"
    the configuration has 1 fault:
      city[0] (m.toml): zone "Mars/Base" must be an IANA zone such as America/New_York
    "#);
}

#[test]
fn fault_never_shows_a_secret() {
    let text = "[[source]]\nkind = \"k\"\nAPI_Token = \"hush hush\"\nsigning_key = \"hush\"";
    let message = faults_in(text, |settings| {
        let source = &settings.tables("source")[0];
        assert!(source.text("kind").is_some());
        assert_eq!(source.parse::<CityId>("API_Token"), None);
        assert_eq!(source.parse::<IpAddr>("signing_key"), None);
        source.fault("signing_key", "\"hush\" is too short");
    });
    assert!(!message.contains("hush"), "{message}");
    insta::assert_snapshot!(message, @r#"
    the configuration has 3 faults:
      source[0].API_Token = *** (m.toml): is not valid; the cause is not shown because the value is a secret
      source[0].signing_key = *** (m.toml): "***" is too short
      source[0].signing_key = *** (m.toml): is not valid; the cause is not shown because the value is a secret
    "#);
}

#[test]
fn rejects_misspelt_log_level() {
    for (level, good) in [
        ("info", true),
        ("WARN", true),
        ("off", true),
        ("info,moodvane_server=debug", true),
        ("inof", false),
        ("info,moodvane_server", false),
        ("", false),
    ] {
        let message = faults_in(&format!("[logging]\nlevel = \"{level}\""), |settings| {
            assert_eq!(LoggingConfig::read(settings).is_some(), good, "{level}");
        });
        assert_eq!(message == "no fault", good, "{message}");
    }
}

#[test]
fn requested_key_is_known() {
    assert_eq!(
        faults_in("[server]\nextra = 1", |s| {
            assert_eq!(s.section("server").number("extra", 1..=9_u8), Some(1));
        }),
        "no fault"
    );
}

#[test]
fn checks_keys_of_element_unless_its_reader_stopped_early() {
    let text = "[[source]]\nkind = \"k\"\nmore = 1";
    let checked = faults_in(text, |s| {
        assert!(s.tables("source")[0].text("kind").is_some())
    });
    assert!(checked.contains("source[0].more"), "{checked}");
    let stopped = faults_in(text, |s| {
        assert_eq!(s.tables("source")[0].parse::<IpAddr>("kind"), None);
    });
    assert!(!stopped.contains("more"), "{stopped}");
    assert_eq!(faults_in(text, |_| ()), "no fault");
}

#[test]
fn limits_strings_and_files() {
    let long = "x".repeat(65_537);
    let read = |s: &Settings| {
        let _ = s.section("data").text("dir");
    };
    let text_message = faults_in(&format!("[data]\ndir = \"{long}\""), read);
    assert!(
        text_message.contains("at most 65536 bytes"),
        "{text_message}"
    );
    let list_message = faults_in(&format!("[[city]]\nnames = [\"{long}\"]"), |s| {
        assert_eq!(s.tables("city")[0].list("names"), None);
    });
    assert!(
        list_message.contains("at most 65536 bytes"),
        "{list_message}"
    );
    let file_message = faults_in(&"#".repeat(1_048_577), |_| ());
    assert!(
        file_message.contains("at most 1048576 bytes"),
        "{file_message}"
    );
}

#[test]
fn splits_list_of_environment_at_commas() {
    for (text, list) in [("", vec![]), (" a b , c ", vec!["a b", "c"])] {
        let mut settings = Settings::new();
        settings.merge_env([("MOODVANE_X__NAMES".to_owned(), text.to_owned())]);
        assert_eq!(settings.section("x").list("names").unwrap(), list);
        settings.finish().unwrap();
    }
}

#[derive(Debug, PartialEq)]
struct Config {
    port: u16,
    drain_ms: u64,
}

fn read_config(settings: &Settings) -> Option<Config> {
    let section = settings.section("server");
    let port = section.number("port", 1..=65_535_u16);
    let drain = section.millis("drain_ms", 0..=600_000);
    Some(Config {
        port: port?,
        drain_ms: drain?.as_millis() as u64,
    })
}

#[test]
fn reports_faults_of_all_keys() {
    let mut settings = Settings::new();
    settings.set("server.port", "0");
    settings.set("server.drain_ms", "-1");
    assert_eq!(read_config(&settings), None);
    insta::assert_snapshot!(settings.finish().unwrap_err(), @r#"
    the configuration has 2 faults:
      server.drain_ms = "-1" (flag): must be a whole number in 0 to 600000
      server.port = "0" (flag): must be a whole number in 1 to 65535
    "#);
}

proptest! {
    #[test]
    fn reads_same_number_from_file_environment_and_flag(port in 1_u16..) {
        let mut settings = Settings::new();
        settings.merge_env([("MOODVANE_SERVER__PORT".to_owned(), port.to_string())]);
        settings.set("server.drain_ms", &port.to_string());
        let want = Some(Config { port, drain_ms: u64::from(port) });
        prop_assert_eq!(read_config(&settings), want);
        prop_assert!(settings.finish().is_ok());
        let text = format!("[server]\nport = {port}");
        let message = faults_in(&text, |s| assert_eq!(read_config(s).unwrap().port, port));
        prop_assert_eq!(message, "no fault");
    }

    #[test]
    fn never_panics_on_any_file_or_environment(text in "\\PC{0,60}", name in "[A-Z_]{0,12}") {
        let _ = faults_in(&text, |settings| {
            port(settings);
            let _ = read_cities(settings);
        });
        let mut settings = Settings::new();
        settings.merge_env([(format!("MOODVANE_{name}"), text)]);
        port(&settings);
        let _ = settings.finish();
    }

    #[test]
    fn ignores_variables_without_prefix(name in "[A-LN-Z][A-Z_]{0,12}", value in "\\PC{0,20}") {
        let mut settings = Settings::new();
        settings.merge_env([(name, value)]);
        prop_assert!(read_config(&settings).is_some());
        prop_assert!(settings.finish().is_ok());
    }
}

#[test]
fn accepts_secret_from_file_or_environment_only() {
    let dir = tempfile::TempDir::new().unwrap();
    let named = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let good = named("good", b"hunter2\n");
    let empty = named("empty", b"\n");
    let huge = named("huge", &[b'x'; 70_000]);
    let variable = "MOODVANE_STORE__CASSANDRA__PASSWORD";
    let read = |environment: &str, flag: &str, file: &str| {
        let mut settings = Settings::new();
        if !environment.is_empty() {
            settings.merge_env([(variable.to_owned(), environment.to_owned())]);
        }
        if !flag.is_empty() {
            settings.set("store.cassandra.password", flag);
        }
        settings.set("store.cassandra.password_file", file);
        let secret = settings.section("store.cassandra").secret("password");
        settings.finish_with(secret).map_err(|e| {
            e.to_string()
                .replace(&format!("{}/", dir.path().display()), "")
        })
    };
    let hunter2 = Ok(Some("hunter2".to_owned()));
    assert_eq!(read("", "", ""), Ok(None));
    assert_eq!(read("hunter2", "", ""), hunter2);
    assert_eq!(read("", "", &good), hunter2);
    let rejected = [
        read("", "hunter2", ""),
        read("hunter2", "", &good),
        read("", "", &empty),
        read("", "", &huge),
        read("", "", "/no/such/file"),
    ];
    let messages: Vec<String> = rejected.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    the configuration has 1 fault:
      store.cassandra.password = *** (flag): is a secret: set it in the environment, or name a file with it in password_file
    the configuration has 1 fault:
      store.cassandra.password = *** (environment MOODVANE_STORE__CASSANDRA__PASSWORD): conflicts with password_file: set only one of them
    the configuration has 1 fault:
      store.cassandra.password_file = *** (flag): cannot be read: it is empty
    the configuration has 1 fault:
      store.cassandra.password_file = *** (flag): cannot be read: it is longer than 65536 bytes
    the configuration has 1 fault:
      store.cassandra.password_file = *** (flag): cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn accepts_element_secret_from_file_or_named_variable_only() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "hunter2\n").unwrap();
    let file = format!("key_file = {:?}", file.display().to_string());
    let read = |text: &str| {
        let path = dir.path().join("m.toml");
        std::fs::write(&path, format!("[[source]]\n{text}\n")).unwrap();
        let mut settings = Settings::new();
        settings.merge_file(&path);
        let secret = settings.tables("source")[0].element_secret("key");
        settings.finish_with(secret).map_err(|e| {
            e.to_string()
                .replace(&format!("{}/", dir.path().display()), "")
        })
    };
    let hunter2 = Ok(Some("hunter2".to_owned()));
    assert_eq!(read(""), Ok(None));
    assert_eq!(read(&file), hunter2);
    // Cargo sets this one.
    let own = "moodvane-runtime".to_owned();
    assert_eq!(read("key_env = \"CARGO_PKG_NAME\""), Ok(Some(own)));
    let rejected = [
        read("key = \"hunter2\""),
        read(&format!("{file}\nkey_env = \"CARGO_PKG_NAME\"")),
        read("key_env = \"MOODVANE_HAS_NO_SUCH_VARIABLE\""),
        read("key_file = \"/no/such/file\""),
    ];
    let messages: Vec<String> = rejected.into_iter().map(Result::unwrap_err).collect();
    assert!(!messages.join("").contains("hunter2"));
    insta::assert_snapshot!(messages.join("\n"), @r"
    the configuration has 1 fault:
      source[0].key = *** (m.toml): is a secret: name a file with it in key_file, or an environment variable in key_env
    the configuration has 1 fault:
      source[0].key_env = *** (m.toml): conflicts with key_file: set only one of them
    the configuration has 1 fault:
      source[0].key_env = *** (m.toml): this environment variable is not set or empty
    the configuration has 1 fault:
      source[0].key_file = *** (m.toml): cannot be read: No such file or directory (os error 2)
    ");
}
