//! Why an answer of a weather provider is of no use.

use moodvane_model::ModelError;
use thiserror::Error;

/// An answer that is not what the API promises.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// Not JSON at all, for example a proxy's page, or cut short.
    #[error("the answer is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The provider refused the request and says why.
    #[error("the provider refused: {0}")]
    Provider(String),
    /// A field that must be there is not.
    #[error("field \"{0}\" is missing")]
    Missing(String),
    /// A field holds another type, or a list another length.
    #[error("field \"{field}\" must be {expected}")]
    WrongType {
        /// The field's path in the answer.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A value is in another unit than the one asked for.
    #[error("field \"{field}\" is in \"{found}\", it must be in \"{expected}\"")]
    WrongUnit {
        /// The field's path in the answer.
        field: String,
        /// The unit asked for.
        expected: &'static str,
        /// The unit that the answer states.
        found: String,
    },
    /// A time that cannot be read.
    #[error("field \"{field}\": \"{found}\" must be a time such as {example}")]
    Time {
        /// The field's path in the answer.
        field: String,
        /// What stands there.
        found: String,
        /// A time as the provider writes it.
        example: &'static str,
    },
    /// A value that must be there is not known, or not good enough to count.
    #[error("field \"{field}\" has no value to count: {why}")]
    NoValue {
        /// The field's path in the answer.
        field: String,
        /// What stands there in its place.
        why: String,
    },
    /// A value that cannot be.
    #[error("field \"{field}\": {source}")]
    Impossible {
        /// The field's path in the answer.
        field: String,
        /// Why it cannot be.
        #[source]
        source: ModelError,
    },
}

impl UpstreamError {
    /// A short, bounded name of the reason, fit for a metric's label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::Provider(_) => "provider",
            Self::Missing(_) => "missing_field",
            Self::WrongType { .. } => "wrong_type",
            Self::WrongUnit { .. } => "wrong_unit",
            Self::Time { .. } => "time",
            Self::NoValue { .. } => "no_value",
            Self::Impossible { .. } => "impossible_value",
        }
    }
}
