//! What all Kafka clients share: where their log lines go, what their errors mean to our callers,
//! and an end within a bound.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use moodvane_model::ContextError;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::LogError;

/// How long the end of a client may take. It hangs while a broker is away.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Sends the library's log lines to ours.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        log(level, fac, message);
    }
    fn stats_raw(&self, _: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        client_error(&error, reason);
    }
}

impl ConsumerContext for Quiet {}

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::warn!(facility, message, "kafka client reports"),
        RDKafkaLogLevel::Warning => tracing::info!(facility, message, "kafka client reports"),
        _ => tracing::debug!(facility, message, "kafka client reports"),
    }
}

/// The library retries by itself, so this is news, not a failure.
pub(super) fn client_error(error: &KafkaError, reason: &str) {
    tracing::info!(%error, reason, "kafka client is in difficulty");
}

/// The log's error for an error of the client: it says whether a retry may help.
pub(super) fn log_error(message: &str, error: KafkaError) -> LogError {
    if let KafkaError::ClientConfig(_, _, key, _) = &error {
        // The text of this error repeats the value, which may be a secret.
        let text = format!("{message}: librdkafka rejects property {key}");
        return LogError::Mismatch(text.into());
    }
    let is_permanent = match &error {
        KafkaError::ClientCreation(_) | KafkaError::MessageConsumptionFatal(_) => true,
        other => other.rdkafka_error_code().is_some_and(is_permanent),
    };
    let context = ContextError::caused_by(message, error);
    match is_permanent {
        true => LogError::Rejected(context),
        false => LogError::Unavailable(context),
    }
}

fn is_permanent(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::UnsupportedSASLMechanism
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature
            | Code::InvalidSessionTimeout
            | Code::InconsistentGroupProtocol
            | Code::FencedInstanceId
            | Code::InvalidTopic
            | Code::InvalidConfig
            | Code::PolicyViolation
            | Code::MessageSizeTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidRequiredAcks
    )
}

/// Ends a client on a thread of its own, and leaves it to that thread where it takes too long.
pub(super) fn close(what: &'static str, end: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    retire(what, move || {
        end();
        // Nobody waits any more where it took too long.
        let _ = done.send(());
    });
    if ended.recv_timeout(CLOSE_WITHIN) == Err(mpsc::RecvTimeoutError::Timeout) {
        let within_ms = CLOSE_WITHIN.as_millis() as u64;
        tracing::warn!(
            what,
            within_ms,
            "kafka client does not close in time, leaving it behind"
        );
    }
}

/// Ends a client whose end nobody needs to wait for.
pub(super) fn retire(what: &'static str, end: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new()
        .name("kafka-close".to_owned())
        .spawn(end);
    if let Err(error) = thread {
        tracing::warn!(what, %error, "no thread to close a kafka client");
    }
}
