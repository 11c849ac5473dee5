//! A batch of records of one partition, in one reusable buffer.

use moodvane_model::{Offset, Partition, Timestamp, Topic};

use crate::TopicPartition;

/// One record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its offset in the partition.
    pub offset: Offset,
    /// When the log wrote it.
    pub written_at: Timestamp,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
struct RecordSpan {
    offset: Offset,
    written_at: Timestamp,
    key_end: usize,
    value_end: usize,
}

/// Records of one partition, in order. A batch keeps its buffers, so it allocates only while it grows.
#[derive(Debug)]
pub struct Batch {
    at: TopicPartition,
    capacity: usize,
    bytes: Vec<u8>,
    spans: Vec<RecordSpan>,
}

impl Batch {
    /// An empty batch for up to `capacity` records.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let at = TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(0),
        };
        Self {
            at,
            capacity: capacity.max(1),
            bytes: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// The maximum number of records.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Empties the batch, for records of `at`.
    pub fn reset(&mut self, at: TopicPartition) {
        self.at = at;
        self.bytes.clear();
        self.spans.clear();
    }

    /// Adds a record, whose offset must be above those in the batch.
    pub fn push(&mut self, record: RecordRef<'_>) {
        self.bytes.extend_from_slice(record.key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(record.value);
        let RecordRef {
            offset, written_at, ..
        } = record;
        self.spans.push(RecordSpan {
            offset,
            written_at,
            key_end,
            value_end: self.bytes.len(),
        });
    }

    /// Moves the first records of `from` into this batch, up to its capacity.
    pub(crate) fn fill_from(&mut self, from: &mut Self) {
        self.reset(from.at);
        if from.len() <= self.capacity {
            std::mem::swap(&mut self.bytes, &mut from.bytes);
            std::mem::swap(&mut self.spans, &mut from.spans);
            return;
        }
        for record in from.iter().take(self.capacity) {
            self.push(record);
        }
        let moved = self.bytes.len();
        from.bytes.drain(..moved);
        from.spans.drain(..self.capacity);
        for span in &mut from.spans {
            span.key_end -= moved;
            span.value_end -= moved;
        }
    }

    /// The bytes of all keys and values.
    pub(crate) fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The partition of the records.
    #[must_use]
    pub fn topic_partition(&self) -> TopicPartition {
        self.at
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether the batch has no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The records, in order.
    pub fn iter(&self) -> impl Iterator<Item = RecordRef<'_>> {
        let starts = std::iter::once(0).chain(self.spans.iter().map(|span| span.value_end));
        self.spans
            .iter()
            .zip(starts)
            .map(|(span, start)| RecordRef {
                offset: span.offset,
                written_at: span.written_at,
                key: &self.bytes[start..span.key_end],
                value: &self.bytes[span.key_end..span.value_end],
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: usize, count: u64) -> Batch {
        let mut batch = Batch::with_capacity(capacity);
        for i in 0..count {
            let (key, value) = (format!("k{i}"), "v".repeat(i as usize));
            batch.push(RecordRef {
                offset: Offset(i),
                written_at: Timestamp::from_millis(0).unwrap(),
                key: key.as_bytes(),
                value: value.as_bytes(),
            });
        }
        batch
    }

    #[test]
    fn fill_from_moves_records_up_to_capacity_and_keeps_the_others() {
        for (capacity, count) in [(5, 3), (3, 3), (1, 4), (2, 5)] {
            let whole = filled(9, count);
            let (mut from, mut to, mut seen) =
                (filled(9, count), Batch::with_capacity(capacity), Vec::new());
            while !from.is_empty() {
                to.fill_from(&mut from);
                assert!((1..=capacity).contains(&to.len()));
                seen.extend(
                    to.iter()
                        .map(|r| (r.offset, r.key.to_vec(), r.value.to_vec())),
                );
            }
            let all: Vec<_> = whole
                .iter()
                .map(|r| (r.offset, r.key.to_vec(), r.value.to_vec()))
                .collect();
            assert_eq!(seen, all);
        }
    }
}
