//! I9: all faults of a configuration are reported together, each with its key and origin.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::Duration;

use moodvane_runtime::{DEFAULT_CONFIG, LogFormat, LoggingConfig, Settings, read_cities};
use tempfile::TempDir;

fn file(dir: &TempDir, text: &str) -> PathBuf {
    let path = dir.path().join("m.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// The message of the faults, without the name of the directory.
fn faults(settings: Settings, dir: &TempDir) -> String {
    let error = settings.finish().unwrap_err().to_string();
    error.replace(&format!("{}/", dir.path().display()), "")
}

fn read_sources(settings: &Settings) {
    for source in settings.tables("source") {
        for key in ["kind", "id", "base_url", "select", "language", "since"] {
            let _ = source.text_or(key, "");
        }
        let _ = source.list_or_empty("other_urls");
        let _ = source.number_or("poll_s", 1..=86_400u32, 60);
        let _ = source.number_or("calls_per_day", 0..=u32::MAX, 0);
        let _ = source.number_or("history_days", 0..=92u8, 0);
        let _ = source.number_or("rewind_s", 0..=86_400u32, 5);
        let _ = source.number_or("max_age_s", 0..=86_400u32, 86_400);
    }
}

#[test]
fn default_is_valid() {
    let mut settings = Settings::new();
    settings.merge_env([("PATH".to_owned(), "x".to_owned())]);
    let cities = read_cities(&settings).unwrap();
    assert_eq!(
        (cities[0].id.as_str(), cities[0].zone.name()),
        ("new-york", "America/New_York")
    );
    let logging = LoggingConfig::read(&settings).unwrap();
    assert_eq!(
        (logging.level.as_str(), logging.format),
        ("info", LogFormat::Text)
    );
    let server = settings.section("server");
    assert_eq!(server.number("port", 1..=u16::MAX), Some(8080));
    assert_eq!(
        server.millis("drain_ms", 0..=10_000),
        Some(Duration::from_secs(5))
    );
    assert_eq!(server.number("stray_bound_c", 0.0..=9.0), Some(5.0));
    read_sources(&settings);
    settings.finish().unwrap();
}

#[test]
fn later_layers_override_and_replace_whole_arrays_of_tables() {
    let dir = TempDir::new().unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&file(
        &dir,
        "[server]\nport = 1\ncity = \"a\"\n[data]\ndir = \"d\"\n[[source]]\nkind = \"k\"\n",
    ));
    settings.merge_env([
        ("MOODVANE_SERVER__PORT".to_owned(), "2".to_owned()),
        ("MOODVANE_SERVER__CITY".to_owned(), "b".to_owned()),
        ("MOODVANE_CONFIG".to_owned(), "m.toml".to_owned()),
    ]);
    settings.set("server.port", "3");
    let server = settings.section("server");
    assert_eq!(server.number("port", 1..=9u16), Some(3));
    assert_eq!(server.text("city").as_deref(), Some("b"));
    assert_eq!(settings.section("data").text("dir").as_deref(), Some("d"));
    assert_eq!(settings.tables("source").len(), 1);
    read_sources(&settings);
    settings.finish().unwrap();
}

#[test]
fn accepts_array_of_tables_from_environment_or_flag() {
    let one = "[{ kind = \"bluesky\", id = \"posts\", rewind_s = 7 }]";
    let two = "[\n  { kind = \"nws\", id = \"a\" },\n  { kind = \"nws\", id = \"b\" },\n]";
    for (text, ids) in [(one, &["posts"][..]), (two, &["a", "b"]), ("[]", &[])] {
        for by_flag in [false, true] {
            let mut settings = Settings::new();
            match by_flag {
                true => settings.set("source", text),
                false => settings.merge_env([("MOODVANE_SOURCE".to_owned(), text.to_owned())]),
            }
            let sources = settings.tables("source");
            let found: Vec<_> = sources.iter().filter_map(|s| s.text("id")).collect();
            assert_eq!(found, ids, "{text}");
            read_sources(&settings);
            settings.finish().unwrap();
        }
    }
}

#[test]
fn rejects_invalid_array_of_tables_without_showing_it() {
    let dir = TempDir::new().unwrap();
    for text in [
        "bluesky",
        "",
        "7",
        "[1]",
        "{ hush = 1 }",
        "[{ hush = ]",
        "[]\nhush = 1",
        "[] # hush\n[hush]",
    ] {
        let mut settings = Settings::new();
        settings.merge_env([("MOODVANE_SOURCE".to_owned(), text.to_owned())]);
        read_sources(&settings);
        let message = faults(settings, &dir);
        let expected = "source (environment MOODVANE_SOURCE): must be an array of tables, such as";
        assert!(message.contains(expected), "{text}: {message}");
        assert!(!message.contains("hush"), "{text}: {message}");
    }
}

#[test]
fn reports_all_faults_together() {
    let dir = TempDir::new().unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&file(
        &dir,
        r#"
sever = 1
[server]
prot = 8081
max_body_bytes = "big"
[logging]
format = "xml"
[[city]]
id = "New York"
name = "New York"
names = ["nyc"]
latitude = 91
longitude = 0
zone = "UTC"
[[source]]
kind = "bluesky"
id = "b"
base_ulr = "x"
api_token = "hush"
"#,
    ));
    settings.merge_env([
        ("MOODVANE_SERVER__PORT".to_owned(), "abc".to_owned()),
        ("MOODVANE_SERVER__PROT".to_owned(), "1".to_owned()),
    ]);
    settings.set("logging.level", "info,=");
    let server = settings.section("server");
    assert_eq!(server.number("port", 1..=u16::MAX), None);
    assert_eq!(server.number("max_body_bytes", 1..=u32::MAX), None);
    assert_eq!(LoggingConfig::read(&settings), None);
    assert_eq!(read_cities(&settings), None);
    read_sources(&settings);
    let sources = settings.tables("source");
    sources[0].fault("api_token", "must not be here");
    insta::assert_snapshot!(faults(settings, &dir), @r#"
    the configuration has 10 faults:
      city[0].id = "New York" (m.toml): "New York" is not an identifier: it must be 1 to 31 characters of a-z, 0-9 and '-', starting with a letter or digit
      city[0].latitude = 91 (m.toml): must be a number in -90 to 90
      logging.format = "xml" (m.toml): must be text or json
      logging.level = "info,=" (flag): invalid filter directive; expected a level or directives, such as info or info,moodvane_ingester=debug
      server.max_body_bytes = "big" (m.toml): must be a whole number in 1 to 4294967295
      server.port = "abc" (environment MOODVANE_SERVER__PORT): must be a whole number in 1 to 65535
      server.prot (environment MOODVANE_SERVER__PROT): unknown key; did you mean server.port?
      sever (m.toml): unknown key; did you mean server?
      source[0].api_token = *** (m.toml): must not be here
      source[0].base_ulr (m.toml): unknown key; did you mean base_url?
    "#);
}

#[test]
fn reports_path_and_position_of_unreadable_file() {
    let dir = TempDir::new().unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&file(&dir, "[server]\nport = 80 81\n"));
    settings.merge_file(&dir.path().join("absent.toml"));
    let text = faults(settings, &dir);
    assert!(
        text.contains("2 faults") && text.contains("(m.toml): line 2, column"),
        "{text}"
    );
    assert!(text.contains("absent.toml"), "{text}");
}

#[test]
fn every_default_key_has_a_comment() {
    let lines: Vec<&str> = DEFAULT_CONFIG.lines().collect();
    let mut table = "";
    let mut documented = std::collections::BTreeSet::new();
    for pair in lines.windows(2) {
        table = pair[1].strip_prefix('[').map_or(table, |_| pair[1]);
        let is_table = table.starts_with("[[");
        let Some((key, _)) = pair[1]
            .split_once(" = ")
            .filter(|(key, _)| !key.starts_with(['#', ' ']))
        else {
            continue;
        };
        if pair[0].starts_with('#') || is_table {
            documented.insert(key);
        }
        assert!(documented.contains(key), "{table} {key} has no comment");
    }
}
