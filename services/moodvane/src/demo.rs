//! `moodvane demo`: the whole pipeline against a simulator in the same process.
//!
//! It ingests a month of history as fast as possible, then runs live. The data directory stores the
//! world, so that a stopped or killed demo resumes. The history is complete when each of its hours
//! equals the simulator's truth.

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
use crate::progress::{Done, Progress};
use crate::verify::Outcome;

const WORLD_FILE: &str = "world.json";
const TRUTH_FILE: &str = "truth.json";
const SERVED_FILE: &str = "served-weather.txt";
const DAY_MS: i64 = 86_400_000;
/// The demo's weather changes every minute, so that the page visibly changes.
const WEATHER_INTERVAL_S: u32 = 60;
const WEATHER_POLL: Duration = Duration::from_secs(20);
const REWIND: Duration = Duration::from_secs(5);
const CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// The history fails if no post arrives for this long.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The parameters that make the simulator reproducible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct World {
    seed: u64,
    start_ms: i64,
    posts_per_hour: u32,
    duplicates: f64,
    disorder_ms: u32,
    /// The URL of the simulator while the demo runs.
    url: Option<String>,
}

/// The directory of the demo within the data directory.
pub(crate) fn demo_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("demo")
}

/// The URL of a running demo's simulator, or the truth file of a stopped demo.
pub(crate) fn truth_location(folder: &Path) -> anyhow::Result<String> {
    let world = World::load(folder)?
        .with_context(|| format!("there was no demo in {}", folder.display()))?;
    match world.url {
        Some(url) => Ok(url),
        None => Ok(folder.join(TRUTH_FILE).to_string_lossy().into_owned()),
    }
}

/// Runs the demo until a signal, or until the history is complete.
pub(crate) async fn run(mut config: AppConfig, args: DemoArgs) -> anyhow::Result<ExitCode> {
    let city = config.city()?.clone();
    config.data_dir = demo_dir(&config.data_dir);
    let folder = config.data_dir.clone();
    // The world is stored here even if the log and the rows are not.
    fs::create_dir_all(&folder)?;
    let data = Data::open(&config).await?;
    // Saved before ingestion starts, so that a killed demo resumes the same world.
    let mut world = World {
        url: None,
        ..World::load_or_create(&folder, &args)?
    };
    world.save(&folder)?;
    let end = CancellationToken::new();
    let simulator = Arc::new(world.simulate(&city, &config, end.clone()).await?);
    config.ingester.sources = world.sources(&city, &simulator)?;
    let pipeline = Pipeline::start(config, data, Serve::Yes).await?;
    world.url = Some(simulator.base_url().to_string());
    world.save(&folder)?;
    let outcome = ingest_history(&pipeline, Arc::clone(&simulator), &city).await?;
    let code = if let Some(outcome) = outcome {
        outcome.print();
        outcome.exit_code()
    } else {
        ExitCode::SUCCESS
    };
    if args.history_only {
        pipeline.drain().await?;
    } else {
        pipeline.run_until_stopped().await?;
    }
    save_truth(world, &folder, simulator).await?;
    end.cancel();
    Ok(code)
}

/// Saves the truth, for a verification after the demo has stopped.
async fn save_truth(
    mut world: World,
    folder: &Path,
    simulator: Arc<Simulator>,
) -> anyhow::Result<()> {
    let truth = compute_truth(simulator).await?;
    truth.save(&folder.join(TRUTH_FILE))?;
    world.url = None;
    world.save(folder)
}

async fn compute_truth(simulator: Arc<Simulator>) -> anyhow::Result<Truth> {
    Ok(tokio::task::spawn_blocking(move || simulator.truth()).await?)
}

/// Waits until every hour of the history equals the truth. Stops early on a stall, or returns `None`
/// on a signal.
async fn ingest_history(
    pipeline: &Pipeline,
    simulator: Arc<Simulator>,
    city: &City,
) -> anyhow::Result<Option<Outcome>> {
    let truth = compute_truth(simulator).await?;
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
    let done = Done::default();
    let bar = Progress::of_posts(expected, done.clone());
    let mut last_change = (0, Instant::now());
    let outcome = loop {
        let rows = pipeline.store().hours(city.id, range).await?;
        let stored = rows.iter().map(|row| row.posts().scored()).sum();
        done.set(stored);
        if last_change.0 != stored {
            last_change = (stored, Instant::now());
        }
        let outcome = Outcome::compare(&truth, &rows, range);
        let is_stalled = last_change.1.elapsed() > STALL_TIMEOUT;
        if outcome.is_equal() || is_stalled {
            break Some(outcome);
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
            () = pipeline.stop.cancelled() => break None,
        }
    };
    bar.finish();
    print_instructions(pipeline, range);
    Ok(outcome)
}

/// Prints how to query and stop the demo.
fn print_instructions(pipeline: &Pipeline, range: HourRange) {
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
    println!("Ctrl-C stops it; the same command resumes it.");
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
            .with_context(|| format!("cannot parse {}", path.display()))
    }

    fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(WORLD_FILE);
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Loads the world of the directory, or creates one from the arguments.
    fn load_or_create(folder: &Path, args: &DemoArgs) -> anyhow::Result<Self> {
        let now = SystemClock.now().millis();
        let start_ms = (now - i64::from(args.days) * DAY_MS) / DAY_MS * DAY_MS;
        let requested = Self {
            seed: args.seed,
            start_ms,
            posts_per_hour: args.posts_per_hour,
            duplicates: args.duplicates,
            disorder_ms: args.disorder_ms,
            url: None,
        };
        let Some(found) = Self::load(folder)? else {
            return Ok(requested);
        };
        let expected = Self {
            start_ms: found.start_ms,
            url: found.url.clone(),
            ..requested
        };
        if expected != found {
            bail!(
                "the demo in {} is of another world (seed {}, {} posts per hour, duplicates {}, disorder {} ms): \
                 use the same flags, choose another directory with --data, or delete it",
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
        let simulator = SimulatorConfig {
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
        Ok(moodvane_simulator::start(simulator, scorer, address, clock, end).await?)
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
