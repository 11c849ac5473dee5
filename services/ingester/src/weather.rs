//! The live weather of cities, asked from a provider.
//!
//! Guarantee: an observation is sent once, and the cursor of its city moves only after the log has
//! it. A failing answer is counted and waited out; the other cities go on. Answers are limited in
//! size and time. A provider with a budget is asked at an even pace, also over a restart.

mod pace;
mod provider;

use std::time::Duration;

use futures::future::try_join_all;
use moodvane_eventlog::{LogError, NewRecord};
use moodvane_model::{City, Observation, Readings, Timestamp, Topic};
use tracing::{error, info, warn};

use crate::backoff::Attempts;
use crate::config::{WeatherConfig, WeatherProvider};
use crate::error::SourceError;
use crate::http;
use crate::publisher::PublishOutcome;
use crate::source_context::{BatchTiming, SourceContext, SourceExit};
use crate::status::SourceState;

use self::pace::Pace;
use self::provider::{Observed, Past, Provider};

/// After so many failures the history is given up, so that the live weather can begin.
const HISTORY_ATTEMPTS: usize = 5;
/// What asking may take, with all that must be found out first.
const ASKING: Duration = Duration::from_secs(60);
/// Values of the history are an hour apart: a shorter gap holds none.
const HISTORY_STEP_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HISTORY_STEP_MS;
const TOO_MANY_REQUESTS: u16 = 429;

/// Polls every city until it is told to stop.
pub(crate) async fn run(
    config: WeatherConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let contact = match &config.provider {
        WeatherProvider::Nws { contact } => contact,
        _ => "",
    };
    let client = http::client(&config.base_url, contact)?;
    let polls = config.cities.iter().map(|city| {
        let poll = CityPoll {
            name: format!("{}:{}", context.id(), city.id),
            attempts: Attempts::new(context.shared.backoff),
            last: None,
            provider: Provider {
                config: &config,
                city,
                client: &client,
                context: &context,
                station: None,
            },
            config: &config,
            context: &context,
            city,
        };
        poll.run()
    });
    try_join_all(polls).await?;
    Ok(SourceExit::Stopped)
}

struct CityPoll<'a> {
    config: &'a WeatherConfig,
    city: &'a City,
    context: &'a SourceContext,
    provider: Provider<'a>,
    name: String,
    attempts: Attempts,
    /// The latest observation that the log has.
    last: Option<Timestamp>,
}

impl CityPoll<'_> {
    async fn run(mut self) -> Result<(), SourceError> {
        self.last = stored(self.context, &self.name).await?;
        let stop = self.context.shared.stop.clone();
        self.catch_up().await?;
        let pace = Pace::new(self.config, &self.name);
        let mut ticks = pace.ticks(self.context).await?;
        while !stop.is_cancelled() {
            self.context.arm_watchdog(self.config.interval());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = ticks.tick() => {}
            }
            self.context.arm_watchdog(ASKING);
            // What came is sent, whatever else happens: only the asking may be cut short.
            pace.note(self.context).await;
            match stop.run_until_cancelled(self.provider.current()).await {
                None => break,
                Some(Ok(current)) => self.tell(current).await?,
                Some(Err(error)) => self.rest(&error).await,
            }
        }
        Ok(())
    }

    /// Fills the gap between the cursor and now from the history, where the gap can hold an hour.
    async fn catch_up(&mut self) -> Result<(), SourceError> {
        let now = self.context.now();
        let gap_ms = self.last.map(|last| now.millis() - last.millis());
        if self.config.history_days == 0 || gap_ms.is_some_and(|gap| gap < HISTORY_STEP_MS) {
            return Ok(());
        }
        let gap_days = gap_ms.map_or(i64::MAX, |gap| gap / DAY_MS + 1);
        let days = u8::try_from(gap_days).map_or(self.config.history_days, |gap| {
            gap.min(self.config.history_days)
        });
        let stop = self.context.shared.stop.clone();
        for _ in 0..HISTORY_ATTEMPTS {
            self.context.arm_watchdog(ASKING);
            match stop
                .run_until_cancelled(self.provider.past(days, now))
                .await
            {
                None => return Ok(()),
                Some(Ok(past)) => return self.tell_past(past).await,
                Some(Err(error)) => self.rest(&error).await,
            }
        }
        warn!(source = %self.context.id(), city = %self.city.id, days, "history given up, the hours before now stay empty");
        Ok(())
    }

    async fn tell(&mut self, current: Observed) -> Result<(), SourceError> {
        let (at, readings) = current;
        if is_nonsense(at, self.context.now()) {
            // The cursor would move there, and all that comes before it would be taken for known.
            self.rest(&SourceError::Future(at)).await;
            return Ok(());
        }
        let known = self.last.is_some_and(|last| at <= last);
        self.heard(1, usize::from(known));
        if known {
            return Ok(());
        }
        let outcome = self
            .send(&[(at, readings)], |_| self.context.now(), Some(at))
            .await?;
        self.moved(at, outcome).await;
        Ok(())
    }

    async fn tell_past(&mut self, past: Past) -> Result<(), SourceError> {
        let Past {
            observed,
            mut dropped,
        } = past;
        let (seen, now) = (observed.len() + dropped.len(), self.context.now());
        let (ahead, mut hours): (Vec<_>, Vec<_>) = observed
            .into_iter()
            .partition(|(at, _)| is_nonsense(*at, now));
        dropped.extend(ahead.iter().map(|_| "future"));
        let told = hours.len();
        hours.retain(|(at, _)| self.last.is_none_or(|last| *at > last));
        self.heard(seen, told - hours.len());
        for reason in dropped {
            self.context
                .shared
                .metrics
                .dropped(self.context.id(), reason, 1);
        }
        hours.sort_by_key(|(at, _)| *at);
        for chunk in hours.chunks(self.context.shared.batch_posts.max(1)) {
            let last = chunk.last().map(|(at, _)| *at);
            let outcome = self.send(chunk, |observed_at| observed_at, last).await?;
            if let Some(at) = last {
                self.moved(at, outcome).await;
            }
        }
        info!(source = %self.context.id(), city = %self.city.id, hours = hours.len(), "history read");
        Ok(())
    }

    /// An answer came, with so many values, some of which the log has.
    fn heard(&mut self, values: usize, known: usize) {
        self.attempts.reset();
        self.context.set_running();
        let metrics = &self.context.shared.metrics;
        metrics.seen(self.context.id(), values as u64);
        metrics.dropped(self.context.id(), "unchanged", known as u64);
    }

    async fn send(
        &self,
        readings: &[(Timestamp, Readings)],
        received_at: impl Fn(Timestamp) -> Timestamp,
        reached: Option<Timestamp>,
    ) -> Result<PublishOutcome, SourceError> {
        let mut records = Vec::with_capacity(readings.len());
        for (observed_at, readings) in readings {
            let observation = Observation {
                city: self.city.id,
                source: self.context.id(),
                observed_at: *observed_at,
                received_at: received_at(*observed_at),
                readings: *readings,
            };
            records.push(NewRecord {
                key: observation.identity().into_bytes(),
                value: observation.to_json()?,
            });
        }
        // The log may be away for any time.
        self.context.disarm_watchdog();
        let timing = BatchTiming {
            read_at: self.context.shared.clock.uptime(),
            last_event: readings.iter().map(|(at, _)| *at).max(),
        };
        let cursor = reached.map(|at| (self.name.clone(), at.millis().to_string()));
        self.context
            .publish(Topic::Temperature, records, timing, cursor)
            .await
    }

    /// All up to `at` is taken. A cursor that cannot be saved costs a repetition, which readers
    /// drop, so it is noted and no more. What was dropped is not asked for again, but leaves the
    /// cursor where it is, so that the history may fill the gap after a restart.
    async fn moved(&mut self, at: Timestamp, outcome: PublishOutcome) {
        self.last = Some(at);
        if outcome != PublishOutcome::Logged {
            return;
        }
        let cursor = at.millis().to_string();
        if let Err(error) = self
            .context
            .shared
            .log
            .save_cursor(&self.name, &cursor)
            .await
        {
            self.context.report_error(&error.into());
        }
    }

    /// Notes a failure and waits it out, as long as the provider asks for.
    async fn rest(&mut self, error: &SourceError) {
        self.context.report_error(error);
        let delay = self
            .attempts
            .failed()
            .max(asked(error, self.config.interval()));
        let delay = delay.max(self.circuit(error));
        self.context.arm_watchdog(delay);
        let stop = &self.context.shared.stop;
        let rest = self.context.shared.clock.sleep(delay);
        stop.run_until_cancelled(rest).await;
    }
}

impl CityPoll<'_> {
    /// How long the provider is left to rest, where it has failed again and again.
    fn circuit(&self, error: &SourceError) -> Duration {
        let (context, circuit) = (self.context, self.context.shared.circuit);
        if self.attempts.failures() < circuit.failures {
            return Duration::ZERO;
        }
        let (now, rest_ms) = (context.now(), i64::try_from(circuit.cooldown.as_millis()));
        let until = now
            .checked_add_millis(rest_ms.unwrap_or(i64::MAX))
            .unwrap_or(now);
        context.stats.set_state(SourceState::CircuitOpen { until });
        context.shared.metrics.circuit(context.id(), true);
        error!(source = %context.id(), city = %self.city.id, %error, "source failed again and again, its circuit is open");
        circuit.cooldown
    }
}

/// Whether an observation lies further ahead than the clocks and zones of a provider may be wrong.
fn is_nonsense(at: Timestamp, now: Timestamp) -> bool {
    at.millis().saturating_sub(now.millis()) > DAY_MS
}

/// The moment that the cursor `name` holds, where there is one.
async fn stored(context: &SourceContext, name: &str) -> Result<Option<Timestamp>, SourceError> {
    let Some(cursor) = context.shared.log.cursor(name).await? else {
        return Ok(None);
    };
    let read = cursor.parse().ok().map(Timestamp::from_millis);
    match read {
        Some(Ok(at)) => Ok(Some(at)),
        _ => Err(LogError::Corrupt(format!(
            "cursor {name} is \"{cursor}\", it should be milliseconds since 1970"
        ))
        .into()),
    }
}

/// The pause that a provider asks for. Where it asks for a longer one and does not say how long, that
/// is a poll.
fn asked(error: &SourceError, poll: Duration) -> Duration {
    match error {
        SourceError::Status {
            retry_after: Some(asked),
            ..
        } => *asked,
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
    fn who_asks_too_often_waits_as_long_as_is_asked_for_or_a_poll() {
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
            assert_eq!(asked(&error, seconds(60)), seconds(expected), "{error}");
        }
    }
}
