//! The features of the training texts, with those of names apart.

use moodvane_sentiment::trained::{FeatureContent, FeatureExtractor, FeatureSink, Template};

use crate::corpus::Example;
use crate::fit::FeatureRows;
use crate::names::NameWords;
use crate::recipe::Recipe;

/// The rows of weights of the features of each text, with repetitions. `words` is the table for splitting
/// hashtags.
pub(crate) fn feature_rows(
    examples: &[Example],
    words: &[u32],
    names: &NameWords,
    recipe: &Recipe,
) -> FeatureRows {
    let table: Vec<u8> = words.iter().flat_map(|slot| slot.to_le_bytes()).collect();
    let mut extractor = FeatureExtractor::new(recipe.templates);
    let mut sink = RowSink {
        bits: recipe.bits,
        row: Vec::new(),
    };
    let mut rows = FeatureRows::default();
    let mut of_names = Vec::new();
    for example in examples {
        sink.row.clear();
        of_names.clear();
        extractor.extract(&example.text, &table, &mut sink);
        let is_name = names.in_text(example);
        let is_name = |piece| extractor.form(piece).is_some_and(&is_name);
        for feature in &sink.row {
            if feature.touches(is_name) {
                of_names.push(feature.row);
            } else {
                rows.features.push(feature.row);
            }
        }
        rows.name_starts.push(rows.features.len());
        rows.features.extend_from_slice(&of_names);
        rows.ends.push(rows.features.len());
    }
    rows
}

/// A feature of a text.
struct Feature {
    /// The index of its row of weights.
    row: u32,
    content: FeatureContent,
}

impl Feature {
    /// Whether the first or the last word of the feature is a name. [`Template::Three`], which has a word
    /// between them, is not part of the recipe.
    fn touches(&self, is_name: impl Fn(u16) -> bool) -> bool {
        match self.content {
            FeatureContent::Amount(..) => false,
            FeatureContent::Letters(piece) => is_name(piece),
            FeatureContent::Pieces(first, last) => is_name(first) || is_name(last),
        }
    }
}

/// Collects the features of a text.
struct RowSink {
    bits: u32,
    row: Vec<Feature>,
}

impl FeatureSink for RowSink {
    fn add(&mut self, _: Template, hash: u64, content: FeatureContent) {
        let row = (hash >> (64 - self.bits)) as u32;
        self.row.push(Feature { row, content });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::plain_example;

    #[test]
    fn features_of_names_come_last() {
        let recipe = Recipe::default();
        let rows_of = |text: &str| {
            let mut example = plain_example(text);
            example.topic = Some("milton".to_owned());
            let names = NameWords::find(&[example.clone()]);
            feature_rows(&[example], &[], &names, &recipe)
        };
        let without = rows_of("we saw it");
        assert_eq!(without.name_starts, without.ends);
        let with = rows_of("we saw Milton");
        assert!(with.name_starts[0] > 0 && with.name_starts[0] < with.ends[0]);
        assert_eq!(with.ends[0], with.features.len());
        // The words "we saw" have the same features in both texts.
        let shared = with.features[..with.name_starts[0]].iter();
        assert!(shared.filter(|row| without.features.contains(row)).count() > 10);
        let of_name = &with.features[with.name_starts[0]..];
        assert!(of_name.iter().all(|row| !without.features.contains(row)));
    }
}
