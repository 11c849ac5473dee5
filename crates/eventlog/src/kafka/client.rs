//! Shared by all Kafka clients: logging, the mapping of errors, and a bounded close.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use moodvane_model::ContextError;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::LogError;

/// How long closing a client may take. It hangs while a broker is unreachable.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Forwards librdkafka's log lines to tracing.
pub(super) struct LoggingContext;

impl ClientContext for LoggingContext {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        log_line(level, fac, message);
    }
    fn stats_raw(&self, _: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        log_client_error(&error, reason);
    }
}

impl ConsumerContext for LoggingContext {}

pub(super) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::warn!(facility, message, "kafka client log"),
        RDKafkaLogLevel::Warning => tracing::info!(facility, message, "kafka client log"),
        _ => tracing::debug!(facility, message, "kafka client log"),
    }
}

/// librdkafka retries by itself, so this is information, not a failure.
pub(super) fn log_client_error(error: &KafkaError, reason: &str) {
    tracing::info!(%error, reason, "kafka client error");
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

/// Closes a client on a separate thread, and stops waiting for it after a time-out.
pub(super) fn close_with_timeout(what: &'static str, close: impl FnOnce() + Send + 'static) {
    let (done, closed) = mpsc::channel();
    close_in_background(what, move || {
        close();
        // The receiver is gone after the time-out.
        let _ = done.send(());
    });
    if closed.recv_timeout(CLOSE_TIMEOUT) == Err(mpsc::RecvTimeoutError::Timeout) {
        let timeout_ms = CLOSE_TIMEOUT.as_millis() as u64;
        tracing::warn!(
            what,
            timeout_ms,
            "kafka client did not close in time, closing continues in the background"
        );
    }
}

/// Closes a client on a separate thread.
pub(super) fn close_in_background(what: &'static str, close: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new()
        .name("kafka-close".to_owned())
        .spawn(close);
    if let Err(error) = thread {
        tracing::warn!(what, %error, "cannot start thread to close kafka client");
    }
}
