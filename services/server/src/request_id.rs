//! An identifier of each request, in its log lines and in its answer.
//!
//! One that the client sent is kept where it is short and printable, so that a request can be
//! followed through several systems; else one is made.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const MOST_BYTES: usize = 64;

/// Differs from process to process; the standard library's own source of randomness.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Names the request and its answer.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let sent = request.headers().get(HEADER).filter(|id| acceptable(id));
    let id = sent.cloned().unwrap_or_else(made);
    let span = tracing::debug_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(HEADER, id);
    response
}

fn acceptable(id: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    (1..=MOST_BYTES).contains(&id.len()) && id.as_bytes().iter().all(plain)
}

fn made() -> HeaderValue {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::from_str(&format!("{:016x}-{count:x}", *PROCESS))
        .unwrap_or_else(|_| HeaderValue::from_static("none"))
}
