//! The faults that damage the log itself, and what the design promises of them.
//!
//! Records that are removed before they were folded are told: a gap in the store for each
//! partition, and a counter. Copies of them that are still there count in their place. Topics that
//! were made again are another log: the processor ends and says so; in a new incarnation it folds
//! what is new, and its rows add to the old ones. What a source sends again across the two, because
//! it goes back a little after a restart, counts in both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::ensure;
use moodvane_eventlog::EventLog;
use moodvane_model::{Incarnation, Partition, ProgressKey, Topic};
use moodvane_store::Store;

use crate::reading::{self, Contents, Read};
use crate::system::System;
use crate::waiting::until;

/// What must have piled up in each partition before it is truncated.
const BACKLOG: u64 = 40;
const READ_WITHIN: Duration = Duration::from_secs(60);
/// What the processor says of another log.
const ADVICE: &str = "raise eventlog.incarnation by one";

/// What a fault did to the log.
pub(crate) enum Damage {
    None,
    /// These records were removed before they were folded, and these before them were folded.
    Removed {
        removed: Contents,
        folded: Contents,
    },
    /// These were folded out of topics that are no more.
    Remade(BTreeMap<Topic, Contents>),
}

impl Damage {
    /// Notes what must come of it. Once all hours that it touches are over; returns the note of
    /// the table.
    pub(crate) async fn account(self, system: &mut System) -> anyhow::Result<String> {
        match self {
            Self::None => Ok(String::new()),
            Self::Removed { removed, folded } => account_removed(system, removed, &folded).await,
            Self::Remade(old) => account_remade(system, &old).await,
        }
    }
}

/// How far each partition of a topic is in the store.
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

/// Removes half of what a stopped processor has not folded, and starts it again.
pub(crate) async fn truncate(system: &mut System) -> anyhow::Result<Damage> {
    system.take_processor(1)?.terminate().await?;
    let folded_to = progress(system, Topic::Tweet).await?;
    until("records pile up", system.patience, async || {
        let marks = system.log.watermarks(Topic::Tweet).await?;
        let behind = |at: &Partition| folded_to.get(at).copied().unwrap_or(0) + BACKLOG;
        let all = marks
            .iter()
            .all(|m| m.high.0 >= behind(&m.topic_partition.partition));
        Ok(all.then_some(()))
    })
    .await?;
    let contents = reading::whole(&system.log, Topic::Tweet, READ_WITHIN).await?;
    let mut below = Vec::new();
    let (mut removed, mut folded) = (Contents::new(), Contents::new());
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
    system.processor(1)?.ready(system.patience).await?;
    Ok(Damage::Removed { removed, folded })
}

async fn account_removed(
    system: &mut System,
    removed: Contents,
    folded: &Contents,
) -> anyhow::Result<String> {
    let later = reading::whole(&system.log, Topic::Tweet, READ_WITHIN).await?;
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
    let told = system.processor(1)?.counted(counter, &label).await?;
    ensure!(
        told == count as u64,
        "{count} records were removed, {told} were told"
    );
    Ok(format!(
        "{count} records removed, told in {} gaps: {} posts less",
        removed.len(),
        gone.len()
    ))
}

/// Each partition's gap must be in the store, exactly.
async fn check_gaps(system: &System, removed: &Contents) -> anyhow::Result<()> {
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
        "the gaps are {found:?}, they must be {expected:?}"
    );
    Ok(())
}

/// Deletes both topics and makes them again, as an operator does: after the ingester ended and all
/// was folded. The processor must notice by itself.
pub(crate) async fn make_again(system: &mut System) -> anyhow::Result<Damage> {
    system.take_ingester()?.terminate().await?;
    let mut old = BTreeMap::new();
    for topic in Topic::ALL {
        until("all is folded", system.patience, async || {
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
            reading::whole(&system.log, topic, READ_WITHIN).await?,
        );
    }
    let names = Topic::ALL.map(|topic| system.topic(topic));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    system
        .operator
        .delete_topics(&names, system.patience)
        .await?;
    system.make_topics().await?;
    let mut processor = system.take_processor(1)?;
    let status = processor.ended(system.patience).await?;
    ensure!(
        !status.success(),
        "the processor took another log for its own"
    );
    ensure!(
        processor.said()?.contains(ADVICE),
        "the processor ended without saying why"
    );
    let next = Incarnation(system.incarnation.0 + 1);
    system.begin_incarnation(next);
    system.start_processor(1)?;
    system.start_ingester()?;
    system.processor(1)?.ready(system.patience).await?;
    Ok(Damage::Remade(old))
}

async fn account_remade(
    system: &mut System,
    old: &BTreeMap<Topic, Contents>,
) -> anyhow::Result<String> {
    let mut again = 0;
    for (topic, old) in old {
        let new = reading::whole(&system.log, *topic, READ_WITHIN).await?;
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
    let said = "the processor ended and said why";
    Ok(format!(
        "{said}; {again} records sent again count in both lives"
    ))
}

fn records(contents: &Contents) -> impl Iterator<Item = &Read> {
    contents.values().flat_map(BTreeMap::values)
}

fn keys(contents: &Contents) -> impl Iterator<Item = &[u8]> {
    records(contents).map(|record| record.key.as_slice())
}
