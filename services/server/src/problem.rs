//! Refusals as `application/problem+json` (RFC 9457): the one shape of every answer from 400 up.
//!
//! Terms: the *type* is a stable name of the kind of problem; the *field* is the member of the
//! request that was wrong; the *example* is a request that would be right.
//!
//! Guarantee: a type's status and title never differ between answers, and each answer under 500
//! shows an example.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moodvane_store::StoreError;
use serde::Serialize;
use serde_json::{Value, json};

/// What a client may try again after where something is away, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MalformedJson,
    NotAnObject,
    MissingField,
    WrongType,
    InvalidHour,
    EndBeforeBegin,
    RangeTooLong,
    UnknownCity,
    UnknownZone,
    FractionalZone,
    UnknownParameter,
    InvalidValue,
    UnreadableBody,
    NotFound,
    MethodNotAllowed,
    BodyTimeout,
    BodyTooLarge,
    TooManyRequests,
    Internal,
    StoreUnavailable,
    StoreTimeout,
    Overloaded,
}

impl Kind {
    /// Its type, status and title.
    fn facts(self) -> (&'static str, StatusCode, &'static str) {
        let bad = StatusCode::BAD_REQUEST;
        let away = StatusCode::SERVICE_UNAVAILABLE;
        match self {
            Self::MalformedJson => ("/problems/malformed-json", bad, "The body is not JSON"),
            Self::NotAnObject => (
                "/problems/not-an-object",
                bad,
                "The body is not a JSON object",
            ),
            Self::MissingField => ("/problems/missing-field", bad, "A field is missing"),
            Self::WrongType => ("/problems/wrong-type", bad, "A field has the wrong type"),
            Self::InvalidHour => ("/problems/invalid-hour", bad, "Not an hour"),
            Self::EndBeforeBegin => (
                "/problems/end-before-begin",
                bad,
                "The range ends before it begins",
            ),
            Self::RangeTooLong => ("/problems/range-too-long", bad, "The range is too long"),
            Self::UnknownCity => ("/problems/unknown-city", bad, "No such city"),
            Self::UnknownZone => ("/problems/unknown-zone", bad, "No such time zone"),
            Self::FractionalZone => (
                "/problems/fractional-zone",
                bad,
                "The time zone is not whole hours from UTC",
            ),
            Self::UnknownParameter => ("/problems/unknown-parameter", bad, "No such parameter"),
            Self::InvalidValue => ("/problems/invalid-value", bad, "Not a value of this field"),
            Self::UnreadableBody => (
                "/problems/unreadable-body",
                bad,
                "The body could not be read",
            ),
            Self::NotFound => (
                "/problems/not-found",
                StatusCode::NOT_FOUND,
                "No such resource",
            ),
            Self::MethodNotAllowed => (
                "/problems/method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The resource does not know this method",
            ),
            Self::BodyTimeout => (
                "/problems/body-timeout",
                StatusCode::REQUEST_TIMEOUT,
                "The body did not arrive in time",
            ),
            Self::BodyTooLarge => (
                "/problems/body-too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
            ),
            Self::TooManyRequests => (
                "/problems/too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "This client asks too often",
            ),
            Self::Internal => (
                "/problems/internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "The server failed",
            ),
            Self::StoreUnavailable => (
                "/problems/store-unavailable",
                away,
                "The store does not answer",
            ),
            Self::StoreTimeout => (
                "/problems/store-timeout",
                away,
                "The store did not answer in time",
            ),
            Self::Overloaded => ("/problems/overloaded", away, "Too many requests at once"),
        }
    }
}

/// Where in the body something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
    /// The text around the place, which is marked `<here>`.
    pub(crate) excerpt: String,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    field: Option<&'static str>,
    place: Option<Place>,
    example: Example,
    /// What it may be tried again after, in seconds; where it helps to try again.
    after_s: Option<u64>,
}

/// A request that would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Example {
    /// Of `POST /weather`.
    Weather,
    /// This path, with its parameters, of `GET`.
    Get(&'static str),
}

#[derive(Serialize)]
struct Written<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(flatten)]
    place: Option<&'a Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<Value>,
}

impl Problem {
    /// A problem of a kind, with what was wrong this time and what would be right.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
            place: None,
            example: Example::Weather,
            after_s: None,
        }
    }

    /// The same, to be tried again after so many seconds.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.after_s = Some(seconds);
        self
    }

    /// The same, showing that example.
    pub(crate) fn like(mut self, example: Example) -> Self {
        self.example = example;
        self
    }

    /// The stable name of its kind.
    #[cfg(test)]
    pub(crate) fn kind(&self) -> &'static str {
        self.kind.facts().0
    }

    /// The same, naming the field that is wrong; `body` where it is the body as a whole.
    pub(crate) fn of(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// The same, naming the place in the body.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// A failure whose cause is in the server's log and is nobody else's matter.
    pub(crate) fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the request was right, the server failed to answer it; its log says why",
        )
    }

    /// What a failed reading of the store means to a client. Logs the failure.
    pub(crate) fn store(error: &StoreError) -> Self {
        tracing::error!(%error, "store failed to answer a request");
        match error {
            StoreError::Unavailable(_) | StoreError::Refused(_) => Self::new(
                Kind::StoreUnavailable,
                "the store that holds the hours cannot be reached; try again later",
            ),
            StoreError::Corrupt(_)
            | StoreError::Schema { .. }
            | StoreError::UnknownRun(_)
            | StoreError::Answers { .. } => Self::internal(),
        }
    }
}

impl Example {
    fn json(self) -> Value {
        match self {
            Self::Weather => json!({
                "method": "POST",
                "path": "/weather",
                "body": {"begin": "2018-01-01 02", "end": "2018-01-01 03"},
            }),
            Self::Get(path) => json!({"method": "GET", "path": path}),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (name, status, title) = self.kind.facts();
        let written = Written {
            r#type: name,
            title,
            status: status.as_u16(),
            detail: &self.detail,
            field: self.field,
            place: self.place.as_ref(),
            example: status.is_client_error().then(|| self.example.json()),
        };
        let mut response = (status, Json(written)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let away = status == StatusCode::SERVICE_UNAVAILABLE;
        let after_s = self.after_s.or(away.then_some(RETRY_AFTER_S));
        if let Some(after_s) = after_s {
            headers.insert(header::RETRY_AFTER, after_s.into());
        }
        response
    }
}
