//! `moodvane demo`: the whole pipeline against a simulator in the same process.
//!
//! First a month of history, as fast as it goes, then live. The world is remembered in the data
//! folder, so that a demo that was stopped or killed goes on where it was. The history is in when
//! every hour of it equals the simulator's truth.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::HumanCount;
use moodvane_ingester::{BlueskyConfig, SourceConfig, WeatherConfig, WeatherProvider};
use moodvane_model::{City, HourRange, SourceId, Timestamp};
use moodvane_runtime::{Clock, SystemClock};
use moodvane_simulator::{Simulator, SimulatorConfig, Truth};
use moodvane_upstream::Selection;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cli::DemoArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::{Pipeline, Serve};
use crate::progress::{Moving, Share};
use crate::verify::Outcome;

const WORLD_FILE: &str = "world.json";
const TRUTH_FILE: &str = "truth.json";
const SERVED_FILE: &str = "served-weather.txt";
const DAY_MS: i64 = 86_400_000;
/// The demo's weather has a new value each minute, so that something happens while one looks.
const WEATHER_INTERVAL_S: u32 = 60;
const WEATHER_POLL: Duration = Duration::from_secs(20);
const REWIND: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The history is given up where nothing more of it arrives for so long.
const STANDSTILL: Duration = Duration::from_secs(60);

/// A demo's world: what the simulator needs to be the same again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct World {
    seed: u64,
    start_ms: i64,
    posts_per_hour: u32,
    duplicates: f64,
    disorder_ms: u32,
    /// Where the simulator listens while the demo runs.
    url: Option<String>,
}

/// The folder of the demo within the data folder.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("demo")
}

/// Where a running demo's simulator can be asked for its truth, or the file that a demo left.
pub(crate) fn truth_of(folder: &Path) -> anyhow::Result<String> {
    let world = World::load(folder)?
        .with_context(|| format!("there was no demo in {}", folder.display()))?;
    match world.url {
        Some(url) => Ok(url),
        None => Ok(folder.join(TRUTH_FILE).to_string_lossy().into_owned()),
    }
}

/// Runs the demo until a signal, or until the history is in.
pub(crate) async fn run(mut config: AppConfig, args: DemoArgs) -> anyhow::Result<ExitCode> {
    let city = config.city()?.clone();
    config.data_dir = folder(&config.data_dir);
    let folder = config.data_dir.clone();
    // The world lies here even where log and rows are elsewhere.
    fs::create_dir_all(&folder)?;
    let data = Data::open(&config).await?;
    // Before anything is ingested: a demo that is killed must find the same world again.
    let mut world = World {
        url: None,
        ..World::of(&folder, &args)?
    };
    world.save(&folder)?;
    let end = CancellationToken::new();
    let simulator = Arc::new(world.simulate(&city, &config, end.clone()).await?);
    config.ingester.sources = world.sources(&city, &simulator)?;
    let pipeline = Pipeline::start(config, data, Serve::Yes).await?;
    world.url = Some(simulator.base_url().to_string());
    world.save(&folder)?;
    let outcome = history(&pipeline, Arc::clone(&simulator), &city).await?;
    let code = if let Some(outcome) = outcome {
        outcome.print();
        outcome.code()
    } else {
        ExitCode::SUCCESS
    };
    if args.history_only {
        pipeline.drain().await?;
    } else {
        pipeline.until_stopped().await?;
    }
    leave(world, &folder, simulator).await?;
    end.cancel();
    Ok(code)
}

/// Leaves the truth behind, for a verification when the demo no longer runs.
async fn leave(mut world: World, folder: &Path, simulator: Arc<Simulator>) -> anyhow::Result<()> {
    let truth = truth(simulator).await?;
    truth.save(&folder.join(TRUTH_FILE))?;
    world.url = None;
    world.save(folder)
}

async fn truth(simulator: Arc<Simulator>) -> anyhow::Result<Truth> {
    Ok(tokio::task::spawn_blocking(move || simulator.truth()).await?)
}

/// Waits until every hour of the history equals the truth, or nothing more arrives, or a signal
/// comes.
async fn history(
    pipeline: &Pipeline,
    simulator: Arc<Simulator>,
    city: &City,
) -> anyhow::Result<Option<Outcome>> {
    let truth = truth(simulator).await?;
    let Some(range) = truth.final_hours() else {
        return Ok(None);
    };
    let expected = truth
        .hours
        .iter()
        .filter(|t| t.hour <= range.end())
        .map(|t| t.posts)
        .sum();
    println!(
        "{} hours of history: {} posts",
        range.hours(),
        HumanCount(expected)
    );
    let share = Share::default();
    let bar = Moving::of_share(expected, share.clone());
    let mut moved = (0, Instant::now());
    let outcome = loop {
        let rows = pipeline.store().hours(city.id, range).await?;
        let stored = rows.iter().map(|row| row.posts().scored()).sum();
        share.set(stored);
        if moved.0 != stored {
            moved = (stored, Instant::now());
        }
        let outcome = Outcome::of(&truth, &rows, range);
        let standstill = moved.1.elapsed() > STANDSTILL;
        if outcome.is_equal() || standstill {
            break Some(outcome);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = pipeline.stop.cancelled() => break None,
        }
    };
    bar.finish();
    invite(pipeline, range);
    Ok(outcome)
}

/// Tells what can be done now.
fn invite(pipeline: &Pipeline, range: HourRange) {
    let begin = range
        .end()
        .checked_add(-23)
        .filter(|b| *b >= range.begin())
        .unwrap_or(range.begin());
    println!("moodvane answers at {}; try", pipeline.url());
    println!(
        "  curl -s {}/weather -d '{{\"begin\":\"{begin}\",\"end\":\"{}\"}}'",
        pipeline.url(),
        range.end()
    );
    println!("Ctrl-C ends it; the same command goes on where it was.");
}

impl World {
    fn load(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(WORLD_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        let world = serde_json::from_str(&text);
        world
            .map(Some)
            .with_context(|| format!("{} is not a demo's world", path.display()))
    }

    fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(WORLD_FILE);
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The world of the folder, or a new one of these arguments.
    fn of(folder: &Path, args: &DemoArgs) -> anyhow::Result<Self> {
        let now = SystemClock.now().millis();
        let start_ms = (now - i64::from(args.days) * DAY_MS) / DAY_MS * DAY_MS;
        let asked = Self {
            seed: args.seed,
            start_ms,
            posts_per_hour: args.posts_per_hour,
            duplicates: args.duplicates,
            disorder_ms: args.disorder_ms,
            url: None,
        };
        let Some(found) = Self::load(folder)? else {
            return Ok(asked);
        };
        let same = Self {
            start_ms: found.start_ms,
            url: found.url.clone(),
            ..asked
        };
        if same != found {
            bail!(
                "the demo in {} is of another world (seed {}, {} posts per hour, duplicates {}, disorder {} ms): \
                 ask for the same, choose another folder with --data, or delete it",
                folder.display(),
                found.seed,
                found.posts_per_hour,
                found.duplicates,
                found.disorder_ms
            );
        }
        Ok(found)
    }

    fn start(&self) -> anyhow::Result<Timestamp> {
        Ok(Timestamp::from_millis(self.start_ms)?)
    }

    async fn simulate(
        &self,
        city: &City,
        config: &AppConfig,
        end: CancellationToken,
    ) -> anyhow::Result<Simulator> {
        let simulated = SimulatorConfig {
            seed: self.seed,
            posts_per_hour: self.posts_per_hour,
            duplicate_share: self.duplicates,
            disorder: Duration::from_millis(u64::from(self.disorder_ms)),
            interval_s: WEATHER_INTERVAL_S,
            journal: Some(config.data_dir.join(SERVED_FILE)),
            bounds: config.processor.engine.bounds,
            ..SimulatorConfig::new(city.clone(), weather_source()?, self.start()?)
        };
        let scorer = config.scorer.build()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let clock = Arc::new(SystemClock);
        Ok(moodvane_simulator::start(simulated, scorer, address, clock, end).await?)
    }

    fn sources(&self, city: &City, simulator: &Simulator) -> anyhow::Result<Vec<SourceConfig>> {
        let days = (SystemClock.now().millis() - self.start_ms) / DAY_MS + 1;
        let cities = std::slice::from_ref(city);
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
