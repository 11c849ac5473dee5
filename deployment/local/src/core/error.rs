//! Errors of requests, with Marathon's statuses and bodies.
//!
//! Most texts are Marathon's, because clients match on them. A [`BodyError`] passes through unchanged.

use moodvane_marathon_api::{
    BodyError, CycleError, DeploymentRef, ErrorBody, ErrorDetails, PathId, Violation,
};

/// A rejected request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// The body is invalid or not supported.
    #[error(transparent)]
    Invalid(#[from] BodyError),
    /// The named object does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The object to change does not exist; the body has no details.
    #[error("{0}")]
    ChangeTargetNotFound(String),
    /// The app to create already exists.
    #[error("An app with id [{0}] already exists.")]
    AlreadyExists(PathId),
    /// Deployments lock an app to change.
    #[error(
        "App is locked by one or more deployments. Override with the option '?force=true'. \
         View details at '/v2/deployments/<DEPLOYMENT_ID>'."
    )]
    Locked(Vec<String>),
    /// The dependencies of the apps have a cycle.
    #[error(transparent)]
    Cycle(#[from] CycleError),
    /// An id in the request is malformed.
    #[error("{0}")]
    BadRequest(String),
}

impl RequestError {
    /// A single violation: `error` at `path` of the body.
    pub(crate) fn invalid(path: impl Into<String>, error: impl Into<String>) -> Self {
        Self::Invalid(BodyError::InvalidObject(vec![Violation::new(path, error)]))
    }

    pub(crate) fn app_not_found(id: &PathId) -> Self {
        Self::NotFound(format!("App '{id}' does not exist"))
    }

    pub(crate) fn app_missing_for_change(id: &PathId) -> Self {
        Self::ChangeTargetNotFound(format!("App '{id}' does not exist"))
    }

    pub(crate) fn group_not_found(id: &PathId) -> Self {
        Self::NotFound(format!("Group '{id}' does not exist"))
    }

    pub(crate) fn group_missing_for_change(id: &PathId) -> Self {
        Self::ChangeTargetNotFound(format!("Group '{id}' does not exist"))
    }

    /// Whether the body was valid and the state refused the change. Marathon reports such a refusal
    /// as an event too.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self, Self::Invalid(_) | Self::BadRequest(_))
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Invalid(error) => error.status(),
            Self::Cycle(_) => 422,
            Self::NotFound(_) | Self::ChangeTargetNotFound(_) => 404,
            Self::AlreadyExists(_) | Self::Locked(_) => 409,
            Self::BadRequest(_) => 400,
        }
    }

    /// The response body.
    pub(crate) fn body(&self) -> ErrorBody {
        let mut body = ErrorBody::new(self.to_string());
        match self {
            Self::Invalid(error) => body = error.body(),
            Self::Cycle(cycle) => {
                let violation = Violation::new("/", cycle.to_string());
                body = BodyError::InvalidObject(vec![violation]).body();
            }
            Self::NotFound(_) => body.details = Some(ErrorDetails::Violations(Vec::new())),
            Self::Locked(ids) => {
                body.deployments = ids
                    .iter()
                    .map(|id| DeploymentRef { id: id.clone() })
                    .collect();
            }
            Self::ChangeTargetNotFound(_) | Self::AlreadyExists(_) | Self::BadRequest(_) => {}
        }
        body
    }
}
