//! The default configuration and the readers of its keys agree: every key has a reader, every key that is
//! read is documented, and every documented default is the default.

#![allow(clippy::unwrap_used)]

use moodvane_ingester::{IngesterConfig, SourceConfig};
use moodvane_launch::{Backends, ProbeConfig, ScorerConfig};
use moodvane_processor::ProcessorConfig;
use moodvane_runtime::{DEFAULT_CONFIG, LoggingConfig, Settings, read_cities, read_data_dir};
use moodvane_server::ServerConfig;
use moodvane_simulator::ServiceConfig;

/// Reads the settings of every service; ignores faults.
fn read_all(settings: &Settings) {
    let cities = read_cities(settings).unwrap();
    let _ = read_data_dir(settings);
    let _ = LoggingConfig::read(settings);
    let _ = Backends::read(settings);
    let _ = ProbeConfig::read(settings);
    let _ = ScorerConfig::read(settings);
    let _ = IngesterConfig::read(settings, &cities);
    let _ = ProcessorConfig::read(settings);
    let _ = ServerConfig::read(settings);
    let _ = ServiceConfig::read(settings, &cities);
}

#[test]
fn every_default_key_has_a_reader() {
    let mut settings = Settings::new();
    read_all(&settings);
    for (key, other) in [
        ("eventlog.kind", "kafka"),
        ("store.kind", "cassandra"),
        ("sentiment.scorer", "bert"),
    ] {
        settings.set(key, other);
    }
    read_all(&settings);
    assert_eq!(
        settings.unread_keys(),
        Vec::<&str>::new(),
        "no service reads these keys"
    );
}

#[test]
fn key_in_another_table_stays_unread() {
    let settings = Settings::new();
    assert!(settings.unread_keys().contains(&"processor.window"));
    let _ = IngesterConfig::read(&settings, &read_cities(&settings).unwrap());
    assert!(settings.unread_keys().contains(&"processor.drain_ms"));
    assert!(!settings.unread_keys().contains(&"ingester.drain_ms"));
    let _ = ProcessorConfig::read(&settings);
    assert!(!settings.unread_keys().contains(&"processor.drain_ms"));
}

/// Every kind of source with its required keys, beside its id.
const SOURCES: [(&str, &str); 11] = [
    ("open-meteo", ""),
    ("nws", ""),
    ("openweathermap", "key_env = \"CARGO_PKG_NAME\""),
    ("weatherbit", "key_env = \"CARGO_PKG_NAME\""),
    ("weatherstack", "key_env = \"CARGO_PKG_NAME\""),
    ("apixu", "key_env = \"CARGO_PKG_NAME\""),
    ("bluesky", ""),
    ("mastodon", "base_url = \"https://mastodon.example\""),
    ("x", "token_env = \"CARGO_PKG_NAME\"\nposts_per_day = 1000"),
    ("post-file", "path = \"tweets.tsv.gz\""),
    (
        "weather-file",
        "path = \"weather.csv\"\ntime_column = \"time\"\ntemperature_column = \"temperature\"\ntemperature_unit = \"c\"",
    ),
];

/// The settings with one source.
fn with_source(table: &str) -> Settings {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("source.toml");
    std::fs::write(&path, table).unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&path);
    settings
}

/// Reads a source; `None` after a fault.
fn read_source(settings: &Settings) -> Option<SourceConfig> {
    let cities = read_cities(settings).unwrap();
    IngesterConfig::read(settings, &cities).map(|mut config| config.sources.remove(0))
}

/// The table of a kind of source in the default configuration, in which most are comments.
fn documented_source(kind: &str) -> String {
    let lines = DEFAULT_CONFIG.lines();
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .collect();
    let starts = (0..lines.len()).filter(|at| lines[*at] == "[[source]]");
    let is_code = |line: &&&str| {
        let key = line.split(" = ").next().unwrap_or_default();
        let is_key = key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
        (is_key && line.contains(" = ")) || line.starts_with([' ', ']', '['])
    };
    let mut tables = starts.map(|start| {
        let rest = lines[start + 1..].iter();
        let table =
            rest.take_while(|line| !line.is_empty() && **line != "[[source]]" && **line != "#");
        let code: Vec<&str> = table.filter(is_code).copied().collect();
        format!("[[source]]\n{}\n", code.join("\n"))
    });
    let kind = format!("kind = \"{kind}\"");
    tables
        .find(|table| table.lines().any(|line| line.starts_with(&kind)))
        .unwrap()
}

#[test]
fn every_optional_key_has_a_default() {
    for (kind, required) in SOURCES {
        let table = format!("[[source]]\nkind = \"{kind}\"\nid = \"a\"\n{required}\n");
        let settings = with_source(&table);
        let source = read_source(&settings);
        assert!(source.is_some(), "{table}: {:?}", settings.finish());
        for line in required.lines() {
            let settings = with_source(&table.replace(line, ""));
            assert!(
                read_source(&settings).is_none(),
                "{kind}: {line} is not required"
            );
        }
    }
}

#[test]
fn every_requested_key_is_documented() {
    let defaults = Settings::new();
    read_all(&defaults);
    let mut read = defaults.requested_keys();
    for (kind, required) in SOURCES {
        let table = format!("[[source]]\nkind = \"{kind}\"\nid = \"a\"\n{required}\n");
        let settings = with_source(&table);
        let _ = read_source(&settings);
        read.extend(settings.requested_keys());
    }
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words: Vec<&str> = DEFAULT_CONFIG.split(|c: char| !is_word(c)).collect();
    assert!(read.len() > 200, "{}", read.len());
    for (table, key) in read {
        assert!(
            words.contains(&key.as_str()),
            "{table} reads {key}, which is not documented"
        );
    }
}

#[test]
fn documented_default_of_source_is_the_default() {
    for (kind, required) in [
        ("open-meteo", ""),
        ("bluesky", ""),
        ("post-file", "path = \"tweets.tsv.gz\""),
    ] {
        let documented = documented_source(kind);
        let id = documented
            .lines()
            .find(|line| line.starts_with("id = "))
            .unwrap();
        let least = format!("[[source]]\nkind = \"{kind}\"\n{id}\n{required}\n");
        let [least, documented] = [least, documented].map(|table| {
            let settings = with_source(&table);
            let source = read_source(&settings);
            format!(
                "{:?}",
                source.unwrap_or_else(|| panic!("{table}: {:?}", settings.finish()))
            )
        });
        assert_eq!(least, documented, "{kind}");
    }
}
