//! `[eventlog.kafka]`.

use std::path::Path;

use moodvane_eventlog::KafkaConfig;
use moodvane_runtime::{Section, Settings};

/// The longest secret that is read from a file, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Reads the section. Every key is checked, also where another log is chosen.
pub(super) fn read(settings: &Settings) -> Option<KafkaConfig> {
    let section = settings.section("eventlog.kafka");
    let servers = section.text("bootstrap_servers");
    let topic_prefix = section.text("topic_prefix");
    let replication = section.number("replication", 1..=9u16);
    let min_insync_replicas = section.number("min_insync_replicas", 1..=9u16);
    let compression = section.parse("compression");
    let instance_id = section.text("instance_id");
    let session_timeout = section.millis("session_timeout_ms", 1_000..=600_000);
    let properties = settings.entries("eventlog.kafka.properties");
    let password = read_password(&section);
    let mut config = KafkaConfig {
        topic_prefix: topic_prefix?,
        replication: replication?,
        min_insync_replicas: min_insync_replicas?,
        compression: compression?,
        instance_id: Some(instance_id?).filter(|id| !id.is_empty()),
        session_timeout: session_timeout?,
        properties: properties?,
        ..KafkaConfig::new(servers?)
    };
    if let Some(password) = password? {
        config
            .properties
            .insert("sasl.password".to_owned(), password);
    }
    let faults = config.faults();
    faults
        .iter()
        .for_each(|fault| section.fault("properties", fault.to_string()));
    faults.is_empty().then_some(config)
}

fn read_password(section: &Section<'_>) -> Option<Option<String>> {
    let file = section.text("sasl_password_file")?;
    if file.is_empty() {
        return Some(None);
    }
    secret_of(section, "sasl_password_file", Path::new(&file)).map(Some)
}

/// The secret that a file holds, without the line's end.
pub(super) fn secret_of(section: &Section<'_>, key: &str, path: &Path) -> Option<String> {
    let read = || {
        let bytes = std::fs::metadata(path)?.len();
        if bytes > MAX_SECRET_BYTES {
            return Err(std::io::Error::other(format!(
                "has {bytes} bytes, a secret has at most {MAX_SECRET_BYTES}"
            )));
        }
        std::fs::read_to_string(path)
    };
    match read() {
        Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => {
            section.fault(key, format!("cannot be read: {error}"));
            None
        }
    }
}
