//! Features: from the pieces of a text to the hashed features that the model weights.
//!
//! Terms: a *template* is a kind of feature, such as "two consecutive words". A *feature* is a 64-bit hash
//! of its template and content. Features are binary: an amount, such as a sum of valences, is encoded as
//! one feature for each bound that it reaches.
//!
//! Guarantee: the number of features is bounded by a multiple of the number of pieces.

mod amounts;
pub(crate) mod extractor;

use super::piece::{Kind, Piece, Pieces};
use super::word::MAX_FORM;
use crate::work::count_work;

/// A kind of feature. The value is its bit in [`TemplateSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Template {
    /// One piece.
    One = 0,
    /// Two consecutive pieces.
    Two = 1,
    /// Three consecutive pieces.
    Three = 2,
    /// Two pieces with one in between.
    Skip = 3,
    /// Three to five characters of a word.
    Chars = 4,
    /// Sums of lexicon valences, with negation and scales.
    Lexicon = 5,
    /// Counts of stylistic markers.
    Style = 6,
    /// A piece that is in capitals, elongated, or part of a hashtag.
    Loud = 7,
    /// The last pieces of a text.
    Last = 8,
    /// Marks a piece in the scope of a negator.
    Negated = 9,
}

/// A set of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TemplateSet(pub u32);

impl Template {
    /// All templates.
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

    /// The name of the template.
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

impl TemplateSet {
    /// The set of all templates.
    pub const ALL: Self = Self(0x3ff);

    /// This set without one template.
    #[must_use]
    pub fn without(self, template: Template) -> Self {
        Self(self.0 & !(1 << template as u32))
    }

    /// Whether the set contains a template.
    #[must_use]
    pub fn has(self, template: Template) -> bool {
        self.0 & (1 << template as u32) != 0
    }
}

/// Receives the features of a text.
pub trait FeatureSink {
    /// Adds a feature with its template, hash and content.
    fn add(&mut self, template: Template, hash: u64, content: FeatureContent);
}

/// The content of a feature, for explanations.
#[derive(Debug, Clone, Copy)]
pub enum FeatureContent {
    /// A range of pieces: first and last index.
    Pieces(u16, u16),
    /// Letters of the piece with this index.
    Letters(u16),
    /// An amount, by name, and the bound that it reaches.
    Amount(&'static str, i16),
}

/// The version of the feature rules, which the hash of the data files does not cover. Raise it when a
/// code change alters a feature.
pub(crate) const FEATURES_VERSION: u32 = 1;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ SEED) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ ((product >> 64) as u64)
}

fn feature(template: Template, hash: u64) -> u64 {
    mix(hash, SEED.wrapping_mul(u64::from(template as u8) + 1))
}

/// The index of a feature's row of weights.
pub(crate) fn bucket(hash: u64, bits: u32) -> usize {
    (hash >> (64 - bits)) as usize
}

/// Passes the features of `pieces` to `sink`.
fn emit_features<S: FeatureSink>(pieces: &Pieces, templates: TemplateSet, sink: &mut S) {
    let mut emitter = Emitter {
        pieces,
        templates,
        sink,
    };
    emitter.pieces();
    if templates.has(Template::Lexicon) {
        emitter.lexicon();
    }
    if templates.has(Template::Style) {
        emitter.style();
    }
}

struct Emitter<'a, S> {
    pieces: &'a Pieces,
    templates: TemplateSet,
    sink: &'a mut S,
}

impl<S: FeatureSink> Emitter<'_, S> {
    fn add(&mut self, template: Template, hash: u64, content: FeatureContent) {
        count_work(1);
        self.sink.add(template, feature(template, hash), content);
    }

    /// The hash of a piece, marked if it is negated and the model uses [`Template::Negated`].
    fn marked_hash(&self, piece: &Piece) -> u64 {
        if piece.negated && piece.kind == Kind::Word && self.templates.has(Template::Negated) {
            piece.hash ^ 0x5555
        } else {
            piece.hash
        }
    }

    fn pieces(&mut self) {
        let pieces = &self.pieces.list;
        let (mut second, mut third) = (None, None);
        for (index, piece) in pieces.iter().enumerate() {
            let n = index as u16;
            if piece.kind == Kind::Hashtag {
                if self.templates.has(Template::One) {
                    self.add(Template::One, piece.hash, FeatureContent::Pieces(n, n));
                }
                continue;
            }
            let hash = self.marked_hash(piece);
            if self.templates.has(Template::One) {
                self.add(Template::One, hash, FeatureContent::Pieces(n, n));
            }
            self.sequences(piece, n, second, third);
            self.loud(piece, n);
            if self.templates.has(Template::Chars) && piece.kind == Kind::Word {
                self.chars(piece, n);
            }
            third = second;
            second = Some((n, piece.hash));
        }
        self.last();
    }

    /// Two and three consecutive pieces, and two with one in between, that end with `piece`. `second` and
    /// `third` are the indices and hashes of the two pieces before it.
    #[inline]
    fn sequences(
        &mut self,
        piece: &Piece,
        n: u16,
        second: Option<(u16, u64)>,
        third: Option<(u16, u64)>,
    ) {
        let Some((m, before)) = second else {
            return;
        };
        let two = mix(before, piece.hash);
        if self.templates.has(Template::Two) {
            self.add(Template::Two, two, FeatureContent::Pieces(m, n));
        }
        let Some((l, first)) = third else {
            return;
        };
        if self.templates.has(Template::Three) {
            self.add(
                Template::Three,
                mix(first, two),
                FeatureContent::Pieces(l, n),
            );
        }
        if self.templates.has(Template::Skip) {
            let skip = mix(first, piece.hash);
            self.add(Template::Skip, skip, FeatureContent::Pieces(l, n));
        }
    }

    fn last(&mut self) {
        if !self.templates.has(Template::Last) {
            return;
        }
        let pieces = self.pieces.list.iter().enumerate().rev();
        let last = pieces
            .filter(|(_, p)| !matches!(p.kind, Kind::Link | Kind::Mention))
            .take(2);
        for (index, piece) in last {
            let n = index as u16;
            self.add(Template::Last, piece.hash, FeatureContent::Pieces(n, n));
        }
    }

    fn loud(&mut self, piece: &Piece, n: u16) {
        if !self.templates.has(Template::Loud) {
            return;
        }
        for (is, mark) in [(piece.capitals, 1), (piece.elongated, 2), (piece.tagged, 3)] {
            if is {
                self.add(
                    Template::Loud,
                    mix(piece.hash, mark),
                    FeatureContent::Pieces(n, n),
                );
            }
        }
    }

    fn chars(&mut self, piece: &Piece, n: u16) {
        // Padded so that eight bytes can be read from every offset.
        let mut padded = [b' '; MAX_FORM + 10];
        let form = self.pieces.form(piece);
        padded[1..=form.len()].copy_from_slice(form);
        for size in 3..=5 {
            let these = (1_u64 << (8 * size)) - 1;
            let grams = (form.len() + 3).saturating_sub(size);
            for gram in padded[..grams + 7].windows(8) {
                let bytes = gram.try_into().map_or(0, u64::from_le_bytes);
                self.add(Template::Chars, bytes & these, FeatureContent::Letters(n));
            }
        }
    }
}
