//! `moodvane replay`: ingests recorded posts and weather from files and folds them.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::HumanCount;
use moodvane_ingester::Ingester;
use moodvane_processor::ProcessorMetrics;

use crate::account::{InputReport, Report, of_topics};
use crate::cli::ReplayArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::{Pipeline, Serve};
use crate::progress;
use crate::sources::POSTS_ID;

/// Replays until the rows contain every record of the files. A signal interrupts it; the same command
/// resumes.
pub(crate) async fn run(config: AppConfig, args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let serve = if args.serve { Serve::Yes } else { Serve::No };
    let mut report = Report::begin("replay", &args.account)?;
    let started = Instant::now();
    let data = Data::open(&config).await?;
    let pipeline = Pipeline::start(config, data, serve).await?;
    let (ingester, folded) = (pipeline.ingester.clone(), pipeline.folded.clone());
    let bar = progress::of_files(&ingester);
    let ended = tokio::select! {
        ended = ingester.finished() => Some(ended),
        () = pipeline.stop.cancelled() => None,
    };
    bar.finish();
    let result = match ended {
        Some(Ok(())) => pipeline.wait_until_caught_up().await,
        Some(Err(error)) => Err(error.into()),
        None => {
            pipeline.drain().await?;
            add_accounts(&mut report, &ingester, &folded, &args);
            let exit_code = report.finish(false)?;
            eprintln!("interrupted; the same command resumes");
            return Ok(exit_code);
        }
    };
    if let Err(error) = result {
        pipeline.drain().await?;
        add_accounts(&mut report, &ingester, &folded, &args);
        report.finish(false)?;
        return Err(error);
    }
    let seconds = started.elapsed().as_secs_f64();
    let ingested: u64 = ingester.status().iter().map(|source| source.records).sum();
    println!(
        "replayed {} records in {seconds:.1} s; the log holds {}",
        HumanCount(ingested),
        HumanCount(pipeline.count_records().await?)
    );
    add_accounts(&mut report, &ingester, &folded, &args);
    let is_refused = report.is_refused();
    let exit_code = report.finish(true)?;
    if args.serve && !is_refused {
        println!("moodvane answers at {}", pipeline.url());
        pipeline.run_until_stopped().await?;
    } else {
        pipeline.drain().await?;
    }
    Ok(exit_code)
}

/// Adds the accounts of the files, then of the topics that their records went through.
fn add_accounts(
    report: &mut Report,
    ingester: &Ingester,
    folded: &ProcessorMetrics,
    args: &ReplayArgs,
) {
    for source in ingester.accounts() {
        let path = match source.id.as_str() {
            POSTS_ID => &args.posts,
            _ => &args.weather,
        };
        let path = path.as_deref().unwrap_or(Path::new("")).to_string_lossy();
        let name = if path == "-" {
            "standard input".into()
        } else {
            path
        };
        let mut input = InputReport::new(name, "rows", source.account);
        input.resumed_at_line = source.resumed_at_line;
        input.time_format = source.time_format;
        report.add(input);
    }
    of_topics(folded)
        .into_iter()
        .for_each(|topic| report.add(topic));
}
