//! `moodvane rescore`: a new run from the start of the log, beside the one that answers.
//!
//! The new run has a consumer group of its own, so that nothing of the old one is disturbed. Once
//! it holds all that was in the log, it answers for every hour that it covers wholly; earlier hours
//! stay with the run before. A rescore that was stopped goes on where it was.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use indicatif::HumanCount;
use moodvane_eventlog::Watermarks;
use moodvane_model::{ProgressKey, RunId, Topic};
use moodvane_processor::{Processor, ProcessorConfig, TopicChoice};
use moodvane_runtime::{Clock, Readiness, SystemClock, cancel_on_signal};
use moodvane_store::{RunInfo, StoreError};
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use crate::cli::RescoreArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::oldest::first_whole_hour;
use crate::pipeline::parts;
use crate::progress::{Moving, Share};

const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Folds, switches, and goes on folding where that is asked.
pub(crate) async fn run(config: AppConfig, args: RescoreArgs) -> anyhow::Result<ExitCode> {
    let data = Data::beside(&config).await?;
    // Both topics whatever the configuration says: a run that answers needs both.
    let processor = ProcessorConfig {
        topics: TopicChoice::Both,
        ..config.processor
    };
    let parts = parts(&config, &data, &Registry::new())?;
    let run = processor.engine.run(&*parts.scorer);
    refuse_if_it_answers(&data, &run).await?;
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(cancel_on_signal(stop.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folding = moodvane_processor::start(
        processor,
        parts,
        Arc::clone(&clock),
        &Readiness::new(),
        end.clone(),
    )
    .await?;
    println!("folding the log into run {run}");
    let caught_up = caught_up(&data, &processor, &run, &folding, &stop).await?;
    if caught_up && !args.no_switch {
        let from = first_whole_hour(&data.log, &processor, &run, clock.now()).await?;
        data.store.switch_run(&run, from).await?;
        println!("run {run} answers from {from} on");
    }
    if caught_up && args.follow {
        println!("it is kept up to date until this command is stopped");
        stop.cancelled().await;
    }
    end.cancel();
    folding.join().await?;
    if caught_up && !args.follow {
        println!("now start processors of this configuration, and stop the others");
    }
    if !caught_up {
        eprintln!("stopped before the end; the same command goes on from here");
    }
    Ok(ExitCode::SUCCESS)
}

async fn refuse_if_it_answers(data: &Data, run: &RunId) -> anyhow::Result<()> {
    let runs = data.store.runs().await?;
    if runs.is_empty() {
        bail!("nothing was folded yet: start a processor instead");
    }
    let answers = |info: &RunInfo| info.id == *run && info.serves_from.is_some();
    if runs.iter().any(answers) {
        bail!(
            "run {run} of this configuration answers already: change the scorer or another part of \
             what decides a row; to fold lost rows again, see `moodvane rebuild`"
        );
    }
    Ok(())
}

/// Waits until everything that is in the log now is in the rows of the run, whoever folds it.
/// `false` where a signal came first.
async fn caught_up(
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
    let share = Share::default();
    let bar = Moving::of_records(records, share.clone());
    loop {
        match left(data, config, run, &log).await {
            Ok(0) => {
                bar.finish();
                println!("{} records are folded", HumanCount(records));
                return Ok(true);
            }
            Ok(left) => share.set(records - left),
            // The processor waits for the store too.
            Err(StoreError::Unavailable(reason)) => {
                tracing::warn!(
                    error = format!("{reason:#}"),
                    "cannot see how far the run is"
                );
            }
            Err(error) => return Err(error.into()),
        }
        if folding.is_finished() {
            bail!("the processor ended, see the log");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = stop.cancelled() => return Ok(false),
        }
    }
}

/// How many offsets the run has still to pass.
async fn left(
    data: &Data,
    config: &ProcessorConfig,
    run: &RunId,
    log: &[Watermarks],
) -> Result<u64, StoreError> {
    let mut left = 0;
    for marks in log {
        let key = ProgressKey {
            run: run.clone(),
            topic: marks.topic_partition.topic,
            incarnation: config.engine.incarnation,
            partition: marks.topic_partition.partition,
        };
        let progress = data.store.progress(&key).await?;
        let next = progress.map_or(marks.low, |p| p.next.max(marks.low));
        left += marks.high.0.saturating_sub(next.0);
    }
    Ok(left)
}
