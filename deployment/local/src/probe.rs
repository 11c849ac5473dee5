//! Runs health and readiness checks.

use std::time::Duration;

use reqwest::redirect;
use tokio::net::TcpStream;
use url::Url;

use crate::core::{Probe, ProbeOutcome};
use crate::error_chain::error_chain;
use crate::runtime::Runtime;

/// The rest of a longer response body is not read.
const MAX_BODY_BYTES: usize = 64 << 10;

/// Runs checks over HTTP and TCP itself, and command checks through the runtime.
pub(crate) struct Prober {
    http: reqwest::Client,
}

impl Prober {
    /// # Errors
    /// Returns an error if the TLS backend cannot be initialised.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            // Marathon neither verifies the certificate of a task nor follows its redirects.
            .danger_accept_invalid_certs(true)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // A pooled connection of a task that ended could be reused for its successor.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { http })
    }

    /// Runs one check; fails it after `timeout`.
    pub(crate) async fn probe(
        &self,
        runtime: &dyn Runtime,
        task: &str,
        probe: &Probe,
        timeout: Duration,
    ) -> ProbeOutcome {
        let response = async {
            match probe {
                Probe::Http {
                    tls,
                    host,
                    port,
                    path,
                } => self.probe_http(*tls, host, *port, path).await,
                Probe::Tcp { host, port } => match TcpStream::connect((host.as_str(), *port)).await
                {
                    Ok(_) => ProbeOutcome::Success,
                    Err(error) => ProbeOutcome::Failed(format!("{host}:{port}: {error}")),
                },
                Probe::Command { line } => runtime.run_command(task, line, timeout).await,
                Probe::Invalid { reason } => ProbeOutcome::Failed(reason.clone()),
            }
        };
        let late =
            || ProbeOutcome::Failed(format!("no response within {} ms", timeout.as_millis()));
        tokio::time::timeout(timeout, response)
            .await
            .unwrap_or_else(|_| late())
    }

    async fn probe_http(&self, tls: bool, host: &str, port: u16, path: &str) -> ProbeOutcome {
        let scheme = if tls { "https" } else { "http" };
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = match Url::parse(&format!("{scheme}://{host}:{port}{slash}{path}")) {
            Ok(url) => url,
            Err(error) => return ProbeOutcome::Failed(format!("{path}: {error}")),
        };
        match self.http.get(url).send().await {
            Ok(response) => read_response(response).await,
            Err(error) => ProbeOutcome::Failed(error_chain(&error)),
        }
    }
}

async fn read_response(mut response: reqwest::Response) -> ProbeOutcome {
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let mut body = Vec::new();
    while body.len() < MAX_BODY_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return ProbeOutcome::Failed(error_chain(&error)),
        }
    }
    body.truncate(MAX_BODY_BYTES);
    ProbeOutcome::Http {
        status,
        content_type,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}
