//! `moodvane runs`: the folds that are stored, and which one answers.

use std::process::ExitCode;

use moodvane_model::RunId;
use moodvane_store::Store;

use crate::cli::RunsCommand;
use crate::config::AppConfig;
use crate::data::Data;

/// Lists the runs, or switches to one.
pub(crate) async fn run(config: AppConfig, command: RunsCommand) -> anyhow::Result<ExitCode> {
    let store = Data::store_of(&config.data_dir)?;
    if let RunsCommand::Switch { run, from } = command {
        store.switch_run(&RunId::new(run), from).await?;
    }
    for run in store.runs().await? {
        match run.serves_from {
            Some(hour) => println!("{}  answers from {hour}", run.id),
            None => println!("{}  only folds", run.id),
        }
    }
    Ok(ExitCode::SUCCESS)
}
