//! Answers: a success is read up to a bound, anything else becomes an error that says what was refused.

use moodvane_marathon_api::{DeploymentRef, ErrorBody, ErrorDetails, Violation};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::{ClientError, chain};

const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The answer where it is a success, else what it refuses.
pub(super) async fn accept(what: &str, response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let what = what.to_owned();
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
        let status = status.as_u16();
        return Err(ClientError::Unauthorized { what, status });
    }
    let bytes = collect(&what, response).await?;
    let body = serde_json::from_slice::<ErrorBody>(&bytes);
    let Ok(body) = body else {
        let text: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
        let message = if text.is_empty() {
            "nothing".to_owned()
        } else {
            text
        };
        return Err(ClientError::Rejected {
            what,
            status: status.as_u16(),
            message,
        });
    };
    if status == StatusCode::CONFLICT && !body.deployments.is_empty() {
        let deployments = body
            .deployments
            .into_iter()
            .map(|DeploymentRef { id }| id)
            .collect();
        return Err(ClientError::Locked { what, deployments });
    }
    Err(ClientError::Rejected {
        what,
        status: status.as_u16(),
        message: told(body),
    })
}

fn told(body: ErrorBody) -> String {
    match body.details {
        Some(ErrorDetails::Violations(places)) if !places.is_empty() => {
            let one = |place: &Violation| format!("{}: {}", place.path, place.errors.join(", "));
            let places: Vec<String> = places.iter().map(one).collect();
            format!("{}: {}", body.message, places.join("; "))
        }
        Some(ErrorDetails::Text(text)) => format!("{}: {text}", body.message),
        _ => body.message,
    }
}

pub(super) async fn read<T: DeserializeOwned>(
    what: &str,
    response: Response,
) -> Result<T, ClientError> {
    let bytes = collect(what, response).await?;
    let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        ClientError::InvalidResponse {
            what: what.to_owned(),
            why: error.to_string(),
        }
    })
}

pub(super) async fn collect(what: &str, mut response: Response) -> Result<Vec<u8>, ClientError> {
    let broken = |why: String| ClientError::ConnectionLost {
        what: what.to_owned(),
        why,
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| broken(chain(&error)))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(ClientError::InvalidResponse {
                what: what.to_owned(),
                why: format!("it has more than {MAX_ANSWER_BYTES} bytes"),
            });
        }
    }
    Ok(bytes)
}
