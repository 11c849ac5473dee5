//! `moodvane runs`: the folds that are stored, and which one answers.

use std::process::ExitCode;

use moodvane_model::RunId;

use crate::cli::RunsCommand;
use crate::config::AppConfig;
use crate::data;

/// Lists the runs, after it switched to one or deleted one.
pub(crate) async fn run(config: AppConfig, command: RunsCommand) -> anyhow::Result<ExitCode> {
    let store = data::store_of(&config, &config.data_dir).await?;
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
