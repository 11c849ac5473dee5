//! Requests that are not looked into: sent to another name, or in another format.

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::Api;
use super::answer::refused;
use super::path::Place;

/// A page in a browser may be made to call a loopback address by another name: such a name is refused.
pub(super) fn misdirected(api: &Api, headers: &HeaderMap) -> Option<Response> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_ours = name == "localhost"
        || name
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok();
    if !api.address.ip().is_loopback() || is_ours {
        return None;
    }
    Some(refused(
        StatusCode::MISDIRECTED_REQUEST,
        "this is a loopback address; call it by its number, or localhost",
    ))
}

pub(super) fn unfit(method: &Method, headers: &HeaderMap, place: &Place) -> Option<Response> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_json = |kind: &str| {
        kind.contains("application/json") || kind.contains("*/*") || kind.contains("application/*")
    };
    if matches!(method, &Method::POST | &Method::PUT | &Method::PATCH)
        && header(header::CONTENT_TYPE).is_some_and(|kind| !is_json(kind))
    {
        return Some(refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
        ));
    }
    let takes_text = matches!(place, Place::Events | Place::Ping | Place::TaskLog(_));
    if !takes_text && header(header::ACCEPT).is_some_and(|kind| !is_json(kind)) {
        return Some(refused(StatusCode::NOT_ACCEPTABLE, "Not Acceptable"));
    }
    None
}
