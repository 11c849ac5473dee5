//! The client that asks other processes of ours, over plain HTTP.

use std::time::Duration;

/// A client without a proxy and without certificates: what is asked is near and plain, and a slim
/// container has no certificates that could be loaded.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(timeout)
        .no_proxy()
        .tls_certs_only([])
        .build()
}
