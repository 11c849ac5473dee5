//! An account of an input: what was read, kept and left out, and why.
//!
//! Terms: a record that is *left out* was meant to count and could not; one that is *not selected* was
//! excluded by the user's own choice; a *value* that is left out does not cost its record; *out of range*
//! is a record outside the requested period.
//!
//! Guarantees: `read` is the sum of `kept`, `duplicates`, `out_of_range` and all that is left out or
//! not selected, if every record is counted by one method of [`Account`]. Memory is bounded: reasons are
//! from bounded sets, each keeps its first three examples, and texts of examples are truncated.

use std::collections::BTreeMap;

use serde::Serialize;

/// The most examples of a reason.
pub const MAX_EXAMPLES: usize = 3;
/// The most characters of a value in an example.
const MAX_VALUE_CHARS: usize = 120;
/// The most characters of an explanation.
const MAX_WHY_CHARS: usize = 400;

/// Counts of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    read: u64,
    kept: u64,
    duplicates: u64,
    out_of_range: u64,
    not_selected: BTreeMap<&'static str, u64>,
    left_out: BTreeMap<&'static str, LeftOut>,
    /// By the name of the variable, then by reason.
    values_left_out: BTreeMap<&'static str, BTreeMap<&'static str, LeftOut>>,
    /// By the name of the variable.
    values_missing: BTreeMap<&'static str, u64>,
}

/// What was left out for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A record or a value that was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The line in a file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The position in a topic, as partition@offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    /// The column of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// The start of the value, or of the record if no value of it is the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The problem.
    why: String,
}

impl Example {
    /// An example with this problem.
    #[must_use]
    pub fn new(why: &str) -> Self {
        Self {
            why: truncate(why, MAX_WHY_CHARS),
            ..Self::default()
        }
    }

    /// Sets the line.
    #[must_use]
    pub fn at_line(self, line: Option<u64>) -> Self {
        Self { line, ..self }
    }

    /// Sets the position in a topic.
    #[must_use]
    pub fn at_position(self, position: String) -> Self {
        Self {
            position: Some(position),
            ..self
        }
    }

    /// Sets the column.
    #[must_use]
    pub fn in_column(self, column: Option<&str>) -> Self {
        Self {
            column: column.map(|name| truncate(name, MAX_VALUE_CHARS)),
            ..self
        }
    }

    /// Sets the value, of which it keeps the start.
    #[must_use]
    pub fn with_value(self, value: &str) -> Self {
        Self {
            value: Some(truncate(value, MAX_VALUE_CHARS)),
            ..self
        }
    }

    /// The start of the value.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The column of a table.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// The problem.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Where the record is, for people: `line 3`, `record 0@7`, or nothing.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match (self.line, &self.position) {
            (Some(line), _) => Some(format!("line {line}")),
            (None, position) => position.as_ref().map(|at| format!("record {at}")),
        }
    }
}

/// The first characters of a text, with an ellipsis if there are more.
fn truncate(text: &str, chars: usize) -> String {
    let mut rest = text.chars();
    let mut start: String = rest.by_ref().take(chars).collect();
    if rest.next().is_some() {
        start.push('…');
    }
    start
}

impl LeftOut {
    /// Counts one; `example` is called if its example is among the first.
    pub fn add(&mut self, example: impl FnOnce() -> Example) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example());
        }
    }

    /// Adds those of a later part of the input.
    pub fn append(&mut self, later: Self) {
        self.count += later.count;
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(later.examples.into_iter().take(room));
    }
}

impl Account {
    /// Counts records that were kept.
    pub fn keep(&mut self, records: u64) {
        self.read += records;
        self.kept += records;
    }

    /// Counts a record that was kept before.
    pub fn skip_duplicate(&mut self) {
        self.read += 1;
        self.duplicates += 1;
    }

    /// Counts a record outside the requested period.
    pub fn skip_out_of_range(&mut self) {
        self.read += 1;
        self.out_of_range += 1;
    }

    /// Counts a record that the user's selection excludes.
    pub fn skip_unselected(&mut self, reason: &'static str) {
        self.read += 1;
        *self.not_selected.entry(reason).or_default() += 1;
    }

    /// Counts a record that is left out; `example` is called for the first ones of a reason.
    pub fn leave_out(&mut self, reason: &'static str, example: impl FnOnce() -> Example) {
        self.read += 1;
        self.left_out.entry(reason).or_default().add(example);
    }

    /// Counts records that are left out and of which nothing more is known.
    pub fn leave_out_many(&mut self, reason: &'static str, records: u64) {
        if records > 0 {
            self.read += records;
            self.left_out.entry(reason).or_default().count += records;
        }
    }

    /// Counts a value of a record that is kept without it.
    pub fn leave_out_value(
        &mut self,
        variable: &'static str,
        reason: &'static str,
        example: impl FnOnce() -> Example,
    ) {
        let reasons = self.values_left_out.entry(variable).or_default();
        reasons.entry(reason).or_default().add(example);
    }

    /// Counts a value that the input itself marks as missing: nothing is lost.
    pub fn count_missing_value(&mut self, variable: &'static str) {
        *self.values_missing.entry(variable).or_default() += 1;
    }

    /// Adds the account of a later part of the same input.
    pub fn append(&mut self, later: Self) {
        self.read += later.read;
        self.kept += later.kept;
        self.duplicates += later.duplicates;
        self.out_of_range += later.out_of_range;
        for (reason, records) in later.not_selected {
            *self.not_selected.entry(reason).or_default() += records;
        }
        for (reason, left_out) in later.left_out {
            self.left_out.entry(reason).or_default().append(left_out);
        }
        for (variable, values) in later.values_missing {
            *self.values_missing.entry(variable).or_default() += values;
        }
        for (variable, reasons) in later.values_left_out {
            let known = self.values_left_out.entry(variable).or_default();
            for (reason, left_out) in reasons {
                known.entry(reason).or_default().append(left_out);
            }
        }
    }

    /// The number of records that were read.
    #[must_use]
    pub fn records_read(&self) -> u64 {
        self.read
    }

    /// The number of records that were kept.
    #[must_use]
    pub fn records_kept(&self) -> u64 {
        self.kept
    }

    /// The number of records that were kept before.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The number of records outside the requested period.
    #[must_use]
    pub fn out_of_range(&self) -> u64 {
        self.out_of_range
    }

    /// The records that the selection excludes, by reason.
    #[must_use]
    pub fn not_selected(&self) -> &BTreeMap<&'static str, u64> {
        &self.not_selected
    }

    /// The records that were left out, by reason.
    #[must_use]
    pub fn left_out(&self) -> &BTreeMap<&'static str, LeftOut> {
        &self.left_out
    }

    /// The values that were left out, by variable and reason.
    #[must_use]
    pub fn values_left_out(&self) -> &BTreeMap<&'static str, BTreeMap<&'static str, LeftOut>> {
        &self.values_left_out
    }

    /// The values that the input marks as missing, by variable.
    #[must_use]
    pub fn values_missing(&self) -> &BTreeMap<&'static str, u64> {
        &self.values_missing
    }

    /// The number of records that were left out.
    #[must_use]
    pub fn records_left_out(&self) -> u64 {
        self.left_out.values().map(|left_out| left_out.count).sum()
    }

    /// The number of values that were left out.
    #[must_use]
    pub fn count_values_left_out(&self) -> u64 {
        let reasons = self.values_left_out.values().flat_map(BTreeMap::values);
        reasons.map(|left_out| left_out.count).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Event {
        Keep(u64),
        Duplicate,
        OutOfRange,
        Unselected(bool),
        LeftOut(bool),
        Many(u64),
        Value(bool),
        Missing,
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            (0_u64..5).prop_map(Event::Keep),
            Just(Event::Duplicate),
            Just(Event::OutOfRange),
            any::<bool>().prop_map(Event::Unselected),
            any::<bool>().prop_map(Event::LeftOut),
            (0_u64..5).prop_map(Event::Many),
            any::<bool>().prop_map(Event::Value),
            Just(Event::Missing),
        ];
        proptest::collection::vec(event, 0..40)
    }

    /// The account of events whose examples are numbered from `first`.
    fn account(events: &[Event], first: usize) -> Account {
        let name = |second: bool| if second { "b" } else { "a" };
        let mut account = Account::default();
        for (n, event) in events.iter().enumerate() {
            let example = || Example::new(&(first + n).to_string());
            match event {
                Event::Keep(records) => account.keep(*records),
                Event::Duplicate => account.skip_duplicate(),
                Event::OutOfRange => account.skip_out_of_range(),
                Event::Unselected(second) => account.skip_unselected(name(*second)),
                Event::LeftOut(second) => account.leave_out(name(*second), example),
                Event::Many(records) => account.leave_out_many("c", *records),
                Event::Value(second) => account.leave_out_value("wind", name(*second), example),
                Event::Missing => account.count_missing_value("wind"),
            }
        }
        account
    }

    proptest! {
        #[test]
        fn every_read_record_is_accounted_for(events in events()) {
            let found = account(&events, 0);
            let parts = found.records_kept()
                + found.duplicates()
                + found.out_of_range()
                + found.not_selected().values().sum::<u64>()
                + found.records_left_out();
            prop_assert_eq!(found.records_read(), parts);
            for left_out in found.left_out().values() {
                prop_assert!(left_out.examples.len() <= MAX_EXAMPLES);
            }
        }

        #[test]
        fn account_of_parts_equals_account_of_whole(events in events(), at in 0_usize..40) {
            let at = at.min(events.len());
            let mut parts = account(&events[..at], 0);
            parts.append(account(&events[at..], at));
            prop_assert_eq!(parts, account(&events, 0));
        }
    }

    #[test]
    fn truncates_texts_of_examples() {
        let example = Example::new(&"é".repeat(500)).with_value(&"x".repeat(121));
        assert_eq!(example.why().chars().count(), MAX_WHY_CHARS + 1);
        assert_eq!(example.value().unwrap(), "x".repeat(120) + "…");
        assert_eq!(Example::new("a").with_value("b").value(), Some("b"));
    }
}
