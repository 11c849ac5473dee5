//! Where a stream stands, and where to begin again.

use moodvane_eventlog::LogError;
use serde::{Deserialize, Serialize};
use url::Url;

use super::resumed::Resumed;
use crate::config::BlueskyConfig;
use crate::error::SourceError;

/// Hosts number their events each by its own clock: after a change of host begin this much earlier.
const OTHER_HOST_US: i64 = 60_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Saved {
    host: String,
    time_us: i64,
}

/// The position of one connection.
#[derive(Debug)]
pub(super) struct Position {
    host: String,
    reached: i64,
    begin: Option<i64>,
    /// Until it is known whether something is missing.
    resumed: Option<Resumed>,
}

impl Position {
    /// From what was saved.
    ///
    /// # Errors
    /// What was saved cannot be read: to begin now instead would skip posts without a word.
    pub(super) fn restore(
        config: &BlueskyConfig,
        url: &Url,
        saved: Option<&str>,
    ) -> Result<Self, SourceError> {
        let host = host(url);
        let since = config.since.map(|since| since.millis() * 1000);
        let Some(saved) = saved.map(|text| read(config, text)).transpose()? else {
            return Ok(Self {
                host,
                reached: 0,
                begin: since,
                resumed: None,
            });
        };
        let rewind = i64::try_from(config.rewind.as_micros()).unwrap_or(i64::MAX);
        let before = |rewind: i64| saved.time_us.saturating_sub(rewind).max(0);
        let (asked, reached, skew) = if saved.host == host {
            (before(rewind), saved.time_us, 0)
        } else {
            // What another host's clock says of how far we are is nothing to go on from.
            let asked = before(rewind.max(OTHER_HOST_US));
            (asked, asked, OTHER_HOST_US)
        };
        Ok(Self {
            host,
            reached,
            begin: Some(asked),
            resumed: Some(Resumed::new(asked, saved.time_us, skew)),
        })
    }

    /// The cursor to ask for; without one the stream begins now.
    pub(super) fn begin(&self) -> Option<i64> {
        self.begin
    }

    /// How much is missing before events with these times, in microseconds, told once.
    pub(super) fn gap(&mut self, times: &[i64]) -> Option<i64> {
        let gap = self.resumed.as_mut()?.gap(times)?;
        self.resumed = None;
        (gap > 0).then_some(gap)
    }

    /// All up to `time_us` is acknowledged; what to save. It never moves back.
    pub(super) fn advance(&mut self, time_us: i64) -> String {
        self.reached = self.reached.max(time_us);
        serde_json::json!({ "host": self.host, "time_us": self.reached }).to_string()
    }
}

/// The host and, where it is not the scheme's own, the port: no name or password, as it is saved.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn read(config: &BlueskyConfig, text: &str) -> Result<Saved, SourceError> {
    serde_json::from_str(text).map_err(|error| {
        let (id, shown) = (config.id, text.chars().take(64).collect::<String>());
        LogError::Corrupt(format!("cursor {id} is \"{shown}\": {error}").into()).into()
    })
}
