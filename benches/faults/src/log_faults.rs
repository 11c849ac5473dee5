//! The faults that damage the log itself, and their allowances.
//!
//! The processor reports records that were removed before they were folded: a gap in the store for
//! each partition, and a counter. Remaining copies of such records count in their place. Topics that
//! were created again are another log: the processor stops with an error; in a new incarnation it
//! folds the new records, and its rows add to the old ones. Records that a source sends in both
//! incarnations, because it rewinds after a restart, count in both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::ensure;
use moodvane_eventlog::EventLog;
use moodvane_model::{Incarnation, Partition, ProgressKey, Topic};
use moodvane_store::Store;

use crate::reading::{self, LogRecord, TopicContents};
use crate::system::System;
use crate::waiting::wait_until;

/// Records that each partition must have unfolded before the truncation.
const BACKLOG: u64 = 40;
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The advice in the processor's error about another log.
const ADVICE: &str = "raise eventlog.incarnation by one";

/// The damage of a fault to the log.
pub(crate) enum Damage {
    None,
    /// `removed` were removed before they were folded; `folded` precede them and were folded.
    Removed {
        removed: TopicContents,
        folded: TopicContents,
    },
    /// These were folded from topics that no longer exist.
    Recreated(BTreeMap<Topic, TopicContents>),
}

impl Damage {
    /// Adds its allowances, once all affected hours are over; returns the note of the table.
    pub(crate) async fn account(self, system: &mut System) -> anyhow::Result<String> {
        match self {
            Self::None => Ok(String::new()),
            Self::Removed { removed, folded } => account_removed(system, removed, &folded).await,
            Self::Recreated(old) => account_recreated(system, &old).await,
        }
    }
}

/// The next offset of each partition in the store.
async fn progress(system: &System, topic: Topic) -> anyhow::Result<BTreeMap<Partition, u64>> {
    let mut all = BTreeMap::new();
    for marks in system.log.watermarks(topic).await? {
        let key = ProgressKey {
            run: system.run.clone(),
            topic,
            incarnation: system.incarnation,
            partition: marks.topic_partition.partition,
        };
        let progress = system.store.progress(&key).await?;
        all.insert(
            marks.topic_partition.partition,
            progress.map_or(0, |p| p.next.0),
        );
    }
    Ok(all)
}

/// Removes half of the records that a stopped processor has not folded, and starts it again.
pub(crate) async fn truncate(system: &mut System) -> anyhow::Result<Damage> {
    system.take_processor(1)?.terminate().await?;
    let folded_to = progress(system, Topic::Tweet).await?;
    wait_until("unfolded records accumulate", system.timeout, async || {
        let marks = system.log.watermarks(Topic::Tweet).await?;
        let behind = |at: &Partition| folded_to.get(at).copied().unwrap_or(0) + BACKLOG;
        let all = marks
            .iter()
            .all(|m| m.high.0 >= behind(&m.topic_partition.partition));
        Ok(all.then_some(()))
    })
    .await?;
    let contents = reading::read_all(&system.log, Topic::Tweet, READ_TIMEOUT).await?;
    let mut below = Vec::new();
    let (mut removed, mut folded) = (TopicContents::new(), TopicContents::new());
    for (partition, mut records) in contents {
        let from = folded_to.get(&partition).copied().unwrap_or(0);
        let mut rest = records.split_off(&from);
        let middle = rest.keys().nth(rest.len() / 2).copied().unwrap_or(from);
        rest.split_off(&middle);
        below.push((partition.0, middle));
        removed.insert(partition, rest);
        folded.insert(partition, records);
    }
    let topic = system.topic(Topic::Tweet);
    system.operator.delete_records(&topic, &below).await?;
    system.start_processor(1)?;
    system.processor(1)?.ready(system.timeout).await?;
    Ok(Damage::Removed { removed, folded })
}

async fn account_removed(
    system: &mut System,
    removed: TopicContents,
    folded: &TopicContents,
) -> anyhow::Result<String> {
    let later = reading::read_all(&system.log, Topic::Tweet, READ_TIMEOUT).await?;
    let kept: BTreeSet<&[u8]> = keys(folded).chain(keys(&later)).collect();
    let mut gone = BTreeSet::new();
    for record in records(&removed) {
        if kept.contains(record.key.as_slice()) || !gone.insert(record.key.as_slice()) {
            continue;
        }
        let hour = system.allowances.entry(record.hour).or_default();
        hour.add(record.adds.negated());
    }
    let count: usize = removed.values().map(BTreeMap::len).sum();
    check_gaps(system, &removed).await?;
    let label = format!("topic=\"{}\"", Topic::Tweet);
    let counter = "moodvane_processor_lost_total";
    let reported = system.processor(1)?.counter_sum(counter, &label).await?;
    ensure!(
        reported == count as u64,
        "{count} records were removed, the processor reports {reported}"
    );
    Ok(format!(
        "{count} records removed, reported in {} gaps: {} posts fewer",
        removed.len(),
        gone.len()
    ))
}

/// The store must have exactly the gap of each partition.
async fn check_gaps(system: &System, removed: &TopicContents) -> anyhow::Result<()> {
    let gaps = system.store.gaps(&system.run).await?;
    let found: BTreeSet<_> = gaps
        .iter()
        .filter(|gap| gap.key.topic == Topic::Tweet)
        .map(|gap| (gap.key.partition, gap.from.0, gap.to.0))
        .collect();
    let expected: BTreeSet<_> = removed
        .iter()
        .filter_map(|(partition, records)| {
            let (first, last) = (records.first_key_value()?, records.last_key_value()?);
            Some((*partition, *first.0, last.0 + 1))
        })
        .collect();
    ensure!(
        found == expected,
        "found the gaps {found:?}, expected {expected:?}"
    );
    Ok(())
}

/// Deletes both topics and creates them again, as an operator does: after the ingester stopped and
/// all records were folded. The processor must detect it.
pub(crate) async fn recreate_topics(system: &mut System) -> anyhow::Result<Damage> {
    system.take_ingester()?.terminate().await?;
    let mut old = BTreeMap::new();
    for topic in Topic::ALL {
        wait_until("all records are folded", system.timeout, async || {
            let folded = progress(system, topic).await?;
            let marks = system.log.watermarks(topic).await?;
            let all = marks
                .iter()
                .all(|m| folded.get(&m.topic_partition.partition) == Some(&m.high.0));
            Ok(all.then_some(()))
        })
        .await?;
        old.insert(
            topic,
            reading::read_all(&system.log, topic, READ_TIMEOUT).await?,
        );
    }
    let names = Topic::ALL.map(|topic| system.topic(topic));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    system
        .operator
        .delete_topics(&names, system.timeout)
        .await?;
    system.create_topics().await?;
    let mut processor = system.take_processor(1)?;
    let status = processor.ended(system.timeout).await?;
    ensure!(!status.success(), "the processor accepted another log");
    ensure!(
        processor.log_text()?.contains(ADVICE),
        "the processor stopped without its advice in the log"
    );
    let next = Incarnation(system.incarnation.0 + 1);
    system.switch_incarnation(next);
    system.start_processor(1)?;
    system.start_ingester()?;
    system.processor(1)?.ready(system.timeout).await?;
    Ok(Damage::Recreated(old))
}

async fn account_recreated(
    system: &mut System,
    old: &BTreeMap<Topic, TopicContents>,
) -> anyhow::Result<String> {
    let mut again = 0;
    for (topic, old) in old {
        let new = reading::read_all(&system.log, *topic, READ_TIMEOUT).await?;
        let known: BTreeSet<&[u8]> = keys(old).collect();
        let mut counted = BTreeSet::new();
        for record in records(&new) {
            if !known.contains(record.key.as_slice()) || !counted.insert(&record.key) {
                continue;
            }
            let hour = system.allowances.entry(record.hour).or_default();
            hour.add(record.adds);
        }
        again += counted.len();
    }
    let stopped = "the processor stopped with its advice";
    Ok(format!(
        "{stopped}; {again} records sent again count in both incarnations"
    ))
}

fn records(contents: &TopicContents) -> impl Iterator<Item = &LogRecord> {
    contents.values().flat_map(BTreeMap::values)
}

fn keys(contents: &TopicContents) -> impl Iterator<Item = &[u8]> {
    records(contents).map(|record| record.key.as_slice())
}
