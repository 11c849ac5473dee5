//! The open rows of a partition: loaded on first use, changed in memory, written whole.
//!
//! Guarantee: a record is added to a row at most once, whatever was flushed before a crash, because
//! a row stores the offset that it is folded through. The number of rows is bounded: clean rows are
//! evicted, the least recently used first, and can be loaded again at any time.

use hashbrown::HashMap;
use moodvane_model::{
    Incarnation, Offset, PartialHour, PartialKey, Partition, RunId, Score, Sums, Timestamp, Topic,
};

use crate::decode::{DecodedRecord, RecordContent, RowKey};

struct OpenRow {
    sums: Sums,
    folded_through: Option<Offset>,
    is_dirty: bool,
    last_use: u64,
}

/// The rows of one partition that are held in memory.
pub(crate) struct OpenRows {
    run: RunId,
    topic: Topic,
    incarnation: Incarnation,
    partition: Partition,
    rows: HashMap<RowKey, OpenRow>,
    uses: u64,
}

impl OpenRows {
    pub(crate) fn new(
        run: RunId,
        (topic, partition): (Topic, Partition),
        incarnation: Incarnation,
    ) -> Self {
        Self {
            run,
            topic,
            incarnation,
            partition,
            rows: HashMap::new(),
            uses: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn contains(&self, key: &RowKey) -> bool {
        self.rows.contains_key(key)
    }

    /// The store's key of a row.
    pub(crate) fn partial_key(&self, key: &RowKey) -> PartialKey {
        PartialKey {
            run: self.run.clone(),
            city: key.city,
            hour: key.hour,
            topic: self.topic,
            incarnation: self.incarnation,
            partition: self.partition,
            source: key.source,
        }
    }

    /// Opens rows: as stored, or empty where nothing is stored.
    pub(crate) fn open(
        &mut self,
        keys: impl IntoIterator<Item = RowKey>,
        stored: Vec<PartialHour>,
    ) {
        for key in keys {
            let row = OpenRow {
                sums: Sums::default(),
                folded_through: None,
                is_dirty: false,
                last_use: 0,
            };
            self.rows.entry(key).or_insert(row);
        }
        for partial in stored {
            let PartialKey {
                hour, city, source, ..
            } = partial.key;
            if let Some(row) = self.rows.get_mut(&RowKey { hour, city, source }) {
                row.sums = partial.sums;
                row.folded_through = Some(partial.through_offset);
            }
        }
    }

    /// Whether an open row already contains the record at `offset`.
    pub(crate) fn contains_record(&self, key: &RowKey, offset: Offset) -> bool {
        self.rows
            .get(key)
            .is_some_and(|row| row.folded_through.is_some_and(|through| through >= offset))
    }

    /// Adds a record to its open row, which must not contain it yet.
    pub(crate) fn add(
        &mut self,
        key: &RowKey,
        decoded: &DecodedRecord<'_>,
        at: Timestamp,
        score: Option<Score>,
    ) {
        self.uses += 1;
        let Some(row) = self.rows.get_mut(key) else {
            return;
        };
        match &decoded.content {
            RecordContent::Post(_) => row.sums.add_post(at, score),
            RecordContent::Observation(decoded) => {
                row.sums.add_observation(at, &decoded.observation);
            }
        }
        row.folded_through = Some(decoded.record.offset);
        row.is_dirty = true;
        row.last_use = self.uses;
    }

    /// The rows that changed since the last write.
    pub(crate) fn dirty_rows(&self) -> Vec<PartialHour> {
        let dirty = self.rows.iter().filter(|(_, row)| row.is_dirty);
        dirty
            .filter_map(|(key, row)| {
                let through_offset = row.folded_through?;
                Some(PartialHour {
                    key: self.partial_key(key),
                    sums: row.sums,
                    through_offset,
                })
            })
            .collect()
    }

    /// Marks all rows as clean after a write. At most `max_rows` stay in memory.
    pub(crate) fn mark_written(&mut self, max_rows: usize) {
        for row in self.rows.values_mut() {
            row.is_dirty = false;
        }
        if self.rows.len() <= max_rows {
            return;
        }
        let mut uses: Vec<u64> = self.rows.values().map(|row| row.last_use).collect();
        let cut = uses.len() - max_rows;
        let (_, oldest_kept, _) = uses.select_nth_unstable(cut);
        let oldest_kept = *oldest_kept;
        self.rows.retain(|_, row| row.last_use >= oldest_kept);
    }
}
