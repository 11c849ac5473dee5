//! The identities of the preceding W offsets of a partition: the contents of its duplicate window.
//!
//! Guarantee: the result depends only on the records of the preceding W offsets, so a window that
//! is refilled after a restart returns the same results. Memory is bounded by W: about 32 bytes per
//! offset.

use std::collections::VecDeque;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use moodvane_model::{DuplicateWindow, Offset};
use xxhash_rust::xxh3::xxh3_128;

struct WindowEntry {
    offset: u64,
    /// 128 bits of the identity: the probability that two identities of one window collide is below
    /// 1e-28.
    hash: [u64; 2],
}

/// The identities of the preceding W offsets.
pub(crate) struct RecentIdentities {
    span: u64,
    entries: VecDeque<WindowEntry>,
    /// The sequence number of the first entry; sequence numbers increase by one and wrap.
    first: u32,
    /// The sequence number of the newest entry of each identity.
    newest: HashTable<u32>,
}

impl RecentIdentities {
    /// No identities yet, of a window of this length.
    pub(crate) fn new(window: DuplicateWindow) -> Self {
        Self {
            span: u64::from(window.offsets()),
            entries: VecDeque::new(),
            first: 0,
            newest: HashTable::new(),
        }
    }

    /// Inserts the identity `key` at `offset`, which is above all offsets before. Returns whether
    /// the identity occurred in the preceding W offsets.
    pub(crate) fn insert(&mut self, offset: Offset, key: &[u8]) -> bool {
        self.evict_before(offset.0.saturating_sub(self.span));
        let wide = xxh3_128(key);
        let hash = [wide as u64, (wide >> 64) as u64];
        let (entries, first) = (&self.entries, self.first);
        let entry_at = |number: u32| entries.get(number.wrapping_sub(first) as usize);
        let number = first.wrapping_add(entries.len() as u32);
        let entry = self.newest.entry(
            hash[0],
            |other| entry_at(*other).is_some_and(|entry| entry.hash == hash),
            |other| entry_at(*other).map_or(0, |entry| entry.hash[0]),
        );
        let is_duplicate = match entry {
            Entry::Occupied(mut newest) => {
                *newest.get_mut() = number;
                true
            }
            Entry::Vacant(vacant) => {
                vacant.insert(number);
                false
            }
        };
        self.entries.push_back(WindowEntry {
            offset: offset.0,
            hash,
        });
        is_duplicate
    }

    fn evict_before(&mut self, low: u64) {
        while let Some(oldest) = self.entries.front()
            && oldest.offset < low
        {
            let number = self.first;
            // If the identity occurred again since, the table has the later entry, which stays.
            if let Ok(newest) = self
                .newest
                .find_entry(oldest.hash[0], |other| *other == number)
            {
                newest.remove();
            }
            self.entries.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn insert_all(span: u32, keys: &[(u64, u8)]) -> Vec<bool> {
        let mut window = RecentIdentities::new(DuplicateWindow::new(span).unwrap());
        keys.iter()
            .map(|(offset, key)| window.insert(Offset(*offset), &[*key]))
            .collect()
    }

    #[test]
    fn detects_duplicate_up_to_w_offsets_later() {
        assert_eq!(insert_all(3, &[(0, 1), (3, 1)]), [false, true]);
        assert_eq!(insert_all(3, &[(0, 1), (4, 1)]), [false, false]);
        assert_eq!(
            insert_all(3, &[(0, 1), (3, 1), (6, 1)]),
            [false, true, true]
        );
    }

    proptest! {
        /// The definition, record by record: the identity occurs at one of the preceding W offsets.
        #[test]
        fn result_depends_only_on_preceding_w_offsets(
            span in 1u32..20, steps in proptest::collection::vec((1u64..4, 0u8..6), 0..120),
        ) {
            let mut offset = 0;
            let keys: Vec<(u64, u8)> = steps.iter().map(|(step, key)| { offset += step; (offset, *key) }).collect();
            let expected: Vec<bool> = keys.iter().enumerate().map(|(i, (at, key))| {
                keys[..i].iter().any(|(o, k)| k == key && at - o <= u64::from(span))
            }).collect();
            prop_assert_eq!(&insert_all(span, &keys), &expected);
            // A window that is refilled from the preceding W offsets returns the same results.
            for cut in 0..keys.len() {
                let from = keys[cut].0.saturating_sub(u64::from(span));
                let start = keys.partition_point(|(o, _)| *o < from);
                prop_assert_eq!(&insert_all(span, &keys[start..])[cut - start..], &expected[cut..]);
            }
        }

        #[test]
        fn memory_is_bounded_by_w(span in 1u32..20, count in 1u64..400) {
            let mut window = RecentIdentities::new(DuplicateWindow::new(span).unwrap());
            for offset in 0..count {
                window.insert(Offset(offset), &offset.to_le_bytes());
                prop_assert!(window.entries.len() as u64 <= u64::from(span) + 1);
                prop_assert_eq!(window.entries.len(), window.newest.len());
            }
        }
    }
}
