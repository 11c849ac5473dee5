//! Extracts the features of texts, with buffers reused between texts.

use std::ops::Range;

use moodvane_text::{LineBreaks, normalise};

use super::{FeatureContent, FeatureSink, Template, TemplateSet, emit_features};
use crate::lexicon::table::tables;
use crate::trained::piece::{Kind, Pieces};
use crate::trained::reader::{Tables, read};
use crate::trained::split::Splitter;
use crate::trained::words::words;

/// Extracts the features of texts.
#[derive(Debug, Default)]
pub struct FeatureExtractor {
    pieces: Pieces,
    /// The normal form of a text that is not in normal form.
    normal: String,
    templates: TemplateSet,
}

impl FeatureExtractor {
    /// An extractor for features of these templates.
    #[must_use]
    pub fn new(templates: TemplateSet) -> Self {
        Self {
            pieces: Pieces::default(),
            normal: String::new(),
            templates,
        }
    }

    /// Passes the features of the normal form of `text` to `sink`. `word_table` is the table for splitting hashtags, see
    /// [`build_word_table`](crate::trained::build_word_table); if empty, hashtags are not split.
    pub fn extract<S: FeatureSink>(&mut self, text: &str, word_table: &[u8], sink: &mut S) {
        let tables = Tables {
            words: words(),
            emoticons: &tables().emoticons,
            splitter: Splitter::new(word_table),
        };
        let text = normalise(text, LineBreaks::Kept, &mut self.normal);
        read(text, tables, &mut self.pieces);
        emit_features(&self.pieces, self.templates, sink);
    }

    /// The folded words of the last text outside hashtags, in order.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces.list.iter();
        let words = pieces.filter(|piece| piece.kind == Kind::Word && !piece.tagged);
        words.map(|piece| self.pieces.form(piece))
    }

    /// The folded form of a piece of the last text, by its index.
    #[must_use]
    pub fn form(&self, piece: u16) -> Option<&[u8]> {
        let piece = self.pieces.list.get(usize::from(piece))?;
        Some(self.pieces.form(piece))
    }

    /// The range of a feature in the normal form of the last text; `None` for an amount.
    pub(crate) fn range(&self, content: FeatureContent) -> Option<Range<usize>> {
        match content {
            FeatureContent::Amount(..) => None,
            FeatureContent::Letters(piece) => self.pieces.range(piece, piece),
            FeatureContent::Pieces(first, last) => self.pieces.range(first, last),
        }
    }

    /// Describes a feature of the last text.
    pub(crate) fn describe(&self, template: Template, content: FeatureContent) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match content {
            FeatureContent::Amount(name, bound) => {
                format!("{name} {}{bound}", if bound > 0 { "≥ " } else { "≤ " })
            }
            FeatureContent::Letters(n) => {
                let piece = self.pieces.list.get(usize::from(n));
                let form = piece.map(|piece| self.pieces.form(piece));
                format!("letters of \"{}\"", text(form.unwrap_or_default()))
            }
            FeatureContent::Pieces(from, to) => {
                let pieces = self.pieces.list.get(usize::from(from)..=usize::from(to));
                let pieces = pieces.unwrap_or_default().iter();
                let forms: Vec<String> = pieces
                    .map(|piece| {
                        let prefix = if piece.negated && template == Template::One {
                            "not-"
                        } else {
                            ""
                        };
                        let tag = if piece.kind == Kind::Hashtag { "#" } else { "" };
                        format!("{prefix}{tag}{}", text(self.pieces.form(piece)))
                    })
                    .collect();
                let words = format!("\"{}\"", forms.join(" "));
                match template {
                    Template::Loud => format!("{words} loud"),
                    Template::Last => format!("{words} at the end"),
                    _ => words,
                }
            }
        }
    }
}
