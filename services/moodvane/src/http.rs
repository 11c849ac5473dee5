//! The HTTP client for the services of Moodvane.

use std::time::Duration;

/// A client without proxy and certificates: the services use plain HTTP in the local network, and a
/// slim container has no trust store to load.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(timeout)
        .no_proxy()
        .tls_certs_only([])
        .build()
}
