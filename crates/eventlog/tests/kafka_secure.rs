//! TLS and SASL against real brokers: every mechanism, and the errors of rejected connections.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

mod conformance;
mod kafka_cluster;

use std::path::PathBuf;
use std::time::Duration;

use conformance::{drain, numbered, started};
use kafka_cluster::Cluster;
use moodvane_eventlog::{
    EventLog as _, KafkaConfig, KafkaLog, KafkaSecurity, LogError, SaslCredentials, SaslMechanism,
    TlsAuthorities,
};
use moodvane_model::Topic;

/// The user of the test servers.
const USER: &str = "moodvane";
const PASSWORD: &str = "moodvane-tests";

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name}; start the servers: deployment/servers/run -- …"))
}

fn authorities() -> Option<TlsAuthorities> {
    let file = PathBuf::from(variable("MOODVANE_TEST_CA"));
    Some(TlsAuthorities::File(file))
}

fn login(mechanism: SaslMechanism, password: &str) -> Option<SaslCredentials> {
    Some(SaslCredentials {
        mechanism,
        user: USER.to_owned(),
        password: password.to_owned(),
    })
}

fn at(servers: &str, tls: Option<TlsAuthorities>, login: Option<SaslCredentials>) -> KafkaConfig {
    let mut config = Cluster::new().config(2);
    config.bootstrap_servers = variable(servers);
    config.request_timeout = Duration::from_secs(10);
    config.security = KafkaSecurity { tls, sasl: login };
    config
}

const PLAIN_LISTENER: &str = "MOODVANE_TEST_KAFKA";
const SECURE_LISTENER: &str = "MOODVANE_TEST_KAFKA_SECURE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_and_reads_over_tls_with_every_mechanism() {
    for mechanism in [
        SaslMechanism::Plain,
        SaslMechanism::ScramSha256,
        SaslMechanism::ScramSha512,
    ] {
        let config = at(SECURE_LISTENER, authorities(), login(mechanism, PASSWORD));
        let log = KafkaLog::open(config).await.unwrap();
        log.publish(Topic::Tweet, numbered(0..50)).await.unwrap();
        log.save_cursor("a", "1").await.unwrap();
        assert_eq!(log.cursor("a").await.unwrap().as_deref(), Some("1"));
        let mut consumer = started(&log, &[Topic::Tweet]);
        let rows = drain(&mut *consumer, 50);
        assert_eq!(rows.values().map(Vec::len).sum::<usize>(), 50);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn reports_permanent_rejections_with_reason() {
    let scram = SaslMechanism::ScramSha256;
    let cases = [
        (
            at(SECURE_LISTENER, authorities(), login(scram, "guessed")),
            "SASL authentication error",
        ),
        (
            at(
                SECURE_LISTENER,
                authorities(),
                login(SaslMechanism::Plain, "guessed"),
            ),
            "SASL authentication error",
        ),
        (
            at(
                SECURE_LISTENER,
                Some(TlsAuthorities::System),
                login(scram, PASSWORD),
            ),
            "certificate verify failed",
        ),
    ];
    let attempts = cases.map(|(config, words)| {
        let opened = KafkaLog::open(config);
        tokio::spawn(async move { (opened.await.err().unwrap(), words) })
    });
    for outcome in attempts {
        let (error, words) = outcome.await.unwrap();
        let text = format!("{error:#}");
        assert!(matches!(error, LogError::Rejected(_)), "{error:?}");
        assert!(text.contains(words), "{words}: {text}");
        assert!(
            !text.contains("guessed") && !text.contains(PASSWORD),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn treats_wrong_listener_as_unavailable() {
    let credentials = login(SaslMechanism::ScramSha256, PASSWORD);
    let (without_tls, with_tls) = tokio::join!(
        KafkaLog::open(at(SECURE_LISTENER, None, credentials)),
        KafkaLog::open(at(PLAIN_LISTENER, authorities(), None)),
    );
    for outcome in [without_tls, with_tls] {
        let error = outcome.err().unwrap();
        assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
    }
}
