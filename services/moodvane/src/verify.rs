//! `moodvane verify`: compares stored hours with a ground truth.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::HumanCount;
use moodvane_model::{CityId, HourRange, HourRow};
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

/// The result of a comparison, of one or more cities.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    cities: Vec<CityOutcome>,
}

#[derive(Debug)]
struct CityOutcome {
    city: CityId,
    range: HourRange,
    posts: u64,
    temperatures: u64,
    differences: Vec<Difference>,
}

impl Outcome {
    /// Compares the rows of a city's hours in `range` with its truth.
    pub(crate) fn add_city(&mut self, truth: &Truth, rows: &[HourRow], range: HourRange) {
        let hours = || {
            truth
                .hours
                .iter()
                .filter(|t| range.begin() <= t.hour && t.hour <= range.end())
        };
        self.cities.push(CityOutcome {
            city: truth.city,
            range,
            posts: hours().map(|t| t.posts).sum(),
            temperatures: hours().flat_map(|t| &t.temperature).map(|t| t.count).sum(),
            differences: truth.compare(rows, range),
        });
    }

    /// Whether rows and truth are equal.
    pub(crate) fn is_equal(&self) -> bool {
        self.cities.iter().all(|city| city.differences.is_empty())
    }

    /// 0 if rows and truth are equal, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.is_equal() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// Prints the result for people: a line for each city, then the first differences.
    pub(crate) fn print(&self) {
        for city in &self.cities {
            city.print();
        }
        let differences = |city: &'_ CityOutcome| {
            let id = city.city;
            let texts = city.differences.iter();
            texts.map(move |found| format!("  {id} {found}")).collect()
        };
        let all: Vec<String> = self
            .cities
            .iter()
            .flat_map::<Vec<_>, _>(differences)
            .collect();
        for difference in all.iter().take(MAX_PRINTED) {
            println!("{difference}");
        }
        if all.len() > MAX_PRINTED {
            println!("  … and {} more", all.len() - MAX_PRINTED);
        }
    }
}

impl CityOutcome {
    fn print(&self) {
        let scope = format!(
            "{}: {} hours ({} to {}), {} posts, {} temperatures",
            self.city,
            self.range.hours(),
            self.range.begin(),
            self.range.end(),
            HumanCount(self.posts),
            HumanCount(self.temperatures)
        );
        match self.differences.len() {
            0 => println!("verified: {scope}: equal to the truth"),
            count => println!("not equal to the truth: {count} differences in {scope}"),
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
        let mut outcome = Outcome::default();
        for truth in truth.cities() {
            let Some(range) = truth.final_hours() else {
                bail!("no hour is complete yet: verify again after the full hour");
            };
            let rows = store.hours(truth.city, range).await?;
            outcome.add_city(truth, &rows, range);
        }
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
