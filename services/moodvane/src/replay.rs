//! `moodvane replay`: ingests recorded posts and weather from files and folds them.

use std::process::ExitCode;
use std::time::Instant;

use indicatif::HumanCount;

use crate::cli::ReplayArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::{Pipeline, Serve};
use crate::progress;

/// Replays until the rows contain every record of the files. A signal interrupts it; the same command
/// resumes.
pub(crate) async fn run(config: AppConfig, args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let serve = if args.serve { Serve::Yes } else { Serve::No };
    let started = Instant::now();
    let data = Data::open(&config).await?;
    let pipeline = Pipeline::start(config, data, serve).await?;
    let ingester = pipeline.ingester.clone();
    let bar = progress::of_files(&ingester);
    let ended = tokio::select! {
        ended = ingester.finished() => Some(ended),
        () = pipeline.stop.cancelled() => None,
    };
    bar.finish();
    match ended {
        Some(Ok(())) => pipeline.wait_until_caught_up().await?,
        Some(Err(error)) => {
            pipeline.drain().await?;
            return Err(error.into());
        }
        None => {
            pipeline.drain().await?;
            eprintln!("interrupted; the same command resumes");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let ingested: u64 = ingester.status().iter().map(|source| source.records).sum();
    println!(
        "replayed {} records in {seconds:.1} s; the log holds {}",
        HumanCount(ingested),
        HumanCount(pipeline.count_records().await?)
    );
    if args.serve {
        println!("moodvane answers at {}", pipeline.url());
        pipeline.run_until_stopped().await?;
    } else {
        pipeline.drain().await?;
    }
    Ok(ExitCode::SUCCESS)
}
