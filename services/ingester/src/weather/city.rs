//! The poll loop of one city.

use std::time::Duration;

use moodvane_eventlog::NewRecord;
use moodvane_model::{City, ErrorChain, Observation, Readings, Timestamp, Topic};
use moodvane_retry::Attempts;
use tracing::error;

use super::provider::{ProviderClient, TimedReadings};
use super::schedule::PollSchedule;
use super::{DAY_MS, POLL_TIMEOUT, load_cursor};
use crate::config::WeatherConfig;
use crate::error::SourceError;
use crate::publisher::PublishOutcome;
use crate::source_context::{BatchTiming, SourceContext};
use crate::status::SourceState;

const TOO_MANY_REQUESTS: u16 = 429;

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
                .run_until_cancelled(self.provider.fetch_current())
                .await
            {
                None => break,
                Some(Ok(current)) => self.publish_current(current).await?,
                Some(Err(error)) => self.back_off(&error).await,
            }
        }
        Ok(())
    }

    async fn publish_current(&mut self, current: TimedReadings) -> Result<(), SourceError> {
        let (at, _) = current;
        if is_implausible(at, self.context.now()) {
            // The cursor would move there, and every later observation would count as known.
            self.back_off(&SourceError::Future(at)).await;
            return Ok(());
        }
        let is_known = self.last.is_some_and(|last| at <= last);
        self.count_response(1, usize::from(is_known));
        if is_known {
            return Ok(());
        }
        let context = self.context;
        self.publish(&[current], |_| context.now(), at).await
    }

    /// Counts a successful response with `values` values, `known` of which are published already.
    pub(super) fn count_response(&mut self, values: usize, known: usize) {
        self.attempts.reset();
        self.context.set_running();
        let metrics = &self.context.shared.metrics;
        metrics.seen(self.context.id(), values as u64);
        metrics.dropped(self.context.id(), "unchanged", known as u64);
    }

    /// Publishes observations, the latest of which is of `last`, and saves the cursor.
    pub(super) async fn publish(
        &mut self,
        readings: &[TimedReadings],
        received_at: impl Fn(Timestamp) -> Timestamp,
        last: Timestamp,
    ) -> Result<(), SourceError> {
        let mut records = Vec::with_capacity(readings.len());
        for (observed_at, readings) in readings {
            records.push(self.record(*observed_at, received_at(*observed_at), *readings)?);
        }
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
        observed_at: Timestamp,
        received_at: Timestamp,
        readings: Readings,
    ) -> Result<NewRecord, SourceError> {
        let observation = Observation {
            city: self.city.id,
            source: self.context.id(),
            observed_at,
            received_at,
            readings,
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

/// Whether a time is further ahead than a provider's clock or time zone may be wrong.
pub(super) fn is_implausible(at: Timestamp, now: Timestamp) -> bool {
    at.millis().saturating_sub(now.millis()) > DAY_MS
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
