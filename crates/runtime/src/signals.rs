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
pub async fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    };
    // The first drains also where a drain began without one, as after a failure: whoever stops the
    // process then does not know of it.
    let signal = next().await;
    tracing::info!(signal, "draining; a second signal ends at once");
    shutdown.cancel();
    let signal = next().await;
    tracing::warn!(signal, "second signal, ending at once");
    std::process::exit(INTERRUPTED);
}
