//! Answers: JSON with the headers that Marathon's clients look for.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moodvane_marathon_api::{DeploymentResult, ErrorBody};
use serde::Serialize;

use crate::core::RequestError;

const LEADER: HeaderName = HeaderName::from_static("x-marathon-leader");
const DEPLOYMENT: HeaderName = HeaderName::from_static("marathon-deployment-id");

/// `what` as JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, what: &T) -> Response {
    match serde_json::to_vec(what) {
        Ok(bytes) => {
            let headers = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )];
            (status, headers, bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) fn ok<T: Serialize>(what: &T) -> Response {
    json(StatusCode::OK, what)
}

/// A message alone.
pub(super) fn refused(status: StatusCode, message: &str) -> Response {
    json(status, &ErrorBody::new(message))
}

pub(super) fn error(error: &RequestError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &error.body())
}

/// The answer to a change.
pub(super) fn deployed(result: &DeploymentResult) -> Response {
    with_deployment(ok(result), &result.deployment_id)
}

/// `response`, telling which deployment does it.
pub(super) fn with_deployment(mut response: Response, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(DEPLOYMENT, value);
    }
    response
}

/// `response`, as that of something new at `path`.
pub(super) fn created(mut response: Response, address: SocketAddr, path: &str) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(value) = HeaderValue::from_str(&format!("http://{address}{path}")) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Every answer says who leads, and is not to be kept.
pub(super) fn mark(response: &mut Response<Body>, address: SocketAddr) {
    if let Ok(value) = HeaderValue::from_str(&format!("http://{address}")) {
        response.headers_mut().insert(LEADER, value);
    }
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    );
}
