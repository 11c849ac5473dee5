//! The open rows of a partition: loaded on first touch, changed in memory, written whole.
//!
//! Guarantee: a record is added to a row at most once, whatever was flushed before a crash: a row
//! that is already folded through the record's offset refuses it. The number of rows is bounded:
//! clean rows are let go, the longest untouched first, and can be loaded again at any time.

use hashbrown::HashMap;
use moodvane_model::{
    Incarnation, Offset, PartialHour, PartialKey, Partition, RunId, Score, Sums, Topic,
};

use crate::decode::{Content, Decoded, RowKey};

struct OpenRow {
    sums: Sums,
    through: Option<Offset>,
    changed: bool,
    touched: u64,
}

/// The rows of one partition that are held in memory.
pub(crate) struct OpenRows {
    run: RunId,
    topic: Topic,
    incarnation: Incarnation,
    partition: Partition,
    rows: HashMap<RowKey, OpenRow>,
    touches: u64,
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
            touches: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn holds(&self, key: &RowKey) -> bool {
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

    /// Opens rows: as the store has them, or empty.
    pub(crate) fn open(
        &mut self,
        keys: impl IntoIterator<Item = RowKey>,
        stored: Vec<PartialHour>,
    ) {
        for key in keys {
            let row = OpenRow {
                sums: Sums::default(),
                through: None,
                changed: false,
                touched: 0,
            };
            self.rows.entry(key).or_insert(row);
        }
        for partial in stored {
            let PartialKey {
                hour, city, source, ..
            } = partial.key;
            if let Some(row) = self.rows.get_mut(&RowKey { hour, city, source }) {
                row.sums = partial.sums;
                row.through = Some(partial.through_offset);
            }
        }
    }

    /// Whether the row has this record already. A row must be open.
    pub(crate) fn has(&self, key: &RowKey, offset: Offset) -> bool {
        self.rows
            .get(key)
            .is_some_and(|row| row.through.is_some_and(|through| through >= offset))
    }

    /// Adds a record to its open row; the row must not have it yet.
    pub(crate) fn add(
        &mut self,
        key: &RowKey,
        decoded: &Decoded<'_>,
        at: moodvane_model::Timestamp,
        score: Option<Score>,
    ) {
        self.touches += 1;
        let Some(row) = self.rows.get_mut(key) else {
            return;
        };
        match &decoded.content {
            Content::Post(_) => row.sums.add_post(at, score),
            Content::Observation(observation) => row.sums.add_observation(at, observation),
        }
        row.through = Some(decoded.record.offset);
        row.changed = true;
        row.touched = self.touches;
    }

    /// The rows that changed since they were last written.
    pub(crate) fn changed(&self) -> Vec<PartialHour> {
        let changed = self.rows.iter().filter(|(_, row)| row.changed);
        changed
            .filter_map(|(key, row)| {
                let through_offset = row.through?;
                Some(PartialHour {
                    key: self.partial_key(key),
                    sums: row.sums,
                    through_offset,
                })
            })
            .collect()
    }

    /// The changed rows are in the store now: at most `keep` rows stay in memory.
    pub(crate) fn written(&mut self, keep: usize) {
        for row in self.rows.values_mut() {
            row.changed = false;
        }
        if self.rows.len() <= keep {
            return;
        }
        let mut touched: Vec<u64> = self.rows.values().map(|row| row.touched).collect();
        let cut = touched.len() - keep;
        let (_, oldest_kept, _) = touched.select_nth_unstable(cut);
        let oldest_kept = *oldest_kept;
        self.rows.retain(|_, row| row.touched >= oldest_kept);
    }
}
