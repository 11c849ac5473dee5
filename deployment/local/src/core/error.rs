//! Why a request is not done, as Marathon would say it.

use moodvane_marathon_api::{BodyError, DeploymentRef, ErrorBody, ErrorDetails, PathId};

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// Its body is refused.
    #[error(transparent)]
    Refused(#[from] BodyError),
    /// What it names is not there.
    #[error("{0}")]
    NotFound(String),
    /// The same, in an answer to a change: without details.
    #[error("{0}")]
    NothingToChange(String),
    /// What it would create is there.
    #[error("An app with id [{0}] already exists.")]
    Exists(PathId),
    /// Deployments hold what it would change.
    #[error(
        "App is locked by one or more deployments. Override with the option '?force=true'. \
         View details at '/v2/deployments/<DEPLOYMENT_ID>'."
    )]
    Locked(Vec<String>),
    /// It names something in a form that nothing has.
    #[error("{0}")]
    BadRequest(String),
}

impl RequestError {
    pub(crate) fn app_not_found(id: &PathId) -> Self {
        Self::NotFound(format!("App '{id}' does not exist"))
    }

    pub(crate) fn no_app_to_change(id: &PathId) -> Self {
        Self::NothingToChange(format!("App '{id}' does not exist"))
    }

    pub(crate) fn group_not_found(id: &PathId) -> Self {
        Self::NotFound(format!("Group '{id}' does not exist"))
    }

    pub(crate) fn no_group_to_change(id: &PathId) -> Self {
        Self::NothingToChange(format!("Group '{id}' does not exist"))
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Refused(refused) => refused.status(),
            Self::NotFound(_) | Self::NothingToChange(_) => 404,
            Self::Exists(_) | Self::Locked(_) => 409,
            Self::BadRequest(_) => 400,
        }
    }

    /// The body.
    pub(crate) fn body(&self) -> ErrorBody {
        let mut body = ErrorBody::new(self.to_string());
        match self {
            Self::Refused(refused) => body = refused.body(),
            Self::NotFound(_) => body.details = Some(ErrorDetails::Violations(Vec::new())),
            Self::Locked(ids) => {
                body.deployments = ids
                    .iter()
                    .map(|id| DeploymentRef { id: id.clone() })
                    .collect();
            }
            Self::NothingToChange(_) | Self::Exists(_) | Self::BadRequest(_) => {}
        }
        body
    }
}
