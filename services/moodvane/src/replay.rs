//! `moodvane replay`: recorded posts and weather, from files into rows.

use std::process::ExitCode;
use std::time::Instant;

use indicatif::HumanCount;

use crate::cli::ReplayArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::{Pipeline, Serve};
use crate::progress;

/// Replays until every record of the files is in the rows; a signal stops it, to be resumed by the
/// same command.
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
        Some(Ok(())) => pipeline.caught_up().await?,
        Some(Err(error)) => {
            pipeline.drain().await?;
            return Err(error.into());
        }
        None => {
            pipeline.drain().await?;
            eprintln!("stopped before the end; the same command goes on from here");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let taken: u64 = ingester.status().iter().map(|source| source.records).sum();
    println!(
        "replayed {} records in {seconds:.1} s; the log holds {}",
        HumanCount(taken),
        HumanCount(pipeline.records().await?)
    );
    if args.serve {
        println!("moodvane answers at {}", pipeline.url());
        pipeline.until_stopped().await?;
    } else {
        pipeline.drain().await?;
    }
    Ok(ExitCode::SUCCESS)
}
