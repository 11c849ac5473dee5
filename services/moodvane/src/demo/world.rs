//! The demo's world: its parameters in a file, its simulator, and the sources that read it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use moodvane_ingester::{BlueskyConfig, SourceConfig, WeatherConfig, WeatherProvider};
use moodvane_model::{City, CityId, SourceId, Timestamp};
use moodvane_runtime::{Clock, SystemClock};
use moodvane_simulator::{EffectSizes, PlantedEffects, Simulator, SimulatorConfig, WorldModel};
use moodvane_upstream::Selection;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::cli::DemoArgs;
use crate::config::AppConfig;

/// The demo's cities, if the configuration names no other: a cold winter and a warm summer, wet winters,
/// and heat all year.
pub(crate) const CITIES: &str = "new-york,london,singapore";
/// Their effects of a wet hour, of each wet hour before, of heat and of frost, in thousandths of a class.
const EFFECTS: [(&str, [i16; 4]); 3] = [
    ("new-york", [-250, -50, -150, -100]),
    ("london", [-120, -30, -200, -50]),
    // Rain is welcome where it is hot.
    ("singapore", [100, 0, -100, 0]),
];

const WORLD_FILE: &str = "world.json";
const SERVED_FILE: &str = "served-weather.txt";
const DAY_MS: i64 = 86_400_000;
/// The demo's weather changes every minute, so that the page visibly changes.
const WEATHER_INTERVAL_S: u32 = 60;
const WEATHER_POLL: Duration = Duration::from_secs(20);
const REWIND: Duration = Duration::from_secs(5);

/// What moves the moods of posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DemoModel {
    /// Temperature and rain alone.
    #[default]
    Simple,
    /// Planted effects under season, time of day, weekday, holidays, news, noise, and gloomy posts about
    /// the rain.
    Confounded,
}

impl DemoModel {
    fn plant(self, seed: u64, cities: &[City]) -> WorldModel {
        let effects = |city: &City| {
            let own = EFFECTS.iter().find(|(id, _)| *id == city.id.as_str());
            let effects = own.map(|(_, milli)| PlantedEffects::from_milli(*milli));
            (
                city.id,
                effects.unwrap_or_else(|| PlantedEffects::drawn(seed, city.id)),
            )
        };
        match self {
            Self::Simple => WorldModel::Simple,
            Self::Confounded => {
                let sizes: BTreeMap<CityId, PlantedEffects> = cities.iter().map(effects).collect();
                WorldModel::Confounded(EffectSizes::ByCity(sizes))
            }
        }
    }
}

impl fmt::Display for DemoModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simple => "simple",
            Self::Confounded => "confounded",
        })
    }
}

/// The parameters that make the simulator reproducible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct World {
    seed: u64,
    start_ms: i64,
    posts_per_hour: u32,
    duplicates: f64,
    disorder_ms: u32,
    /// Empty in a file of a version with one city.
    #[serde(default)]
    cities: Vec<CityId>,
    /// Simple in a file of a version without models.
    #[serde(default, rename = "world")]
    model: DemoModel,
    /// The URL of the simulator while the demo runs.
    pub(super) url: Option<String>,
}

impl World {
    pub(super) fn load(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(WORLD_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        let world = serde_json::from_str(&text);
        world
            .map(Some)
            .with_context(|| format!("cannot parse {}", path.display()))
    }

    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(WORLD_FILE);
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Loads the world of the directory, or creates one from the arguments.
    pub(super) fn load_or_create(
        folder: &Path,
        args: &DemoArgs,
        cities: &[City],
    ) -> anyhow::Result<Self> {
        let now = SystemClock.now().millis();
        let start_ms = (now - i64::from(args.days) * DAY_MS) / DAY_MS * DAY_MS;
        let requested = Self {
            seed: args.seed,
            start_ms,
            posts_per_hour: args.posts_per_hour,
            duplicates: args.duplicates,
            disorder_ms: args.disorder_ms,
            cities: cities.iter().map(|city| city.id).collect(),
            model: args.world,
            url: None,
        };
        let Some(mut found) = Self::load(folder)? else {
            return Ok(requested);
        };
        if found.cities.is_empty() {
            found.cities.extend(cities.first().map(|city| city.id));
        }
        let expected = Self {
            start_ms: found.start_ms,
            url: found.url.clone(),
            ..requested
        };
        if expected != found {
            bail!(
                "the demo in {} is of another world ({}): use the same flags, choose another directory with --data, \
                 or delete it",
                folder.display(),
                found.describe()
            );
        }
        Ok(found)
    }

    /// The flags that make this world.
    fn describe(&self) -> String {
        let cities: Vec<&str> = self.cities.iter().map(CityId::as_str).collect();
        format!(
            "--world {} --city {} --seed {} --posts-per-hour {} --duplicates {} --disorder-ms {}",
            self.model,
            cities.join(","),
            self.seed,
            self.posts_per_hour,
            self.duplicates,
            self.disorder_ms
        )
    }

    fn start(&self) -> anyhow::Result<Timestamp> {
        Ok(Timestamp::from_millis(self.start_ms)?)
    }

    /// Starts the simulator of this world.
    pub(super) async fn simulate(
        &self,
        config: &AppConfig,
        end: CancellationToken,
    ) -> anyhow::Result<Simulator> {
        let simulator = SimulatorConfig {
            seed: self.seed,
            posts_per_hour: self.posts_per_hour,
            duplicate_share: self.duplicates,
            disorder: Duration::from_millis(u64::from(self.disorder_ms)),
            interval_s: WEATHER_INTERVAL_S,
            journal: Some(config.data_dir.join(SERVED_FILE)),
            bounds: config.processor.engine.bounds,
            cities: config.cities.clone(),
            model: self.model.plant(self.seed, &config.cities),
            ..SimulatorConfig::new(config.city()?.clone(), weather_source()?, self.start()?)
        };
        let scorer = config.scorer.build()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let clock = Arc::new(SystemClock);
        Ok(moodvane_simulator::start(simulator, scorer, address, clock, end).await?)
    }

    /// The sources that read the simulator.
    pub(super) fn sources(
        &self,
        cities: &[City],
        simulator: &Simulator,
    ) -> anyhow::Result<Vec<SourceConfig>> {
        let days = (SystemClock.now().millis() - self.start_ms) / DAY_MS + 1;
        let weather = WeatherConfig {
            id: weather_source()?,
            provider: WeatherProvider::OpenMeteo,
            calls_per_day: None,
            base_url: simulator.base_url(),
            cities: cities.to_vec(),
            poll: WEATHER_POLL,
            history_days: u8::try_from(days).unwrap_or(u8::MAX).min(92),
        };
        let posts = BlueskyConfig {
            id: SourceId::parse("bluesky")?,
            base_url: simulator.stream_url(),
            other_urls: Vec::new(),
            rewind: REWIND,
            max_age: None,
            idle: BlueskyConfig::IDLE,
            selection: Arc::new(Selection::for_cities(cities)?),
            since: Some(self.start()?),
        };
        Ok(vec![
            SourceConfig::Weather(weather),
            SourceConfig::Bluesky(posts),
        ])
    }
}

fn weather_source() -> anyhow::Result<SourceId> {
    Ok(SourceId::parse("open-meteo")?)
}
