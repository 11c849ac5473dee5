//! `[eventlog.kafka]`.

use std::fs::File;

use moodvane_eventlog::{
    KafkaConfig, KafkaConfigError, KafkaSecurity, SaslCredentials, TlsAuthorities,
};
use moodvane_runtime::{Section, Settings};

/// Reads the section. Validates every key, even if the configuration selects another log.
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
    let security = read_security(&section);
    let config = KafkaConfig {
        topic_prefix: topic_prefix?,
        replication: replication?,
        min_insync_replicas: min_insync_replicas?,
        compression: compression?,
        instance_id: Some(instance_id?).filter(|id| !id.is_empty()),
        session_timeout: session_timeout?,
        security: security?,
        properties: properties?,
        ..KafkaConfig::new(servers?)
    };
    let faults = config.validate();
    for fault in &faults {
        match fault {
            KafkaConfigError::Field { field, problem } => section.fault(field, problem),
            other => settings.fault("eventlog.kafka.properties", other.to_string()),
        }
    }
    faults.is_empty().then_some(config)
}

fn read_security(section: &Section<'_>) -> Option<KafkaSecurity> {
    let tls = section.boolean("tls");
    let ca_file = section.text("ca_file");
    let user = section.text("sasl_user");
    let mechanism = section.parse("sasl_mechanism");
    let password = section.secret("sasl_password");
    let tls = read_authorities(section, tls?, &ca_file?);
    let (user, password, mechanism) = (user?, password?, mechanism?);
    let sasl = (!user.is_empty() || password.is_some()).then(|| SaslCredentials {
        mechanism,
        user,
        password: password.unwrap_or_default(),
    });
    Some(KafkaSecurity { tls: tls?, sasl })
}

fn read_authorities(
    section: &Section<'_>,
    tls: bool,
    ca_file: &str,
) -> Option<Option<TlsAuthorities>> {
    if ca_file.is_empty() {
        return Some(tls.then_some(TlsAuthorities::System));
    }
    if !tls {
        section.fault("ca_file", "requires tls = true");
        return None;
    }
    // librdkafka does not report why it cannot read a file.
    if let Err(error) = File::open(ca_file) {
        section.fault("ca_file", format!("cannot be read: {error}"));
        return None;
    }
    Some(Some(TlsAuthorities::File(ca_file.into())))
}
