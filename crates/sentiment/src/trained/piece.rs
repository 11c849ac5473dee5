//! What a text is read into: pieces, one for each word, symbol or mark.
//!
//! Terms: a piece's *form* is how it is written once folded: lower case, no apostrophe, long runs of
//! a letter cut. Its *hash* stands for the form; pieces of one form have one hash.
//!
//! Guarantee: the memory of a reading is kept between calls and bounded by [`MAX_PIECES`].

/// What follows this many pieces of a text is not read: a post of the longest kind has far fewer.
pub(crate) const MAX_PIECES: usize = 4_096;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// A word, or a part of a hashtag.
    #[default]
    Word,
    /// A whole hashtag; the words in it follow.
    Hashtag,
    /// An emoticon or an emoji.
    Symbol,
    /// Punctuation that says something: `!`, `?!`, `...`.
    Mark,
    /// A mention; every name gives the same piece.
    Mention,
    /// A link; every address gives the same piece.
    Link,
    /// A number; every number of as many digits gives the same piece.
    Number,
}

/// One word, symbol or mark.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    /// Stands for the form.
    pub(crate) hash: u64,
    /// Where the form lies in the reading's buffer.
    pub(crate) start: u32,
    /// How many bytes the form has.
    pub(crate) len: u16,
    /// What the lexicons know of it.
    pub(crate) known: super::words::Known,
    /// It stands in a negator's reach.
    pub(crate) negated: bool,
    /// It is written in capitals.
    pub(crate) capitals: bool,
    /// A letter stands in it three times in a row or more.
    pub(crate) elongated: bool,
    /// It is part of a hashtag.
    pub(crate) tagged: bool,
}

/// How a text is written, beside its pieces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) exclamations: u32,
    pub(crate) questions: u32,
    pub(crate) ellipses: u32,
    pub(crate) quotes: u32,
    pub(crate) mentions: u32,
    pub(crate) links: u32,
    pub(crate) hashtags: u32,
    pub(crate) numbers: u32,
    pub(crate) symbols: u32,
    pub(crate) words: u32,
    pub(crate) capitals: u32,
    pub(crate) elongated: u32,
    pub(crate) negators: u32,
    /// The text begins with a mention.
    pub(crate) reply: bool,
}

/// A text as pieces. Kept between calls, so that its memory is.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) forms: Vec<u8>,
    pub(crate) style: Style,
}

impl Reading {
    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.forms.clear();
        self.style = Style::default();
    }

    /// The form of a piece.
    pub(crate) fn form(&self, piece: &Piece) -> &[u8] {
        let start = piece.start as usize;
        self.forms
            .get(start..start + usize::from(piece.len))
            .unwrap_or_default()
    }
}
