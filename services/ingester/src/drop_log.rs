//! Logs what a source drops: the first message of each reason, then counts.
//!
//! Guarantee: each reason is logged at once when it first occurs, with the value that it concerns; all
//! further messages of a source are summed up in one line a period. Memory is bounded by the number of
//! reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use moodvane_model::{Account, Example, SourceId};

/// The time between two sums.
pub(crate) const PERIOD: Duration = Duration::from_secs(60);

/// The reasons of one source that were logged, and the counts that were not.
#[derive(Debug, Default)]
pub(crate) struct DropLog {
    logged: BTreeSet<Reason>,
    /// The reasons that are not the selection's.
    faults: BTreeSet<Reason>,
    pending: BTreeMap<Reason, u64>,
    /// The uptime at which the pending counts are logged.
    due: Option<Duration>,
}

/// A reason, for a value of a record with the name of its variable.
type Reason = (Option<&'static str>, &'static str);

/// A reason that occurs for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct First {
    reason: Reason,
    /// `None` for a message that the selection excludes.
    example: Option<Example>,
}

/// The counts of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Summary {
    /// Such as `malformed=3 wind.impossible_value=1`.
    counts: String,
    /// Whether anything was dropped that the selection does not exclude.
    has_faults: bool,
}

impl DropLog {
    /// Logs the reasons of a batch that are new, and adds the others to the next summary.
    pub(crate) fn record(&mut self, source: SourceId, batch: &Account, uptime: Duration) {
        for First { reason, example } in self.add(batch, uptime) {
            let name = name(reason);
            let Some(example) = example else {
                tracing::info!(%source, reason = name, "message not selected, more are counted");
                continue;
            };
            let (place, value) = (example.place().unwrap_or_default(), example.value());
            let value = value.unwrap_or_default();
            tracing::warn!(%source, reason = name, place, value, cause = example.why(), "message or value dropped, more are counted");
        }
    }

    /// Logs the pending counts once their period is over.
    pub(crate) fn flush(&mut self, source: SourceId, uptime: Duration) {
        let Some(Summary { counts, has_faults }) = self.take_due(uptime) else {
            return;
        };
        let period_s = PERIOD.as_secs();
        if has_faults {
            tracing::warn!(%source, counts, period_s, "messages or values dropped");
        } else {
            tracing::info!(%source, counts, period_s, "messages not selected");
        }
    }

    fn add(&mut self, batch: &Account, uptime: Duration) -> Vec<First> {
        let unselected = batch.not_selected().iter();
        let unselected = unselected.map(|(reason, count)| ((None, *reason), *count, None));
        let left_out = batch.left_out().iter();
        let left_out = left_out.map(|(reason, all)| ((None, *reason), all.count, Some(all)));
        let values = batch.values_left_out().iter().flat_map(|(variable, all)| {
            all.iter()
                .map(|(reason, all)| ((Some(*variable), *reason), all.count, Some(all)))
        });
        let mut firsts = Vec::new();
        for (reason, count, all) in unselected.chain(left_out).chain(values) {
            let mut pending = count;
            if all.is_some() {
                self.faults.insert(reason);
            }
            if self.logged.insert(reason) {
                let unknown = || Example::new("unknown");
                let example = all.map(|all| all.examples.first().cloned().unwrap_or_else(unknown));
                firsts.push(First { reason, example });
                pending = pending.saturating_sub(1);
            }
            if pending > 0 {
                *self.pending.entry(reason).or_default() += pending;
                self.due.get_or_insert(uptime + PERIOD);
            }
        }
        firsts
    }

    fn take_due(&mut self, uptime: Duration) -> Option<Summary> {
        self.due.filter(|due| *due <= uptime)?;
        self.due = None;
        let mut counts = String::new();
        for (reason, count) in &self.pending {
            let space = if counts.is_empty() { "" } else { " " };
            let _ = write!(counts, "{space}{}={count}", name(*reason));
        }
        let pending = std::mem::take(&mut self.pending);
        let has_faults = pending.keys().any(|reason| self.faults.contains(reason));
        Some(Summary { counts, has_faults })
    }
}

fn name((variable, reason): Reason) -> String {
    match variable {
        Some(variable) => format!("{variable}.{reason}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn malformed(values: &[&str]) -> Account {
        let mut account = Account::default();
        for value in values {
            account.leave_out("malformed", || Example::new("not a time").with_value(value));
        }
        account
    }

    fn unselected(count: u64) -> Account {
        let mut account = Account::default();
        (0..count).for_each(|_| account.skip_unselected("no_city"));
        account
    }

    fn firsts(
        log: &mut DropLog,
        batch: &Account,
        uptime: Duration,
    ) -> Vec<(String, Option<String>)> {
        let found = log.add(batch, uptime).into_iter();
        let value = |first: First| {
            let value = first.example.and_then(|e| e.value().map(str::to_owned));
            (name(first.reason), value)
        };
        found.map(value).collect()
    }

    #[test]
    fn logs_first_of_each_reason_with_value_and_counts_others() {
        let mut log = DropLog::default();
        let found = firsts(&mut log, &malformed(&["a", "b", "c"]), SECOND);
        assert_eq!(found, [("malformed".to_owned(), Some("a".to_owned()))]);
        assert_eq!(firsts(&mut log, &malformed(&["d"]), SECOND * 2), []);
        let found = firsts(&mut log, &unselected(5), SECOND * 3);
        assert_eq!(found, [("no_city".to_owned(), None)]);
        let mut value = Account::default();
        value.leave_out_value("wind", "malformed", || Example::new("no").with_value("x"));
        let found = firsts(&mut log, &value, SECOND * 4);
        assert_eq!(found, [("wind.malformed".to_owned(), Some("x".to_owned()))]);

        assert_eq!(log.take_due(SECOND + PERIOD - SECOND / 2), None);
        let summary = log.take_due(SECOND + PERIOD).unwrap();
        assert_eq!(summary.counts, "malformed=3 no_city=4");
        assert!(summary.has_faults);
        assert_eq!(log.take_due(SECOND * 900), None, "nothing new");
    }

    #[test]
    fn sums_up_each_period_once() {
        let mut log = DropLog::default();
        firsts(&mut log, &unselected(1), Duration::ZERO);
        let mut summaries = Vec::new();
        for second in 0..180 {
            assert_eq!(firsts(&mut log, &unselected(10), SECOND * second), []);
            summaries.extend(log.take_due(SECOND * second));
        }
        let counts: Vec<_> = summaries.iter().map(|s| s.counts.as_str()).collect();
        assert_eq!(counts, ["no_city=610", "no_city=610"]);
        assert!(summaries.iter().all(|summary| !summary.has_faults));
    }
}
