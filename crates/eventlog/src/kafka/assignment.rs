//! The assigned partitions of a group member, and the records of each that are fetched but not
//! handed out yet.
//!
//! Messages of several partitions arrive interleaved; a batch holds those of one. The size of the
//! requested batch bounds the buffers.

use moodvane_model::Offset;

use super::stall::StallDetector;
use crate::{Batch, RecordRef, TopicPartition};

/// The buffers are full at this many bytes even where they could hold more records.
const MAX_BUFFERED_BYTES: usize = 4 << 20;

pub(super) struct AssignedPartition {
    pub(super) at: TopicPartition,
    /// The next offset to read; `None` before the caller starts the partition.
    pub(super) position: Option<Offset>,
    /// Whether the client fetches the partition.
    pub(super) is_fetching: bool,
    pub(super) stall: StallDetector,
    buffer: Batch,
    /// When the first buffered record arrived, counted in records.
    buffered_since: u64,
}

#[derive(Default)]
pub(super) struct Assignment {
    partitions: Vec<AssignedPartition>,
    /// Records buffered so far, as a clock.
    count: u64,
    buffered: usize,
    buffered_bytes: usize,
    /// Index of the last message's partition: most messages follow one of the same partition.
    last: usize,
}

impl Assignment {
    /// Adds a partition without a position, in place of an earlier assignment of it.
    pub(super) fn add(&mut self, at: TopicPartition) {
        self.remove(&[at]);
        self.partitions.push(AssignedPartition {
            at,
            position: None,
            is_fetching: false,
            stall: StallDetector::default(),
            buffer: Batch::with_capacity(1),
            buffered_since: 0,
        });
    }

    pub(super) fn remove(&mut self, removed: &[TopicPartition]) {
        for at in removed {
            self.reset(*at);
        }
        self.partitions.retain(|p| !removed.contains(&p.at));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &AssignedPartition> {
        self.partitions.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut AssignedPartition> {
        self.partitions.iter_mut()
    }

    pub(super) fn get_mut(&mut self, at: TopicPartition) -> Option<&mut AssignedPartition> {
        self.partitions.iter_mut().find(|p| p.at == at)
    }

    /// Drops the buffered records and the position of a partition.
    pub(super) fn reset(&mut self, at: TopicPartition) {
        let Some(partition) = self.partitions.iter_mut().find(|p| p.at == at) else {
            return;
        };
        self.buffered -= partition.buffer.len();
        self.buffered_bytes -= partition.buffer.byte_len();
        partition.buffer.reset(at);
        partition.position = None;
    }

    /// Whether the buffers hold as much as a batch of `capacity` may.
    pub(super) fn is_full(&self, capacity: usize) -> bool {
        self.buffered >= capacity || self.buffered_bytes >= MAX_BUFFERED_BYTES
    }

    /// Whether no record is buffered.
    pub(super) fn is_drained(&self) -> bool {
        self.buffered == 0
    }

    /// Buffers a record. Ignores one that is below the position of its partition, as a second copy
    /// is, or of a partition that is not started.
    pub(super) fn buffer(&mut self, at: TopicPartition, record: RecordRef<'_>) {
        if self.partitions.get(self.last).is_none_or(|p| p.at != at) {
            let Some(index) = self.partitions.iter().position(|p| p.at == at) else {
                return;
            };
            self.last = index;
        }
        let partition = &mut self.partitions[self.last];
        if partition.position.is_none_or(|next| next > record.offset) {
            return;
        }
        partition.position = Some(record.offset.next());
        partition.stall.record_arrival();
        if partition.buffer.is_empty() {
            partition.buffer.reset(at);
            partition.buffered_since = self.count;
        }
        let before = partition.buffer.byte_len();
        partition.buffer.push(record);
        self.count += 1;
        self.buffered += 1;
        self.buffered_bytes += partition.buffer.byte_len() - before;
    }

    /// Moves the records of the longest waiting partition into `batch`; whether there were any.
    pub(super) fn fill_batch(&mut self, batch: &mut Batch) -> bool {
        let buffered = self.partitions.iter_mut().filter(|p| !p.buffer.is_empty());
        let Some(partition) = buffered.min_by_key(|p| p.buffered_since) else {
            return false;
        };
        let before = partition.buffer.byte_len();
        batch.fill_from(&mut partition.buffer);
        self.buffered -= batch.len();
        self.buffered_bytes -= before - partition.buffer.byte_len();
        // Records that did not fit wait behind the other partitions.
        partition.buffered_since = self.count;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::{Partition, Timestamp, Topic};

    fn at(partition: u32) -> TopicPartition {
        TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(partition),
        }
    }

    fn started(partitions: u32) -> Assignment {
        let mut assignment = Assignment::default();
        for partition in 0..partitions {
            assignment.add(at(partition));
            assignment.get_mut(at(partition)).unwrap().position = Some(Offset(0));
        }
        assignment
    }

    fn buffer(assignment: &mut Assignment, partition: u32, offsets: impl IntoIterator<Item = u64>) {
        for offset in offsets {
            let record = RecordRef {
                offset: Offset(offset),
                written_at: Timestamp::from_millis(0).unwrap(),
                key: b"k",
                value: b"vv",
            };
            assignment.buffer(at(partition), record);
        }
    }

    /// Partition and offsets of the next batch.
    fn next(assignment: &mut Assignment, capacity: usize) -> Option<(u32, Vec<u64>)> {
        let mut batch = Batch::with_capacity(capacity);
        let offsets = |batch: &Batch| batch.iter().map(|r| r.offset.0).collect();
        assignment
            .fill_batch(&mut batch)
            .then(|| (batch.topic_partition().partition.0, offsets(&batch)))
    }

    #[test]
    fn fills_batch_with_longest_waiting_partition() {
        let mut assignment = started(3);
        buffer(&mut assignment, 1, [0, 1]);
        buffer(&mut assignment, 0, [0, 5]);
        buffer(&mut assignment, 1, [2, 3]);
        assert!(assignment.is_full(6) && !assignment.is_full(7));
        assert_eq!(next(&mut assignment, 3), Some((1, vec![0, 1, 2])));
        assert_eq!(next(&mut assignment, 3), Some((0, vec![0, 5])));
        assert_eq!(next(&mut assignment, 3), Some((1, vec![3])));
        assert_eq!(next(&mut assignment, 3), None);
        assert!(assignment.is_drained());
    }

    #[test]
    fn drops_buffered_records_of_reset_and_removed_partitions() {
        let mut assignment = started(3);
        for partition in 0..3 {
            buffer(&mut assignment, partition, 0..4);
        }
        assignment.reset(at(0));
        assignment.remove(&[at(1)]);
        buffer(&mut assignment, 0, 4..6);
        buffer(&mut assignment, 1, 4..6);
        assert_eq!(next(&mut assignment, 9), Some((2, vec![0, 1, 2, 3])));
        assert_eq!(next(&mut assignment, 9), None);
        assert!(assignment.is_drained());
        assert_eq!(assignment.buffered_bytes, 0);
    }

    #[test]
    fn ignores_records_below_position_and_copies() {
        let mut assignment = started(1);
        assignment.get_mut(at(0)).unwrap().position = Some(Offset(2));
        buffer(&mut assignment, 0, [0, 1, 2, 3, 3, 2, 4]);
        buffer(&mut assignment, 7, [0]);
        assert_eq!(next(&mut assignment, 9), Some((0, vec![2, 3, 4])));
    }

    #[test]
    fn is_full_at_byte_limit() {
        let mut assignment = started(1);
        let value = vec![0; MAX_BUFFERED_BYTES];
        let record = RecordRef {
            offset: Offset(0),
            written_at: Timestamp::from_millis(0).unwrap(),
            key: b"",
            value: &value,
        };
        assignment.buffer(at(0), record);
        assert!(assignment.is_full(1_000));
    }
}
