//! The partitions that a member has, and what was read of each but not handed out yet.
//!
//! Messages of several partitions arrive mixed; a batch holds those of one. What waits is bounded
//! by the batch that the caller asks for.

use moodvane_model::Offset;

use super::consumer::Silence;
use crate::{Batch, RecordRef, TopicPartition};

/// A batch ends after this many bytes even where it could hold more records.
const MAX_WAITING_BYTES: usize = 4 << 20;

pub(super) struct Slot {
    pub(super) at: TopicPartition,
    /// What is to be read next; `None` until the caller said where to begin.
    pub(super) next: Option<Offset>,
    /// Whether the client fetches it.
    pub(super) fetched: bool,
    pub(super) silence: Silence,
    waiting: Batch,
    /// When the first waiting record came, counted in records.
    since: u64,
}

#[derive(Default)]
pub(super) struct Slots {
    all: Vec<Slot>,
    count: u64,
    waiting: usize,
    waiting_bytes: usize,
    /// Where the last message belonged: most often the next one does too.
    last: usize,
}

impl Slots {
    /// A partition is ours now. What was known of it before is void.
    pub(super) fn add(&mut self, at: TopicPartition) {
        self.remove(&[at]);
        self.all.push(Slot {
            at,
            next: None,
            fetched: false,
            silence: Silence::default(),
            waiting: Batch::with_capacity(1),
            since: 0,
        });
    }

    pub(super) fn remove(&mut self, partitions: &[TopicPartition]) {
        for at in partitions {
            self.stop(*at);
        }
        self.all.retain(|slot| !partitions.contains(&slot.at));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.all.iter_mut()
    }

    pub(super) fn get_mut(&mut self, at: TopicPartition) -> Option<&mut Slot> {
        self.all.iter_mut().find(|slot| slot.at == at)
    }

    /// Forgets what waits of a partition and where it was to be read.
    pub(super) fn stop(&mut self, at: TopicPartition) {
        let Some(slot) = self.all.iter_mut().find(|slot| slot.at == at) else {
            return;
        };
        self.waiting -= slot.waiting.len();
        self.waiting_bytes -= slot.waiting.bytes();
        slot.waiting.reset(at);
        slot.next = None;
    }

    /// Whether as much waits as a batch of `capacity` may hold.
    pub(super) fn is_full(&self, capacity: usize) -> bool {
        self.waiting >= capacity || self.waiting_bytes >= MAX_WAITING_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Keeps a record until its partition's turn. One that was not asked for, or comes a second
    /// time, is left out.
    pub(super) fn keep(&mut self, at: TopicPartition, record: RecordRef<'_>) {
        if self.all.get(self.last).is_none_or(|slot| slot.at != at) {
            let Some(index) = self.all.iter().position(|slot| slot.at == at) else {
                return;
            };
            self.last = index;
        }
        let slot = &mut self.all[self.last];
        if slot.next.is_none_or(|next| next > record.offset) {
            return;
        }
        slot.next = Some(record.offset.next());
        slot.silence.heard = true;
        if slot.waiting.is_empty() {
            slot.waiting.reset(at);
            slot.since = self.count;
        }
        let before = slot.waiting.bytes();
        slot.waiting.push(record);
        self.count += 1;
        self.waiting += 1;
        self.waiting_bytes += slot.waiting.bytes() - before;
    }

    /// Moves the records of the partition that waits longest into `batch`.
    pub(super) fn hand_out(&mut self, batch: &mut Batch) -> bool {
        let waiting = self.all.iter_mut().filter(|slot| !slot.waiting.is_empty());
        let Some(slot) = waiting.min_by_key(|slot| slot.since) else {
            return false;
        };
        let before = slot.waiting.bytes();
        batch.take(&mut slot.waiting);
        self.waiting -= batch.len();
        self.waiting_bytes -= before - slot.waiting.bytes();
        // What is left waits behind the others.
        slot.since = self.count;
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

    fn begun(partitions: u32) -> Slots {
        let mut slots = Slots::default();
        for partition in 0..partitions {
            slots.add(at(partition));
            slots.get_mut(at(partition)).unwrap().next = Some(Offset(0));
        }
        slots
    }

    fn keep(slots: &mut Slots, partition: u32, offsets: impl IntoIterator<Item = u64>) {
        for offset in offsets {
            let record = RecordRef {
                offset: Offset(offset),
                written_at: Timestamp::from_millis(0).unwrap(),
                key: b"k",
                value: b"vv",
            };
            slots.keep(at(partition), record);
        }
    }

    /// Partition and offsets of the next batch.
    fn next(slots: &mut Slots, capacity: usize) -> Option<(u32, Vec<u64>)> {
        let mut batch = Batch::with_capacity(capacity);
        let offsets = |batch: &Batch| batch.iter().map(|r| r.offset.0).collect();
        slots
            .hand_out(&mut batch)
            .then(|| (batch.topic_partition().partition.0, offsets(&batch)))
    }

    #[test]
    fn mixed_records_are_handed_out_by_partition_the_longest_waiting_first() {
        let mut slots = begun(3);
        keep(&mut slots, 1, [0, 1]);
        keep(&mut slots, 0, [0, 5]);
        keep(&mut slots, 1, [2, 3]);
        assert!(slots.is_full(6) && !slots.is_full(7));
        assert_eq!(next(&mut slots, 3), Some((1, vec![0, 1, 2])));
        assert_eq!(next(&mut slots, 3), Some((0, vec![0, 5])));
        assert_eq!(next(&mut slots, 3), Some((1, vec![3])));
        assert_eq!(next(&mut slots, 3), None);
        assert!(slots.is_empty());
    }

    #[test]
    fn what_waits_of_a_partition_is_forgotten_when_it_stops_or_goes() {
        let mut slots = begun(3);
        for partition in 0..3 {
            keep(&mut slots, partition, 0..4);
        }
        slots.stop(at(0));
        slots.remove(&[at(1)]);
        keep(&mut slots, 0, 4..6);
        keep(&mut slots, 1, 4..6);
        assert_eq!(next(&mut slots, 9), Some((2, vec![0, 1, 2, 3])));
        assert_eq!(next(&mut slots, 9), None);
        assert!(slots.is_empty());
        assert_eq!(slots.waiting_bytes, 0);
    }

    #[test]
    fn records_below_the_beginning_and_second_copies_are_left_out() {
        let mut slots = begun(1);
        slots.get_mut(at(0)).unwrap().next = Some(Offset(2));
        keep(&mut slots, 0, [0, 1, 2, 3, 3, 2, 4]);
        keep(&mut slots, 7, [0]);
        assert_eq!(next(&mut slots, 9), Some((0, vec![2, 3, 4])));
    }

    #[test]
    fn many_bytes_fill_it_too() {
        let mut slots = begun(1);
        let value = vec![0; MAX_WAITING_BYTES];
        let record = RecordRef {
            offset: Offset(0),
            written_at: Timestamp::from_millis(0).unwrap(),
            key: b"",
            value: &value,
        };
        slots.keep(at(0), record);
        assert!(slots.is_full(1_000));
    }
}
