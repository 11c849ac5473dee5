//! The observations of one city: which are new, and their publication.

use std::collections::BTreeSet;

use moodvane_eventlog::NewRecord;
use moodvane_model::{Account, City, Example, Observation, Timestamp, Topic, Variable};
use moodvane_upstream::{OmitReason, ParsedWeather};
use tracing::info;

use super::load_cursor;
use super::provider::Response;
use super::staleness::Staleness;
use crate::error::SourceError;
use crate::publisher::PublishOutcome;
use crate::source_context::{BatchTiming, SourceContext};

/// The drop reason of an observation that is published already.
const UNCHANGED: &str = "unchanged";

/// Publishes the observations of one city.
pub(super) struct CityFeed<'a> {
    pub(super) city: &'a City,
    pub(super) context: &'a SourceContext,
    cursor: String,
    staleness: Staleness,
    /// Time of the latest published observation.
    pub(super) last: Option<Timestamp>,
    /// The kinds of omitted values that were logged.
    logged_omissions: BTreeSet<(Variable, OmitReason)>,
}

impl<'a> CityFeed<'a> {
    /// Reads the cursor of a city.
    pub(super) async fn load(
        city: &'a City,
        context: &'a SourceContext,
    ) -> Result<Self, SourceError> {
        let cursor = cursor_name(context, city);
        Ok(Self {
            last: load_cursor(context, &cursor).await?,
            staleness: Staleness::load(context, city).await?,
            logged_omissions: BTreeSet::new(),
            cursor,
            context,
            city,
        })
    }

    /// Publishes what is new in a response, and reports whether the weather is stale.
    pub(super) async fn accept_current(&mut self, current: Response) -> Result<(), SourceError> {
        if let Some(latest) = current.latest() {
            self.staleness.report(self.context, self.city, latest).await;
        }
        self.publish_current(current).await
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
}

/// The name of the cursor of a city's observations.
pub(super) fn cursor_name(context: &SourceContext, city: &City) -> String {
    format!("{}:{}", context.id(), city.id)
}
