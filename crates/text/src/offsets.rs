//! The normal form with the offsets of the original text.

use std::ops::Range;

use crate::chars::needs_composition_check;
use crate::{LineBreaks, NFC, mapped};

/// A text in normal form, and where each part of it stands in the original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// The normal form.
    pub text: String,
    /// In order of both: the offset in the normal form, and the original range.
    marks: Vec<(usize, Range<usize>)>,
}

impl Normalised {
    /// The range of the original text that became this range of the normal form, in bytes. Letters that
    /// were composed have the range of all their parts.
    #[must_use]
    pub fn original_range(&self, normal: Range<usize>) -> Range<usize> {
        let after = |offset: usize| self.marks.partition_point(|(at, _)| *at < offset);
        let last = after(normal.end).checked_sub(1);
        let end = last
            .and_then(|last| self.marks.get(last))
            .map_or(0, |(_, original)| original.end);
        // The mark at the offset, or the one that contains it.
        let first = self.marks.partition_point(|(at, _)| *at <= normal.start);
        let first = first.checked_sub(1).and_then(|n| self.marks.get(n));
        let start = first.map_or(0, |(_, original)| original.start);
        start.min(end)..end
    }
}

/// As [`normalise`](crate::normalise), with the original offsets. Slower, for explanations.
#[must_use]
pub fn normalise_with_offsets(text: &str, line_breaks: LineBreaks) -> Normalised {
    let mut normalised = Normalised {
        text: String::with_capacity(text.len()),
        marks: Vec::with_capacity(text.len()),
    };
    let mut segment: Vec<(usize, char)> = Vec::new();
    for (at, c) in mapped(text, line_breaks) {
        // Such a character composes with no preceding one, so the parts on both sides are independent.
        if !needs_composition_check(c) {
            normalised.push_segment(text, &segment);
            segment.clear();
        }
        segment.push((at, c));
    }
    normalised.push_segment(text, &segment);
    normalised
}

impl Normalised {
    /// Appends characters that compose only with each other.
    fn push_segment(&mut self, text: &str, segment: &[(usize, char)]) {
        let chars = segment.iter().map(|(_, c)| *c);
        let composed: String = NFC.normalize_iter(chars.clone()).collect();
        if composed.chars().eq(chars) {
            for &(at, c) in segment {
                self.marks.push((self.text.len(), original(text, at, at)));
                self.text.push(c);
            }
            return;
        }
        if let (Some((first, _)), Some((last, _))) = (segment.first(), segment.last()) {
            let original = original(text, *first, *last);
            self.marks.push((self.text.len(), original));
        }
        self.text.push_str(&composed);
    }
}

/// The range from the character at `first` to the one at `last`, included.
fn original(text: &str, first: usize, last: usize) -> Range<usize> {
    let c = text.get(last..).and_then(|rest| rest.chars().next());
    first..last + c.map_or(0, char::len_utf8)
}
