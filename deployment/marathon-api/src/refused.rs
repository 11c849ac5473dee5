//! Why a request is refused: what Marathon answers, as a type.

use serde::{Deserialize, Serialize};

/// One place in what was sent, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Where, as `/healthChecks(0)/path`.
    pub path: String,
    /// What is wrong there.
    pub errors: Vec<String>,
}

impl Violation {
    /// One error at one place.
    pub fn new(path: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            errors: vec![error.into()],
        }
    }
}

/// A body that cannot be read, or says what is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is nothing to read. Answered as 400.
    #[error("no JSON was sent")]
    Empty,
    /// It is not JSON. Answered as 400.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is JSON of another shape. Answered as 422.
    #[error("of the wrong shape: {}", told(.0))]
    Shape(Vec<Violation>),
    /// Its shape is right but what it says is not allowed. Answered as 422.
    #[error("not valid: {}", told(.0))]
    NotValid(Vec<Violation>),
}

fn told(violations: &[Violation]) -> String {
    let one =
        |violation: &Violation| format!("{}: {}", violation.path, violation.errors.join(", "));
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl Refused {
    /// The status that Marathon answers.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Empty | Self::NotJson(_) => 400,
            Self::Shape(_) | Self::NotValid(_) => 422,
        }
    }

    /// The body that Marathon answers.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        let (message, details) = match self {
            Self::Empty => (
                "Please specify data in JSON format",
                Details::Text("No content to map due to end-of-input".to_owned()),
            ),
            Self::NotJson(why) => ("Invalid JSON", Details::Text(why.clone())),
            Self::Shape(violations) => ("Invalid JSON", Details::Places(violations.clone())),
            Self::NotValid(violations) => {
                ("Object is not valid", Details::Places(violations.clone()))
            }
        };
        ErrorBody {
            message: message.to_owned(),
            details: Some(details),
            deployments: Vec::new(),
        }
    }
}

/// What stands beside the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Details {
    /// Places and what is wrong there.
    Places(Vec<Violation>),
    /// A sentence.
    Text(String),
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong.
    pub message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The deployments that hold what was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<crate::Identified>,
}

impl ErrorBody {
    /// A message alone.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: None,
            deployments: Vec::new(),
        }
    }
}
