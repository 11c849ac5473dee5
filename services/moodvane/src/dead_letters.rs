//! `moodvane dead`: the records that processors rejected.

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::HumanCount;
use moodvane_eventlog::{DeadLetter, EventLog, NewRecord};
use moodvane_model::{Account, Example, Topic};

use crate::account::{InputReport, Report};
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
        DeadCommand::Redrive {
            topic,
            limit,
            account,
        } => {
            let mut report = Report::begin("dead redrive", &account)?;
            let redriven = redrive(&*log, topic, limit).await?;
            let sent = redriven.records_kept();
            println!("{} sent to topic {topic} again", HumanCount(sent));
            let name = format!("dead letters of topic {topic}");
            report.add(InputReport::new(name, "dead letters", redriven));
            return report.finish(true);
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

/// Publishes the oldest dead letters again, each record once, and accounts for all that are read: one
/// more than `limit`, if there are more.
async fn redrive(log: &dyn EventLog, topic: Topic, limit: usize) -> anyhow::Result<Account> {
    let letters = log.dead_letters(topic, limit.saturating_add(1)).await?;
    let (mut account, mut known, mut records) = (Account::default(), HashSet::new(), Vec::new());
    for (n, letter) in letters.into_iter().enumerate() {
        let example = |why: &str| {
            let position = format!("{}@{}", letter.topic_partition.partition, letter.offset.0);
            Example::new(why)
                .at_position(position)
                .with_value(&String::from_utf8_lossy(&letter.value))
        };
        if n >= limit {
            account.leave_out("over_limit", || {
                example("it and any later ones are beyond --limit")
            });
            continue;
        }
        let record = NewRecord {
            key: letter.key.clone(),
            value: letter.value.clone(),
        };
        if !known.insert((record.key.clone(), record.value.clone())) {
            account.skip_duplicate();
            continue;
        }
        records.push(record);
    }
    account.keep(records.len() as u64);
    log.publish(topic, records).await?;
    Ok(account)
}
