//! Fold offsets: up to which offset each partition of the log is folded into the rows of a period.
//!
//! Guarantee: the fold offset of a row is stored before the row. So a reader of the fold offsets of a
//! period after its rows finds one that is at least the offset of each row. They are written with
//! their offset as write timestamp, like rows, and never move back.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt, TryStreamExt, stream};
use moodvane_model::{CityId, Incarnation, Offset, PartialHour, PartialKey, Partition, Topic};
use scylla::client::session::Session;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;

use super::periods::Period;
use super::rows::{self, Cell};
use super::runs::StoredRun;
use crate::StoreError;
use crate::varint::{Reader, push_bytes, push_number};

/// Concurrent batches of one call.
const CONCURRENCY: usize = 16;
/// Entries of a batch. Cassandra warns of batches from 5 KiB on; an entry has some 100 bytes.
const BATCH_ENTRIES: usize = 32;

/// A partition of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LogPartition {
    pub(super) topic: Topic,
    pub(super) incarnation: Incarnation,
    pub(super) partition: Partition,
}

impl LogPartition {
    pub(super) fn of(key: &PartialKey) -> Self {
        let PartialKey {
            topic,
            incarnation,
            partition,
            ..
        } = *key;
        Self {
            topic,
            incarnation,
            partition,
        }
    }

    /// The partition of its columns.
    pub(super) fn parse(topic: &str, incarnation: i64, partition: i64) -> Result<Self, StoreError> {
        let corrupt = || {
            let found = format!("invalid log partition {topic}.{incarnation}/{partition}");
            StoreError::Corrupt(found.into())
        };
        Ok(Self {
            topic: topic.parse().map_err(|_| corrupt())?,
            incarnation: Incarnation(incarnation.try_into().map_err(|_| corrupt())?),
            partition: Partition(partition.try_into().map_err(|_| corrupt())?),
        })
    }
}

/// The fold offset of each partition of the log that has rows in a period.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FoldOffsets(BTreeMap<LogPartition, Offset>);

impl FoldOffsets {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, at: LogPartition) -> Option<Offset> {
        self.0.get(&at).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (LogPartition, Offset)> {
        self.0.iter().map(|(at, through)| (*at, *through))
    }

    /// Raises the offset of a partition.
    pub(super) fn raise(&mut self, at: LogPartition, through: Offset) {
        let offset = self.0.entry(at).or_insert(through);
        *offset = through.max(*offset);
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        push_number(bytes, self.0.len() as u64);
        for (at, through) in &self.0 {
            push_bytes(bytes, at.topic.name().as_bytes());
            push_number(bytes, u64::from(at.incarnation.0));
            push_number(bytes, u64::from(at.partition.0));
            push_number(bytes, through.0);
        }
    }

    /// `None` where the bytes are not an encoding.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut offsets = Self::default();
        for _ in 0..reader.number()? {
            let at = LogPartition {
                topic: reader.text()?.parse().ok()?,
                incarnation: Incarnation(reader.number()?.try_into().ok()?),
                partition: Partition(reader.number()?.try_into().ok()?),
            };
            offsets.raise(at, Offset(reader.number()?));
        }
        Some(offsets)
    }
}

/// The periods of a run and a city that are in one block.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub(super) run: StoredRun,
    pub(super) city: CityId,
    pub(super) name: String,
}

impl Block {
    pub(super) fn of(run: &StoredRun, city: CityId, period: Period) -> Self {
        Self {
            run: run.clone(),
            city,
            name: period.block(),
        }
    }

    /// The primary key of a period.
    pub(super) fn key<'a>(&'a self, period: &'a str) -> [Cell<'a>; 4] {
        let Self { run, city, name } = self;
        let [run, city] = [run.as_str(), city.as_str()];
        [run, city, name, period].map(Cell::Text)
    }
}

/// The fold offsets that rows need, by block and name of the period.
pub(super) fn needed_by<'r>(
    rows: impl IntoIterator<Item = (StoredRun, &'r PartialHour)>,
) -> HashMap<Block, BTreeMap<String, FoldOffsets>> {
    let mut needed: HashMap<(StoredRun, CityId, Period), FoldOffsets> = HashMap::new();
    for (run, row) in rows {
        for period in Period::containing(row.key.hour) {
            let offsets = needed.entry((run.clone(), row.key.city, period));
            let at = LogPartition::of(&row.key);
            offsets.or_default().raise(at, row.through_offset);
        }
    }
    let mut blocks: HashMap<Block, BTreeMap<String, FoldOffsets>> = HashMap::new();
    for ((run, city, period), offsets) in needed {
        let block = blocks.entry(Block::of(&run, city, period)).or_default();
        block.insert(period.name(), offsets);
    }
    blocks
}

/// Writes fold offsets. A lower one than the stored one changes nothing.
pub(super) async fn put(
    session: &Session,
    statement: &PreparedStatement,
    blocks: HashMap<Block, BTreeMap<String, FoldOffsets>>,
) -> Result<(), StoreError> {
    let mut batches = Vec::new();
    for (block, periods) in &blocks {
        let mut entries = Vec::new();
        for (period, offsets) in periods {
            for (at, through) in offsets.iter() {
                let mut values = block.key(period).to_vec();
                values.extend([
                    Cell::Text(at.topic.name()),
                    Cell::Number(i64::from(at.incarnation.0)),
                    Cell::Number(i64::from(at.partition.0)),
                    Cell::Number(rows::offset(through)?),
                    Cell::Number(rows::write_timestamp(through)?),
                ]);
                entries.push(values);
            }
        }
        batches.extend(entries.chunks(BATCH_ENTRIES).map(<[_]>::to_vec));
    }
    stream::iter(batches)
        .map(Ok)
        .try_for_each_concurrent(CONCURRENCY, |entries| async move {
            // All entries are of one partition, so that the batch is one write.
            let mut batch = Batch::new(BatchType::Unlogged);
            batch.set_is_idempotent(true);
            entries
                .iter()
                .for_each(|_| batch.append_statement(statement.clone()));
            session.batch(&batch, entries).await?;
            Ok(())
        })
        .await
}

/// Reads the fold offsets of the periods of a block from `first` to `last`, by name.
pub(super) async fn read(
    session: &Session,
    statement: &PreparedStatement,
    block: &Block,
    (first, last): (&str, &str),
) -> Result<HashMap<String, FoldOffsets>, StoreError> {
    let [run, city, name, first] = block.key(first);
    let values = [run, city, name, first, Cell::Text(last)];
    let pager = session
        .execute_iter(statement.clone(), values.as_slice())
        .await?;
    let mut rows = pager.rows_stream::<(String, String, i64, i64, i64)>()?;
    let mut found: HashMap<String, FoldOffsets> = HashMap::new();
    while let Some((period, topic, incarnation, partition, through)) = rows.try_next().await? {
        let at = LogPartition::parse(&topic, incarnation, partition)?;
        let offsets = found.entry(period).or_default();
        offsets.raise(at, Offset(through.cast_unsigned()));
    }
    Ok(found)
}
