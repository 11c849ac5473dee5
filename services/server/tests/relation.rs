//! `GET /v1/relation` where the weather hardly varies.
#![allow(clippy::unwrap_used)]

mod common;

use axum::http::StatusCode;
use common::{TestApp, config, hour};
use moodvane_model::{HourRow, HourSlot, Observation, Readings, SourceId, Sums, Variable};

/// Ten days with a constant rhythm of posts, and rain in these hours alone.
fn ten_days_with_rain_in(wet: &[i32]) -> TestApp {
    let begin: HourSlot = "2018-01-01 00".parse().unwrap();
    let rows = (0..240).map(|i| {
        let slot = begin.checked_add(i).unwrap();
        let classes = [(i * 7 % 5) as u8, (i * 3 % 4) as u8, 2];
        let rain = if wet.contains(&i) { 1.5 } else { 0.0 };
        with_rain(hour(&slot.to_string(), &classes, &[]), slot, rain)
    });
    let mut config = config();
    config.max_range_hours = 8_784;
    TestApp::with_config(rows.collect(), config)
}

fn with_rain(mut row: HourRow, hour: HourSlot, rain: f64) -> HourRow {
    let source = SourceId::parse("open-meteo").unwrap();
    let observation = Observation {
        city: row.city,
        source,
        observed_at: hour.start(),
        received_at: hour.start(),
        readings: Readings::new(10.0)
            .and_then(|r| r.with(Variable::Precipitation, Some(rain)))
            .unwrap(),
    };
    let mut sums = Sums::default();
    sums.add_observation(hour.start(), &observation);
    row.add(source, &sums);
    row
}

#[tokio::test]
async fn rain_in_few_spells_is_too_little_with_reason() {
    let path = "/v1/relation?variable=precipitation&begin=2018-01-01T00&end=2018-01-10T23";
    let day: Vec<i32> = (100..124).collect();
    for (wet, reason) in [
        (
            &[100][..],
            "Not enough data: rain in only 1 hour: as informative as 1.0 separate spells, at least 2.5 are required. About 356 more hours are needed.",
        ),
        (
            &[50, 100],
            "Not enough data: rain in only 2 hours: as informative as 2.0 separate spells, at least 2.5 are required.",
        ),
        (
            &day,
            "Not enough data: rain in only 24 hours of 1 spell: as informative as 1.2 separate spells, at least 2.5 are required.",
        ),
    ] {
        let answer = ten_days_with_rain_in(wet).get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let json = answer.json();
        assert_eq!(json["conclusion"], "too-little", "{wet:?}");
        let sentence = json["sentence"].as_str().unwrap();
        assert!(sentence.starts_with(reason), "{sentence}");
        assert!(json["relation"].is_null() && json["wet_against_dry"].is_null());
        let wet_sentence = json["wet_sentence"].as_str().unwrap();
        let expected = if wet.len() < 10 {
            "wet and"
        } else {
            "rain in only 24 hours of 1 spell"
        };
        assert!(wet_sentence.contains(expected), "{wet_sentence}");
        assert!(json["more_hours"].as_u64().unwrap() > 30, "{json}");
    }
}
