//! Requests that are rejected before dispatch: a foreign `Host` header, or an unsupported media type.

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::Api;
use super::path::Endpoint;
use super::response::error_message;

/// Rejects a loopback request with a foreign host name: a page in a browser can send one by DNS rebinding.
pub(super) fn reject_foreign_host(api: &Api, headers: &HeaderMap) -> Option<Response> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local_name = name == "localhost"
        || name
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok();
    if !api.address.ip().is_loopback() || is_local_name {
        return None;
    }
    Some(error_message(
        StatusCode::MISDIRECTED_REQUEST,
        "unexpected host name; use localhost or a loopback address",
    ))
}

pub(super) fn reject_unsupported_media(
    method: &Method,
    headers: &HeaderMap,
    endpoint: &Endpoint,
) -> Option<Response> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_json = |kind: &str| {
        kind.contains("application/json") || kind.contains("*/*") || kind.contains("application/*")
    };
    if matches!(method, &Method::POST | &Method::PUT | &Method::PATCH)
        && header(header::CONTENT_TYPE).is_some_and(|kind| !is_json(kind))
    {
        return Some(error_message(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
        ));
    }
    let allows_text = matches!(
        endpoint,
        Endpoint::Events | Endpoint::Ping | Endpoint::TaskLog(_)
    );
    if !allows_text && header(header::ACCEPT).is_some_and(|kind| !is_json(kind)) {
        return Some(error_message(StatusCode::NOT_ACCEPTABLE, "Not Acceptable"));
    }
    None
}
