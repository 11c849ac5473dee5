//! How a process ends.

use std::process::ExitCode;

use anyhow::Context;
use moodvane_runtime::{LoggingConfig, SettingsError, init_logging};

/// sysexits(3) EX_CONFIG: the configuration is wrong.
pub const EXIT_CONFIG: u8 = 78;
const EXIT_FAILURE: u8 = 1;

/// The exit code of `name`; prints the chain of a failure.
#[must_use]
pub fn exit_code(name: &str, result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        let is_config = error.downcast_ref::<SettingsError>().is_some();
        ExitCode::from(if is_config { EXIT_CONFIG } else { EXIT_FAILURE })
    })
}

/// Starts logging and drives `work` to its end inside an actix system, whose actors live on this
/// thread and whose other tasks live on workers.
///
/// # Errors
/// Where logging or the threads cannot be started, and whatever `work` fails with.
pub fn run(
    logging: &LoggingConfig,
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    init_logging(logging)?;
    let workers = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start worker threads")?;
    actix::System::with_tokio_rt(|| workers).block_on(work)
}
