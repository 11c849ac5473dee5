//! `health`: probes a running process over HTTP, for images without a shell and an HTTP client.
//!
//! Guarantee: it ends within [`TIMEOUT`], reads at most [`MAX_RESPONSE_BYTES`], and needs no secret:
//! it reads only the address from the configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use clap::{Args, Subcommand};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use moodvane_runtime::Settings;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Shorter than the time-out of an orchestrator's health check.
const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// Commands of a service binary beside serving.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ServiceCommand {
    /// Queries whether the running service is ready; exits with 1 if it is not.
    Health(HealthArgs),
}

/// Which probe to send.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct HealthArgs {
    /// Queries only whether the process is alive (/health instead of /ready).
    #[arg(long)]
    pub alive: bool,
}

impl ServiceCommand {
    /// Probes the service at the address that `read_address` finds in the settings. Other faults in
    /// the settings are ignored: the service reports them when it starts.
    ///
    /// # Errors
    /// If the address is invalid, and as [`HealthArgs::probe`].
    pub fn run(
        self,
        settings: Settings,
        read_address: impl FnOnce(&Settings) -> Option<SocketAddr>,
    ) -> anyhow::Result<ExitCode> {
        let Self::Health(args) = self;
        let address = match read_address(&settings) {
            Some(address) => address,
            None => settings.finish_with(None)?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the async runtime")?;
        runtime.block_on(args.run(address))
    }
}

/// The response to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// Whether the status is 200.
    pub is_ok: bool,
    /// The body of the response.
    pub body: String,
}

impl HealthArgs {
    fn path(self) -> &'static str {
        if self.alive { "/health" } else { "/ready" }
    }

    /// Probes the process at `address`.
    ///
    /// # Errors
    /// If it does not respond in time, or not in HTTP.
    pub async fn probe(self, address: SocketAddr) -> anyhow::Result<ProbeResult> {
        ensure!(
            address.port() != 0,
            "cannot probe port 0, which stands for any free port: configure a fixed port"
        );
        let address = connect_address(address);
        let url = format!("http://{address}{}", self.path());
        timeout(TIMEOUT, get(address, self.path()))
            .await
            .with_context(|| format!("no answer from {url} within {} s", TIMEOUT.as_secs()))?
            .with_context(|| format!("no answer from {url}"))
    }

    /// Probes, prints the response, and returns the exit code.
    ///
    /// # Errors
    /// As [`HealthArgs::probe`].
    pub async fn run(self, address: SocketAddr) -> anyhow::Result<ExitCode> {
        let result = self.probe(address).await?;
        println!("{}", result.body);
        Ok(match result.is_ok {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

/// The address at which a client on this machine reaches a listener: loopback if it listens on all
/// interfaces.
#[must_use]
pub fn connect_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn get(address: SocketAddr, path: &str) -> anyhow::Result<ProbeResult> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Body::empty())?;
    // If the connection fails, so does the request.
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let is_ok = response.status() == StatusCode::OK;
    let body = to_bytes(Body::new(response.into_body()), MAX_RESPONSE_BYTES).await;
    connection.abort();
    let body =
        body.with_context(|| format!("the response is longer than {MAX_RESPONSE_BYTES} bytes"))?;
    let body = String::from_utf8_lossy(&body).trim_end().to_owned();
    Ok(ProbeResult { is_ok, body })
}
