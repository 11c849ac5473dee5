//! `moodvane dead`: the records that processors rejected.

use std::process::ExitCode;

use anyhow::Context;
use indicatif::HumanCount;
use moodvane_eventlog::{DeadLetter, EventLog, NewRecord};
use moodvane_model::Topic;

use crate::cli::{DeadCommand, LetterPosition};
use crate::config::AppConfig;
use crate::data;

/// The most characters of a value that `list` prints.
const MAX_SHOWN_CHARS: usize = 120;
/// The most dead letters that `show` searches; they are held in memory.
const MAX_SEARCHED: usize = 10_000;

/// Lists, shows or redrives dead letters.
pub(crate) async fn run(config: AppConfig, command: DeadCommand) -> anyhow::Result<ExitCode> {
    let log = data::open_existing_log(&config, &config.data_dir).await?;
    match command {
        DeadCommand::List { topic, limit } => {
            let letters = log.dead_letters(topic, limit).await?;
            letters.iter().for_each(print);
            println!("{} of topic {topic}", HumanCount(letters.len() as u64));
        }
        DeadCommand::Show { topic, position } => {
            let letters = log.dead_letters(topic, MAX_SEARCHED).await?;
            let is_at_position = |letter: &&DeadLetter| {
                (letter.topic_partition.partition, letter.offset)
                    == (position.partition, position.offset)
            };
            let found = letters.iter().find(is_at_position);
            let letter = found.with_context(|| {
                let LetterPosition { partition, offset } = position;
                format!("no dead letter of {partition}@{offset} among the oldest {MAX_SEARCHED} of topic {topic}")
            })?;
            print_details(letter);
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
        .take(MAX_SHOWN_CHARS)
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

/// Prints a dead letter in full; invalid UTF-8 is replaced.
fn print_details(letter: &DeadLetter) {
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
