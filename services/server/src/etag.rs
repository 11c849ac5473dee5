//! Entity tags of responses.
//!
//! Guarantee: equal bytes have equal tags, also after a restart and from another server. Tags are
//! weak, because the same response may be sent compressed or not. A client that already has the
//! response gets a 304 instead. A stream of events has no tag.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_128;

use crate::problem::Problem;

/// The longest response that is tagged; the limits of pages and ranges keep responses shorter.
const MAX_BYTES: usize = 256 << 20;

/// Tags a successful response, or replaces it by a 304.
pub(crate) async fn etag(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let client_tags = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK || is_stream(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BYTES).await else {
        tracing::error!(
            limit_bytes = MAX_BYTES,
            "response too long for an entity tag"
        );
        return Problem::internal().into_response();
    };
    let tag = format!("W/\"{:032x}\"", xxh3_128(&bytes));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    parts
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if client_tags.is_some_and(|tags| contains_tag(&tags, &tag)) {
        return not_modified(&parts.headers);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether the response is sent while it is computed.
fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn not_modified(headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    for name in [header::ETAG, header::CACHE_CONTROL] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Whether a list contains the tag. Weak and strong tags compare equal here (RFC 9110, 13.1.2).
fn contains_tag(list: &HeaderValue, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let list = list.to_str().unwrap_or_default();
    list.trim() == "*" || list.split(',').any(|other| bare(other) == bare(tag))
}
