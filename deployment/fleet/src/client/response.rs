//! Responses: the status becomes an error unless it is a success; bodies are read up to a limit.

use moodvane_marathon_api::{DeploymentRef, ErrorBody, ErrorDetails, Violation};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::{ClientError, ResponseError};

const MAX_BODY_BYTES: usize = 64 << 20;
const MAX_MESSAGE_CHARS: usize = 300;

/// Returns a successful response, else the error that it means.
pub(super) async fn check_status(
    request: &str,
    response: Response,
) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let request = request.to_owned();
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
        let status = status.as_u16();
        return Err(ClientError::Unauthorized { request, status });
    }
    let bytes = read_body(&request, response).await?;
    let message = match serde_json::from_slice::<ErrorBody>(&bytes) {
        Ok(body) if status == StatusCode::CONFLICT && !body.deployments.is_empty() => {
            let ids = body.deployments.into_iter();
            return Err(ClientError::Locked {
                request,
                deployments: ids.map(|DeploymentRef { id }| id).collect(),
            });
        }
        Ok(body) => describe(body),
        Err(_) if bytes.is_empty() => "an empty body".to_owned(),
        Err(_) => {
            let text = String::from_utf8_lossy(&bytes);
            text.chars().take(MAX_MESSAGE_CHARS).collect()
        }
    };
    Err(ClientError::Rejected {
        request,
        status: status.as_u16(),
        message,
    })
}

fn describe(body: ErrorBody) -> String {
    match body.details {
        Some(ErrorDetails::Violations(violations)) if !violations.is_empty() => {
            let describe = |one: &Violation| format!("{}: {}", one.path, one.errors.join(", "));
            let violations: Vec<String> = violations.iter().map(describe).collect();
            format!("{}: {}", body.message, violations.join("; "))
        }
        Some(ErrorDetails::Text(text)) => format!("{}: {text}", body.message),
        _ => body.message,
    }
}

pub(super) fn parse_json<T: DeserializeOwned>(
    request: &str,
    bytes: &[u8],
) -> Result<T, ClientError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        ClientError::InvalidResponse {
            request: request.to_owned(),
            source: error.into(),
        }
    })
}

pub(super) async fn read_body(
    request: &str,
    mut response: Response,
) -> Result<Vec<u8>, ClientError> {
    let lost = |source: reqwest::Error| ClientError::ConnectionLost {
        request: request.to_owned(),
        source: source.without_url(),
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY_BYTES {
            return Err(ClientError::InvalidResponse {
                request: request.to_owned(),
                source: ResponseError::TooLarge {
                    limit: MAX_BODY_BYTES,
                },
            });
        }
    }
    Ok(bytes)
}
