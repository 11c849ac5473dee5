//! CSV quoting by RFC 4180, with the usual leniency: a quote opens a quoted field only at the start of a
//! field, a doubled quote is one quote, and text after the closing quote is kept.

use csv::StringRecord;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted field: it closes the field or is the first of two.
    Quote,
}

impl State {
    /// The state after `b`, and whether `b` is part of a field's value.
    fn step(self, b: u8) -> (Self, bool) {
        match (self, b) {
            (Self::Quoted, b'"') => (Self::Quote, false),
            (Self::Quoted, _) => (Self::Quoted, true),
            (Self::Quote, b'"') => (Self::Quoted, true),
            (Self::Start, b'"') => (Self::Quoted, false),
            (_, b',' | b'\n') => (Self::Start, false),
            _ => (Self::Plain, true),
        }
    }
}

/// Tracks quoting over the lines of a record to find its end.
pub(super) struct QuoteTracker(State);

impl QuoteTracker {
    pub(super) fn new() -> Self {
        Self(State::Start)
    }

    /// Adds the record's next line and returns whether a quoted field is still open after it.
    pub(super) fn is_open_after(&mut self, line: &[u8]) -> bool {
        // A line without a quote does not change whether a quoted field is open.
        if line.contains(&b'"') {
            self.0 = line.iter().fold(self.0, |state, b| state.step(*b).0);
        }
        self.0 == State::Quoted
    }
}

/// Splits a complete record into fields.
pub(super) fn split_csv(record: &str) -> StringRecord {
    if !record.contains('"') {
        return record.split(',').collect();
    }
    let mut fields = StringRecord::with_capacity(record.len(), 16);
    let mut field = String::new();
    let mut state = State::Start;
    // Only ASCII bytes change the state; any other character counts as plain text.
    for c in record.chars() {
        let b = u8::try_from(c).unwrap_or(b'x');
        let (next, is_value) = state.step(b);
        if is_value {
            field.push(c);
        } else if next == State::Start {
            fields.push_field(&field);
            field.clear();
        }
        state = next;
    }
    fields.push_field(&field);
    fields
}
