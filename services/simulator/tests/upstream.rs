//! The parsers of the real upstreams read the simulator's messages, and the result equals the truth.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{
    City, CityId, EventTimeBounds, HourRow, HourSlot, Observation, Post, SourceId, Sums,
};
use moodvane_sentiment::Scorer;
use moodvane_simulator::SimulatorConfig;
use moodvane_upstream::jetstream::{JetstreamFormat, subscribe_url};
use moodvane_upstream::open_meteo::{
    current_list_url, history_list_url, parse_current_list, parse_history_list,
};
use moodvane_upstream::{ParsedWeather, PostFormat, RawMessage, Selection};
use support::{
    KeywordScorer, Running, config, hours_after_start, run, start, three_cities, time_us,
};

/// The hour rows of a pipeline with an unbounded duplicate window.
#[derive(Default)]
struct Rows {
    seen: BTreeSet<String>,
    rows: BTreeMap<(CityId, HourSlot), HourRow>,
}

impl Rows {
    fn add(&mut self, city: CityId, hour: HourSlot, source: SourceId, sums: &Sums) {
        let row = self.rows.entry((city, hour));
        row.or_insert_with(|| HourRow::empty(city, hour))
            .add(source, sums);
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
        self.add(post.city, HourSlot::containing(at), post.source, &sums);
    }

    fn observation(&mut self, observation: &Observation) {
        if !self.seen.insert(observation.identity()) {
            return;
        }
        let at = observation.observed_at;
        let mut sums = Sums::default();
        sums.add_observation(at, observation);
        let hour = HourSlot::containing(at);
        self.add(observation.city, hour, observation.source, &sums);
    }
}

async fn body(url: url::Url) -> Vec<u8> {
    let answer = support::within(reqwest::get(url)).await.unwrap();
    answer.bytes().await.unwrap().to_vec()
}

async fn read_posts(running: &Running, config: &SimulatorConfig, rows: &mut Rows) {
    let selection = Selection::for_cities(&config.cities).unwrap();
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
        // Errors are messages that are not posts of a city.
        let _ = format.format(&RawMessage::Text(message), start(), &mut posts);
    }
    for post in &posts {
        rows.post(post);
    }
}

/// Requests all cities in one list, as the ingester does.
async fn read_weather(running: &Running, config: &SimulatorConfig, rows: &mut Rows) {
    let base = running.simulator.base_url();
    let now = hours_after_start(30);
    let cities: Vec<&City> = config.cities.iter().collect();
    let history = body(history_list_url(&base, &cities, 3)).await;
    let mut read: Vec<Vec<ParsedWeather>> = parse_history_list(&history, &cities, now)
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(read.iter().all(|hours| hours.len() == 79));
    for minutes in [0, 7, 14, 21, 28] {
        running
            .clock
            .set(now.checked_add_millis(minutes * 60_000).unwrap());
        let current = body(current_list_url(&base, &cities)).await;
        let current = parse_current_list(&current, &cities).unwrap();
        for (all, weather) in read.iter_mut().zip(current) {
            all.push(weather.unwrap());
        }
    }
    for (city, all) in cities.iter().zip(read) {
        for ParsedWeather {
            observed_at,
            readings,
            ..
        } in all
        {
            rows.observation(&Observation {
                city: city.id,
                source: config.weather_source,
                observed_at,
                received_at: observed_at,
                readings,
            });
        }
    }
}

async fn check_rows_equal_truth(config: SimulatorConfig) {
    let running = run(config.clone(), hours_after_start(30)).await;
    let mut rows = Rows::default();
    read_posts(&running, &config, &mut rows).await;
    read_weather(&running, &config, &mut rows).await;
    let rows: Vec<HourRow> = rows.rows.into_values().collect();
    let truth = running.simulator.truth();
    assert_eq!(truth.cities().count(), config.cities.len());
    for (truth, city) in truth.cities().zip(&config.cities) {
        assert_eq!(truth.city, city.id);
        let first = truth.final_hours().unwrap().begin();
        let day = HourSlot::containing(hours_after_start(23));
        let range = moodvane_model::HourRange::new(first, day).unwrap();
        assert_eq!(range.hours(), 3 * 24);
        assert!(truth.hours.iter().any(|hour| hour.posts > 10));
        let found = truth.compare(&rows, range);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, [""; 0], "{}", city.id);
    }
}

#[tokio::test]
async fn upstream_parsers_reproduce_truth() {
    check_rows_equal_truth(SimulatorConfig {
        duplicate_share: 0.2,
        disorder: Duration::from_secs(30),
        ..config()
    })
    .await;
}

#[tokio::test]
async fn upstream_parsers_reproduce_truth_of_every_city() {
    check_rows_equal_truth(SimulatorConfig {
        posts_per_hour: 900,
        duplicate_share: 0.2,
        disorder: Duration::from_secs(30),
        ..three_cities()
    })
    .await;
}
