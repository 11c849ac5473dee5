//! Pieces: the tokens of a text, one per word, symbol or mark.
//!
//! Terms: the *form* of a piece is its folded spelling: lower case, no apostrophe, long runs of a letter
//! cut. Its *hash* identifies the form.
//!
//! Guarantee: the buffers are reused between calls and bounded by [`MAX_PIECES`].

use std::ops::Range;

/// The maximum number of pieces of a text; the rest is ignored. The longest posts have far fewer.
pub(crate) const MAX_PIECES: usize = 4_096;

/// The kind of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// A word, or a word of a hashtag.
    #[default]
    Word,
    /// A complete hashtag; its words follow.
    Hashtag,
    /// An emoticon or an emoji.
    Symbol,
    /// Expressive punctuation: `!`, `?!`, `...`.
    Mark,
    /// A mention; all names yield the same piece.
    Mention,
    /// A link; all addresses yield the same piece.
    Link,
    /// A number; all numbers with the same number of digits yield the same piece.
    Number,
}

/// One word, symbol or mark.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    /// Identifies the form.
    pub(crate) hash: u64,
    /// Offset of the form in the buffer of forms.
    pub(crate) start: u32,
    /// Length of the form in bytes.
    pub(crate) len: u16,
    /// Offset of the piece in the text.
    pub(crate) from: u32,
    /// Offset of its end in the text.
    pub(crate) to: u32,
    /// Its entry in the lexicons.
    pub(crate) entry: super::words::Entry,
    /// It is in the scope of a negator.
    pub(crate) negated: bool,
    /// It is written in capitals.
    pub(crate) capitals: bool,
    /// A letter occurs three or more times in a row.
    pub(crate) elongated: bool,
    /// It is part of a hashtag.
    pub(crate) tagged: bool,
}

/// Counts of stylistic markers in a text.
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

/// The pieces of a text. Reused between calls to avoid allocations.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pub(crate) list: Vec<Piece>,
    pub(crate) forms: Vec<u8>,
    pub(crate) style: Style,
}

impl Pieces {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
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

    /// The range of the pieces `first` to `last` in the text.
    pub(crate) fn range(&self, first: u16, last: u16) -> Option<Range<usize>> {
        let first = self.list.get(usize::from(first))?;
        let last = self.list.get(usize::from(last))?;
        Some(first.from as usize..last.to as usize)
    }
}
