//! Why a connection failed. The library returns "transport failure" or a time-out for everything,
//! and tells the cause only on the side.

use std::sync::{Mutex, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::LogError;

/// Words of causes that waiting does not mend, in the library's own text, where its code alone does
/// not tell. A handshake that merely breaks off is not among them: it also does while a broker ends.
const PERMANENT: [&str; 2] = ["Unsupported SASL mechanism", "certificate verify failed"];

#[derive(Debug)]
struct Failure {
    is_permanent: bool,
    cause: String,
}

/// What a client's connection failed of last.
#[derive(Debug, Default)]
pub(super) struct LastFailure(Mutex<Option<Failure>>);

impl LastFailure {
    pub(super) fn note(&self, error: &KafkaError, cause: &str) {
        let code = error.rdkafka_error_code();
        // It follows the cause, and says nothing of it.
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

    /// The error with its cause; one that waiting does not mend becomes a [`LogError::Mismatch`].
    pub(super) fn explain(&self, error: LogError) -> LogError {
        let LogError::Unavailable(text) = error else {
            return error;
        };
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_ref() {
            None => LogError::Unavailable(text),
            Some(f) if f.is_permanent => LogError::Mismatch(format!("{text}: {}", f.cause)),
            Some(f) => LogError::Unavailable(format!("{text}: {}", f.cause)),
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

    fn explained(told: &[(Code, &str)]) -> LogError {
        let last = LastFailure::default();
        for (code, cause) in told {
            last.note(&KafkaError::Global(*code), cause);
        }
        last.explain(LogError::Unavailable("cannot list".to_owned()))
    }

    #[test]
    fn the_last_cause_is_told() {
        let down = (Code::AllBrokersDown, "1/1 brokers are down");
        let error = explained(&[(Code::Resolve, "before"), REFUSED, down]);
        let expected = format!("cannot list: {}", REFUSED.1);
        assert!(matches!(error, LogError::Unavailable(text) if text == expected));
        let error = explained(&[]);
        assert!(matches!(error, LogError::Unavailable(text) if text == "cannot list"));
    }

    #[test]
    fn what_waiting_does_not_mend_is_a_mismatch_unless_something_else_came_later() {
        let mut permanent = vec![(Code::Authentication, "wrong password")];
        permanent.extend(PERMANENT.map(|words| (Code::SSL, words)));
        for told in permanent {
            let error = explained(&[told]);
            assert!(matches!(error, LogError::Mismatch(_)), "{error:?}");
            let error = explained(&[told, REFUSED]);
            assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
        }
    }
}
