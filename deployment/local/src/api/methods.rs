//! The methods of each endpoint.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::path::Endpoint;
use super::response::error_message;

/// The methods of an endpoint; none for an unknown path.
fn allowed_methods(endpoint: &Endpoint) -> &'static [Method] {
    match endpoint {
        Endpoint::Ping
        | Endpoint::Info
        | Endpoint::Leader
        | Endpoint::Plugins
        | Endpoint::Events
        | Endpoint::AppVersions(_)
        | Endpoint::AppVersion(..)
        | Endpoint::GroupVersions(_)
        | Endpoint::Tasks
        | Endpoint::TaskLog(_)
        | Endpoint::Deployments
        | Endpoint::Queue => &[Method::GET],
        Endpoint::Apps => &[Method::GET, Method::POST, Method::PUT, Method::PATCH],
        Endpoint::App(_) => &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE],
        Endpoint::AppRestart(_) | Endpoint::TasksDelete => &[Method::POST],
        Endpoint::AppTasks(_) => &[Method::GET, Method::DELETE],
        Endpoint::AppTask(..) | Endpoint::Deployment(_) | Endpoint::QueueDelay(_) => {
            &[Method::DELETE]
        }
        Endpoint::Groups | Endpoint::Group(_) => &[
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ],
        Endpoint::Pods | Endpoint::Unknown => &[],
    }
}

/// Rejects a method that the endpoint does not have, with the methods that it has.
pub(super) fn reject_method(method: &Method, endpoint: &Endpoint) -> Option<Response> {
    let allowed = allowed_methods(endpoint);
    if allowed.is_empty() || allowed.contains(method) {
        return None;
    }
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    let mut response = error_message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    Some(response)
}
