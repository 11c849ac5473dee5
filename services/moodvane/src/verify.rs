//! `moodvane verify`: stored hours against a truth.

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

/// Differences that are printed; all are counted.
const SHOWN: usize = 20;
const TIMEOUT: Duration = Duration::from_secs(30);
/// What a running simulator just delivered may still be on its way for so long.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What a comparison found.
#[derive(Debug)]
pub(crate) struct Outcome {
    range: HourRange,
    posts: u64,
    temperatures: u64,
    differences: Vec<Difference>,
}

impl Outcome {
    /// Compares the rows of the hours in `range` with the truth.
    pub(crate) fn of(truth: &Truth, rows: &[HourRow], range: HourRange) -> Self {
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

    /// Whether rows and truth agree in everything.
    pub(crate) fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// 0 where rows and truth agree, else 1.
    pub(crate) fn code(&self) -> ExitCode {
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
        for difference in differences.iter().take(SHOWN) {
            println!("  {difference}");
        }
        if differences.len() > SHOWN {
            println!("  … and {} more", differences.len() - SHOWN);
        }
    }
}

/// Verifies the demo of the data folder, or the data folder against a given truth.
pub(crate) async fn run(config: AppConfig, args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let outcome = match &args.truth {
        Some(truth) => against(&config, &config.data_dir, truth).await?,
        None => {
            let folder = demo::folder(&config.data_dir);
            let truth = demo::truth_of(&folder)?;
            against(&config, &folder, &truth).await?
        }
    };
    outcome.print();
    Ok(outcome.code())
}

/// Compares the rows of a folder with a truth file or a running simulator.
async fn against(config: &AppConfig, folder: &Path, truth: &str) -> anyhow::Result<Outcome> {
    let store = data::store_of(config, folder).await?;
    let is_live = truth.starts_with("http://");
    let patience = if is_live { PATIENCE } else { Duration::ZERO };
    let deadline = Instant::now() + patience;
    loop {
        let truth = if is_live {
            fetch(truth).await?
        } else {
            Truth::load(Path::new(truth))?
        };
        let Some(range) = truth.final_hours() else {
            bail!("no hour is over yet: verify again after the full hour");
        };
        let rows = store.hours(truth.city, range).await?;
        let outcome = Outcome::of(&truth, &rows, range);
        if outcome.is_equal() || Instant::now() >= deadline {
            return Ok(outcome);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn fetch(base: &str) -> anyhow::Result<Truth> {
    let url = url::Url::parse(base)?.join("truth")?;
    let client = http::client(TIMEOUT)?;
    let answer = client.get(url.clone()).send().await.with_context(|| {
        format!("no simulator answers at {url}: start the demo again, or name a truth with --truth")
    })?;
    answer
        .error_for_status()?
        .json()
        .await
        .with_context(|| format!("{url} did not answer with a truth"))
}
