//! From a reading to features: what the model weighs.
//!
//! Terms: a *template* is a kind of feature, such as "two words in a row". A feature is a 64-bit
//! hash of its template and of what it holds; a text has it or not, there are no amounts. An amount,
//! such as the sum of valences, becomes one feature for each bound that it reaches.
//!
//! Guarantee: the number of features is at most a fixed multiple of the number of pieces.

mod amounts;
pub(crate) mod reader;

use super::piece::{Kind, Piece, Reading};
use super::word::MAX_FORM;
use crate::work::done;

/// A kind of feature; the bit under which a model names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Template {
    /// One piece.
    One = 0,
    /// Two pieces in a row.
    Two = 1,
    /// Three pieces in a row.
    Three = 2,
    /// Two pieces with one between.
    Skip = 3,
    /// Three to five characters of a word.
    Chars = 4,
    /// A lexicon's valences, summed and bent.
    Lexicon = 5,
    /// How the text is written.
    Style = 6,
    /// A piece in capitals, elongated, or in a hashtag.
    Loud = 7,
    /// The last pieces of a text.
    Last = 8,
    /// A piece that a negator reaches.
    Negated = 9,
}

/// A set of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Templates(pub u32);

impl Template {
    /// Every template.
    pub const ALL: [Self; 10] = [
        Self::One,
        Self::Two,
        Self::Three,
        Self::Skip,
        Self::Chars,
        Self::Lexicon,
        Self::Style,
        Self::Loud,
        Self::Last,
        Self::Negated,
    ];

    /// The template's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
            Self::Three => "three",
            Self::Skip => "skip",
            Self::Chars => "chars",
            Self::Lexicon => "lexicon",
            Self::Style => "style",
            Self::Loud => "loud",
            Self::Last => "last",
            Self::Negated => "negated",
        }
    }
}

impl Templates {
    /// All of them.
    pub const ALL: Self = Self(0x3ff);

    /// All of these but one.
    #[must_use]
    pub fn without(self, template: Template) -> Self {
        Self(self.0 & !(1 << template as u32))
    }

    /// Whether a template is in the set.
    #[must_use]
    pub fn has(self, template: Template) -> bool {
        self.0 & (1 << template as u32) != 0
    }
}

/// Takes the features of a text, one by one.
pub trait Sink {
    /// A feature: its template, its hash, and the pieces or the number that it holds.
    fn add(&mut self, template: Template, hash: u64, of: Of);
}

/// What a feature holds, for explanations.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// The pieces from one to another, by their numbers.
    Pieces(u16, u16),
    /// Letters of the piece with this number.
    Letters(u16),
    /// An amount and the bound that it reaches.
    Amount(&'static str, i16),
}

/// The version of the rules by which a text is read into features, which no hash of data covers.
/// Raise it when code changes a feature.
pub(crate) const FEATURES_VERSION: u32 = 1;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ SEED) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ ((product >> 64) as u64)
}

fn feature(template: Template, hash: u64) -> u64 {
    mix(hash, SEED.wrapping_mul(u64::from(template as u8) + 1))
}

/// The row of weights that a feature has.
pub(crate) fn bucket(hash: u64, bits: u32) -> usize {
    (hash >> (64 - bits)) as usize
}

/// Gives the features of a reading to `sink`.
fn features<S: Sink>(reading: &Reading, templates: Templates, sink: &mut S) {
    let mut maker = Maker {
        reading,
        templates,
        sink,
    };
    maker.pieces();
    if templates.has(Template::Lexicon) {
        maker.lexicon();
    }
    if templates.has(Template::Style) {
        maker.style();
    }
}

struct Maker<'a, S> {
    reading: &'a Reading,
    templates: Templates,
    sink: &'a mut S,
}

impl<S: Sink> Maker<'_, S> {
    fn add(&mut self, template: Template, hash: u64, of: Of) {
        done(1);
        self.sink.add(template, feature(template, hash), of);
    }

    /// A piece's hash, with the mark of a negator where the model knows it.
    fn key(&self, piece: &Piece) -> u64 {
        if piece.negated && piece.kind == Kind::Word && self.templates.has(Template::Negated) {
            piece.hash ^ 0x5555
        } else {
            piece.hash
        }
    }

    fn pieces(&mut self) {
        let pieces = &self.reading.pieces;
        let (mut second, mut third) = (None, None);
        for (at, piece) in pieces.iter().enumerate() {
            let n = at as u16;
            if piece.kind == Kind::Hashtag {
                if self.templates.has(Template::One) {
                    self.add(Template::One, piece.hash, Of::Pieces(n, n));
                }
                continue;
            }
            let key = self.key(piece);
            if self.templates.has(Template::One) {
                self.add(Template::One, key, Of::Pieces(n, n));
            }
            if let Some((m, before)) = second {
                let two = mix(before, piece.hash);
                if self.templates.has(Template::Two) {
                    self.add(Template::Two, two, Of::Pieces(m, n));
                }
                if let Some((l, first)) = third {
                    if self.templates.has(Template::Three) {
                        self.add(Template::Three, mix(first, two), Of::Pieces(l, n));
                    }
                    if self.templates.has(Template::Skip) {
                        self.add(Template::Skip, mix(first, piece.hash), Of::Pieces(l, n));
                    }
                }
            }
            self.loud(piece, n);
            if self.templates.has(Template::Chars) && piece.kind == Kind::Word {
                self.chars(piece, n);
            }
            third = second;
            second = Some((n, piece.hash));
        }
        if self.templates.has(Template::Last) {
            let tail = pieces.iter().enumerate().rev();
            let tail = tail
                .filter(|(_, p)| !matches!(p.kind, Kind::Link | Kind::Mention))
                .take(2);
            for (at, piece) in tail {
                self.add(Template::Last, piece.hash, Of::Pieces(at as u16, at as u16));
            }
        }
    }

    fn loud(&mut self, piece: &Piece, n: u16) {
        if !self.templates.has(Template::Loud) {
            return;
        }
        for (is, mark) in [(piece.capitals, 1), (piece.elongated, 2), (piece.tagged, 3)] {
            if is {
                self.add(Template::Loud, mix(piece.hash, mark), Of::Pieces(n, n));
            }
        }
    }

    fn chars(&mut self, piece: &Piece, n: u16) {
        // Room for eight bytes from every place on.
        let mut padded = [b' '; MAX_FORM + 10];
        let form = self.reading.form(piece);
        padded[1..=form.len()].copy_from_slice(form);
        for size in 3..=5 {
            let these = (1_u64 << (8 * size)) - 1;
            let grams = (form.len() + 3).saturating_sub(size);
            for gram in padded[..grams + 7].windows(8) {
                let bytes = gram.try_into().map_or(0, u64::from_le_bytes);
                self.add(Template::Chars, bytes & these, Of::Letters(n));
            }
        }
    }
}
