//! Splits a hashtag in a single case into words: `#bestdayever` is best, day, ever.
//!
//! The split minimises the sum of the words' costs, the negative logarithms of their frequencies in the
//! training texts (Viterbi's algorithm). All parts must be known words.
//!
//! Guarantee: time is bounded by [`MAX_TAG`] times [`MAX_WORD`].

use super::words::form_hash;
use crate::work::count_work;

/// Longer tags are not split.
const MAX_TAG: usize = 28;
/// The maximum length of a word in a tag.
const MAX_WORD: usize = 14;
/// The maximum number of probed cells per word.
const MAX_PROBES: usize = 16;
/// The cost of an impossible split.
const IMPOSSIBLE: u32 = u32::MAX / 2;

/// Known words and their costs: an open-addressing hash table of 32-bit cells, 0 for an empty one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Splitter<'a> {
    cells: &'a [u8],
}

/// The split of a tag.
pub(crate) struct Split {
    ends: [u8; MAX_TAG],
    count: usize,
}

impl Split {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let ends = self.ends[..self.count].iter().map(|end| usize::from(*end));
        let starts = std::iter::once(0).chain(ends.clone());
        starts.zip(ends)
    }
}

impl<'a> Splitter<'a> {
    pub(crate) fn new(cells: &'a [u8]) -> Self {
        Self { cells }
    }

    /// The cost of a word in fifths of a bit. A cell has 25 bits of hash and 7 bits of cost.
    fn cost(&self, word: &[u8]) -> Option<u32> {
        let mask = (self.cells.len() / 4).checked_sub(1)?;
        let hash = form_hash(word);
        let key = (hash >> 39) as u32;
        let mut at = hash as usize & mask;
        for _ in 0..MAX_PROBES {
            count_work(1);
            let cell = self.cells.get(4 * at..4 * at + 4)?;
            let cell = u32::from_le_bytes(cell.try_into().ok()?);
            if cell == 0 {
                return None;
            }
            if cell >> 7 == key {
                return Some(cell & 127);
            }
            at = (at + 1) & mask;
        }
        None
    }

    pub(crate) fn split(&self, tag: &[u8]) -> Split {
        let mut split = Split {
            ends: [0; MAX_TAG],
            count: 0,
        };
        if tag.len() > MAX_TAG || self.cells.is_empty() {
            return split;
        }
        let mut best = [(IMPOSSIBLE, 0_u8); MAX_TAG + 1];
        best[0] = (0, 0);
        for end in 1..=tag.len() {
            for start in end.saturating_sub(MAX_WORD)..end {
                if best[start].0 >= IMPOSSIBLE {
                    continue;
                }
                let Some(cost) = self.cost(&tag[start..end]) else {
                    continue;
                };
                let total = best[start].0 + cost;
                if total < best[end].0 {
                    best[end] = (total, start as u8);
                }
            }
        }
        if best[tag.len()].0 >= IMPOSSIBLE {
            return split;
        }
        let mut end = tag.len();
        while end > 0 {
            split.ends[split.count] = end as u8;
            split.count += 1;
            end = usize::from(best[end].1);
        }
        split.ends[..split.count].reverse();
        split
    }
}

/// Builds the word table for splitting hashtags from words and their costs (1 to 127, in fifths of a
/// bit), most frequent first. Drops a word whose probed cells are all occupied.
#[must_use]
pub fn build_word_table<'w>(words: impl Iterator<Item = (&'w [u8], u8)>, cells: usize) -> Vec<u32> {
    let mut table = vec![0_u32; cells];
    let mask = cells.saturating_sub(1);
    for (word, cost) in words {
        let hash = form_hash(word);
        let slots = (0..MAX_PROBES).map(|step| (hash as usize & mask).wrapping_add(step) & mask);
        let free = slots.into_iter().find(|&at| table.get(at) == Some(&0));
        if let Some(at) = free {
            table[at] = ((hash >> 39) as u32) << 7 | u32::from(cost.clamp(1, 127));
        }
    }
    table
}
