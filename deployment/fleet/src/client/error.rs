//! Errors of the client.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a request to Marathon failed, or could not be sent.
#[derive(Debug, Error)]
pub enum ClientError {
    /// An option has an invalid value.
    #[error("{option} {reason}")]
    InvalidOption {
        /// The option.
        option: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// An address is not an HTTP URL.
    #[error("invalid address {address:?}: expected the form http://master-1:8080")]
    InvalidAddress {
        /// The address.
        address: String,
        /// The cause, if it is no URL at all.
        source: Option<url::ParseError>,
    },
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file of certificate authorities contains none.
    #[error("no certificates in {}: expected PEM", .path.display())]
    InvalidCertificates {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Option<reqwest::Error>,
    },
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client")]
    HttpClient(#[source] reqwest::Error),
    /// No address processed the request. There is one cause per address, so the message contains them.
    #[error("no Marathon responds: {}; check the addresses and whether it runs", .0.join("; "))]
    Unreachable(Vec<String>),
    /// No address has a trusted certificate.
    #[error("no Marathon has a trusted certificate: {}; --ca names the file of its authorities", .0.join("; "))]
    Untrusted(Vec<String>),
    /// No attempt succeeded for as long as the client retries.
    #[error("Marathon is unavailable for {after_s} s")]
    Unavailable {
        /// How long.
        after_s: u64,
        /// The last failure.
        source: Box<ClientError>,
    },
    /// Marathon rejected the request.
    #[error("{request}: Marathon responds {status}: {message}")]
    Rejected {
        /// The request.
        request: String,
        /// The status.
        status: u16,
        /// Marathon's message.
        message: String,
    },
    /// Running deployments lock the affected apps.
    #[error("{request}: locked by running deployments: {}", .deployments.join(", "))]
    Locked {
        /// The request.
        request: String,
        /// The ids of the deployments.
        deployments: Vec<String>,
    },
    /// The credentials are missing, wrong or insufficient.
    #[error(
        "{request}: Marathon responds {status}: the credentials are missing, wrong or insufficient (--user and --password-file, or --token-file)"
    )]
    Unauthorized {
        /// The request.
        request: String,
        /// 401 or 403.
        status: u16,
    },
    /// A redirect leads to an address that must not receive the credentials.
    #[error(
        "{from} redirects to {to}, which is not among the given addresses and must not receive the credentials; add it to --marathon"
    )]
    UntrustedRedirect {
        /// The redirecting address.
        from: String,
        /// The target.
        to: String,
    },
    /// The response is not Marathon's.
    #[error("{request}: the response is not Marathon's")]
    InvalidResponse {
        /// The request.
        request: String,
        /// The cause.
        source: ResponseError,
    },
    /// The connection broke after the request was sent.
    #[error("{request}: the connection was lost; the change may have been applied")]
    ConnectionLost {
        /// The request.
        request: String,
        /// The cause.
        source: reqwest::Error,
    },
}

/// Why a response is invalid.
#[derive(Debug, Error)]
pub enum ResponseError {
    /// The body has an unexpected form.
    #[error(transparent)]
    Json(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// The body is too large.
    #[error("the body exceeds {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A redirect has no valid target.
    #[error("a redirect without a valid location")]
    RedirectWithoutLocation,
}

impl ClientError {
    /// Whether a retry may succeed: Marathon is unavailable or fails, and the request itself is
    /// valid.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unavailable { .. })
            || self.has_unknown_outcome()
    }

    /// Whether Marathon may have applied the change although the request failed.
    #[must_use]
    pub fn has_unknown_outcome(&self) -> bool {
        match self {
            Self::ConnectionLost { .. } => true,
            Self::Rejected { status, .. } => *status >= 500,
            Self::Unavailable { source, .. } => source.has_unknown_outcome(),
            _ => false,
        }
    }

    /// Whether the requested object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Rejected { status: 404, .. })
    }
}

/// Formats an error with its causes, for messages that cannot carry a `#[source]`.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        // Some libraries print their cause themselves.
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        source = cause.source();
    }
    text
}
