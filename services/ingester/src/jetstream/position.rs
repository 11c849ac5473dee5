//! The cursor of a Jetstream connection, and where a new connection starts.

use std::time::Duration;

use moodvane_eventlog::LogError;
use serde::{Deserialize, Serialize};
use url::Url;

use super::gap::GapDetector;
use crate::config::BlueskyConfig;
use crate::error::SourceError;

/// The rewind after a change of host: each host numbers its events by its own clock.
pub(crate) const OTHER_HOST_REWIND: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedCursor {
    host: String,
    time_us: i64,
}

/// The position of one connection.
#[derive(Debug)]
pub(super) struct Position {
    host: String,
    /// The greatest acknowledged time.
    acknowledged: i64,
    start: Option<i64>,
    /// Present until the stream is known to have a gap or none.
    detector: Option<GapDetector>,
}

impl Position {
    /// Restores the position from a saved cursor.
    ///
    /// # Errors
    /// [`SourceError::Log`] if the saved cursor cannot be parsed. Starting at the present instead
    /// would skip posts silently.
    pub(super) fn restore(
        config: &BlueskyConfig,
        url: &Url,
        saved: Option<&str>,
    ) -> Result<Self, SourceError> {
        let host = host(url);
        let since = config.since.map(|since| since.millis() * 1000);
        let Some(saved) = saved.map(|text| parse(config, text)).transpose()? else {
            return Ok(Self {
                host,
                acknowledged: 0,
                start: since,
                detector: None,
            });
        };
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let (rewind, other_host) = (micros(config.rewind), micros(OTHER_HOST_REWIND));
        let before = |rewind: i64| saved.time_us.saturating_sub(rewind).max(0);
        let (start, acknowledged, skew) = if saved.host == host {
            (before(rewind), saved.time_us, 0)
        } else {
            // The time of another host's clock does not say which events of this host are
            // acknowledged.
            let start = before(rewind.max(other_host));
            (start, start, other_host)
        };
        Ok(Self {
            host,
            acknowledged,
            start: Some(start),
            detector: Some(GapDetector::new(start, saved.time_us, skew)),
        })
    }

    /// The cursor to request; without one the stream starts at the present.
    pub(super) fn start(&self) -> Option<i64> {
        self.start
    }

    /// The length of the gap before events with these times, in microseconds. Returned once.
    pub(super) fn gap(&mut self, times: &[i64]) -> Option<i64> {
        let gap = self.detector.as_mut()?.gap(times)?;
        self.detector = None;
        (gap > 0).then_some(gap)
    }

    /// The cursor to save once all events up to `time_us` are acknowledged. It never moves back.
    pub(super) fn advance(&mut self, time_us: i64) -> String {
        self.acknowledged = self.acknowledged.max(time_us);
        serde_json::json!({ "host": self.host, "time_us": self.acknowledged }).to_string()
    }
}

/// The host and any non-default port, without credentials, since it is saved.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn parse(config: &BlueskyConfig, text: &str) -> Result<SavedCursor, SourceError> {
    serde_json::from_str(text).map_err(|error| {
        let (id, shown) = (config.id, text.chars().take(64).collect::<String>());
        LogError::Corrupt(format!("cursor {id} is \"{shown}\": {error}").into()).into()
    })
}
