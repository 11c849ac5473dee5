//! `moodvane verify`: compares stored hours with a ground truth.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::HumanCount;
use moodvane_model::{HourRange, HourRow};
use moodvane_simulator::{Difference, Truth};
use tokio::time::Instant;

use crate::cli::VerifyArgs;
use crate::config::AppConfig;
use crate::{data, demo, http};

/// The most differences that are printed; all are counted.
const MAX_PRINTED: usize = 20;
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long records of a running simulator may be in flight.
const MAX_LAG: Duration = Duration::from_secs(15);
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// The result of a comparison.
#[derive(Debug)]
pub(crate) struct Outcome {
    range: HourRange,
    posts: u64,
    temperatures: u64,
    differences: Vec<Difference>,
}

impl Outcome {
    /// Compares the rows of the hours in `range` with the truth.
    pub(crate) fn compare(truth: &Truth, rows: &[HourRow], range: HourRange) -> Self {
        let hours = || {
            truth
                .hours
                .iter()
                .filter(|t| range.begin() <= t.hour && t.hour <= range.end())
        };
        Self {
            range,
            posts: hours().map(|t| t.posts).sum(),
            temperatures: hours().flat_map(|t| &t.temperature).map(|t| t.count).sum(),
            differences: truth.compare(rows, range),
        }
    }

    /// Whether rows and truth are equal.
    pub(crate) fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// 0 if rows and truth are equal, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.is_equal() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// Prints the result for people.
    pub(crate) fn print(&self) {
        let Self {
            range,
            posts,
            temperatures,
            differences,
        } = self;
        let scope = format!(
            "{} hours ({} to {}), {} posts, {} temperatures",
            range.hours(),
            range.begin(),
            range.end(),
            HumanCount(*posts),
            HumanCount(*temperatures)
        );
        if differences.is_empty() {
            println!("verified: {scope}: equal to the truth");
            return;
        }
        println!(
            "not equal to the truth: {} differences in {scope}",
            differences.len()
        );
        for difference in differences.iter().take(MAX_PRINTED) {
            println!("  {difference}");
        }
        if differences.len() > MAX_PRINTED {
            println!("  … and {} more", differences.len() - MAX_PRINTED);
        }
    }
}

/// Verifies the demo in the data directory, or the data directory against a given truth.
pub(crate) async fn run(config: AppConfig, args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let outcome = match &args.truth {
        Some(truth) => compare_with(&config, &config.data_dir, truth).await?,
        None => {
            let folder = demo::demo_dir(&config.data_dir);
            let truth = demo::truth_location(&folder)?;
            compare_with(&config, &folder, &truth).await?
        }
    };
    outcome.print();
    Ok(outcome.exit_code())
}

/// Compares the rows of a data directory with a truth file or a running simulator.
async fn compare_with(config: &AppConfig, folder: &Path, truth: &str) -> anyhow::Result<Outcome> {
    let store = data::open_existing_store(config, folder).await?;
    let is_live = truth.starts_with("http://");
    let lag = if is_live { MAX_LAG } else { Duration::ZERO };
    let deadline = Instant::now() + lag;
    loop {
        let truth = if is_live {
            fetch(truth).await?
        } else {
            Truth::load(Path::new(truth))?
        };
        let Some(range) = truth.final_hours() else {
            bail!("no hour is complete yet: verify again after the full hour");
        };
        let rows = store.hours(truth.city, range).await?;
        let outcome = Outcome::compare(&truth, &rows, range);
        if outcome.is_equal() || Instant::now() >= deadline {
            return Ok(outcome);
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

async fn fetch(base: &str) -> anyhow::Result<Truth> {
    let url = url::Url::parse(base)?.join("truth")?;
    let client = http::client(TIMEOUT)?;
    let response = client.get(url.clone()).send().await.with_context(|| {
        format!("no simulator responds at {url}: start the demo again, or set --truth")
    })?;
    response
        .error_for_status()?
        .json()
        .await
        .with_context(|| format!("cannot parse the truth of {url}"))
}
