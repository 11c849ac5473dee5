//! Validation of the Kafka configuration, and redaction of secrets. Needs no broker.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use moodvane_eventlog::{
    KafkaConfig, KafkaConfigError, KafkaLog, KafkaSecurity, LogError, SaslCredentials,
    SaslMechanism, TlsAuthorities,
};

fn with_properties(properties: &[(&str, &str)]) -> KafkaConfig {
    let mut config = KafkaConfig::new("127.0.0.1:9");
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    config.properties = properties.iter().map(owned).collect();
    config
}

fn login(user: &str, password: &str) -> SaslCredentials {
    SaslCredentials {
        mechanism: SaslMechanism::Plain,
        user: user.to_owned(),
        password: password.to_owned(),
    }
}

fn secured(tls: Option<TlsAuthorities>, login: Option<SaslCredentials>) -> KafkaConfig {
    KafkaConfig {
        security: KafkaSecurity { tls, sasl: login },
        ..with_properties(&[])
    }
}

#[test]
fn rejects_protected_properties_with_reason() {
    let protected = [
        "acks",
        "request.required.acks",
        "enable.idempotence",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "retries",
        "transactional.id",
        "partitioner",
        "auto.offset.reset",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "isolation.level",
        "partition.assignment.strategy",
        "group.protocol",
        "group.id",
        "group.instance.id",
        "session.timeout.ms",
        "bootstrap.servers",
        "compression.type",
        "security.protocol",
        "sasl.password",
        "ssl.ca.location",
    ];
    for key in protected {
        let errors = with_properties(&[(key, "1")]).validate();
        let [KafkaConfigError::Protected { key: named, why }] = &errors[..] else {
            panic!("{key}: {errors:?}");
        };
        assert_eq!(named, key);
        assert!(!why.is_empty());
    }
}

#[test]
fn reports_all_errors_at_once() {
    let mut config = with_properties(&[
        ("acks", "1"),
        ("no.such.property", "1"),
        ("linger.ms", "soon"),
    ]);
    config.bootstrap_servers = "localhost".to_owned();
    config.topic_prefix = "a b".to_owned();
    config.partitions = 0;
    config.min_insync_replicas = 2;
    config.session_timeout = Duration::from_millis(1);
    config.max_poll_interval = Duration::ZERO;
    let texts: Vec<String> = config.validate().iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 9, "{texts:#?}");
    assert!(texts[0].starts_with("kafka bootstrap_servers must be host:port"));
    assert!(
        texts
            .iter()
            .any(|t| t.contains("acks cannot be set: an acknowledged record must not be lost"))
    );
    assert!(texts.iter().any(|t| t.contains("no.such.property")));
    assert!(texts.iter().any(|t| t.contains("linger.ms")));
}

#[test]
fn accepts_valid_configurations() {
    let sound = [
        with_properties(&[]),
        with_properties(&[
            ("socket.timeout.ms", "5000"),
            ("linger.ms", "2"),
            ("client.id", "x"),
        ]),
        secured(Some(TlsAuthorities::System), Some(login("u", "p"))),
        secured(None, Some(login("u", "p"))),
    ];
    for config in sound {
        assert_eq!(config.validate(), []);
    }
}

#[test]
fn rejects_invalid_configuration() {
    let error = KafkaLog::new(with_properties(&[("acks", "0")]))
        .err()
        .unwrap();
    assert!(
        matches!(error, LogError::Config(KafkaConfigError::Protected { .. })),
        "{error:?}"
    );
}

#[test]
fn debug_and_errors_hide_secrets() {
    let secrets = [
        ("sasl.oauthbearer.config", "hunter2"),
        ("ssl.key.password", "hunter2"),
        ("ssl.key.pem", "hunter2"),
        ("sasl.oauthbearer.client.secret", "hunter2"),
        ("made.up.token", "hunter2"),
    ];
    let config = with_properties(&secrets);
    let shown = format!("{config:?}{:?}", config.validate());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("ssl.key.password"), "{shown}");
    let shown = format!("{:?}", secured(None, Some(login("anna", "hunter2"))));
    assert!(
        shown.contains("anna") && !shown.contains("hunter2"),
        "{shown}"
    );
    let shown = format!("{:?}", with_properties(&[("client.rack", "r7")]));
    assert!(shown.contains("r7"), "other properties are shown: {shown}");
}

#[test]
fn rejects_user_without_password_and_password_without_user() {
    for half in [login("u", ""), login("", "p")] {
        let errors = secured(None, Some(half)).validate();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let expected = "kafka sasl_user and sasl_password must be given both, or neither";
        assert_eq!(texts, [expected]);
    }
}
