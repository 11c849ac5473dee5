//! The rows by which an hour is counted exactly once: partial hours, progress, and what they
//! merge into.

use std::collections::BTreeMap;

use crate::{
    CityId, HourSlot, Incarnation, Offset, Partition, PostSums, RunId, SourceId, Sums, Timestamp,
    Topic,
};

/// Which part of which hour a row holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartialKey {
    /// The fold that made it.
    pub run: RunId,
    /// The city.
    pub city: CityId,
    /// The hour.
    pub hour: HourSlot,
    /// The topic that was folded.
    pub topic: Topic,
    /// Which life of the topic.
    pub incarnation: Incarnation,
    /// The partition that was folded.
    pub partition: Partition,
    /// The source of the records.
    pub source: SourceId,
}

/// What one partition and one source contributed to an hour. Always written whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialHour {
    /// Which part it is.
    pub key: PartialKey,
    /// The sums of all records of that part up to `through_offset`.
    pub sums: Sums,
    /// The last record that belongs to the row. Of two versions of a row, the higher one wins.
    pub through_offset: Offset,
}

/// Which partition a progress row speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgressKey {
    /// The fold.
    pub run: RunId,
    /// The topic.
    pub topic: Topic,
    /// Which life of the topic.
    pub incarnation: Incarnation,
    /// The partition.
    pub partition: Partition,
}

/// The record just below a progress offset, by which a log is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Its offset.
    pub offset: Offset,
    /// When the log wrote it.
    pub written_at: Timestamp,
    /// A hash of its key.
    pub key_hash: u64,
}

/// Every record below `next` is in the flushed partial rows. Written after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The partition.
    pub key: ProgressKey,
    /// The first offset that is not yet in the rows.
    pub next: Offset,
    /// The record just below; `None` where nothing was read yet.
    pub anchor: Option<Anchor>,
}

/// An hour of a city: all its partial hours, merged per source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourRow {
    /// The city.
    pub city: CityId,
    /// The hour.
    pub hour: HourSlot,
    /// What each source contributed.
    pub sources: BTreeMap<SourceId, Sums>,
}

impl HourRow {
    /// An hour of which nothing is known yet.
    #[must_use]
    pub fn empty(city: CityId, hour: HourSlot) -> Self {
        Self {
            city,
            hour,
            sources: BTreeMap::new(),
        }
    }

    /// Adds what one source contributed.
    pub fn add(&mut self, source: SourceId, sums: &Sums) {
        self.sources.entry(source).or_default().merge(sums);
    }

    /// The posts of all sources.
    #[must_use]
    pub fn posts(&self) -> PostSums {
        let mut all = Sums::default();
        for sums in self.sources.values() {
            all.merge(sums);
        }
        all.posts
    }
}
