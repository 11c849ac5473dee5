//! `moodvane runs`: the stored fold runs, and the hours that each serves.

use std::process::ExitCode;

use moodvane_model::RunId;

use crate::cli::RunsCommand;
use crate::config::AppConfig;
use crate::data;

/// Switches to a run or deletes one, then lists the runs.
pub(crate) async fn run(config: AppConfig, command: RunsCommand) -> anyhow::Result<ExitCode> {
    let store = data::open_existing_store(&config, &config.data_dir).await?;
    match command {
        RunsCommand::List => {}
        RunsCommand::Switch { run, from } => store.switch_run(&RunId::new(run), from).await?,
        RunsCommand::Delete { run } => store.delete_run(&RunId::new(run)).await?,
    }
    for run in store.runs().await? {
        match run.serves_from {
            Some(hour) => println!("{}  answers from {hour}", run.id),
            None => println!("{}  only folds", run.id),
        }
    }
    Ok(ExitCode::SUCCESS)
}
