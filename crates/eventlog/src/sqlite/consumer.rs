//! The consumer of the log in SQLite. A group has one member, so that the first poll assigns every
//! partition and none is ever revoked.

use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{ContextError, Offset, Topic};
use rusqlite::{Connection, params};

use super::schema::{self, Stream};
use super::{Inner, lock};
use crate::{Batch, Consumer, ConsumerEvent, LogError, RecordRef, TopicPartition, timestamp};

/// A batch ends after this many bytes even where it could hold more records.
const MAX_BATCH_BYTES: usize = 4 << 20;

struct Position {
    at: TopicPartition,
    /// The next offset to read; `None` before the caller starts the partition.
    next: Option<Offset>,
}

/// The only member of a group.
pub(super) struct SqliteConsumer {
    log: Arc<Inner>,
    reader: Connection,
    group: String,
    topics: Vec<Topic>,
    positions: Vec<Position>,
    assigned: bool,
    /// Index of the partition that the next poll reads first: round robin.
    next_partition: usize,
}

impl SqliteConsumer {
    pub(super) fn open(log: Arc<Inner>, group: &str, topics: &[Topic]) -> Result<Self, LogError> {
        let reader = schema::connect(&log.path)?;
        Ok(Self {
            log,
            reader,
            group: group.to_owned(),
            topics: topics.to_vec(),
            positions: Vec::new(),
            assigned: false,
            next_partition: 0,
        })
    }

    fn assign(&mut self) -> Result<ConsumerEvent, LogError> {
        let mut all = Vec::new();
        for topic in &self.topics {
            all.extend(schema::watermarks(&self.reader, *topic)?);
        }
        self.positions = all
            .iter()
            .map(|w| Position {
                at: w.topic_partition,
                next: None,
            })
            .collect();
        self.assigned = true;
        Ok(ConsumerEvent::Assigned(all))
    }

    /// Fills the batch from the next partition with records.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, LogError> {
        for step in 0..self.positions.len() {
            let index = (self.next_partition + step) % self.positions.len();
            let position = &mut self.positions[index];
            let Some(next) = position.next else { continue };
            if let Some(last) = read(&self.reader, position.at, next, batch)? {
                position.next = Some(last.next());
                self.next_partition = index + 1;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Reads records of one partition from `from` on; returns the last offset read.
fn read(
    reader: &Connection,
    at: TopicPartition,
    from: Offset,
    batch: &mut Batch,
) -> Result<Option<Offset>, LogError> {
    batch.reset(at);
    let mut select = reader.prepare_cached(
        "SELECT position, written_at_ms, key, value FROM log_record
         WHERE stream = ?1 AND partition = ?2 AND position >= ?3 ORDER BY position LIMIT ?4",
    )?;
    let limit = batch.capacity() as i64;
    let mut rows = select.query(params![
        Stream::live(at.topic),
        at.partition.0,
        from.0 as i64,
        limit
    ])?;
    let (mut last, mut bytes) = (None, 0);
    while bytes < MAX_BATCH_BYTES
        && let Some(row) = rows.next()?
    {
        let offset = Offset(row.get::<_, i64>(0)? as u64);
        let blob = |column| -> Result<&[u8], LogError> {
            row.get_ref(column)?
                .as_blob()
                .map_err(|e| LogError::Corrupt(ContextError::caused_by("record is not a blob", e)))
        };
        let record = RecordRef {
            offset,
            written_at: timestamp(row.get(1)?)?,
            key: blob(2)?,
            value: blob(3)?,
        };
        bytes += record.key.len() + record.value.len();
        batch.push(record);
        last = Some(offset);
    }
    Ok(last)
}

impl Consumer for SqliteConsumer {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<ConsumerEvent, LogError> {
        if !self.assigned {
            return self.assign();
        }
        let seen = self.log.appended.count();
        if self.fill(batch)? {
            return Ok(ConsumerEvent::Records);
        }
        self.log.appended.wait(seen, wait);
        let found = self.fill(batch)?;
        Ok(if found {
            ConsumerEvent::Records
        } else {
            ConsumerEvent::Idle
        })
    }

    fn start(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError> {
        for position in &mut self.positions {
            if position.at == at {
                position.next = Some(from);
            }
        }
        Ok(())
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.positions
            .retain(|position| !partitions.contains(&position.at));
        Ok(())
    }

    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        let mut writer = lock(&self.log.writer);
        let transaction = schema::begin_write(&mut writer)?;
        for (at, next) in positions {
            transaction.execute(
                "INSERT INTO log_group (name, stream, partition, committed) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name, stream, partition) DO UPDATE SET committed = excluded.committed",
                params![self.group, Stream::live(at.topic), at.partition.0, next.0 as i64],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }
}
