//! Polls a weather provider for the weather of cities.
//!
//! Guarantee: an observation is published once, and the cursor of its city moves only after the log
//! acknowledged it. A failed request is counted and retried after a pause; it affects the cities of
//! its list, of which there is one unless the provider accepts lists. An observation counts in its
//! own hour: one that is too old or in the future is left out and counted. Responses have limits of size and time. The requests to a provider with a
//! budget are spread evenly, also across restarts.

mod city;
mod client;
mod history;
mod poller;
mod provider;
mod schedule;
mod staleness;
mod stations;

use std::time::Duration;

use futures::future::try_join_all;
use moodvane_eventlog::LogError;
use moodvane_model::Timestamp;

use crate::config::{WeatherConfig, WeatherProvider};
use crate::error::SourceError;
use crate::http;
use crate::source_context::{SourceContext, SourceExit};

use self::poller::{Group, GroupPoller};

/// Time limit of one poll, with all requests that it needs.
const POLL_TIMEOUT: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Polls every city until the source is stopped.
pub(crate) async fn run(
    config: WeatherConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let contact = match &config.provider {
        WeatherProvider::Nws { contact } => contact,
        _ => "",
    };
    let client = http::client(&config.base_url, contact)?;
    let groups = config.cities.chunks(config.provider.max_list_cities());
    let count = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    let polls = groups.zip(0_u32..).map(|(cities, index)| {
        let group = Group {
            cities,
            index,
            count,
        };
        let poller = GroupPoller::load(&config, group, &client, &context);
        async { poller.await?.run().await }
    });
    try_join_all(polls).await?;
    Ok(SourceExit::Stopped)
}

/// The moment that a cursor holds; `None` if it was never saved.
async fn load_cursor(
    context: &SourceContext,
    name: &str,
) -> Result<Option<Timestamp>, SourceError> {
    let Some(cursor) = context.shared.log.cursor(name).await? else {
        return Ok(None);
    };
    let moment = cursor.parse().ok().map(Timestamp::from_millis);
    match moment {
        Some(Ok(moment)) => Ok(Some(moment)),
        _ => Err(LogError::Corrupt(
            format!("cursor {name} is \"{cursor}\", expected milliseconds since 1970").into(),
        )
        .into()),
    }
}
