//! What can go wrong with the simulator itself. A client's faults are answered, not reported here.

use std::net::SocketAddr;

use thiserror::Error;

/// The simulator cannot start.
#[derive(Debug, Error)]
pub enum SimulatorError {
    /// Values that cannot be simulated; names each and what would be right.
    #[error("the simulator cannot be started: {0}")]
    Config(String),
    /// The address cannot be listened on.
    #[error("the simulator cannot listen on {address}: {source}; choose a free port, or 0 for any")]
    Bind {
        /// The refused address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What was served before cannot be read.
    #[error("the simulator's journal {path} cannot be opened: {source}")]
    Journal {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The bound address does not make a URL.
    #[error("the simulator's address does not make a URL: {0}")]
    Url(#[from] url::ParseError),
}
