//! Runs all cycles and trials one after the other and writes the report.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient};
use moodvane_marathon_api::PathId;

use crate::full_cycle::{FullCycle, load_definitions, run_full_cycle};
use crate::options::{KillMethod, Options};
use crate::trial::{Trial, TrialRunner};
use crate::{kill, plot, report};

/// Measures what the options select.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let password = (
        options.password_file.as_deref(),
        std::env::var("FLEET_PASSWORD").ok(),
    );
    let credentials = Credentials::load(options.user.clone(), password, (None, None))?;
    let access = ClientOptions::new(&options.marathon, credentials, options.ca.clone())?;
    let marathon = Arc::new(MarathonClient::new(access)?);
    let http = reqwest::Client::builder().tls_certs_only([]).build()?;
    let cycles = run_cycles(&marathon, &options).await?;
    let runner = TrialRunner {
        marathon: &marathon,
        http: &http,
        group: &options.group,
        timeout: options.timeout(),
        settle: options.settle(),
        proxy: options.proxy.as_deref(),
        forget_image: &options.forget_image,
    };
    let mut trials = Vec::new();
    for app in select_apps(&marathon, &options).await? {
        trials.extend(run_trials(&runner, &app, &options).await?);
    }
    write_report(&options.out, &trials, &cycles)
}

async fn run_cycles(
    marathon: &Arc<MarathonClient>,
    options: &Options,
) -> anyhow::Result<Vec<FullCycle>> {
    let mut cycles = Vec::new();
    if options.whole == 0 {
        return Ok(cycles);
    }
    let rendered = load_definitions(options)?;
    for number in 1..=options.whole {
        let cycle = run_full_cycle(marathon, &options.group, &rendered, options.timeout()).await?;
        let (launch, stop) = (cycle.launch.as_secs_f64(), cycle.stop.as_secs_f64());
        eprintln!(
            "full cycle {number} of {}: stop {stop:.1} s, launch {launch:.1} s",
            options.whole
        );
        cycles.push(cycle);
    }
    Ok(cycles)
}

async fn run_trials(
    runner: &TrialRunner<'_>,
    app: &PathId,
    options: &Options,
) -> anyhow::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for method in available_methods(runner, app, &options.kill).await? {
        for number in 0..options.trials {
            let trial = match method {
                KillMethod::Absent => runner.run_image_pull(app).await?,
                KillMethod::Api | KillMethod::Sigkill => {
                    runner.run_kill(app, method, usize::from(number)).await?
                }
            };
            eprintln!(
                "{:<24} {:<8} {:>3} of {}: healthy {:.2} s, {} {:.2} s",
                trial.app,
                method.name(),
                number + 1,
                options.trials,
                trial.times.healthy.as_secs_f64(),
                trial.probe,
                trial.times.answered.as_secs_f64()
            );
            trials.push(trial);
        }
    }
    Ok(trials)
}

async fn select_apps(marathon: &MarathonClient, options: &Options) -> anyhow::Result<Vec<PathId>> {
    let apps = marathon.apps(&options.group).await?;
    let ids: Vec<PathId> = apps
        .into_iter()
        .filter(|info| info.app.instances > 0)
        .map(|info| info.app.id)
        .collect();
    let running = ids.iter().map(PathId::last).collect::<Vec<_>>().join(", ");
    for name in &options.app {
        ensure!(
            ids.iter().any(|id| id.last() == name),
            "no running app {name}; running apps: {running}"
        );
    }
    let is_selected =
        |id: &PathId| options.app.is_empty() || options.app.iter().any(|name| name == id.last());
    Ok(ids.into_iter().filter(is_selected).collect())
}

/// Those of the requested kill methods that work for this app from this machine.
async fn available_methods(
    runner: &TrialRunner<'_>,
    app: &PathId,
    requested: &[KillMethod],
) -> anyhow::Result<Vec<KillMethod>> {
    runner.wait_until_healthy().await?;
    let tasks = runner.marathon.tasks(app).await?;
    let is_local = tasks.iter().any(kill::is_local);
    if !is_local && requested.contains(&KillMethod::Sigkill) {
        eprintln!("{app}: skipping SIGKILL, its tasks run on other machines");
    }
    Ok(requested
        .iter()
        .copied()
        .filter(|method| is_local || *method != KillMethod::Sigkill)
        .collect())
}

fn write_report(folder: &Path, trials: &[Trial], cycles: &[FullCycle]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let table = report::markdown(trials, cycles);
    print!("{table}");
    let files = [
        ("restart.md", table),
        ("restart.csv", report::csv(trials, cycles)?),
        ("restart.svg", plot::svg(trials)?),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
