//! Responses: JSON with the headers of Marathon.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moodvane_marathon_api::{DeploymentResult, ErrorBody};
use serde::Serialize;

use crate::core::RequestError;

const LEADER: HeaderName = HeaderName::from_static("x-marathon-leader");
const DEPLOYMENT: HeaderName = HeaderName::from_static("marathon-deployment-id");

/// A response with `value` as JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let headers = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )];
            (status, headers, bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot serialize response");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) fn ok<T: Serialize>(value: &T) -> Response {
    json(StatusCode::OK, value)
}

/// An error with a message and no details.
pub(super) fn error_message(status: StatusCode, message: &str) -> Response {
    json(status, &ErrorBody::new(message))
}

pub(super) fn error(error: &RequestError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &error.body())
}

/// The response to a change that started a deployment.
pub(super) fn deployed(result: &DeploymentResult) -> Response {
    with_deployment(ok(result), &result.deployment_id)
}

/// Adds the header with the deployment's id.
pub(super) fn with_deployment(mut response: Response, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(DEPLOYMENT, value);
    }
    response
}

/// Turns `response` into a 201 with the location of the created object.
pub(super) fn created(mut response: Response, address: SocketAddr, path: &str) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(value) = HeaderValue::from_str(&format!("http://{address}{path}")) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Every response names the leader and forbids caching.
pub(super) fn set_common_headers(response: &mut Response<Body>, address: SocketAddr) {
    if let Ok(value) = HeaderValue::from_str(&format!("http://{address}")) {
        response.headers_mut().insert(LEADER, value);
    }
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    );
}
