//! The sums of each source of an hour.

use crate::{SourceId, Sums};

/// The sums of each source of an hour, in the order of their names.
///
/// A sorted list: an hour has few sources, and a node of a map would reserve the space of eleven.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceSums(Vec<(SourceId, Sums)>);

impl SourceSums {
    /// No sources, with space for this many.
    #[must_use]
    pub fn with_capacity(sources: usize) -> Self {
        Self(Vec::with_capacity(sources))
    }

    /// The number of sources.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no source.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each source with its sums.
    pub fn iter(&self) -> impl Iterator<Item = (&SourceId, &Sums)> {
        self.0.iter().map(|(source, sums)| (source, sums))
    }

    /// The sources.
    pub fn keys(&self) -> impl Iterator<Item = &SourceId> {
        self.0.iter().map(|(source, _)| source)
    }

    /// The sums.
    pub fn values(&self) -> impl Iterator<Item = &Sums> {
        self.0.iter().map(|(_, sums)| sums)
    }

    /// The sums, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Sums> {
        self.0.iter_mut().map(|(_, sums)| sums)
    }

    /// Adds sums of a source.
    pub fn add(&mut self, source: SourceId, sums: &Sums) {
        match self.0.binary_search_by_key(&source, |(source, _)| *source) {
            Ok(index) => self.0[index].1.merge(sums),
            Err(index) => {
                // A list grows to four at once, and most hours have two.
                self.0.reserve_exact(1);
                self.0.insert(index, (source, *sums));
            }
        }
    }
}

impl IntoIterator for SourceSums {
    type Item = (SourceId, Sums);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(SourceId, Sums)> for SourceSums {
    fn from_iter<I: IntoIterator<Item = (SourceId, Sums)>>(sums: I) -> Self {
        let mut all = Self::default();
        for (source, sums) in sums {
            all.add(source, &sums);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn equals_sorted_map_of_merged_sums(
            added in proptest::collection::vec(("[a-e]", 0u64..5), 0..12),
        ) {
            let added = added.into_iter().map(|(name, unscored)| {
                let mut sums = Sums::default();
                sums.posts.unscored = unscored;
                (SourceId::parse(&name).unwrap(), sums)
            });
            let mut expected: BTreeMap<SourceId, Sums> = BTreeMap::new();
            for (source, sums) in added.clone() {
                expected.entry(source).or_default().merge(&sums);
            }
            let all: SourceSums = added.collect();
            prop_assert_eq!((all.len(), all.is_empty()), (expected.len(), expected.is_empty()));
            prop_assert!(all.keys().eq(expected.keys()));
            prop_assert!(all.values().eq(expected.values()));
            prop_assert!(all.iter().eq(&expected));
            prop_assert!(all.into_iter().eq(expected));
        }
    }
}
