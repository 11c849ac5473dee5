//! Errors in the response of a weather provider.
//!
//! Convention of this crate: errors derive [`thiserror::Error`]; a cause is the `source` of its error
//! and not part of the message, so that printing the chain prints each cause once.

use moodvane_model::{CityId, ModelError};
use thiserror::Error;

/// A response that does not match the provider's documentation.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// Not JSON, for example a proxy's error page or a truncated body.
    #[error("response is not JSON")]
    NotJson(#[from] serde_json::Error),
    /// The provider rejected the request and states the reason.
    #[error("provider rejected the request: {0}")]
    Provider(String),
    /// A required field is missing.
    #[error("missing field `{0}`")]
    MissingField(String),
    /// A field has another type, or a list another length.
    #[error("field `{field}` must be {expected}")]
    WrongType {
        /// Path of the field in the response.
        field: String,
        /// The expected type or length.
        expected: &'static str,
    },
    /// A response of several cities has another number of them than the request.
    #[error("response has {found} cities, expected {expected}")]
    WrongCount {
        /// The number in the request.
        expected: usize,
        /// The number in the response.
        found: usize,
    },
    /// A response is of another place than the request.
    #[error(
        "response for {city} is of latitude {latitude}, longitude {longitude}, which is elsewhere"
    )]
    WrongPlace {
        /// The requested city.
        city: CityId,
        /// Degrees north, in the response.
        latitude: f64,
        /// Degrees east, in the response.
        longitude: f64,
    },
    /// A value has another unit than the request asked for.
    #[error("field `{field}` has unit \"{found}\", expected \"{expected}\"")]
    WrongUnit {
        /// Path of the field in the response.
        field: String,
        /// The requested unit.
        expected: &'static str,
        /// The unit stated in the response.
        found: String,
    },
    /// A time that cannot be parsed.
    #[error("field `{field}` is \"{found}\", expected a time such as {example}")]
    InvalidTime {
        /// Path of the field in the response.
        field: String,
        /// The value in the response.
        found: String,
        /// A time in the provider's format.
        example: &'static str,
    },
    /// A required value is null, or its quality flag disqualifies it.
    #[error("field `{field}` has no usable value: {why}")]
    NoValue {
        /// Path of the field in the response.
        field: String,
        /// The content of the field, or the quality flag.
        why: String,
    },
    /// A value outside the range of its variable.
    #[error("field `{field}` has an invalid value")]
    InvalidValue {
        /// Path of the field in the response.
        field: String,
        /// The violated bound.
        #[source]
        source: ModelError,
    },
}

impl UpstreamError {
    /// A short name from a bounded set, for a metric label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::Provider(_) => "provider",
            Self::MissingField(_) => "missing_field",
            Self::WrongType { .. } => "wrong_type",
            Self::WrongCount { .. } => "wrong_count",
            Self::WrongPlace { .. } => "wrong_place",
            Self::WrongUnit { .. } => "wrong_unit",
            Self::InvalidTime { .. } => "time",
            Self::NoValue { .. } => "no_value",
            Self::InvalidValue { .. } => "impossible_value",
        }
    }
}
