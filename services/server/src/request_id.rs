//! The identifier of a request, in its log lines and in its response.
//!
//! A short, printable identifier of the client is kept, so that a request can be traced through
//! several systems. Any other request gets a generated one.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const MAX_BYTES: usize = 64;

/// Differs between processes; the standard library's source of randomness.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Sets the identifier of a request and of its response.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let sent = request.headers().get(HEADER).filter(|id| is_acceptable(id));
    let id = sent.cloned().unwrap_or_else(generate);
    let span = tracing::debug_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(HEADER, id);
    response
}

fn is_acceptable(id: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    (1..=MAX_BYTES).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
}

fn generate() -> HeaderValue {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::from_str(&format!("{:016x}-{count:x}", *PROCESS))
        .unwrap_or_else(|_| HeaderValue::from_static("none"))
}
