//! Asks tasks whether they are healthy and ready.

use std::time::Duration;

use reqwest::redirect;
use tokio::net::TcpStream;
use url::Url;

use crate::core::{Outcome, Probe};
use crate::runtime::Runtime;

/// So much of an answer is read.
const LONGEST_BODY: usize = 64 << 10;

/// Asks over HTTP and TCP itself, and the runtime for commands.
pub(crate) struct Prober {
    http: reqwest::Client,
}

impl Prober {
    /// # Errors
    /// Where there is no TLS on this machine.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            // A task is asked itself, whatever its certificate says and wherever it points.
            .danger_accept_invalid_certs(true)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // A connection that a dead task left would be taken for the next one's.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { http })
    }

    /// The answer, within `timeout`.
    pub(crate) async fn ask(
        &self,
        runtime: &dyn Runtime,
        task: &str,
        probe: &Probe,
        timeout: Duration,
    ) -> Outcome {
        let asked = async {
            match probe {
                Probe::Http {
                    tls,
                    host,
                    port,
                    path,
                } => self.http(*tls, host, *port, path).await,
                Probe::Tcp { host, port } => match TcpStream::connect((host.as_str(), *port)).await
                {
                    Ok(_) => Outcome::Good,
                    Err(error) => Outcome::Failed(format!("{host}:{port}: {error}")),
                },
                Probe::Command { line } => runtime.command(task, line, timeout).await,
                Probe::Impossible { why } => Outcome::Failed(why.clone()),
            }
        };
        let late = || Outcome::Failed(format!("no answer within {} ms", timeout.as_millis()));
        tokio::time::timeout(timeout, asked)
            .await
            .unwrap_or_else(|_| late())
    }

    async fn http(&self, tls: bool, host: &str, port: u16, path: &str) -> Outcome {
        let scheme = if tls { "https" } else { "http" };
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = match Url::parse(&format!("{scheme}://{host}:{port}{slash}{path}")) {
            Ok(url) => url,
            Err(error) => return Outcome::Failed(format!("{path}: {error}")),
        };
        match self.http.get(url).send().await {
            Ok(answer) => read(answer).await,
            Err(error) => Outcome::Failed(chain(&error)),
        }
    }
}

async fn read(mut answer: reqwest::Response) -> Outcome {
    let status = answer.status().as_u16();
    let content_type = answer
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let mut body = Vec::new();
    while body.len() < LONGEST_BODY {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Outcome::Failed(chain(&error)),
        }
    }
    body.truncate(LONGEST_BODY);
    Outcome::Http {
        status,
        content_type,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
