//! I9: each kind of fault, by what is written and what is said of it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::IpAddr;

use moodvane_model::CityId;
use moodvane_runtime::{LoggingConfig, Settings, read_cities};
use proptest::prelude::*;

/// What is said of a file's text, read in one way.
fn said(text: &str, read: impl Fn(&Settings)) -> String {
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
fn a_table_in_the_place_of_a_value_or_the_other_way_about_is_one_fault() {
    let all = [
        "server = 5",
        "[[server]]\nport = 1",
        "[server.port]\nx = 1",
        "[source]\nkind = \"k\"",
    ];
    let said: Vec<String> = all.iter().map(|text| said(text, port)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    the configuration has 1 fault:
      server (m.toml): must be one table, headed [server]
    the configuration has 1 fault:
      server (m.toml): must be one table, headed [server]
    the configuration has 1 fault:
      server.port (m.toml): must be a value, not a table
    the configuration has 1 fault:
      source (m.toml): must be tables, each headed [[source]]
    "#);
}

#[test]
fn a_city_that_is_wrong_as_a_whole_is_named() {
    let text = "[[city]]\nid = \"a\"\nname = \"A\"\nnames = [\"a\"]\nlatitude = 1\n\
                longitude = 1\nzone = \"Mars/Base\"";
    insta::assert_snapshot!(said(text, |s| assert_eq!(read_cities(s), None)), @r#"
    the configuration has 1 fault:
      city[0] (m.toml): zone "Mars/Base" must be an IANA zone such as America/New_York
    "#);
}

#[test]
fn a_secret_is_never_printed_whoever_words_the_fault() {
    let text = "[[source]]\nkind = \"k\"\nAPI_Token = \"hush hush\"\nsigning_key = \"hush\"";
    let said = said(text, |settings| {
        let source = &settings.tables("source")[0];
        assert!(source.text("kind").is_some());
        assert_eq!(source.parse::<CityId>("API_Token"), None);
        assert_eq!(source.parse::<IpAddr>("signing_key"), None);
        source.fault("signing_key", "\"hush\" is too short");
    });
    assert!(!said.contains("hush"), "{said}");
    insta::assert_snapshot!(said, @r#"
    the configuration has 3 faults:
      source[0].API_Token = *** (m.toml): is not valid; why is not shown, as the value is secret
      source[0].signing_key = *** (m.toml): "***" is too short
      source[0].signing_key = *** (m.toml): is not valid; why is not shown, as the value is secret
    "#);
}

#[test]
fn a_misspelt_level_does_not_silence_the_log() {
    for (level, good) in [
        ("info", true),
        ("WARN", true),
        ("off", true),
        ("info,moodvane_server=debug", true),
        ("inof", false),
        ("info,moodvane_server", false),
        ("", false),
    ] {
        let said = said(&format!("[logging]\nlevel = \"{level}\""), |settings| {
            assert_eq!(LoggingConfig::read(settings).is_some(), good, "{level}");
        });
        assert_eq!(said == "no fault", good, "{said}");
    }
}

#[test]
fn a_key_that_a_getter_asked_for_is_known() {
    assert_eq!(
        said("[server]\nextra = 1", |s| {
            assert_eq!(s.section("server").number("extra", 1..=9_u8), Some(1));
        }),
        "no fault"
    );
}

#[test]
fn an_element_is_judged_unless_its_reader_gave_up() {
    let text = "[[source]]\nkind = \"k\"\nmore = 1";
    let judged = said(text, |s| {
        assert!(s.tables("source")[0].text("kind").is_some())
    });
    assert!(judged.contains("source[0].more"), "{judged}");
    let given_up = said(text, |s| {
        assert_eq!(s.tables("source")[0].parse::<IpAddr>("kind"), None);
    });
    assert!(!given_up.contains("more"), "{given_up}");
    assert_eq!(said(text, |_| ()), "no fault");
}

#[test]
fn texts_and_files_have_limits() {
    let long = "x".repeat(65_537);
    let read = |s: &Settings| {
        let _ = s.section("data").text("dir");
    };
    let said_of_text = said(&format!("[data]\ndir = \"{long}\""), read);
    assert!(
        said_of_text.contains("at most 65536 bytes"),
        "{said_of_text}"
    );
    let said_of_list = said(&format!("[[city]]\nnames = [\"{long}\"]"), |s| {
        assert_eq!(s.tables("city")[0].list("names"), None);
    });
    assert!(
        said_of_list.contains("at most 65536 bytes"),
        "{said_of_list}"
    );
    let said_of_file = said(&"#".repeat(1_048_577), |_| ());
    assert!(
        said_of_file.contains("at most 1048576 bytes"),
        "{said_of_file}"
    );
}

#[test]
fn a_list_of_the_environment_is_separated_by_commas_and_may_be_empty() {
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

fn read_as_colleagues_do(settings: &Settings) -> Option<Config> {
    let section = settings.section("server");
    let port = section.number("port", 1..=65_535_u16);
    let drain = section.millis("drain_ms", 0..=600_000);
    Some(Config {
        port: port?,
        drain_ms: drain?.as_millis() as u64,
    })
}

#[test]
fn all_keys_are_read_before_the_first_is_missed() {
    let mut settings = Settings::new();
    settings.set("server.port", "0");
    settings.set("server.drain_ms", "-1");
    assert_eq!(read_as_colleagues_do(&settings), None);
    insta::assert_snapshot!(settings.finish().unwrap_err(), @r#"
    the configuration has 2 faults:
      server.drain_ms = "-1" (flag): must be a whole number in 0 to 600000
      server.port = "0" (flag): must be a whole number in 1 to 65535
    "#);
}

proptest! {
    #[test]
    fn a_number_is_read_alike_from_a_file_the_environment_and_a_flag(port in 1_u16..) {
        let mut settings = Settings::new();
        settings.merge_env([("MOODVANE_SERVER__PORT".to_owned(), port.to_string())]);
        settings.set("server.drain_ms", &port.to_string());
        let want = Some(Config { port, drain_ms: u64::from(port) });
        prop_assert_eq!(read_as_colleagues_do(&settings), want);
        prop_assert!(settings.finish().is_ok());
        let text = format!("[server]\nport = {port}");
        let said = said(&text, |s| assert_eq!(read_as_colleagues_do(s).unwrap().port, port));
        prop_assert_eq!(said, "no fault");
    }

    #[test]
    fn no_file_and_no_environment_make_it_panic(text in "\\PC{0,60}", name in "[A-Z_]{0,12}") {
        let _ = said(&text, |settings| {
            port(settings);
            let _ = read_cities(settings);
        });
        let mut settings = Settings::new();
        settings.merge_env([(format!("MOODVANE_{name}"), text)]);
        port(&settings);
        let _ = settings.finish();
    }

    #[test]
    fn what_does_not_have_our_prefix_changes_nothing(name in "[A-LN-Z][A-Z_]{0,12}", value in "\\PC{0,20}") {
        let mut settings = Settings::new();
        settings.merge_env([(name, value)]);
        prop_assert!(read_as_colleagues_do(&settings).is_some());
        prop_assert!(settings.finish().is_ok());
    }
}

#[test]
fn a_secret_comes_from_a_file_or_the_environment_alone() {
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
    let refused = [
        read("", "hunter2", ""),
        read("hunter2", "", &good),
        read("", "", &empty),
        read("", "", &huge),
        read("", "", "/no/such/file"),
    ];
    let said: Vec<String> = refused.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    the configuration has 1 fault:
      store.cassandra.password = *** (flag): a secret comes from the environment, or from the file that password_file names
    the configuration has 1 fault:
      store.cassandra.password = *** (environment MOODVANE_STORE__CASSANDRA__PASSWORD): and password_file are both given
    the configuration has 1 fault:
      store.cassandra.password_file = *** (flag): cannot be read: it is empty
    the configuration has 1 fault:
      store.cassandra.password_file = *** (flag): cannot be read: a secret has at most 65536 bytes
    the configuration has 1 fault:
      store.cassandra.password_file = *** (flag): cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn a_secret_of_a_source_comes_from_a_file_or_the_variable_that_is_named() {
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
    let refused = [
        read("key = \"hunter2\""),
        read(&format!("{file}\nkey_env = \"CARGO_PKG_NAME\"")),
        read("key_env = \"MOODVANE_HAS_NO_SUCH_VARIABLE\""),
        read("key_file = \"/no/such/file\""),
    ];
    let said: Vec<String> = refused.into_iter().map(Result::unwrap_err).collect();
    assert!(!said.join("").contains("hunter2"));
    insta::assert_snapshot!(said.join("\n"), @r"
    the configuration has 1 fault:
      source[0].key = *** (m.toml): a secret never stands here: key_file names a file with it, or key_env a variable of the environment
    the configuration has 1 fault:
      source[0].key_env = *** (m.toml): and key_file are both given
    the configuration has 1 fault:
      source[0].key_env = *** (m.toml): the environment has no such variable, or it is empty
    the configuration has 1 fault:
      source[0].key_file = *** (m.toml): cannot be read: No such file or directory (os error 2)
    ");
}
