//! The simulator as an upstream, on a virtual clock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use moodvane_ingester::{ApiKey, IngesterConfig, MastodonConfig, SourceConfig, XConfig};
use moodvane_ingester::{BlueskyConfig, SourceState, SourceStatus};
use moodvane_model::{Language, Score, Sentiment, Topic};
use moodvane_runtime::{Clock, VirtualClock};
use moodvane_sentiment::Scorer;
use moodvane_simulator::{Simulator, SimulatorConfig};
use moodvane_upstream::Selection;
use moodvane_upstream::mastodon::Timeline;
use moodvane_upstream::x::{RuleSpec, build_rules};
use tokio_util::sync::CancellationToken;

use super::log::FakeLog;
use super::{GRACE, Rig, new_york, now, source};

/// Gives every post the same score, whatever its text.
pub struct ConstantScorer;

impl Scorer for ConstantScorer {
    fn fingerprint(&self) -> &str {
        "constant"
    }

    fn supports_language(&self, _: Option<Language>) -> bool {
        true
    }

    fn score(&mut self, _: &str) -> Score {
        Score::new(Sentiment::try_from(2).unwrap(), 2.0)
    }
}

/// A simulator whose stream starts now with an event per second, and a log.
pub struct World {
    pub simulator: Simulator,
    pub clock: Arc<VirtualClock>,
    pub log: Arc<FakeLog>,
}

impl World {
    pub async fn begin() -> Self {
        let config = SimulatorConfig {
            posts_per_hour: 3_600,
            ..SimulatorConfig::new(new_york(), source("open-meteo"), now())
        };
        let clock = Arc::new(VirtualClock::new(now()));
        let address = "127.0.0.1:0".parse().unwrap();
        let (end, scorer) = (CancellationToken::new(), Box::new(ConstantScorer));
        let simulator = moodvane_simulator::start(config, scorer, address, clock.clone(), end);
        Self {
            simulator: simulator.await.unwrap(),
            clock,
            log: FakeLog::new(),
        }
    }

    /// An ingester on the world's clock.
    pub fn ingest(&self, config: IngesterConfig) -> Rig {
        Rig::start_with(&self.log, config, self.clock.clone())
    }

    /// Advances the clock at fifty times real time until `holds` returns true.
    pub async fn pass_until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        let waited = tokio::time::timeout(GRACE * 6, async {
            while !holds() {
                self.clock.advance(Duration::from_millis(100));
                looks.tick().await;
            }
        });
        assert!(waited.await.is_ok(), "not within the bound: {what}");
    }

    /// Advances the clock by `span` at fifty times real time.
    pub async fn pass(&self, span: Duration) {
        let until = self.clock.uptime() + span;
        self.pass_until("time passes", || self.clock.uptime() >= until)
            .await;
    }

    /// The number of distinct posts in the log.
    pub fn posts(&self) -> usize {
        let keys = self.log.keys(Topic::Tweet);
        keys.into_iter().collect::<BTreeSet<_>>().len()
    }

    /// The number of posts that the simulator has published.
    pub fn published(&self) -> usize {
        let posts = |hour: &moodvane_simulator::HourTruth| hour.posts + hour.unscored;
        self.simulator.truth().hours.iter().map(posts).sum::<u64>() as usize
    }

    pub fn x(&self, token: &str) -> XConfig {
        let cities = [new_york()];
        let spec = RuleSpec {
            words: &[],
            cities: &cities,
            language: None,
            places: false,
            max_chars: 512,
        };
        XConfig {
            id: source("x"),
            base_url: self.simulator.base_url(),
            token: ApiKey::new(token.to_owned()),
            rules: build_rules(source("x"), &spec).unwrap(),
            posts_per_day: 1_000_000,
            backfill_minutes: 5,
            selection: Arc::new(Selection::for_cities(&cities).unwrap()),
        }
    }

    pub fn mastodon(&self, token: &str) -> MastodonConfig {
        MastodonConfig {
            id: source("mastodon"),
            base_url: self.simulator.base_url(),
            streaming_url: self.simulator.base_url(),
            token: Some(ApiKey::new(token.to_owned())),
            timeline: Timeline::Public,
            selection: Arc::new(Selection::for_cities(&[new_york()]).unwrap()),
        }
    }

    pub fn bluesky(&self) -> BlueskyConfig {
        BlueskyConfig {
            id: source("bluesky"),
            base_url: self.simulator.stream_url(),
            other_urls: Vec::new(),
            since: Some(now()),
            rewind: Duration::from_secs(5),
            max_age: None,
            idle: Duration::from_secs(60),
            selection: Arc::new(Selection::for_cities(&[new_york()]).unwrap()),
        }
    }
}

/// The time until the next attempt of a source that waits for one.
pub fn wait_left(status: &SourceStatus, clock: &VirtualClock) -> Option<Duration> {
    let until = status.state.until()?;
    let left_ms = until.millis() - clock.now().millis();
    Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
}

/// Whether a source is running.
pub fn runs(status: &SourceStatus) -> bool {
    status.state == SourceState::Running
}

/// A configuration with one source.
pub fn alone(config: SourceConfig) -> IngesterConfig {
    super::config(vec![config])
}
