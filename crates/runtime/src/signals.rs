//! Signals: the first starts a drain, the second exits immediately.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code that a shell reports for an interrupted process: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Cancels `shutdown` on the first SIGINT or SIGTERM; on the second the process exits with 130.
/// Returns only on an error.
///
/// # Errors
/// [`io::Error`] if the handlers cannot be installed.
pub async fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    };
    // The first signal never exits, even during a drain that a failure started: its sender does not
    // know of that drain.
    let signal = next().await;
    tracing::info!(signal, "draining; a second signal exits immediately");
    shutdown.cancel();
    let signal = next().await;
    tracing::warn!(signal, "second signal; exiting immediately");
    std::process::exit(INTERRUPTED);
}
