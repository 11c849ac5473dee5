//! `health`: a process is asked over its own probes, for images that have no shell and no client.
//!
//! Guarantee: it ends within [`PATIENCE`], reads at most [`MAX_ANSWER_BYTES`], and needs no secret:
//! of the configuration it reads the address alone.

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

/// Less than an orchestrator waits for a check.
const PATIENCE: Duration = Duration::from_secs(2);
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// What a service of its own does beside serving.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ServiceCommand {
    /// Asks the running service whether it is ready; exits 1 where it is not.
    Health(HealthArgs),
}

/// What is asked.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct HealthArgs {
    /// Asks only whether it lives, whatever it waits for.
    #[arg(long)]
    pub alive: bool,
}

impl ServiceCommand {
    /// Asks the service whose address `read` finds in the settings. What else is wrong with them is
    /// the service's own affair, which told it when it started.
    ///
    /// # Errors
    /// Where the address is wrong, and as [`HealthArgs::probe`].
    pub fn run(
        self,
        settings: Settings,
        read: impl FnOnce(&Settings) -> Option<SocketAddr>,
    ) -> anyhow::Result<ExitCode> {
        let Self::Health(args) = self;
        let address = match read(&settings) {
            Some(address) => address,
            None => settings.finish_with(None)?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a thread")?;
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

    /// Asks the process at `address`.
    ///
    /// # Errors
    /// Where it does not answer in time, or not in HTTP.
    pub async fn probe(self, address: SocketAddr) -> anyhow::Result<ProbeResult> {
        ensure!(
            address.port() != 0,
            "port 0 is any free one, which nobody else knows: configure another"
        );
        let address = connect_address(address);
        let url = format!("http://{address}{}", self.path());
        timeout(PATIENCE, get(address, self.path()))
            .await
            .with_context(|| format!("no answer from {url} within {} s", PATIENCE.as_secs()))?
            .with_context(|| format!("no answer from {url}"))
    }

    /// Asks, prints the answer, and makes an exit code of it.
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

/// A process that listens everywhere is asked on loopback.
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
    let question = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Body::empty())?;
    // What it fails with, the question fails with too.
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(question).await?;
    let is_ok = answer.status() == StatusCode::OK;
    let body = to_bytes(Body::new(answer.into_body()), MAX_ANSWER_BYTES).await;
    connection.abort();
    let body = body.with_context(|| format!("it says more than {MAX_ANSWER_BYTES} bytes"))?;
    let body = String::from_utf8_lossy(&body).trim_end().to_owned();
    Ok(ProbeResult { is_ok, body })
}
