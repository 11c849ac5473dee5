//! Reads texts into features, with memory that is kept between texts.

use super::{Of, Sink, Template, Templates, features};
use crate::lexicon::table::tables;
use crate::trained::piece::{Kind, Reading};
use crate::trained::read::{Tables, read};
use crate::trained::split::Splitter;
use crate::trained::words::words;

/// Reads texts into features.
#[derive(Debug, Default)]
pub struct FeatureReader {
    reading: Reading,
    templates: Templates,
}

impl FeatureReader {
    /// A reader that makes features of these templates.
    #[must_use]
    pub fn new(templates: Templates) -> Self {
        Self {
            reading: Reading::default(),
            templates,
        }
    }

    /// Gives the features of `text` to `sink`. `cells` is the table of words by which hashtags are
    /// split, as [`word_cells`](crate::trained::word_cells) makes it; without one they stay whole.
    pub fn read<S: Sink>(&mut self, text: &str, cells: &[u8], sink: &mut S) {
        let tables = Tables {
            words: words(),
            emoticons: &tables().emoticons,
            splitter: Splitter::new(cells),
        };
        read(text, tables, &mut self.reading);
        features(&self.reading, self.templates, sink);
    }

    /// The words of the text that was read last, outside hashtags, in order and folded.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.reading.pieces.iter();
        let words = pieces.filter(|piece| piece.kind == Kind::Word && !piece.tagged);
        words.map(|piece| self.reading.form(piece))
    }

    /// A feature of the text that was read last, for people.
    pub(crate) fn name(&self, template: Template, of: Of) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match of {
            Of::Amount(name, bound) => {
                format!("{name} {}{bound}", if bound > 0 { "≥ " } else { "≤ " })
            }
            Of::Letters(n) => {
                let piece = self.reading.pieces.get(usize::from(n));
                let form = piece.map(|piece| self.reading.form(piece));
                format!("letters of \"{}\"", text(form.unwrap_or_default()))
            }
            Of::Pieces(from, to) => {
                let pieces = self.reading.pieces.get(usize::from(from)..=usize::from(to));
                let pieces = pieces.unwrap_or_default().iter();
                let forms: Vec<String> = pieces
                    .map(|piece| {
                        let mark = if piece.negated && template == Template::One {
                            "not-"
                        } else {
                            ""
                        };
                        let tag = if piece.kind == Kind::Hashtag { "#" } else { "" };
                        format!("{mark}{tag}{}", text(self.reading.form(piece)))
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
