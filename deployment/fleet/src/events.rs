//! Marathon's stream of events, as a reason to look again.
//!
//! The stream may break, come late or lack an event: what is believed is what Marathon answers when it is
//! asked. So an event only ends a wait early, and without any the wait ends by itself.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::client::MarathonClient;

/// How long a look at the state may be put off where no event comes.
const LONGEST: Duration = Duration::from_millis(500);
const AGAIN: Duration = Duration::from_secs(1);

/// The event stream of one Marathon; it is listened to until this is dropped.
#[derive(Debug)]
pub struct EventListener {
    news: Arc<Notify>,
    listener: JoinHandle<()>,
}

impl Drop for EventListener {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl EventListener {
    /// Begins to listen.
    #[must_use]
    pub fn start(marathon: &Arc<MarathonClient>) -> Self {
        let news = Arc::new(Notify::new());
        let listener = tokio::spawn(listen(Arc::clone(marathon), Arc::clone(&news)));
        Self { news, listener }
    }

    /// Returns when something happened, or after half a second.
    pub async fn wait(&self) {
        // A time-out is no failure: then nobody told us, and we look.
        let _ = tokio::time::timeout(LONGEST, self.news.notified()).await;
    }
}

async fn listen(marathon: Arc<MarathonClient>, news: Arc<Notify>) {
    loop {
        if let Ok(stream) = marathon.event_stream().await {
            hear(stream, &news).await;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Every piece of the stream is news; which, is asked.
async fn hear(mut stream: Response, news: &Notify) {
    while let Ok(Some(_)) = stream.chunk().await {
        news.notify_one();
    }
}
