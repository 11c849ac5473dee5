//! The reader of punctuation, mentions, links and hashtags.

use super::{Reader, run_length};
use crate::trained::piece::{Kind, MAX_PIECES};
use crate::trained::word::MAX_FORM;
use crate::work::count_work;

impl Reader<'_> {
    pub(super) fn ellipsis(&mut self) {
        self.end_clause();
        self.style().ellipses += 1;
        self.push_form(Kind::Mark, b"...");
    }

    pub(super) fn punctuation(&mut self, byte: u8) {
        let eyes = matches!(
            byte,
            b':' | b';' | b'=' | b'(' | b')' | b'<' | b'>' | b'\\' | b'^' | b'-'
        );
        if eyes && self.emoticon() {
            return;
        }
        match byte {
            b'@' => self.mention(),
            b'#' => self.hashtag(),
            b'!' | b'?' => self.emphasis_marks(),
            b'.' => self.dots(),
            _ => {
                self.at += 1;
                match byte {
                    b',' | b';' | b':' | b'(' | b')' => self.end_clause(),
                    b'"' => {
                        self.style().quotes += 1;
                        self.end_clause();
                    }
                    _ => {}
                }
            }
        }
    }

    fn dots(&mut self) {
        let dots = run_length(&self.bytes[self.at..], |b| b == b'.');
        self.at += dots;
        if dots > 1 {
            self.ellipsis();
        } else {
            self.end_clause();
        }
    }

    fn emphasis_marks(&mut self) {
        let marks = run_length(&self.bytes[self.at..], |b| b == b'!' || b == b'?');
        let these = &self.bytes[self.at..self.at + marks];
        let questions = these.iter().filter(|b| **b == b'?').count();
        self.at += marks;
        let style = self.style();
        style.questions += questions as u32;
        style.exclamations += (marks - questions) as u32;
        self.end_clause();
        let form: &[u8] = match (marks - questions, questions) {
            (1, 0) => b"!",
            (2, 0) => b"!!",
            (_, 0) => b"!!!",
            (0, 1) => b"?",
            (0, _) => b"??",
            _ => b"?!",
        };
        self.push_form(Kind::Mark, form);
    }

    /// Letters, digits and `_`, with single dots or hyphens inside.
    fn mention(&mut self) {
        let start = self.at;
        self.at += 1;
        let name = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        loop {
            count_work(1);
            while name(self.bytes.get(self.at)) {
                self.at += 1;
                count_work(1);
            }
            let inside = matches!(self.bytes.get(self.at), Some(b'.' | b'-'))
                && name(self.bytes.get(self.at - 1))
                && name(self.bytes.get(self.at + 1));
            if !inside {
                break;
            }
            self.at += 1;
        }
        if self.at - start == 1 {
            return;
        }
        let first = self.pieces.list.is_empty();
        let style = self.style();
        style.mentions += 1;
        style.reply |= first;
        self.push_form(Kind::Mention, b"@");
    }

    pub(super) fn link(&mut self) -> bool {
        let rest = &self.bytes[self.at..];
        let letters = run_length(rest, |b| b.is_ascii_alphanumeric());
        let (scheme, after) = rest.split_at(letters);
        let is_link = match after.first() {
            Some(b':') => after.starts_with(b"://"),
            Some(b'.') => {
                scheme.eq_ignore_ascii_case(b"www")
                    || scheme.eq_ignore_ascii_case(b"pic") && after.starts_with(b".twitter.")
            }
            _ => false,
        };
        if !is_link {
            return false;
        }
        let from = self.at + letters;
        let end = self
            .text
            .get(from..)
            .and_then(|s| s.find(char::is_whitespace));
        self.at = end.map_or(self.bytes.len(), |end| from + end);
        count_work(self.at - from);
        self.style().links += 1;
        self.push_form(Kind::Link, b"/");
        true
    }

    fn hashtag(&mut self) {
        self.at += 1;
        let rest = &self.bytes[self.at..];
        let ends =
            |c: char| c.is_whitespace() || c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_';
        let text = self.text.get(self.at..).unwrap_or_default();
        let name = text.find(ends).unwrap_or(text.len());
        count_work(name);
        if name == 0 || rest[..name].iter().all(u8::is_ascii_digit) {
            return;
        }
        self.style().hashtags += 1;
        let end = self.at + name;
        let mut form = [0; MAX_FORM];
        let kept = name.min(MAX_FORM);
        form[..kept].copy_from_slice(&rest[..kept]);
        form[..kept].make_ascii_lowercase();
        self.push_form(Kind::Hashtag, &form[..kept]);
        if let Some(piece) = self.pieces.list.last_mut() {
            piece.to = end as u32;
        }
        while self.at < end && self.pieces.list.len() < MAX_PIECES {
            let before = self.at;
            match self.bytes[self.at] {
                b'_' => self.at += 1,
                _ => self.word(true),
            }
            // A character that starts no word ends the tag.
            if self.at == before {
                break;
            }
        }
    }
}
