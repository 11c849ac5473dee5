//! Keeps the truth while the simulator runs.
//!
//! Guarantee: each event is looked at and scored once, however often the truth is asked for; an
//! event is in the truth when it was sent or is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use moodvane_model::{CityId, EventTimeBounds, HourSlot, Quantity, SourceId, Timestamp, Variable};
use moodvane_sentiment::{Scorer, Text};

use crate::config::SimulatorConfig;
use crate::feed::{Event, Feed, Kind, MAX_LATENCY_MS, Written, moment};
use crate::playback::{Order, Playback};
use crate::truth::{HourTruth, TemperatureTruth, Truth};

/// The posts of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PostTruth {
    posts: u64,
    class_sum: u64,
    unscored: u64,
}

/// The posts that were sent or are due.
pub(crate) struct PostLedger {
    feed: Arc<Feed>,
    playback: Playback,
    scorer: Box<dyn Scorer>,
    bounds: EventTimeBounds,
    disorder_ms: i64,
    /// The last moment that was looked at.
    seen: Option<Timestamp>,
    hours: BTreeMap<HourSlot, PostTruth>,
}

impl PostLedger {
    pub(crate) fn new(
        config: &SimulatorConfig,
        feed: Arc<Feed>,
        order: Order,
        scorer: Box<dyn Scorer>,
    ) -> Self {
        Self {
            feed,
            playback: Playback::once(order),
            scorer,
            bounds: config.bounds,
            disorder_ms: i64::try_from(config.disorder.as_millis()).unwrap_or(i64::MAX),
            seen: None,
            hours: BTreeMap::new(),
        }
    }

    /// Takes in what became due since the last time. A clock that went back changes nothing.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        if self.seen.is_some_and(|seen| now <= seen) {
            return;
        }
        self.seen = Some(now);
        while let Some(sending) = self.playback.next_due(now.millis() * 1_000) {
            let event = self.feed.event(sending.index);
            self.take(&event);
        }
    }

    fn take(&mut self, event: &Event) {
        let Kind::Post(written) = &event.kind else {
            return;
        };
        if !self.feed.names().named_in(&written.text) {
            return;
        }
        let received = moment(event.time_us / 1_000);
        let hour = self.bounds.event_hour(written.created_at, received);
        let class = self.class(written);
        let truth = self.hours.entry(hour).or_default();
        match class {
            Some(class) => {
                truth.posts += 1;
                truth.class_sum += class;
            }
            None => truth.unscored += 1,
        }
    }

    fn class(&mut self, written: &Written) -> Option<u64> {
        if !self.scorer.supports_language(written.spoken()) {
            return None;
        }
        let text = Text {
            text: &written.text,
            language: written.spoken(),
        };
        let mut scores = Vec::with_capacity(1);
        if let Err(fault) = self.scorer.score_batch(&[text], &mut scores) {
            tracing::error!(%fault, "the truth has a post without a score");
        }
        let score = scores.first().copied().flatten()?;
        Some(u64::from(score.sentiment.class()))
    }

    /// Up to when nothing will be added any more: what is late may still come, and a post may have
    /// been written a little before its event.
    fn complete_through_ms(&self) -> i64 {
        let seen = self.seen.map_or(0, Timestamp::millis);
        (seen - self.disorder_ms - MAX_LATENCY_MS).max(0)
    }
}

/// The temperatures that were served.
#[derive(Debug)]
pub(crate) struct WeatherLedger {
    source: SourceId,
    served: BTreeSet<Timestamp>,
    /// Count and sum in millionths of a °C.
    hours: BTreeMap<HourSlot, (u64, i64)>,
}

impl WeatherLedger {
    pub(crate) fn new(source: SourceId) -> Self {
        Self {
            source,
            served: BTreeSet::new(),
            hours: BTreeMap::new(),
        }
    }

    /// Remembers that the temperature of this moment was served; says whether it was the first
    /// time.
    pub(crate) fn served(&mut self, observed_at: Timestamp, temperature_c: f64) -> bool {
        // A possible temperature always: the climate is tested to stay within the bounds.
        let Ok(value) = Quantity::new(Variable::Temperature, temperature_c) else {
            tracing::error!(%observed_at, temperature_c, "served an impossible temperature");
            return false;
        };
        let is_new = self.served.insert(observed_at);
        if is_new {
            let (count, sum) = self
                .hours
                .entry(HourSlot::containing(observed_at))
                .or_default();
            *count += 1;
            *sum += value.micros();
        }
        is_new
    }
}

/// Both ledgers as one truth.
pub(crate) fn truth(city: CityId, posts: &PostLedger, weather: &WeatherLedger) -> Truth {
    let complete_through_ms = posts.complete_through_ms();
    let hours: BTreeSet<HourSlot> = posts
        .hours
        .keys()
        .chain(weather.hours.keys())
        .copied()
        .collect();
    Truth {
        city,
        complete_through_ms,
        through: HourSlot::containing(moment(complete_through_ms)).checked_add(-1),
        hours: hours
            .into_iter()
            .map(|hour| hour_truth(hour, posts, weather))
            .collect(),
    }
}

fn hour_truth(hour: HourSlot, posts: &PostLedger, weather: &WeatherLedger) -> HourTruth {
    let PostTruth {
        posts,
        class_sum,
        unscored,
    } = posts.hours.get(&hour).copied().unwrap_or_default();
    let temperature = weather
        .hours
        .get(&hour)
        .map(|(count, sum)| TemperatureTruth {
            source: weather.source,
            count: *count,
            sum_micros: *sum,
        });
    HourTruth {
        hour,
        posts,
        class_sum,
        unscored,
        temperature: temperature.into_iter().collect(),
    }
}
