//! `moodvane health`: asks a running server whether it is ready. Fit for a container's health
//! check.

use std::process::ExitCode;

use moodvane_launch::HealthArgs;

use crate::config::AppConfig;

/// Prints the server's answer; exits 1 where it is not ready.
pub(crate) async fn run(config: AppConfig, args: HealthArgs) -> anyhow::Result<ExitCode> {
    args.run(config.server.address).await
}
