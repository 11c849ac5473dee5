//! A weather provider for tests of the spool: each observation is one minute later than the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use moodvane_ingester::{WeatherConfig, WeatherProvider};
use moodvane_model::{EventTimeBounds, Timestamp};
use serde_json::json;

use super::{new_york, serve, source};

const MINUTE_MS: i64 = 60_000;
/// The observations begin days before the time of the tests.
pub const BOUNDS: EventTimeBounds = EventTimeBounds {
    ahead_ms: 600_000,
    behind_ms: 2_592_000_000,
};

/// Starts the provider; returns its configuration and its number of requests.
pub async fn provider() -> (WeatherConfig, Arc<AtomicU64>) {
    let requests = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&requests);
    let respond = async move || {
        let minute = count.fetch_add(1, Ordering::SeqCst);
        let (day, minute) = (minute / 1440 + 1, minute % 1440);
        json!({
            "utc_offset_seconds": 0,
            "current_units": { "time": "iso8601", "interval": "seconds", "temperature_2m": "°C" },
            "current": {
                "time": format!("2024-05-{day:02}T{:02}:{:02}", minute / 60, minute % 60),
                "interval": 60,
                "temperature_2m": 11.0,
            },
        })
        .to_string()
    };
    let address = serve(Router::new().route("/v1/forecast", get(respond))).await;
    let config = WeatherConfig {
        id: source("open-meteo"),
        provider: WeatherProvider::OpenMeteo,
        calls_per_day: None,
        base_url: format!("http://{address}").parse().unwrap(),
        cities: vec![new_york()],
        poll: Duration::from_millis(3),
        history_days: 0,
    };
    (config, requests)
}

/// The record key of the observation of a minute.
pub fn key(minute: u64) -> String {
    let midnight = Timestamp::parse_rfc3339("2024-05-01T00:00:00Z").unwrap();
    let at = midnight.millis() + minute as i64 * MINUTE_MS;
    format!("new-york:open-meteo:{at}")
}
