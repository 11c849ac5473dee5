//! The life of a process: logging, worker threads, exit code.

use std::process::ExitCode;

use anyhow::Context;
use moodvane_runtime::{LoggingConfig, SettingsError, init_logging};
use tokio::runtime::Runtime;

/// sysexits(3) EX_CONFIG: the configuration is wrong.
const EXIT_CONFIG: u8 = 78;
const EXIT_FAILURE: u8 = 1;

/// Returns the exit code of the program `name`, and prints the chain of causes of a failure.
#[must_use]
pub fn exit_code(name: &str, result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        let is_config = error.downcast_ref::<SettingsError>().is_some();
        ExitCode::from(if is_config { EXIT_CONFIG } else { EXIT_FAILURE })
    })
}

/// Starts logging and drives `work` to its end on a multi-threaded runtime.
///
/// # Errors
/// Those of [`start_runtime`] and of `work`.
pub fn run(
    logging: &LoggingConfig,
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    start_runtime(logging)?.block_on(work)
}

/// Starts logging, then the worker threads of the process.
///
/// # Errors
/// If logging or the threads cannot start.
pub fn start_runtime(logging: &LoggingConfig) -> anyhow::Result<Runtime> {
    init_logging(logging)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start worker threads")
}
