//! The parsers of the real upstreams read the simulator's messages, and the result equals the truth.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{
    CityId, EventTimeBounds, HourRow, HourSlot, Observation, Post, SourceId, Sums,
};
use moodvane_sentiment::Scorer;
use moodvane_simulator::SimulatorConfig;
use moodvane_upstream::jetstream::{JetstreamFormat, subscribe_url};
use moodvane_upstream::open_meteo::{current_url, history_url, parse_current, parse_history};
use moodvane_upstream::{PostFormat, RawMessage, Selection};
use support::{KeywordScorer, Running, config, hours_after_start, run, start, time_us};

/// The hour rows of a pipeline with an unbounded duplicate window.
struct Rows {
    city: CityId,
    seen: BTreeSet<String>,
    rows: BTreeMap<HourSlot, HourRow>,
}

impl Rows {
    fn add(&mut self, hour: HourSlot, source: SourceId, sums: &Sums) {
        let empty = HourRow::empty(self.city, hour);
        self.rows.entry(hour).or_insert(empty).add(source, sums);
    }

    fn post(&mut self, post: &Post<'_>) {
        if !self.seen.insert(post.identity()) {
            return;
        }
        let at = EventTimeBounds::STANDARD.event_time(post.created_at, post.received_at);
        let score = KeywordScorer
            .supports_language(post.language)
            .then(|| KeywordScorer.score(post.text()));
        let mut sums = Sums::default();
        sums.add_post(at, score);
        self.add(HourSlot::containing(at), post.source, &sums);
    }

    fn observation(&mut self, observation: &Observation) {
        if !self.seen.insert(observation.identity()) {
            return;
        }
        let at = observation.observed_at;
        let mut sums = Sums::default();
        sums.add_observation(at, observation);
        self.add(HourSlot::containing(at), observation.source, &sums);
    }
}

async fn body(url: url::Url) -> Vec<u8> {
    let answer = support::within(reqwest::get(url)).await.unwrap();
    answer.bytes().await.unwrap().to_vec()
}

async fn read_posts(running: &Running, config: &SimulatorConfig, rows: &mut Rows) {
    let selection = Selection::for_cities(std::slice::from_ref(&config.city)).unwrap();
    let source = SourceId::parse("bluesky").unwrap();
    let format = JetstreamFormat::new(source, Arc::new(selection));
    let url = subscribe_url(
        &running.simulator.stream_url(),
        Some(start().millis() * 1_000),
    );
    let mut client = running.subscribe(url.query().unwrap()).await;
    let mut posts = Vec::new();
    let end_us = (hours_after_start(24).millis() + 90_000) * 1_000;
    loop {
        let message = client.next().await.unwrap();
        if time_us(&message) > end_us {
            break;
        }
        // Errors are messages that are not posts of the city.
        let _ = format.format(&RawMessage::Text(message), start(), &mut posts);
    }
    for post in &posts {
        rows.post(post);
    }
}

async fn read_weather(running: &Running, config: &SimulatorConfig, rows: &mut Rows) {
    let base = running.simulator.base_url();
    let now = hours_after_start(30);
    let mut read = parse_history(&body(history_url(&base, &config.city, 3)).await, now).unwrap();
    assert_eq!(read.len(), 79);
    for minutes in [0, 7, 14, 21, 28] {
        running
            .clock
            .set(now.checked_add_millis(minutes * 60_000).unwrap());
        read.push(parse_current(&body(current_url(&base, &config.city)).await).unwrap());
    }
    for weather in read {
        let (observed_at, readings) = (weather.observed_at, weather.readings);
        rows.observation(&Observation {
            city: config.city.id,
            source: config.weather_source,
            observed_at,
            received_at: observed_at,
            readings,
        });
    }
}

#[tokio::test]
async fn upstream_parsers_reproduce_truth() {
    let config = SimulatorConfig {
        duplicate_share: 0.2,
        disorder: Duration::from_secs(30),
        ..config()
    };
    let running = run(config.clone(), hours_after_start(30)).await;
    let mut rows = Rows {
        city: config.city.id,
        seen: BTreeSet::new(),
        rows: BTreeMap::new(),
    };
    read_posts(&running, &config, &mut rows).await;
    read_weather(&running, &config, &mut rows).await;
    let truth = running.simulator.truth();
    let first = truth.final_hours().unwrap().begin();
    let day = HourSlot::containing(hours_after_start(23));
    let range = moodvane_model::HourRange::new(first, day).unwrap();
    assert_eq!(range.hours(), 3 * 24);
    let rows: Vec<HourRow> = rows.rows.into_values().collect();
    let found = truth.compare(&rows, range);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, [""; 0]);
}
