//! `moodvane rescore`: folds a new run from the start of the log, beside the serving run.
//!
//! The new run has its own consumer group and does not affect the old one. Once it has caught up
//! with the log, the command switches to it for every hour that the log covers completely; earlier
//! hours keep the old run. An interrupted rescore resumes.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use indicatif::HumanCount;
use moodvane_eventlog::Watermarks;
use moodvane_launch::check_window;
use moodvane_model::{ProgressKey, RunId, Topic};
use moodvane_processor::{Processor, ProcessorConfig, TopicChoice};
use moodvane_runtime::{Clock, Readiness, SystemClock, cancel_on_signal};
use moodvane_store::{RunInfo, StoreError};
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use crate::account::{Report, of_topics};
use crate::cli::RescoreArgs;
use crate::complete_hours::first_complete_hour;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::engine_deps;
use crate::progress::{Done, Progress};

const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Folds, switches, and continues to fold with `--follow`.
pub(crate) async fn run(config: AppConfig, args: RescoreArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report::begin("rescore", &args.account)?;
    let data = Data::open_existing(&config).await?;
    // Both topics, regardless of the configuration: a serving run needs both.
    let processor = ProcessorConfig {
        topics: TopicChoice::Both,
        ..config.processor
    };
    let deps = engine_deps(&config, &data, &Registry::new())?;
    let (run, metrics) = (processor.engine.run(&*deps.scorer), deps.metrics.clone());
    reject_serving_run(&data, &run).await?;
    check_window(&*data.log, &Topic::ALL, processor.engine.window).await?;
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(cancel_on_signal(stop.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folding = moodvane_processor::start(
        processor,
        deps,
        Arc::clone(&clock),
        &Readiness::new(),
        end.clone(),
    )
    .await?;
    println!("folding the log into run {run}");
    let caught_up = wait_until_caught_up(&data, &processor, &run, &folding, &stop).await?;
    if caught_up && !args.no_switch {
        let from = first_complete_hour(&data.log, &processor, &run, clock.now()).await?;
        data.store.switch_run(&run, from).await?;
        println!("run {run} answers from {from} on");
    }
    if caught_up && args.follow {
        println!("folding continues until this command stops");
        stop.cancelled().await;
    }
    end.cancel();
    let joined = folding.join().await;
    of_topics(&metrics)
        .into_iter()
        .for_each(|topic| report.add(topic));
    let exit_code = report.finish(caught_up && joined.is_ok())?;
    joined?;
    if caught_up && !args.follow {
        println!("now start processors of this configuration, and stop the others");
    }
    if !caught_up {
        eprintln!("interrupted; the same command resumes");
    }
    Ok(exit_code)
}

async fn reject_serving_run(data: &Data, run: &RunId) -> anyhow::Result<()> {
    let runs = data.store.runs().await?;
    if runs.is_empty() {
        bail!("nothing was folded yet: start a processor instead");
    }
    let is_serving = |info: &RunInfo| info.id == *run && info.serves_from.is_some();
    if runs.iter().any(is_serving) {
        bail!(
            "run {run} of this configuration answers already: change the scorer or another setting of \
             the run's identity; to restore lost rows, see `moodvane rebuild`"
        );
    }
    Ok(())
}

/// Waits until the run contains every record that is in the log now, whichever process folds it.
/// Returns `false` if a signal comes first.
async fn wait_until_caught_up(
    data: &Data,
    config: &ProcessorConfig,
    run: &RunId,
    folding: &Processor,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let mut log: Vec<Watermarks> = Vec::new();
    for topic in Topic::ALL {
        log.extend(data.log.watermarks(topic).await?);
    }
    log.retain(|marks| marks.high > marks.low);
    let records = log.iter().map(|marks| marks.high.0 - marks.low.0).sum();
    let done = Done::default();
    let bar = Progress::of_records(records, done.clone());
    loop {
        match count_remaining(data, config, run, &log).await {
            Ok(0) => {
                bar.finish();
                println!("{} records are folded", HumanCount(records));
                return Ok(true);
            }
            Ok(remaining) => done.set(records - remaining),
            // The processor retries too.
            Err(StoreError::Unavailable(reason)) => {
                tracing::warn!(
                    error = format!("{reason:#}"),
                    "cannot see how far the run is"
                );
            }
            Err(error) => return Err(error.into()),
        }
        if folding.is_finished() {
            bail!("the processor failed; see the log");
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
            () = stop.cancelled() => return Ok(false),
        }
    }
}

/// The number of offsets that the run has not folded yet.
async fn count_remaining(
    data: &Data,
    config: &ProcessorConfig,
    run: &RunId,
    log: &[Watermarks],
) -> Result<u64, StoreError> {
    let mut remaining = 0;
    for marks in log {
        let key = ProgressKey {
            run: run.clone(),
            topic: marks.topic_partition.topic,
            incarnation: config.engine.incarnation,
            partition: marks.topic_partition.partition,
        };
        let progress = data.store.progress(&key).await?;
        let next = progress.map_or(marks.low, |p| p.next.max(marks.low));
        remaining += marks.high.0.saturating_sub(next.0);
    }
    Ok(remaining)
}
