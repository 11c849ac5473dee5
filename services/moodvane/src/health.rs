//! `moodvane health`: asks a running server whether it is ready. Fit for a container's health
//! check.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::config::AppConfig;
use crate::http;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Prints the server's answer; exits 1 where it is not ready.
pub(crate) async fn run(config: AppConfig) -> anyhow::Result<ExitCode> {
    let url = format!("http://{}/ready", reachable(config.server.address));
    let client = http::client(TIMEOUT)?;
    let answer = client
        .get(&url)
        .send()
        .await
        .with_context(|| format!("no server answers at {url}"))?;
    let ready = answer.status().is_success();
    println!("{}", answer.text().await?);
    Ok(if ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A server that listens everywhere is asked on loopback.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
