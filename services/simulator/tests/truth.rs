//! The truth against an independent count of the received messages.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use moodvane_model::{
    CityId, HourRow, HourSlot, Observation, Readings, Score, Sentiment, SourceId, Sums, Timestamp,
};
use moodvane_sentiment::Scorer;
use moodvane_simulator::{SimulatorConfig, Truth};
use serde_json::Value;
use support::{
    HOUR_MS, KeywordScorer, NAMES, Running, at, config, hours_after_start, run, time_us,
};

const FORECAST: &str = "v1/forecast?latitude=40.7128&longitude=-74.0060";

/// Posts, class sum and unscored posts of each hour, by the names of the hours.
type Counts = BTreeMap<String, (u64, u64, u64)>;

fn faulty() -> SimulatorConfig {
    SimulatorConfig {
        duplicate_share: 0.2,
        disorder: Duration::from_secs(30),
        ..config()
    }
}

/// Reads from the start until all events before `until` and their copies have arrived.
async fn received(running: &Running, until: Timestamp) -> Vec<String> {
    let mut client = running.replay().await;
    let mut messages = Vec::new();
    loop {
        let message = client.next().await.unwrap();
        let time = time_us(&message);
        messages.push(message);
        if time > (until.millis() + 90_000) * 1_000 {
            return messages;
        }
    }
}

/// Whether the text contains a name as whole words, outside of links and mentions.
fn names_the_city(text: &str) -> bool {
    let lower = text.to_lowercase();
    let plain: Vec<&str> = lower
        .split_whitespace()
        .map(|word| {
            if word.contains("//") || word.contains('@') {
                "!"
            } else {
                word
            }
        })
        .collect();
    let spaced: String = plain
        .join(" ")
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let words = format!(
        " {} ",
        spaced.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    NAMES
        .iter()
        .any(|name| words.contains(&format!(" {name} ")))
}

/// Counts every distinct created post that names the city, in the hour of its creation time, or of its
/// event if the creation time is implausible.
fn count_messages(messages: &[String]) -> Counts {
    let mut seen = BTreeSet::new();
    let mut counts = Counts::new();
    for message in messages {
        let json: Value = serde_json::from_str(message).unwrap();
        let commit = &json["commit"];
        if commit["operation"] != "create" || commit["collection"] != "app.bsky.feed.post" {
            continue;
        }
        let text = commit["record"]["text"].as_str().unwrap();
        let id = (json["did"].to_string(), commit["rkey"].to_string());
        if !names_the_city(text) || !seen.insert(id) {
            continue;
        }
        let event_ms = json["time_us"].as_i64().unwrap() / 1_000;
        let own_ms = at(commit["record"]["createdAt"].as_str().unwrap()).millis();
        let is_plausible = (event_ms - 24 * HOUR_MS..=event_ms + 600_000).contains(&own_ms);
        let hour_ms = if is_plausible { own_ms } else { event_ms };
        let hour = HourSlot::containing(Timestamp::from_millis(hour_ms).unwrap());
        let entry = counts.entry(hour.to_string()).or_default();
        let language = commit["record"]["langs"][0].as_str().unwrap_or("en");
        if language.starts_with("en") {
            entry.0 += 1;
            entry.1 += u64::from(KeywordScorer.score(text).sentiment.class());
        } else {
            entry.2 += 1;
        }
    }
    counts
}

fn truth_counts(truth: &Truth) -> Counts {
    let through = truth.through.unwrap();
    truth
        .hours
        .iter()
        .filter(|hour| hour.hour <= through)
        .map(|hour| {
            let counts = (hour.posts, hour.class_sum, hour.unscored);
            (hour.hour.to_string(), counts)
        })
        .collect()
}

#[tokio::test]
async fn truth_equals_independent_count() {
    for config in [config(), faulty()] {
        let running = run(config, hours_after_start(30)).await;
        let messages = received(&running, hours_after_start(26)).await;
        let truth = running.simulator.truth();
        let end = hours_after_start(26);
        let mut expected = count_messages(&messages);
        let mut found = truth_counts(&truth);
        for counts in [&mut expected, &mut found] {
            counts.retain(|hour, _| hour.parse::<HourSlot>().unwrap().start() < end);
        }
        assert_eq!(found, expected);
        assert!(found.len() >= 26, "{found:?}");
        assert!(found.values().all(|(posts, ..)| *posts < 300));
        assert!(found.values().map(|counts| counts.2).sum::<u64>() > 100);
    }
}

#[tokio::test]
async fn truth_is_equal_stepwise_at_once_and_over_http() {
    let (stepwise, at_once) = (
        run(faulty(), hours_after_start(0)).await,
        run(faulty(), hours_after_start(20)).await,
    );
    for minutes in (0..=20 * 60).step_by(77).chain([20 * 60]) {
        let now = hours_after_start(0)
            .checked_add_millis(minutes * 60_000)
            .unwrap();
        stepwise.clock.set(now);
        let truth = stepwise.simulator.truth();
        assert!(truth.complete_through_ms <= now.millis());
    }
    let truth = at_once.simulator.truth();
    assert_eq!(stepwise.simulator.truth(), truth);
    let (status, json) = at_once.get("truth").await;
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_value::<Truth>(json).unwrap(), truth);
}

#[tokio::test]
async fn final_hours_never_change() {
    let running = run(faulty(), hours_after_start(5)).await;
    let early = running.simulator.truth();
    running.clock.set(hours_after_start(50));
    let late = running.simulator.truth();
    let through = early.through.unwrap();
    assert_eq!(through.to_string(), "2018-01-01 03");
    for hour in early.hours.iter().filter(|hour| hour.hour <= through) {
        let again = late.hours.iter().find(|other| other.hour == hour.hour);
        assert_eq!(again, Some(hour));
    }
}

#[tokio::test]
async fn truth_contains_served_temperatures_once() {
    let running = run(config(), at("2018-01-05T12:00:30Z")).await;
    let mut served: BTreeMap<String, f64> = BTreeMap::new();
    for minute in (0..180).step_by(5) {
        let now = at("2018-01-05T12:00:30Z").checked_add_millis(minute * 60_000);
        running.clock.set(now.unwrap());
        let (_, answer) = running
            .get(&format!("{FORECAST}&current=temperature_2m"))
            .await;
        let current = &answer["current"];
        let time = current["time"].as_str().unwrap().to_owned();
        served.insert(time, current["temperature_2m"].as_f64().unwrap());
    }
    assert_eq!(served.len(), 12);
    let history = format!("{FORECAST}&hourly=temperature_2m&past_days=1&forecast_days=1");
    let (_, answer) = running.get(&history).await;
    let hourly = &answer["hourly"];
    for (index, time) in hourly["time"].as_array().unwrap().iter().enumerate() {
        let time = time.as_str().unwrap();
        if time <= "2018-01-05T14:55" {
            let temperature = hourly["temperature_2m"][index].as_f64().unwrap();
            served.insert(time.to_owned(), temperature);
        }
    }
    assert_eq!(served.len(), 9 + 24 + 15);
    let truth = running.simulator.truth();
    assert_eq!(differences(&truth, &served), [""; 0]);
    served.pop_last();
    assert_eq!(differences(&truth, &served).len(), 1);
}

/// Compares the truth with rows of its own posts and these temperatures.
fn differences(truth: &Truth, served: &BTreeMap<String, f64>) -> Vec<String> {
    let city = CityId::parse("new-york").unwrap();
    let mut rows: BTreeMap<HourSlot, HourRow> = BTreeMap::new();
    for hour in &truth.hours {
        let row = rows
            .entry(hour.hour)
            .or_insert_with(|| HourRow::empty(city, hour.hour));
        row.add(SourceId::parse("bluesky").unwrap(), &posts_of(hour));
    }
    for (time, temperature) in served {
        let observed_at = at(&format!("{time}:00Z"));
        let observation = Observation {
            city,
            source: SourceId::parse("open-meteo").unwrap(),
            observed_at,
            received_at: observed_at,
            readings: Readings::new(*temperature).unwrap(),
        };
        let mut sums = Sums::default();
        sums.add_observation(observed_at, &observation);
        let hour = HourSlot::containing(observed_at);
        let row = rows
            .entry(hour)
            .or_insert_with(|| HourRow::empty(city, hour));
        row.add(observation.source, &sums);
    }
    let rows: Vec<HourRow> = rows.into_values().collect();
    let range = truth.final_hours().unwrap();
    let all = moodvane_model::HourRange::new(range.begin(), range.end().checked_add(1).unwrap());
    let differences = truth.compare(&rows, all.unwrap());
    differences.iter().map(ToString::to_string).collect()
}

/// Sums with the counts of the truth.
fn posts_of(hour: &moodvane_simulator::HourTruth) -> Sums {
    let mut sums = Sums::default();
    let mut left = hour.class_sum;
    for _ in 0..hour.posts {
        let class = left.min(4);
        left -= class;
        let class = Sentiment::try_from(class as u8).unwrap();
        sums.add_post(hour.hour.start(), Some(Score::new(class, 0.0)));
    }
    for _ in 0..hour.unscored {
        sums.add_post(hour.hour.start(), None);
    }
    sums
}
