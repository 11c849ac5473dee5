//! Error responses as `application/problem+json` (RFC 9457).
//!
//! Terms: the *type* is a stable name of the kind of problem; the *field* is the wrong member of the
//! request; the *example* is a valid request.
//!
//! Guarantee: a type always has the same status and title, and each response with a status under
//! 500 shows an example.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use moodvane_model::ErrorChain;
use moodvane_store::StoreError;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::{ContentBuilder, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToResponse, ToSchema};

const CONTENT_TYPE: &str = "application/problem+json";
/// After how many seconds a client may retry while the service is unavailable.
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
    LimitExceeded,
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
    /// The type, the status and the title.
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn parts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        let bad = S::BAD_REQUEST;
        match self {
            Self::MalformedJson => ("/problems/malformed-json", bad, "Body is not JSON"),
            Self::NotAnObject => ("/problems/not-an-object", bad, "Body is not a JSON object"),
            Self::MissingField => ("/problems/missing-field", bad, "Missing field"),
            Self::WrongType => ("/problems/wrong-type", bad, "Field has the wrong type"),
            Self::InvalidHour => ("/problems/invalid-hour", bad, "Invalid hour"),
            Self::EndBeforeBegin => ("/problems/end-before-begin", bad, "End is before begin"),
            Self::RangeTooLong => ("/problems/range-too-long", bad, "Range is too long"),
            Self::LimitExceeded => (
                "/problems/limit-exceeded",
                S::UNPROCESSABLE_ENTITY,
                "Request exceeds a limit",
            ),
            Self::UnknownCity => ("/problems/unknown-city", bad, "Unknown city"),
            Self::UnknownZone => ("/problems/unknown-zone", bad, "Unknown time zone"),
            Self::FractionalZone => (
                "/problems/fractional-zone",
                bad,
                "Time zone has no whole-hour offset from UTC",
            ),
            Self::UnknownParameter => ("/problems/unknown-parameter", bad, "Unknown parameter"),
            Self::InvalidValue => ("/problems/invalid-value", bad, "Invalid value"),
            Self::UnreadableBody => ("/problems/unreadable-body", bad, "Body is unreadable"),
            Self::NotFound => ("/problems/not-found", S::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (
                "/problems/method-not-allowed",
                S::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::BodyTimeout => (
                "/problems/body-timeout",
                S::REQUEST_TIMEOUT,
                "Body did not arrive in time",
            ),
            Self::BodyTooLarge => (
                "/problems/body-too-large",
                S::PAYLOAD_TOO_LARGE,
                "Body is too large",
            ),
            Self::TooManyRequests => (
                "/problems/too-many-requests",
                S::TOO_MANY_REQUESTS,
                "Too many requests from this client",
            ),
            Self::Internal => (
                "/problems/internal",
                S::INTERNAL_SERVER_ERROR,
                "Internal server error",
            ),
            Self::StoreUnavailable => (
                "/problems/store-unavailable",
                S::SERVICE_UNAVAILABLE,
                "Store is unavailable",
            ),
            Self::StoreTimeout => (
                "/problems/store-timeout",
                S::SERVICE_UNAVAILABLE,
                "Store did not answer in time",
            ),
            Self::Overloaded => (
                "/problems/overloaded",
                S::SERVICE_UNAVAILABLE,
                "Too many concurrent requests",
            ),
        }
    }
}

/// A position in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
    /// The text around the position, which is marked `<here>`.
    pub(crate) excerpt: String,
}

/// A rejected or failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    field: Option<&'static str>,
    position: Option<Position>,
    example: Example,
    /// After how many seconds the client may retry, if a retry may succeed.
    retry_after_s: Option<u64>,
}

/// A valid request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Example {
    /// A `POST /weather`.
    Weather,
    /// A `GET` of this path with its parameters.
    Get(&'static str),
}

/// Why the request was not answered (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// A stable name of the kind of problem.
    #[schema(example = "/problems/invalid-hour")]
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// What is wrong with this request, and the expected form.
    detail: String,
    /// The wrong field or parameter; `body` for the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// The line in the body, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The text around the position, which is marked `<here>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
    /// A valid request.
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<Value>,
}

impl ToResponse<'static> for ProblemBody {
    fn response() -> (&'static str, RefOr<utoipa::openapi::Response>) {
        let content = ContentBuilder::new().schema(Some(Self::schema())).build();
        let response = ResponseBuilder::new()
            .description("Why the request was not answered (RFC 9457)")
            .content(CONTENT_TYPE, content)
            .build();
        ("ProblemSchema", RefOr::T(response))
    }
}

impl Problem {
    /// A problem with what is wrong this time and what would be right.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
            position: None,
            example: Example::Weather,
            retry_after_s: None,
        }
    }

    /// Sets after how many seconds the client may retry.
    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Sets the example.
    pub(crate) fn with_example(mut self, example: Example) -> Self {
        self.example = example;
        self
    }

    /// Sets the wrong field; `body` for the body as a whole.
    pub(crate) fn with_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Sets the position in the body.
    pub(crate) fn with_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// What is wrong.
    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The stable name of its kind.
    #[cfg(test)]
    pub(crate) fn type_name(&self) -> &'static str {
        self.kind.parts().0
    }

    /// A failure of the server. Its cause is only in the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the request is valid, but the server failed to answer it; the server's log has the cause",
        )
    }

    /// The problem of a failed read of the store. Logs the failure.
    pub(crate) fn from_store(error: &StoreError) -> Self {
        tracing::error!(error = %ErrorChain(error), "store read failed");
        match error {
            StoreError::Unavailable(_) | StoreError::Rejected(_) => Self::new(
                Kind::StoreUnavailable,
                "the store of the hours is unavailable; try again later",
            ),
            StoreError::Corrupt(_)
            | StoreError::Schema { .. }
            | StoreError::UnknownRun(_)
            | StoreError::RunServing { .. } => Self::internal(),
        }
    }

    /// The body of the response.
    pub(crate) fn body(self) -> ProblemBody {
        let (name, status, title) = self.kind.parts();
        let position = self.position.as_ref();
        ProblemBody {
            r#type: name,
            title,
            status: status.as_u16(),
            field: self.field,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            example: status.is_client_error().then(|| self.example.json()),
            excerpt: self.position.map(|position| position.excerpt),
            detail: self.detail,
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
        let (_, status, _) = self.kind.parts();
        let is_unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
        let retry_after_s = self
            .retry_after_s
            .or(is_unavailable.then_some(RETRY_AFTER_S));
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The response to an unknown path.
pub(crate) async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(128).collect();
    Problem::new(
        Kind::NotFound,
        format!(
            "there is no {path}; the paths are /weather, /v1/hours, /v1/relation, /v1/effect, /v1/cities, /v1/status, /test, /ping, /health, /ready, /metrics, /openapi.json"
        ),
    )
}

/// The response to an unsupported method of a known path.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let method: String = method.as_str().chars().take(32).collect();
    let detail = format!(
        "{} does not support {method}; the header allow lists the supported methods",
        uri.path()
    );
    Problem::new(Kind::MethodNotAllowed, detail)
}
