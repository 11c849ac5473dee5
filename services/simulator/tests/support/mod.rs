//! Fixtures of the protocol tests: a simulator on a free port, a manual clock, clients.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use moodvane_model::{City, CityId, Language, Score, Sentiment, SourceId, Timestamp};
use moodvane_runtime::ManualClock;
use moodvane_sentiment::Scorer;
use moodvane_simulator::{EffectSizes, Simulator, SimulatorConfig, WorldModel};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const NAMES: [&str; 3] = ["nyc", "new york", "brooklyn"];

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The start of every stream in these tests.
pub(crate) fn start() -> Timestamp {
    at("2018-01-01T00:00:00Z")
}

pub(crate) fn hours_after_start(hours: i64) -> Timestamp {
    start().checked_add_millis(hours * HOUR_MS).unwrap()
}

pub(crate) fn config() -> SimulatorConfig {
    let id = CityId::parse("new-york").unwrap();
    let names = NAMES.map(str::to_owned);
    let zone = "America/New_York";
    let city = City::new(id, "New York", &names, (40.7128, -74.0060), zone).unwrap();
    let source = SourceId::parse("open-meteo").unwrap();
    SimulatorConfig {
        posts_per_hour: 300,
        ..SimulatorConfig::new(city, source, start())
    }
}

/// New York, London and Singapore, with planted effects.
pub(crate) fn three_cities() -> SimulatorConfig {
    let city = |id: &str, latitude, longitude, zone| {
        let name = id.to_owned();
        City::new(
            CityId::parse(id).unwrap(),
            id,
            &[name],
            (latitude, longitude),
            zone,
        )
        .unwrap()
    };
    let mut config = config();
    config.cities.extend([
        city("london", 51.5074, -0.1278, "Europe/London"),
        city("singapore", 1.3521, 103.8198, "Asia/Singapore"),
    ]);
    SimulatorConfig {
        model: WorldModel::Confounded(EffectSizes::Drawn),
        ..config
    }
}

/// Scores by four keywords; supports English and posts without a language.
pub(crate) struct KeywordScorer;

impl Scorer for KeywordScorer {
    fn fingerprint(&self) -> &str {
        "toy"
    }

    fn supports_language(&self, language: Option<Language>) -> bool {
        language.is_none_or(|language| language.as_str() == "en")
    }

    fn score(&mut self, text: &str) -> Score {
        let text = text.to_lowercase();
        let count = |word| text.matches(word).count() as i64;
        let class = 2 + count("love") + count("good") - count("hate") - count("terrible");
        let class = Sentiment::try_from(class.clamp(0, 4) as u8).unwrap();
        Score::new(class, f64::from(class.class()))
    }
}

pub(crate) struct Running {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shutdown: CancellationToken,
}

pub(crate) async fn run(config: SimulatorConfig, now: Timestamp) -> Running {
    let clock = Arc::new(ManualClock::new(now));
    let shutdown = CancellationToken::new();
    let simulator = moodvane_simulator::start(
        config,
        Box::new(KeywordScorer),
        "127.0.0.1:0".parse().unwrap(),
        clock.clone(),
        shutdown.clone(),
    )
    .await
    .unwrap();
    Running {
        simulator,
        clock,
        shutdown,
    }
}

impl Running {
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let url = self.simulator.base_url().join(path).unwrap();
        let answer = within(reqwest::get(url)).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    pub(crate) async fn subscribe(&self, query: &str) -> Client {
        let url = self.simulator.stream_url().join("subscribe").unwrap();
        let (socket, _) = within(connect_async(format!("{url}?{query}")))
            .await
            .unwrap();
        Client(socket)
    }

    /// Subscribes from the start of the stream, without a filter.
    pub(crate) async fn replay(&self) -> Client {
        let cursor = start().millis() * 1_000;
        self.subscribe(&format!("cursor={cursor}")).await
    }
}

pub(crate) struct Client(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Client {
    /// The next message as sent; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            messages.push(self.next().await.unwrap());
        }
        messages
    }
}

/// Awaits a future with a limit, so that no test hangs.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, future)
        .await
        .expect("timed out")
}

pub(crate) fn time_us(message: &str) -> i64 {
    let json: Value = serde_json::from_str(message).unwrap();
    json["time_us"].as_i64().unwrap()
}
