//! `moodvane demo`: the whole pipeline against a simulator in the same process.
//!
//! It ingests weeks of history of several cities as fast as possible, then runs live. The data directory
//! stores the world, so that a stopped or killed demo resumes. The history is complete when each of its
//! hours equals the simulator's truth.

mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::HumanCount;
use moodvane_model::HourRange;
use moodvane_simulator::{Simulator, Truth};
use moodvane_store::Store;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cli::DemoArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::{Pipeline, Serve};
use crate::progress::{Done, Progress};
use crate::verify::Outcome;
use world::World;
pub(crate) use world::{CITIES, DemoModel};

const TRUTH_FILE: &str = "truth.json";
const CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// The history fails if no post arrives for this long.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

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
    config.data_dir = demo_dir(&config.data_dir);
    let folder = config.data_dir.clone();
    // The world is stored here even if the log and the rows are not.
    fs::create_dir_all(&folder)?;
    let data = Data::open(&config).await?;
    // Saved before ingestion starts, so that a killed demo resumes the same world.
    let mut world = World::load_or_create(&folder, &args, &config.cities)?;
    world.url = None;
    world.save(&folder)?;
    let end = CancellationToken::new();
    let simulator = Arc::new(world.simulate(&config, end.clone()).await?);
    config.ingester.sources = world.sources(&config.cities, &simulator)?;
    let pipeline = Pipeline::start(config, data, Serve::Yes).await?;
    world.url = Some(simulator.base_url().to_string());
    world.save(&folder)?;
    let outcome = ingest_history(&pipeline, Arc::clone(&simulator)).await?;
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
) -> anyhow::Result<Option<Outcome>> {
    let truth = compute_truth(simulator).await?;
    let Some(range) = truth.final_hours() else {
        return Ok(None);
    };
    let expected = truth
        .cities()
        .map(|truth| history_posts(truth, range))
        .sum();
    println!(
        "{} hours of history of {}: {} posts",
        range.hours(),
        city_names(&truth),
        HumanCount(expected)
    );
    let done = Done::default();
    let bar = Progress::of_posts(expected, done.clone());
    let mut last_change = (0, Instant::now());
    let outcome = loop {
        let (outcome, stored) = compare(pipeline.store(), &truth).await?;
        done.set(stored);
        if last_change.0 != stored {
            last_change = (stored, Instant::now());
        }
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
    print_effects(&truth);
    Ok(outcome)
}

/// Compares the rows of every city with the truth; also returns the number of stored posts.
async fn compare(store: &dyn Store, truth: &Truth) -> anyhow::Result<(Outcome, u64)> {
    let (mut outcome, mut stored) = (Outcome::default(), 0);
    for truth in truth.cities() {
        let Some(range) = truth.final_hours() else {
            continue;
        };
        let rows = store.hours(truth.city, range).await?;
        stored += rows.iter().map(|row| row.posts().scored()).sum::<u64>();
        outcome.add_city(truth, &rows, range);
    }
    Ok((outcome, stored))
}

fn history_posts(truth: &Truth, range: HourRange) -> u64 {
    let hours = truth.hours.iter().filter(|t| t.hour <= range.end());
    hours.map(|t| t.posts).sum()
}

fn city_names(truth: &Truth) -> String {
    let ids: Vec<&str> = truth.cities().map(|truth| truth.city.as_str()).collect();
    match ids.as_slice() {
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, .., _] if ids.len() > 3 => format!("{first} and {} other cities", ids.len() - 1),
        few => few.join(" and "),
    }
}

/// Prints the planted effects, which an estimate should recover.
fn print_effects(truth: &Truth) {
    let planted = truth
        .cities()
        .filter_map(|truth| Some((truth.city, truth.effects?)));
    for (index, (city, effects)) in planted.enumerate() {
        if index == 0 {
            println!(
                "Planted effects on the mood of posts, in classes, before a scorer reads them;"
            );
            println!(
                "its calibration for real posts, which show less of a mood, about doubles them:"
            );
        }
        println!(
            "  {city}: wet hour {:+.2}, each wet hour before {:+.2}, heat {:+.2}, frost {:+.2}",
            effects.wet_hour.classes(),
            effects.wet_hour_before.classes(),
            effects.heat.classes(),
            effects.cold.classes()
        );
    }
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
