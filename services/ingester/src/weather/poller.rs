//! The poll loop of a group of cities whose weather one request can fetch.

use std::time::Duration;

use futures::future::try_join_all;
use moodvane_model::{City, ErrorChain};
use moodvane_retry::Attempts;
use tracing::error;

use super::POLL_TIMEOUT;
use super::city::{CityFeed, cursor_name};
use super::client::{Fetched, GroupClient};
use super::schedule::PollSchedule;
use crate::config::WeatherConfig;
use crate::error::SourceError;
use crate::source_context::SourceContext;
use crate::status::SourceState;

const TOO_MANY_REQUESTS: u16 = 429;

/// Some cities of a source, of which there is at least one.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) cities: &'a [City],
    /// The index of the group among those of the source.
    pub(super) index: u32,
    /// The number of groups of the source.
    pub(super) count: u32,
}

/// Polls the provider for a group and publishes the observations of its cities.
pub(super) struct GroupPoller<'a> {
    pub(super) config: &'a WeatherConfig,
    pub(super) context: &'a SourceContext,
    pub(super) group: Group<'a>,
    pub(super) client: GroupClient<'a>,
    pub(super) feeds: Vec<CityFeed<'a>>,
    attempts: Attempts,
}

impl<'a> GroupPoller<'a> {
    /// Reads the cursors of the cities.
    pub(super) async fn load(
        config: &'a WeatherConfig,
        group: Group<'a>,
        client: &'a reqwest::Client,
        context: &'a SourceContext,
    ) -> Result<Self, SourceError> {
        let mut feeds = Vec::with_capacity(group.cities.len());
        for city in group.cities {
            feeds.push(CityFeed::load(city, context).await?);
        }
        Ok(Self {
            attempts: Attempts::new(context.shared.backoff),
            client: GroupClient::new(config, group.cities, client, context),
            config,
            context,
            group,
            feeds,
        })
    }

    /// Fills the gaps since the cursors, then polls until the source is stopped.
    pub(super) async fn run(mut self) -> Result<(), SourceError> {
        let stop = self.context.shared.stop.clone();
        self.backfill().await?;
        let Some(first) = self.group.cities.first() else {
            return Ok(());
        };
        let schedule = PollSchedule::new(self.config, &cursor_name(self.context, first));
        let provider = &self.config.provider;
        let lists_before = provider.call_pace() * self.group.index;
        let delay = lists_before.mul_f64(provider.max_list_cities() as f64);
        let mut timer = schedule.timer(self.context, delay).await?;
        while !stop.is_cancelled() {
            self.context.arm_watchdog(self.config.interval() + delay);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = timer.tick() => {}
            }
            self.context.arm_watchdog(POLL_TIMEOUT);
            schedule.record_request(self.context).await;
            let last = self.feeds.first().and_then(|feed| feed.last);
            // A stop interrupts the request, but not the publish of its response.
            let fetch = self.client.fetch_current(last);
            let Some(fetched) = stop.run_until_cancelled(fetch).await else {
                break;
            };
            self.accept_current(fetched).await?;
        }
        Ok(())
    }

    /// Publishes the observations of all cities at once, then waits if a request failed.
    async fn accept_current(&mut self, fetched: Fetched) -> Result<(), SourceError> {
        self.note_success(&fetched);
        let is_failed = fetched.is_failed();
        let pairs = self.feeds.iter_mut().zip(fetched.responses);
        let accepted = pairs.filter_map(|(feed, response)| Some(feed.accept_current(response?)));
        try_join_all(accepted).await?;
        self.back_off(&fetched.errors, is_failed).await;
        Ok(())
    }

    /// Resets the backoff if a city has a response.
    pub(super) fn note_success(&mut self, fetched: &Fetched) {
        if !fetched.is_failed() {
            self.attempts.reset();
            self.context.set_running();
        }
    }

    /// Reports failures and waits, at least as long as the provider requests, and longer if no city has
    /// a response.
    pub(super) async fn back_off(&mut self, errors: &[SourceError], is_failed: bool) {
        for error in errors {
            self.context.report_error(error);
        }
        let interval = self.config.interval();
        let requested = errors.iter().map(|error| requested_pause(error, interval));
        let mut delay = requested.max().unwrap_or_default();
        if let Some(error) = errors.last().filter(|_| is_failed) {
            delay = delay
                .max(self.attempts.failed())
                .max(self.circuit_cooldown(error));
        }
        if delay.is_zero() {
            return;
        }
        self.context.arm_watchdog(delay);
        let stop = &self.context.shared.stop;
        let pause = self.context.shared.clock.sleep(delay);
        stop.run_until_cancelled(pause).await;
    }

    /// Opens the circuit after too many consecutive failures and returns its cooldown.
    fn circuit_cooldown(&self, error: &SourceError) -> Duration {
        let (context, circuit) = (self.context, self.context.shared.circuit);
        let failures = self.attempts.failures();
        if failures < circuit.failures {
            return Duration::ZERO;
        }
        let cooldown_ms = i64::try_from(circuit.cooldown.as_millis()).unwrap_or(i64::MAX);
        let now = context.now();
        let until = now.checked_add_millis(cooldown_ms).unwrap_or(now);
        context.stats.set_state(SourceState::CircuitOpen { until });
        context.shared.metrics.circuit(context.id(), true);
        let cities = self.group.cities.len();
        error!(source = %context.id(), cities, failures, error = %ErrorChain(error), "source circuit opened");
        circuit.cooldown
    }
}

/// The pause that a provider requests; one poll interval after a 429 without a duration.
fn requested_pause(error: &SourceError, poll: Duration) -> Duration {
    match error {
        SourceError::Status {
            retry_after: Some(pause),
            ..
        } => *pause,
        SourceError::Status {
            status: TOO_MANY_REQUESTS,
            ..
        } => poll,
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honours_retry_after_and_waits_one_poll_after_bare_429() {
        let seconds = Duration::from_secs;
        for (status, retry_after, expected) in [
            (429, Some(7), 7),
            (429, Some(90), 90),
            (429, None, 60),
            (503, Some(30), 30),
            (503, None, 0),
        ] {
            let retry_after = retry_after.map(seconds);
            let error = SourceError::Status {
                status,
                retry_after,
            };
            let pause = requested_pause(&error, seconds(60));
            assert_eq!(pause, seconds(expected), "{error}");
        }
    }
}
