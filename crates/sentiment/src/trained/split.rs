//! Splits the words of a hashtag that is written in one case: `#bestdayever` is best, day, ever.
//!
//! The split is the cheapest by the words' costs, which are the negative logarithms of their shares
//! in the training texts (Viterbi's algorithm). A part that is no word makes a split impossible.
//!
//! Guarantee: time is bounded by [`MAX_TAG`] times [`MAX_PART`].

use super::words::form_hash;
use crate::work::done;

/// Longer tags stay whole.
const MAX_TAG: usize = 28;
/// Longer words are not sought in a tag.
const MAX_PART: usize = 14;
/// A word is sought in this many cells.
const PROBES: usize = 16;
/// No split costs this much.
const NEVER: u32 = u32::MAX / 2;

/// Known words and their costs: an open table of 32 bits of hash and a cost each, 0 where empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Splitter<'a> {
    cells: &'a [u8],
}

/// Where a tag is cut.
pub(crate) struct Cuts {
    ends: [u8; MAX_TAG],
    count: usize,
}

impl Cuts {
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

    /// A word's cost, in fifths of a bit. A cell holds 25 bits of hash and 7 of cost.
    fn cost(&self, word: &[u8]) -> Option<u32> {
        let mask = (self.cells.len() / 4).checked_sub(1)?;
        let hash = form_hash(word);
        let key = (hash >> 39) as u32;
        let mut at = hash as usize & mask;
        for _ in 0..PROBES {
            done(1);
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

    pub(crate) fn split(&self, tag: &[u8]) -> Cuts {
        let mut cuts = Cuts {
            ends: [0; MAX_TAG],
            count: 0,
        };
        if tag.len() > MAX_TAG || self.cells.is_empty() {
            return cuts;
        }
        let mut best = [(NEVER, 0_u8); MAX_TAG + 1];
        best[0] = (0, 0);
        for end in 1..=tag.len() {
            for start in end.saturating_sub(MAX_PART)..end {
                if best[start].0 >= NEVER {
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
        if best[tag.len()].0 >= NEVER {
            return cuts;
        }
        let mut end = tag.len();
        while end > 0 {
            cuts.ends[cuts.count] = end as u8;
            cuts.count += 1;
            end = usize::from(best[end].1);
        }
        cuts.ends[..cuts.count].reverse();
        cuts
    }
}

/// The table of words by which hashtags are split, of words with their costs (1 to 127, in fifths of
/// a bit), the most frequent first. A word that finds no place is left out.
#[must_use]
pub fn word_cells<'w>(words: impl Iterator<Item = (&'w [u8], u8)>, cells: usize) -> Vec<u32> {
    let mut table = vec![0_u32; cells];
    let mask = cells.saturating_sub(1);
    for (word, cost) in words {
        let hash = form_hash(word);
        let places = (0..PROBES).map(|step| (hash as usize & mask).wrapping_add(step) & mask);
        let free = places.into_iter().find(|&at| table.get(at) == Some(&0));
        if let Some(at) = free {
            table[at] = ((hash >> 39) as u32) << 7 | u32::from(cost.clamp(1, 127));
        }
    }
    table
}
