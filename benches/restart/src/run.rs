//! All trials, one after the other, and what is written about them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient};
use moodvane_marathon_api::PathId;

use crate::options::{How, Options};
use crate::trial::{Bench, Trial};
use crate::whole::{Whole, definitions, once};
use crate::{kill, plot, report};

/// Measures everything that the options ask for.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let password = (
        options.password_file.as_deref(),
        std::env::var("FLEET_PASSWORD").ok(),
    );
    let login = Credentials::load(options.user.clone(), password, (None, None))?;
    let access = ClientOptions::new(&options.marathon, login, options.ca.clone())?;
    let marathon = Arc::new(MarathonClient::new(access)?);
    let http = reqwest::Client::builder().tls_certs_only([]).build()?;
    let mut whole = Vec::new();
    if options.whole > 0 {
        let rendered = definitions(&options)?;
        for number in 1..=options.whole {
            let one = once(&marathon, &options.group, &rendered, options.timeout()).await?;
            let (launch, stop) = (one.launch.as_secs_f64(), one.stop.as_secs_f64());
            eprintln!(
                "everything, {number} of {}: stop {stop:.1} s, launch {launch:.1} s",
                options.whole
            );
            whole.push(one);
        }
    }
    let bench = Bench {
        marathon: &marathon,
        http: &http,
        group: &options.group,
        timeout: options.timeout(),
        settle: options.settle(),
        proxy: options.proxy.as_deref(),
        forget_image: &options.forget_image,
    };
    let mut trials = Vec::new();
    for app in chosen(&marathon, &options).await? {
        for how in ways(&bench, &app, &options.kill).await? {
            for number in 0..options.trials {
                let trial = match how {
                    How::Absent => bench.without_image(&app).await?,
                    How::Api | How::Sigkill => bench.trial(&app, how, usize::from(number)).await?,
                };
                let (healthy, answered) =
                    (trial.healthy.as_secs_f64(), trial.answered.as_secs_f64());
                eprintln!(
                    "{:<24} {:<8} {:>3} of {}: healthy {healthy:.2} s, {} {answered:.2} s",
                    trial.app,
                    how.name(),
                    number + 1,
                    options.trials,
                    trial.asked
                );
                trials.push(trial);
            }
        }
    }
    write(&options.out, &trials, &whole)
}

async fn chosen(marathon: &MarathonClient, options: &Options) -> anyhow::Result<Vec<PathId>> {
    let apps = marathon.apps(&options.group).await?;
    let ids: Vec<PathId> = apps
        .into_iter()
        .filter(|info| info.app.instances > 0)
        .map(|info| info.app.id)
        .collect();
    let known = ids
        .iter()
        .map(|id| id.last().to_owned())
        .collect::<Vec<_>>()
        .join(", ");
    for name in &options.app {
        ensure!(
            ids.iter().any(|id| id.last() == name),
            "there is no app {name} that runs; there are: {known}"
        );
    }
    let is_chosen =
        |id: &PathId| options.app.is_empty() || options.app.iter().any(|name| name == id.last());
    Ok(ids.into_iter().filter(is_chosen).collect())
}

/// The ways in which this app's tasks can be killed from here.
async fn ways(bench: &Bench<'_>, app: &PathId, asked: &[How]) -> anyhow::Result<Vec<How>> {
    bench.until_all_healthy().await?;
    let tasks = bench.marathon.tasks(app).await?;
    let here = tasks.iter().any(kill::is_here);
    if !here && asked.contains(&How::Sigkill) {
        eprintln!("{app}: no SIGKILL, as its tasks are not on this machine");
    }
    Ok(asked
        .iter()
        .copied()
        .filter(|how| here || *how != How::Sigkill)
        .collect())
}

fn write(folder: &Path, trials: &[Trial], whole: &[Whole]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let table = report::markdown(trials, whole);
    print!("{table}");
    let files = [
        ("restart.md", table),
        ("restart.csv", report::csv(trials, whole)?),
        ("restart.svg", plot::svg(trials)?),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
