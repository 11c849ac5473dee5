//! The poll loop of one city.

use std::collections::BTreeSet;
use std::time::Duration;

use moodvane_eventlog::NewRecord;
use moodvane_model::{Account, City, ErrorChain, Example, Observation, Timestamp, Topic, Variable};
use moodvane_retry::Attempts;
use moodvane_upstream::{OmitReason, ParsedWeather};
use tracing::{error, info};

use super::provider::{ProviderClient, Response};
use super::schedule::PollSchedule;
use super::staleness::Staleness;
use super::{POLL_TIMEOUT, load_cursor};
use crate::config::WeatherConfig;
use crate::error::SourceError;
use crate::publisher::PublishOutcome;
use crate::source_context::{BatchTiming, SourceContext};
use crate::status::SourceState;

const TOO_MANY_REQUESTS: u16 = 429;
/// The drop reason of an observation that is published already.
const UNCHANGED: &str = "unchanged";

/// Polls the provider for one city and publishes its observations.
pub(super) struct CityPoller<'a> {
    pub(super) config: &'a WeatherConfig,
    pub(super) city: &'a City,
    pub(super) context: &'a SourceContext,
    pub(super) provider: ProviderClient<'a>,
    cursor: String,
    attempts: Attempts,
    /// Time of the latest published observation.
    pub(super) last: Option<Timestamp>,
    /// The kinds of omitted values that were logged.
    logged_omissions: BTreeSet<(Variable, OmitReason)>,
}

impl<'a> CityPoller<'a> {
    pub(super) fn new(
        config: &'a WeatherConfig,
        city: &'a City,
        client: &'a reqwest::Client,
        context: &'a SourceContext,
    ) -> Self {
        Self {
            cursor: format!("{}:{}", context.id(), city.id),
            attempts: Attempts::new(context.shared.backoff),
            last: None,
            logged_omissions: BTreeSet::new(),
            provider: ProviderClient::new(config, city, client, context),
            config,
            context,
            city,
        }
    }

    /// Fills the gap since the cursor, then polls until the source is stopped.
    pub(super) async fn run(mut self) -> Result<(), SourceError> {
        self.last = load_cursor(self.context, &self.cursor).await?;
        let stop = self.context.shared.stop.clone();
        let mut staleness = Staleness::load(self.context, self.city).await?;
        self.backfill().await?;
        let schedule = PollSchedule::new(self.config, &self.cursor);
        let mut timer = schedule.timer(self.context).await?;
        while !stop.is_cancelled() {
            self.context.arm_watchdog(self.config.interval());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = timer.tick() => {}
            }
            self.context.arm_watchdog(POLL_TIMEOUT);
            schedule.record_request(self.context).await;
            // A stop interrupts the request, but not the publish of its response.
            match stop
                .run_until_cancelled(self.provider.fetch_current(self.last))
                .await
            {
                None => break,
                Some(Ok(current)) => {
                    if let Some(latest) = current.latest() {
                        staleness.report(self.context, self.city, latest).await;
                    }
                    self.publish_current(current).await?;
                }
                Some(Err(error)) => self.back_off(&error).await,
            }
        }
        Ok(())
    }

    /// Publishes the observations that are new and count in an hour.
    async fn publish_current(&mut self, current: Response) -> Result<(), SourceError> {
        let context = self.context;
        let (now, bounds) = (context.now(), context.shared.bounds);
        let drop_reason = |at| {
            bounds
                .observation_time(at, now)
                .err()
                .map(|fault| fault.label())
        };
        let new = self.select_new(current, drop_reason);
        match new.last().map(|weather| weather.observed_at) {
            Some(last) => self.publish(&new, |_| now, last).await,
            None => Ok(()),
        }
    }

    /// The observations that are not published yet and have no reason to be dropped, in order.
    /// Counts all others by reason.
    pub(super) fn select_new(
        &mut self,
        response: Response,
        drop_reason: impl Fn(Timestamp) -> Option<&'static str>,
    ) -> Vec<ParsedWeather> {
        self.attempts.reset();
        self.context.set_running();
        let (metrics, id) = (&self.context.shared.metrics, self.context.id());
        let Response { weather, unusable } = response;
        metrics.seen(id, (weather.len() + unusable.len()) as u64);
        let mut dropped = Account::default();
        for reason in unusable {
            metrics.dropped(id, reason, 1);
            dropped.leave_out(reason, || {
                Example::new("the observation has no usable value")
            });
        }
        let mut new = Vec::with_capacity(weather.len());
        for one in weather {
            let is_known = self.last.is_some_and(|last| one.observed_at <= last);
            let reason = drop_reason(one.observed_at).or(is_known.then_some(UNCHANGED));
            let Some(reason) = reason else {
                new.push(one);
                continue;
            };
            metrics.dropped(id, reason, 1);
            // An observation that is published already is no loss.
            if reason != UNCHANGED {
                let why = "the observation counts in no hour";
                let value = one.observed_at.to_string();
                dropped.leave_out(reason, || Example::new(why).with_value(&value));
            }
        }
        let uptime = self.context.shared.clock.uptime();
        self.context.stats.log_drops(&dropped, uptime);
        new.sort_by_key(|one| one.observed_at);
        new.dedup_by_key(|one| one.observed_at);
        new
    }

    /// Counts the values that observations are recorded without. Logs the first of each kind,
    /// without the value, which may repeat the request and its key.
    fn count_omitted(&mut self, weather: &[ParsedWeather]) {
        for omitted in weather.iter().flat_map(|one| &one.omitted) {
            let (variable, reason) = (omitted.variable, omitted.reason);
            let metrics = &self.context.shared.metrics;
            metrics.omitted(self.context.id(), variable, reason, 1);
            if reason != OmitReason::Missing && self.logged_omissions.insert((variable, reason)) {
                info!(source = %self.context.id(), city = %self.city.id, %variable, reason = reason.label(), field = omitted.field, "value of observations left out, later ones are only counted");
            }
        }
    }

    /// Publishes observations, the latest of which is of `last`, and saves the cursor.
    pub(super) async fn publish(
        &mut self,
        weather: &[ParsedWeather],
        received_at: impl Fn(Timestamp) -> Timestamp,
        last: Timestamp,
    ) -> Result<(), SourceError> {
        let mut records = Vec::with_capacity(weather.len());
        for one in weather {
            records.push(self.record(one, received_at(one.observed_at))?);
        }
        self.count_omitted(weather);
        // The log may be unavailable for any time.
        self.context.disarm_watchdog();
        let timing = BatchTiming {
            read_at: self.context.shared.clock.uptime(),
            last_event: Some(last),
        };
        let cursor = (self.cursor.clone(), last.millis().to_string());
        let outcome = self
            .context
            .publish(Topic::Temperature, records, timing, Some(cursor))
            .await?;
        self.last = Some(last);
        if outcome == PublishOutcome::Logged {
            self.save_cursor(last).await;
        }
        Ok(())
    }

    fn record(
        &self,
        weather: &ParsedWeather,
        received_at: Timestamp,
    ) -> Result<NewRecord, SourceError> {
        let observation = Observation {
            city: self.city.id,
            source: self.context.id(),
            observed_at: weather.observed_at,
            received_at,
            readings: weather.readings,
        };
        Ok(NewRecord {
            key: observation.identity().into_bytes(),
            value: observation.to_json()?,
        })
    }

    /// Saves the cursor, which the spool does for spooled records. After a failure a restart
    /// publishes the observation again, and readers drop the duplicate. Dropped observations leave
    /// the cursor where it is, so that the history can fill the gap after a restart.
    async fn save_cursor(&self, at: Timestamp) {
        let value = at.millis().to_string();
        let saved = self.context.shared.log.save_cursor(&self.cursor, &value);
        if let Err(error) = saved.await {
            self.context.report_error(&error.into());
        }
    }

    /// Reports a failure and waits, at least as long as the provider requests.
    pub(super) async fn back_off(&mut self, error: &SourceError) {
        self.context.report_error(error);
        let delay = self
            .attempts
            .failed()
            .max(requested_pause(error, self.config.interval()))
            .max(self.circuit_cooldown(error));
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
        error!(source = %context.id(), city = %self.city.id, failures, error = %ErrorChain(error), "source circuit opened");
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
