//! Rejected request bodies, with the response that Marathon gives.
//!
//! Convention: a cause would be a `#[source]` and not part of the message. The parsers' messages are kept as
//! text, because they are part of the response body.

use serde::{Deserialize, Serialize};

/// An invalid field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The field, such as `/healthChecks(0)/path`.
    pub path: String,
    /// The errors.
    pub errors: Vec<String>,
}

impl Violation {
    /// Returns a violation with one error.
    pub fn new(path: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            errors: vec![error.into()],
        }
    }
}

/// A request body that cannot be parsed or violates a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body is empty: 400.
    #[error("the request body is empty")]
    Empty,
    /// The body is not JSON: 400.
    #[error("invalid JSON: {0}")]
    InvalidJson(String),
    /// A field is missing or has the wrong type or range: 422.
    #[error("invalid fields: {}", join(.0))]
    InvalidShape(Vec<Violation>),
    /// The fields violate a rule across fields: 422.
    #[error("invalid object: {}", join(.0))]
    InvalidObject(Vec<Violation>),
}

fn join(violations: &[Violation]) -> String {
    let one =
        |violation: &Violation| format!("{}: {}", violation.path, violation.errors.join(", "));
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl BodyError {
    /// The status of Marathon's response.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Empty | Self::InvalidJson(_) => 400,
            Self::InvalidShape(_) | Self::InvalidObject(_) => 422,
        }
    }

    /// The body of Marathon's response.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        let (message, details) = match self {
            Self::Empty => (
                "Please specify data in JSON format",
                ErrorDetails::Text("No content to map due to end-of-input".to_owned()),
            ),
            Self::InvalidJson(why) => ("Invalid JSON", ErrorDetails::Text(why.clone())),
            Self::InvalidShape(violations) => {
                ("Invalid JSON", ErrorDetails::Violations(violations.clone()))
            }
            Self::InvalidObject(violations) => (
                "Object is not valid",
                ErrorDetails::Violations(violations.clone()),
            ),
        };
        ErrorBody {
            message: message.to_owned(),
            details: Some(details),
            deployments: Vec::new(),
        }
    }
}

/// Details of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ErrorDetails {
    /// Invalid fields.
    Violations(Vec<Violation>),
    /// Text.
    Text(String),
}

/// The body of every error response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The message.
    pub message: String,
    /// Details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
    /// The deployments that lock the app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<crate::DeploymentRef>,
}

impl ErrorBody {
    /// Returns a body with only a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: None,
            deployments: Vec::new(),
        }
    }
}
