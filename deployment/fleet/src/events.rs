//! Marathon's event stream, used as a trigger to poll.
//!
//! The stream may break, lag or lose events, so only polled state counts. An event merely ends a wait early;
//! without events a wait ends by its timeout.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::client::MarathonClient;

/// The poll interval without events.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Listens to the event stream until it is dropped.
#[derive(Debug)]
pub struct EventListener {
    received: Arc<Notify>,
    listener: JoinHandle<()>,
}

impl Drop for EventListener {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl EventListener {
    /// Starts to listen.
    #[must_use]
    pub fn start(marathon: &Arc<MarathonClient>) -> Self {
        let received = Arc::new(Notify::new());
        let listener = tokio::spawn(listen(Arc::clone(marathon), Arc::clone(&received)));
        Self { received, listener }
    }

    /// Waits for an event, for at most half a second.
    pub async fn wait(&self) {
        // A timeout is expected: the caller polls in either case.
        let _ = tokio::time::timeout(POLL_INTERVAL, self.received.notified()).await;
    }
}

async fn listen(marathon: Arc<MarathonClient>, received: Arc<Notify>) {
    loop {
        if let Ok(stream) = marathon.event_stream().await {
            forward(stream, &received).await;
        }
        tokio::time::sleep(RECONNECT_DELAY).await;
    }
}

/// Notifies on every chunk; its content does not matter.
async fn forward(mut stream: Response, received: &Notify) {
    while let Ok(Some(_)) = stream.chunk().await {
        received.notify_one();
    }
}
