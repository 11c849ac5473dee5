//! Accumulates the truth while the simulator runs.
//!
//! Guarantees: each event is processed and scored once, however often the truth is requested; an event
//! is in the truth when it was sent or is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use moodvane_model::{
    CityId, ErrorChain, EventTimeBounds, HourSlot, Quantity, SourceId, Timestamp, Variable,
};
use moodvane_sentiment::{Scorer, Text};

use crate::config::SimulatorConfig;
use crate::feed::{Event, EventKind, Feed, MAX_LATENCY_MS, PostContent, timestamp};
use crate::playback::{DeliveryOrder, Playback};
use crate::truth::{HourTruth, TemperatureTruth, Truth};

/// Counts of the posts of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PostCounts {
    posts: u64,
    class_sum: u64,
    unscored: u64,
}

/// Accumulates the posts that were sent or are due.
pub(crate) struct PostLedger {
    feed: Arc<Feed>,
    playback: Playback,
    scorer: Box<dyn Scorer>,
    bounds: EventTimeBounds,
    disorder_ms: i64,
    /// The time up to which events are processed.
    advanced_to: Option<Timestamp>,
    /// Of each city, in the order of the configuration.
    hours: Vec<BTreeMap<HourSlot, PostCounts>>,
}

impl PostLedger {
    pub(crate) fn new(
        config: &SimulatorConfig,
        feed: Arc<Feed>,
        order: DeliveryOrder,
        scorer: Box<dyn Scorer>,
    ) -> Self {
        Self {
            feed,
            playback: Playback::without_duplicates(order),
            scorer,
            bounds: config.bounds,
            disorder_ms: i64::try_from(config.disorder.as_millis()).unwrap_or(i64::MAX),
            advanced_to: None,
            hours: vec![BTreeMap::new(); config.cities.len()],
        }
    }

    /// Processes the events that became due since the last call. A clock that went back changes nothing.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        if self.advanced_to.is_some_and(|time| now <= time) {
            return;
        }
        self.advanced_to = Some(now);
        while let Some(delivery) = self.playback.next_due(now.millis() * 1_000) {
            let event = self.feed.event(delivery.index);
            self.record(&event);
        }
    }

    fn record(&mut self, event: &Event) {
        let EventKind::Post(content) = &event.kind else {
            return;
        };
        let names = self.feed.names().iter().enumerate();
        // A text that names several cities is a post of each.
        let named: Vec<usize> = names
            .filter(|(_, names)| names.occur_in(&content.text))
            .map(|(city, _)| city)
            .collect();
        if named.is_empty() {
            return;
        }
        let received = timestamp(event.time_us / 1_000);
        let hour = self.bounds.event_hour(content.created_at, received);
        let class = self.score_class(content);
        for city in named {
            let truth = self.hours[city].entry(hour).or_default();
            match class {
                Some(class) => {
                    truth.posts += 1;
                    truth.class_sum += class;
                }
                None => truth.unscored += 1,
            }
        }
    }

    fn score_class(&mut self, content: &PostContent) -> Option<u64> {
        if !self.scorer.supports_language(content.language()) {
            return None;
        }
        let text = Text {
            text: &content.text,
            language: content.language(),
        };
        let mut scores = Vec::with_capacity(1);
        if let Err(error) = self.scorer.score_batch(&[text], &mut scores) {
            tracing::error!(error = %ErrorChain(&error), "cannot score a post of the truth");
        }
        let score = scores.first().copied().flatten()?;
        Some(u64::from(score.sentiment.class()))
    }

    /// The time before which no post will be added. Late deliveries and creation times before the event
    /// keep it behind the clock.
    fn complete_through_ms(&self) -> i64 {
        let advanced_ms = self.advanced_to.map_or(0, Timestamp::millis);
        (advanced_ms - self.disorder_ms - MAX_LATENCY_MS).max(0)
    }
}

/// Accumulates the temperatures of a city that were served.
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

    /// Records that the temperature of this time was served; returns whether it is new.
    pub(crate) fn record(&mut self, observed_at: Timestamp, temperature_c: f64) -> bool {
        // Never fails: a test shows that the climate stays within the bounds.
        let Ok(value) = Quantity::new(Variable::Temperature, temperature_c) else {
            tracing::error!(%observed_at, temperature_c, "served a temperature out of bounds");
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

/// Combines the posts of city `index` with its weather.
pub(crate) fn build_truth(
    (index, city): (usize, CityId),
    posts: &PostLedger,
    weather: &WeatherLedger,
) -> Truth {
    let complete_through_ms = posts.complete_through_ms();
    let counts = &posts.hours[index];
    let hours: BTreeSet<HourSlot> = counts.keys().chain(weather.hours.keys()).copied().collect();
    let truth = |hour: HourSlot| {
        let counts = counts.get(&hour).copied().unwrap_or_default();
        hour_truth(hour, counts, weather)
    };
    Truth {
        city,
        complete_through_ms,
        through: HourSlot::containing(timestamp(complete_through_ms)).checked_add(-1),
        hours: hours.into_iter().map(truth).collect(),
        effects: posts.feed.world().effects(index),
        others: Vec::new(),
    }
}

fn hour_truth(hour: HourSlot, counts: PostCounts, weather: &WeatherLedger) -> HourTruth {
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
        posts: counts.posts,
        class_sum: counts.class_sum,
        unscored: counts.unscored,
        temperature: temperature.into_iter().collect(),
    }
}
