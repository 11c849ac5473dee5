//! Signals: the first asks for a drain, the second ends at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell reports of a process that an interrupt ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Cancels `shutdown` at the first SIGINT or SIGTERM; at the second the process exits with 130.
/// Never returns otherwise.
///
/// # Errors
/// [`io::Error`] where the handlers cannot be installed.
pub async fn signalled(shutdown: CancellationToken) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        if shutdown.is_cancelled() {
            tracing::warn!(signal = name, "second signal, ending at once");
            std::process::exit(INTERRUPTED);
        }
        tracing::info!(signal = name, "draining; a second signal ends at once");
        shutdown.cancel();
    }
}
