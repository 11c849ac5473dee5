//! `moodvane dead`: records that nobody could read.

use std::process::ExitCode;

use indicatif::HumanCount;
use moodvane_eventlog::{DeadLetter, EventLog, NewRecord};
use moodvane_model::Topic;

use crate::cli::DeadCommand;
use crate::config::AppConfig;
use crate::data::Data;

/// Characters of a letter's value that are shown.
const SHOWN: usize = 120;

/// Lists dead letters, or sends them again.
pub(crate) async fn run(config: AppConfig, command: DeadCommand) -> anyhow::Result<ExitCode> {
    let log = Data::log_of(&config.data_dir)?;
    match command {
        DeadCommand::List { topic, limit } => {
            let letters = log.dead_letters(topic, limit).await?;
            letters.iter().for_each(print);
            println!("{} of topic {topic}", HumanCount(letters.len() as u64));
        }
        DeadCommand::Redrive { topic, limit } => {
            let sent = redrive(&log, topic, limit).await?;
            println!("{} sent to topic {topic} again", HumanCount(sent as u64));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(letter: &DeadLetter) {
    let value: String = String::from_utf8_lossy(&letter.value)
        .chars()
        .take(SHOWN)
        .collect();
    let DeadLetter {
        at,
        offset,
        key,
        reason,
        ..
    } = letter;
    let key = String::from_utf8_lossy(key);
    println!(
        "{}/{}@{offset}  {}\n  key {key:?}\n  {value:?}",
        at.topic, at.partition, reason
    );
}

async fn redrive(log: &dyn EventLog, topic: Topic, limit: usize) -> anyhow::Result<usize> {
    let letters = log.dead_letters(topic, limit).await?;
    let records: Vec<NewRecord> = letters
        .into_iter()
        .map(|letter| NewRecord {
            key: letter.key,
            value: letter.value,
        })
        .collect();
    let sent = records.len();
    log.publish(topic, records).await?;
    Ok(sent)
}
