//! Detects and reports that the weather of a city is stale.
//!
//! Guarantee: a change is logged once, shown by `/actors`, and noted in the log, from which
//! `/v1/status` shows it. While it lasts, the note is renewed each hour.

use moodvane_model::{City, OutOfBounds, STALE_AFTER_MS, StaleNote, Timestamp};
use tracing::{info, warn};

use super::HOUR_MS;
use crate::error::SourceError;
use crate::source_context::SourceContext;

/// How recent the latest observation of a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    /// Old, but not too old to count.
    Late,
    /// Too old to count, or in the future.
    LeftOut(OutOfBounds),
}

/// Follows the freshness of one city's weather.
pub(super) struct Staleness {
    current: Freshness,
    /// When the note in the log was written; `None` if the log has none.
    noted_at: Option<Timestamp>,
}

impl Staleness {
    /// Reads whether an earlier run left a note in the log.
    pub(super) async fn load(context: &SourceContext, city: &City) -> Result<Self, SourceError> {
        let name = StaleNote::cursor_name(context.id(), city.id);
        let value = context.shared.log.cursor(&name).await?;
        let note = value.and_then(|value| StaleNote::from_cursor(&name, &value));
        Ok(Self {
            current: Freshness::Fresh,
            noted_at: note.map(|note| note.noted_at),
        })
    }

    /// Reports a response whose latest observation is of `latest`.
    pub(super) async fn report(&mut self, context: &SourceContext, city: &City, latest: Timestamp) {
        let now = context.now();
        let bounds = context.shared.bounds;
        let freshness = match bounds.observation_time(latest, now) {
            Err(fault) => Freshness::LeftOut(fault),
            Ok(_) if now.millis() - latest.millis() > STALE_AFTER_MS => Freshness::Late,
            Ok(_) => Freshness::Fresh,
        };
        if freshness != self.current {
            log_change(context, city, (self.current, freshness), latest);
            self.current = freshness;
        }
        let is_stale = matches!(
            freshness,
            Freshness::Late | Freshness::LeftOut(OutOfBounds::TooOld)
        );
        let since = is_stale.then_some(latest);
        context.stats.set_stale(city.id, since);
        if let Freshness::LeftOut(fault) = freshness {
            let error = SourceError::LeftOut {
                city: city.id,
                observed_at: latest,
                fault,
            };
            context.stats.set_error(&error);
        }
        self.save_note(context, city, since).await;
    }

    async fn save_note(&mut self, context: &SourceContext, city: &City, since: Option<Timestamp>) {
        let now = context.now();
        let is_due = match (since, self.noted_at) {
            (None, noted) => noted.is_some(),
            (Some(_), None) => true,
            (Some(_), Some(noted)) => now.millis() - noted.millis() >= HOUR_MS,
        };
        if !is_due {
            return;
        }
        let name = StaleNote::cursor_name(context.id(), city.id);
        let note = since.map(|since| StaleNote {
            source: context.id(),
            city: city.id,
            since,
            noted_at: now,
        });
        let value = note.map_or(StaleNote::FRESH.to_owned(), |note| note.cursor_value());
        match context.shared.log.save_cursor(&name, &value).await {
            Ok(()) => self.noted_at = note.map(|note| note.noted_at),
            Err(error) => context.report_error(&error.into()),
        }
    }
}

fn log_change(
    context: &SourceContext,
    city: &City,
    (from, to): (Freshness, Freshness),
    latest: Timestamp,
) {
    let (source, city) = (context.id(), city.id);
    match to {
        Freshness::Fresh if from == Freshness::Fresh => {}
        Freshness::Fresh => {
            info!(%source, %city, observed_at = %latest, "weather is fresh again");
        }
        Freshness::Late => {
            warn!(%source, %city, stale_since = %latest, "weather is stale, the provider has no newer observation");
        }
        Freshness::LeftOut(OutOfBounds::TooOld) => {
            warn!(%source, %city, stale_since = %latest, "weather is too old to count, observations are left out until a newer one arrives");
        }
        Freshness::LeftOut(OutOfBounds::Future) => {
            warn!(%source, %city, observed_at = %latest, "weather is dated in the future, observations are left out until its time is plausible");
        }
    }
}
