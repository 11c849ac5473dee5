//! Reads a request's body within its limits of size and time.

use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};

use crate::deadline::Deadline;
use crate::problem::{Kind, Problem};

/// The body, of at most `max_bytes`.
pub(crate) async fn read_body(
    request: Request,
    max_bytes: usize,
    deadline: Deadline,
) -> Result<Bytes, Problem> {
    // An announced length over the limit is rejected before the client sends the body.
    if request.body().size_hint().lower() > max_bytes as u64 {
        return Err(too_large(max_bytes));
    }
    deadline
        .run(Bytes::from_request(request, &()))
        .await
        .map_err(|_| body_timeout(deadline))?
        .map_err(|rejection| unreadable(max_bytes, &rejection))
}

fn unreadable(max_bytes: usize, rejection: &BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            too_large(max_bytes)
        }
        other => Problem::new(Kind::UnreadableBody, other.body_text()).with_field("body"),
    }
}

fn too_large(max_bytes: usize) -> Problem {
    let detail = format!("the body must be at most {max_bytes} bytes");
    Problem::new(Kind::BodyTooLarge, detail).with_field("body")
}

fn body_timeout(deadline: Deadline) -> Problem {
    let detail = format!("the body must arrive within {} ms", deadline.timeout_ms());
    Problem::new(Kind::BodyTimeout, detail).with_field("body")
}
