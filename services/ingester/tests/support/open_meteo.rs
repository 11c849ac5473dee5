//! Open-Meteo as a server of a test, with responses that the test sets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use moodvane_ingester::{SourceConfig, WeatherConfig, WeatherProvider};
use moodvane_model::Timestamp;
use serde_json::json;

use super::log::FakeLog;
use super::{Rig, new_york, serve, source};

pub const NAME: &str = "open-meteo:new-york";

pub type CannedResponse = (StatusCode, String);

/// A server that sends each response once and then repeats the last one. It repeats a response for each
/// city of a list. It rejects requests with latitude 0.
#[derive(Clone, Default)]
pub struct Server {
    pub responses: Arc<Mutex<VecDeque<CannedResponse>>>,
    pub requests: Arc<Mutex<Vec<HashMap<String, String>>>>,
}

async fn respond(
    State(server): State<Server>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let latitudes: Vec<String> = query["latitude"].split(',').map(str::to_owned).collect();
    server.requests.lock().unwrap().push(query);
    if latitudes.iter().any(|latitude| latitude == "0") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut responses = server.responses.lock().unwrap();
    let (status, body) = match responses.len() {
        1 => responses[0].clone(),
        _ => responses.pop_front().unwrap(),
    };
    match latitudes.len() {
        1 => (status, body).into_response(),
        n if body.starts_with('{') => {
            (status, format!("[{}]", vec![body; n].join(","))).into_response()
        }
        _ => (status, body).into_response(),
    }
}

impl Server {
    pub fn new(responses: impl IntoIterator<Item = CannedResponse>) -> Self {
        let server = Self::default();
        server.responses.lock().unwrap().extend(responses);
        server
    }

    pub async fn config(&self) -> WeatherConfig {
        let router = Router::new().route("/v1/forecast", get(respond));
        let address = serve(router.with_state(self.clone())).await;
        WeatherConfig {
            id: source("open-meteo"),
            provider: WeatherProvider::OpenMeteo,
            calls_per_day: None,
            base_url: format!("http://{address}").parse().unwrap(),
            cities: vec![new_york()],
            poll: Duration::from_millis(3),
            history_days: 0,
        }
    }

    /// Starts an ingester with this server.
    pub async fn rig(&self, log: &Arc<FakeLog>, history_days: u8) -> Rig {
        let config = WeatherConfig {
            history_days,
            ..self.config().await
        };
        Rig::start(log, vec![SourceConfig::Weather(config)])
    }

    pub fn requests(&self, parameter: &str) -> Vec<HashMap<String, String>> {
        let requests = self.requests.lock().unwrap();
        let of_kind = requests
            .iter()
            .filter(|query| query.contains_key(parameter));
        of_kind.cloned().collect()
    }
}

pub fn current(time: &str, celsius: f64) -> CannedResponse {
    let response = json!({
        "utc_offset_seconds": 0,
        "current_units": { "time": "iso8601", "interval": "seconds", "temperature_2m": "°C" },
        "current": { "time": time, "interval": 900, "temperature_2m": celsius },
    });
    (StatusCode::OK, response.to_string())
}

pub fn history(times: &[&str]) -> CannedResponse {
    let celsius: Vec<f64> = (0..times.len()).map(|n| n as f64).collect();
    let response = json!({
        "utc_offset_seconds": 0,
        "hourly_units": { "time": "iso8601", "temperature_2m": "°C" },
        "hourly": { "time": times, "temperature_2m": celsius },
    });
    (StatusCode::OK, response.to_string())
}

pub fn at(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("{time}:00Z")).unwrap()
}

pub fn key(time: &str) -> String {
    format!("new-york:open-meteo:{}", at(time).millis())
}

pub fn millis(time: &str) -> String {
    at(time).millis().to_string()
}
