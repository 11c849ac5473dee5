//! The computed reports.
//!
//! Guarantee: a report is returned only for the same question about equal hours, so that a changed row
//! is never hidden. The least recently used report is dropped over the limit.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use moodvane_effect_report::EffectReport;

/// A hash of the question and of the hours that it is about.
pub(crate) type Fingerprint = u128;

/// The reports, the most recently used first.
pub(crate) struct EffectCache {
    max: usize,
    reports: Mutex<VecDeque<(Fingerprint, Arc<EffectReport>)>>,
}

impl EffectCache {
    /// A cache of at most `max` reports, of some 50 kB each.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            reports: Mutex::default(),
        }
    }

    pub(super) fn get(&self, key: Fingerprint) -> Option<Arc<EffectReport>> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let index = reports.iter().position(|(other, _)| *other == key)?;
        let found = reports.remove(index)?;
        let report = Arc::clone(&found.1);
        reports.push_front(found);
        Some(report)
    }

    pub(super) fn insert(&self, key: Fingerprint, report: Arc<EffectReport>) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|(other, _)| *other != key);
        reports.push_front((key, report));
        reports.truncate(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_effect_report::{Origin, Settings, Talk, Verdict};

    fn report(sentence: &str) -> Arc<EffectReport> {
        Arc::new(EffectReport {
            cities: Vec::new(),
            begin: String::new(),
            end: String::new(),
            talk: Talk::All,
            verdict: Verdict::TooLittle,
            sentence: sentence.to_owned(),
            proportion: None,
            more_hours: None,
            effect: None,
            checks: Vec::new(),
            settings: Settings::default(),
            origin: Origin::default(),
        })
    }

    #[test]
    fn drops_least_recently_used_report() {
        let cache = EffectCache::new(2);
        cache.insert(1, report("a"));
        cache.insert(2, report("b"));
        assert!(cache.get(1).is_some());
        cache.insert(3, report("c"));
        let found = [1, 2, 3].map(|key| cache.get(key).map(|report| report.sentence.clone()));
        assert_eq!(found, [Some("a".to_owned()), None, Some("c".to_owned())]);
    }

    #[test]
    fn cache_of_no_reports_keeps_none() {
        let cache = EffectCache::new(0);
        cache.insert(1, report("a"));
        assert!(cache.get(1).is_none());
    }
}
