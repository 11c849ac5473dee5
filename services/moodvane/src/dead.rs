//! `moodvane dead`: records that nobody could read.

use std::process::ExitCode;

use anyhow::Context;
use indicatif::HumanCount;
use moodvane_eventlog::{DeadLetter, EventLog, NewRecord};
use moodvane_model::Topic;

use crate::cli::{DeadCommand, LetterPlace};
use crate::config::AppConfig;
use crate::data;

/// Characters of a letter's value that are shown.
const SHOWN: usize = 120;
/// Letters among which one is sought; they are held in memory.
const SEARCHED: usize = 10_000;

/// Lists dead letters, or sends them again.
pub(crate) async fn run(config: AppConfig, command: DeadCommand) -> anyhow::Result<ExitCode> {
    let log = data::log_of(&config, &config.data_dir).await?;
    match command {
        DeadCommand::List { topic, limit } => {
            let letters = log.dead_letters(topic, limit).await?;
            letters.iter().for_each(print);
            println!("{} of topic {topic}", HumanCount(letters.len() as u64));
        }
        DeadCommand::Show { topic, place } => {
            let letters = log.dead_letters(topic, SEARCHED).await?;
            let is_it = |letter: &&DeadLetter| {
                (letter.topic_partition.partition, letter.offset) == (place.partition, place.offset)
            };
            let found = letters.iter().find(is_it);
            let letter = found.with_context(|| {
                let LetterPlace { partition, offset } = place;
                format!("none of the oldest {SEARCHED} dead letters of topic {topic} is of {partition}@{offset}")
            })?;
            print_whole(letter);
        }
        DeadCommand::Redrive { topic, limit } => {
            let sent = redrive(&*log, topic, limit).await?;
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
        topic_partition,
        offset,
        key,
        reason,
        ..
    } = letter;
    let key = String::from_utf8_lossy(key);
    println!(
        "{}/{}@{offset}  {}\n  key {key:?}\n  {value:?}",
        topic_partition.topic, topic_partition.partition, reason
    );
}

/// Everything of a letter; bytes that are no text are shown as what stands for them.
fn print_whole(letter: &DeadLetter) {
    println!(
        "topic     {}\npartition {}\noffset    {}\nreason    {}\nkey       {}\nvalue     {}",
        letter.topic_partition.topic,
        letter.topic_partition.partition,
        letter.offset,
        letter.reason,
        String::from_utf8_lossy(&letter.key).escape_debug(),
        String::from_utf8_lossy(&letter.value).escape_debug(),
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
