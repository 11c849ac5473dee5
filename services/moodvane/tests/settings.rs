//! The owner of each table reads every key of the default configuration.

#![allow(clippy::unwrap_used)]

use moodvane_ingester::IngesterConfig;
use moodvane_launch::{Backends, ProbeConfig, ScorerConfig};
use moodvane_processor::ProcessorConfig;
use moodvane_runtime::{LoggingConfig, Settings, read_cities, read_data_dir};
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
