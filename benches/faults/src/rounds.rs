//! Injects one fault after another and verifies each.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use moodvane_model::{HourRange, PartialKey, Partition, Topic};
use moodvane_store::Store;
use tempfile::TempDir;

use crate::configuration::PARTITIONS;
use crate::fault::Fault;
use crate::options::Options;
use crate::outcome::Outcome;
use crate::system::System;
use crate::table::{Row, Table};

/// Differences that are printed per failed round.
const SHOWN: usize = 20;
const SABOTAGE_ATTEMPTS: u32 = 20;
const POLL_TIMEOUT: Duration = Duration::from_millis(500);

/// Runs all rounds and prints the table; returns whether all hours matched.
pub(crate) async fn run(options: &Options) -> anyhow::Result<bool> {
    let (_deleted, folder) = match &options.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            (None, folder.canonicalize()?)
        }
        None => {
            let folder = TempDir::new()?;
            let path = folder.path().to_owned();
            (Some(folder), path)
        }
    };
    let rounds = all(options, &folder).await;
    if !rounds.as_ref().is_ok_and(|well| *well) && options.keep.is_none() {
        show_logs(&folder)?;
    }
    rounds
}

async fn all(options: &Options, folder: &Path) -> anyhow::Result<bool> {
    let mut system = System::start(options, folder).await?;
    let mut table = Table::default();
    // Records from before the first fault belong to no row.
    system.wait_for_hour_end().await?;
    let mut records = system.settle().await?.records;
    for (index, fault) in options.selected_faults().into_iter().enumerate() {
        let mut row = Row::new(fault.title(options));
        for _ in 0..fault.rounds(options) {
            let began = Instant::now();
            let outcome = round(&mut system, options, fault, &mut row, index == 0).await;
            let outcome = outcome.with_context(|| fault.title(options))?;
            row.add(
                &outcome,
                outcome.records.saturating_sub(records),
                began.elapsed(),
            );
            records = outcome.records;
            for difference in outcome.differences.iter().take(SHOWN) {
                eprintln!("  {difference}");
            }
        }
        eprintln!("{}", row.line());
        table.rows.push(row);
    }
    print!("\n{}", table.text());
    if let Some(path) = &options.markdown {
        std::fs::write(path, table.markdown())?;
    }
    Ok(table.is_correct())
}

async fn round(
    system: &mut System,
    options: &Options,
    fault: Fault,
    row: &mut Row,
    is_first: bool,
) -> anyhow::Result<Outcome> {
    system.watch.begin();
    let damage = fault.inject(system, options).await?;
    system.wait_for_hour_end().await?;
    let note = damage.account(system).await?;
    if options.sabotage && is_first {
        // A row that its processor still writes would be overwritten.
        system.settle().await?;
        sabotage_with_retry(system).await?;
    }
    let outcome = system.settle().await?;
    system.check_running()?;
    row.set_note(note, system.downtime.take(), system.watch.stall());
    Ok(outcome)
}

/// Retries, since servers that were just started may not answer yet.
async fn sabotage_with_retry(system: &System) -> anyhow::Result<()> {
    let mut left = SABOTAGE_ATTEMPTS;
    while let Err(error) = sabotage(system).await {
        left -= 1;
        if left == 0 {
            return Err(error);
        }
        eprintln!("retrying: {error:#}");
        tokio::time::sleep(POLL_TIMEOUT).await;
    }
    Ok(())
}

/// Adds a post to a final row; the verification must detect it.
async fn sabotage(system: &System) -> anyhow::Result<()> {
    let truth = system.truth().await?;
    let final_hours = truth.final_hours().context("no hour is over yet")?;
    let first = final_hours.begin();
    let hours = system
        .store
        .hours(truth.city, HourRange::new(first, first)?)
        .await?;
    let sources = hours.iter().flat_map(|hour| hour.sources.keys());
    let keys = sources.flat_map(|source| {
        (0..PARTITIONS).map(|partition| PartialKey {
            run: system.run.clone(),
            city: truth.city,
            hour: first,
            topic: Topic::Tweet,
            incarnation: system.incarnation,
            partition: Partition(partition),
            source: *source,
        })
    });
    let rows = system.store.partials(keys.collect()).await?;
    let mut row = rows
        .into_iter()
        .next()
        .context("the first hour has no row")?;
    row.sums.posts.classes[2] += 1;
    row.through_offset = row.through_offset.next();
    system.store.put_partials(vec![row]).await?;
    eprintln!("one post was added to a stored row: this run must exit with 1");
    Ok(())
}

/// Prints the last lines of each service's log before the folder is deleted.
fn show_logs(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = std::fs::read_to_string(&path)?;
            let lines: Vec<&str> = text.lines().collect();
            eprintln!("== {}", path.display());
            for line in &lines[lines.len().saturating_sub(15)..] {
                eprintln!("{line}");
            }
        }
    }
    Ok(())
}
