//! `moodvane health`: queries whether a running server is ready, for a container's health check.

use std::process::ExitCode;

use moodvane_launch::HealthArgs;

use crate::config::AppConfig;

/// Prints the server's response; exits with 1 if it is not ready.
pub(crate) async fn run(config: AppConfig, args: HealthArgs) -> anyhow::Result<ExitCode> {
    args.run(config.server.address).await
}
