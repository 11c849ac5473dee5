//! The duplicate window: which identities occurred in the preceding W offsets of a partition.
//!
//! Guarantee: the answer depends on the noted records of the preceding W offsets alone, so that a
//! window filled again after a restart answers as the one before. Memory is bounded by W: about
//! 32 bytes per offset.

use std::collections::VecDeque;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use moodvane_model::Offset;
use xxhash_rust::xxh3::xxh3_128;

struct Noted {
    offset: u64,
    /// 128 bits of the identity: two identities of one window are taken for one with a
    /// probability below 1e-28.
    hash: [u64; 2],
}

/// The identities of the preceding W offsets.
pub(crate) struct Window {
    span: u64,
    noted: VecDeque<Noted>,
    /// The number of the first entry of `noted`; numbers only grow, and wrap.
    first: u32,
    /// The number of the newest entry of each identity.
    newest: HashTable<u32>,
}

impl Window {
    /// An empty window over `span` offsets.
    pub(crate) fn new(span: u32) -> Self {
        Self {
            span: u64::from(span),
            noted: VecDeque::new(),
            first: 0,
            newest: HashTable::new(),
        }
    }

    /// Notes the identity `key` at `offset`, which is above all noted before, and says whether it
    /// occurred in the preceding W offsets.
    pub(crate) fn note(&mut self, offset: Offset, key: &[u8]) -> bool {
        self.forget_before(offset.0.saturating_sub(self.span));
        let wide = xxh3_128(key);
        let hash = [wide as u64, (wide >> 64) as u64];
        let (noted, first) = (&self.noted, self.first);
        let at = |number: u32| noted.get(number.wrapping_sub(first) as usize);
        let number = first.wrapping_add(noted.len() as u32);
        let entry = self.newest.entry(
            hash[0],
            |other| at(*other).is_some_and(|n| n.hash == hash),
            |other| at(*other).map_or(0, |n| n.hash[0]),
        );
        let seen = match entry {
            Entry::Occupied(mut newest) => {
                *newest.get_mut() = number;
                true
            }
            Entry::Vacant(place) => {
                place.insert(number);
                false
            }
        };
        self.noted.push_back(Noted {
            offset: offset.0,
            hash,
        });
        seen
    }

    fn forget_before(&mut self, low: u64) {
        while let Some(oldest) = self.noted.front()
            && oldest.offset < low
        {
            let number = self.first;
            // Where the identity came again since, a later entry is the newest and stays.
            if let Ok(newest) = self
                .newest
                .find_entry(oldest.hash[0], |other| *other == number)
            {
                newest.remove();
            }
            self.noted.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answers(span: u32, keys: &[(u64, u8)]) -> Vec<bool> {
        let mut window = Window::new(span);
        keys.iter()
            .map(|(offset, key)| window.note(Offset(*offset), &[*key]))
            .collect()
    }

    #[test]
    fn an_identity_is_a_duplicate_up_to_w_offsets_later() {
        assert_eq!(answers(3, &[(0, 1), (3, 1)]), [false, true]);
        assert_eq!(answers(3, &[(0, 1), (4, 1)]), [false, false]);
        assert_eq!(answers(3, &[(0, 1), (3, 1), (6, 1)]), [false, true, true]);
    }

    proptest! {
        /// The rule itself, record by record: noted at any of the preceding W offsets.
        #[test]
        fn it_answers_by_the_preceding_w_offsets_alone(
            span in 1u32..20, steps in proptest::collection::vec((1u64..4, 0u8..6), 0..120),
        ) {
            let mut offset = 0;
            let keys: Vec<(u64, u8)> = steps.iter().map(|(step, key)| { offset += step; (offset, *key) }).collect();
            let expected: Vec<bool> = keys.iter().enumerate().map(|(i, (at, key))| {
                keys[..i].iter().any(|(o, k)| k == key && at - o <= u64::from(span))
            }).collect();
            prop_assert_eq!(&answers(span, &keys), &expected);
            // A window that is filled again from the preceding W offsets answers the same.
            for cut in 0..keys.len() {
                let from = keys[cut].0.saturating_sub(u64::from(span));
                let start = keys.partition_point(|(o, _)| *o < from);
                prop_assert_eq!(&answers(span, &keys[start..])[cut - start..], &expected[cut..]);
            }
        }

        #[test]
        fn its_memory_is_bounded_by_w(span in 1u32..20, count in 1u64..400) {
            let mut window = Window::new(span);
            for offset in 0..count {
                window.note(Offset(offset), &offset.to_le_bytes());
                prop_assert!(window.noted.len() as u64 <= u64::from(span) + 1);
                prop_assert_eq!(window.noted.len(), window.newest.len());
            }
        }
    }
}
