//! The last connection failure of a client. librdkafka returns "transport failure" or a time-out
//! for every failed connection, and reports the cause to a callback only.

use std::sync::{Mutex, PoisonError};

use moodvane_model::ContextError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use thiserror::Error;

use super::client::log_error;
use crate::LogError;

/// Causes that a retry does not fix, in librdkafka's words, where its error code is not specific. A
/// broken-off handshake is not one of them: a broker that shuts down causes it too.
const PERMANENT: [&str; 2] = ["Unsupported SASL mechanism", "certificate verify failed"];

#[derive(Debug, Clone)]
struct Failure {
    is_permanent: bool,
    cause: String,
}

/// A failed request, with the connection failure that the client reported last.
#[derive(Debug, Error)]
#[error("{request}: {connection}")]
struct FailedRequest {
    request: KafkaError,
    connection: String,
}

/// The last connection failure of a client, where there was one.
#[derive(Debug, Default)]
pub(super) struct LastFailure(Mutex<Option<Failure>>);

impl LastFailure {
    /// Records what the client reported.
    pub(super) fn record(&self, error: &KafkaError, cause: &str) {
        let code = error.rdkafka_error_code();
        // librdkafka reports it after the cause; its text does not name the cause.
        if code == Some(Code::AllBrokersDown) {
            return;
        }
        let is_permanent =
            code == Some(Code::Authentication) || PERMANENT.iter().any(|w| cause.contains(w));
        let cause = cause.to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure {
            is_permanent,
            cause,
        });
    }

    /// The error of a failed request, with the last connection failure as its cause. Where a retry
    /// does not help, it is [`LogError::Rejected`].
    pub(super) fn explain(&self, message: &str, request: KafkaError) -> LogError {
        let error = log_error(message, request.clone());
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (LogError::Unavailable(_), Some(failure)) = (&error, last.clone()) else {
            return error;
        };
        let connection = failure.cause;
        let cause = FailedRequest {
            request,
            connection,
        };
        let context = ContextError::caused_by(message, cause);
        match failure.is_permanent {
            true => LogError::Rejected(context),
            false => LogError::Unavailable(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: (Code, &str) = (
        Code::BrokerTransportFailure,
        "a:1/bootstrap: Connect to a:1 failed: Connection refused",
    );

    fn explained(reports: &[(Code, &str)]) -> LogError {
        let last = LastFailure::default();
        for (code, cause) in reports {
            last.record(&KafkaError::Global(*code), cause);
        }
        let request = KafkaError::MetadataFetch(Code::BrokerTransportFailure);
        last.explain("cannot list topics", request)
    }

    #[test]
    fn names_last_cause() {
        let down = (Code::AllBrokersDown, "1/1 brokers are down");
        let error = explained(&[(Code::Resolve, "before"), REFUSED, down]);
        assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
        let text = format!("{error:#}");
        assert!(text.starts_with("cannot list topics: "), "{text}");
        assert!(text.ends_with(REFUSED.1), "{text}");
        assert!(!text.contains("before"), "{text}");
        let unexplained = explained(&[]);
        assert!(matches!(unexplained, LogError::Unavailable(_)));
        assert_eq!(unexplained.to_string(), "cannot list topics");
    }

    #[test]
    fn rejects_permanent_cause_unless_another_failure_follows() {
        let mut permanent = vec![(Code::Authentication, "wrong password")];
        permanent.extend(PERMANENT.map(|words| (Code::SSL, words)));
        for report in permanent {
            let error = explained(&[report]);
            assert!(matches!(error, LogError::Rejected(_)), "{error:?}");
            let error = explained(&[report, REFUSED]);
            assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
        }
    }
}
