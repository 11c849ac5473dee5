//! Errors of the simulator itself; a client's errors are HTTP responses.
//!
//! Convention: an error states what failed, the value and what to do. Its cause is its `source` and is
//! not part of the text; the place that logs or prints an error prints the chain.

use std::net::SocketAddr;

use thiserror::Error;

/// A simulator that cannot start.
#[derive(Debug, Error)]
pub enum SimulatorError {
    /// Invalid values; lists each with the expected form.
    #[error("invalid simulator configuration: {0}")]
    Config(String),
    /// The address is not available.
    #[error("cannot listen on {address}: choose a free port, or 0 for any")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The journal of served weather cannot be opened.
    #[error("cannot open the simulator's journal {path}")]
    Journal {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The bound address does not form a URL.
    #[error("the simulator's address does not form a URL")]
    Url(#[from] url::ParseError),
}
