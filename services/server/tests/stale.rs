//! `GET /v1/status` of weather that is stale.

#![allow(clippy::unwrap_used)]

mod common;

use common::{FakeMode, TestApp, hour};
use moodvane_model::{CityId, HourSlot, SourceId, StaleNote, Timestamp};

fn at(hours_before_now: i32) -> Timestamp {
    let now: HourSlot = common::NOW.parse().unwrap();
    now.checked_add(-hours_before_now).unwrap().start()
}

/// The cursor by which an ingester notes that the weather is stale.
fn note(source: &str, city: &str, since: i32, noted: i32) -> (String, String) {
    let note = StaleNote {
        source: SourceId::parse(source).unwrap(),
        city: CityId::parse(city).unwrap(),
        since: at(since),
        noted_at: at(noted),
    };
    (
        StaleNote::cursor_name(note.source, note.city),
        note.cursor_value(),
    )
}

/// City, id, last hour and staleness of each source.
async fn sources(app: &TestApp) -> Vec<[Option<String>; 4]> {
    let status = app.get("/v1/status").await.json();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let sources = status["sources"].as_array().unwrap().iter();
    let fields = ["city", "id", "last_hour", "stale_since"];
    sources
        .map(|source| fields.map(|field| text(&source[field])))
        .collect()
}

#[tokio::test]
async fn status_shows_since_when_weather_is_stale() {
    let rows = || vec![hour("2018-01-01 02", &[2], &[("open-meteo", 1.0)])];
    let app = TestApp::with_rows(rows());
    *app.log.cursors.lock().unwrap() = vec![
        note("open-meteo", "new-york", 6, 0),
        note("nws", "new-york", 200, 1),
        note("removed", "new-york", 300, 26),
        note("nws", "atlantis", 72, 0),
        (
            "weatherbit:new-york:stale".to_owned(),
            StaleNote::FRESH.to_owned(),
        ),
        ("open-meteo:new-york".to_owned(), "1514764800000".to_owned()),
    ];
    let some = |text: &str| Some(text.to_owned());
    let (city, last_hour) = (some("new-york"), some("2018-01-01T02:00:00Z"));
    let nws = [city.clone(), some("nws"), None, Some(at(200).to_string())];
    let expected = [
        [city.clone(), some("bluesky"), last_hour.clone(), None],
        nws,
        [city, some("open-meteo"), last_hour, Some(at(6).to_string())],
    ];
    assert_eq!(sources(&app).await, expected);

    let app = TestApp::with_rows(rows());
    app.log.mode.set(FakeMode::Unavailable);
    let found = sources(&app).await;
    assert_eq!(found.len(), 2, "what the store has");
    assert!(found.iter().all(|source| source[3].is_none()));
}
