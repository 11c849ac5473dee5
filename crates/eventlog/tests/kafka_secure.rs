//! TLS and SASL against real brokers: every way in, and what is said where one is refused.

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
    config.security = KafkaSecurity { tls, login };
    config
}

const PLAIN_DOOR: &str = "MOODVANE_TEST_KAFKA";
const SECURE_DOOR: &str = "MOODVANE_TEST_KAFKA_SECURE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_go_in_and_out_by_tls_and_every_mechanism() {
    for mechanism in [
        SaslMechanism::Plain,
        SaslMechanism::ScramSha256,
        SaslMechanism::ScramSha512,
    ] {
        let config = at(SECURE_DOOR, authorities(), login(mechanism, PASSWORD));
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
async fn a_door_that_stays_shut_says_why_and_is_not_tried_again() {
    let scram = SaslMechanism::ScramSha256;
    let cases = [
        (
            at(SECURE_DOOR, authorities(), login(scram, "guessed")),
            "SASL authentication error",
        ),
        (
            at(
                SECURE_DOOR,
                authorities(),
                login(SaslMechanism::Plain, "guessed"),
            ),
            "SASL authentication error",
        ),
        (
            at(
                SECURE_DOOR,
                Some(TlsAuthorities::System),
                login(scram, PASSWORD),
            ),
            "certificate verify failed",
        ),
    ];
    let tries = cases.map(|(config, words)| {
        let opened = KafkaLog::open(config);
        tokio::spawn(async move { (opened.await.err().unwrap(), words) })
    });
    for outcome in tries {
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
async fn a_wrong_door_looks_like_a_broker_that_ends_and_is_tried_again() {
    let of_login = login(SaslMechanism::ScramSha256, PASSWORD);
    let (no_tls, no_need) = tokio::join!(
        KafkaLog::open(at(SECURE_DOOR, None, of_login)),
        KafkaLog::open(at(PLAIN_DOOR, authorities(), None)),
    );
    for outcome in [no_tls, no_need] {
        let error = outcome.err().unwrap();
        assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
    }
}
