//! Readiness: the checks that must all pass before a process receives traffic.
//!
//! Guarantee: a check that never passed fails with the reason `starting`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const STARTING: &str = "starting";

type Slot = (&'static str, Result<(), String>);

/// The checks of a process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Vec<Slot>>>);

/// One check of a [`Readiness`]. Clones are the same check.
#[derive(Debug, Clone)]
pub struct Check {
    readiness: Readiness,
    index: usize,
}

impl Readiness {
    /// No checks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check, which fails with `starting` until it passes. For an existing name, resets that
    /// check: its component restarts.
    #[must_use]
    pub fn check(&self, name: &'static str) -> Check {
        let mut slots = self.slots();
        let index = slots.iter().position(|slot| slot.0 == name);
        let index = index.unwrap_or(slots.len());
        match slots.get_mut(index) {
            Some(slot) => slot.1 = Err(STARTING.to_owned()),
            None => slots.push((name, Err(STARTING.to_owned()))),
        }
        Check {
            readiness: self.clone(),
            index,
        }
    }

    /// Every check with its name and its reason for failing, in the order of creation.
    #[must_use]
    pub fn report(&self) -> Vec<(&'static str, Result<(), String>)> {
        self.slots().clone()
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        // Each change is one assignment, so a poisoned lock holds a consistent value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check {
    /// The check passes.
    pub fn ok(&self) {
        self.set(Ok(()));
    }

    /// The check fails, for a reason that operators read.
    pub fn fail(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    fn set(&self, result: Result<(), String>) {
        if let Some(slot) = self.readiness.slots().get_mut(self.index) {
            slot.1 = result;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_fails_with_reason_until_it_passes() {
        let readiness = Readiness::new();
        assert!(readiness.report().is_empty());
        let (log, store) = (readiness.check("log"), readiness.check("store"));
        assert_eq!(
            readiness.report(),
            [
                ("log", Err("starting".to_owned())),
                ("store", Err("starting".to_owned()))
            ]
        );
        log.ok();
        store.clone().fail("the disk is full");
        assert_eq!(
            readiness.clone().report(),
            [
                ("log", Ok(())),
                ("store", Err("the disk is full".to_owned()))
            ]
        );
    }

    #[test]
    fn existing_name_resets_its_check() {
        let readiness = Readiness::new();
        let first = readiness.check("log");
        first.ok();
        let second = readiness.check("log");
        assert_eq!(readiness.report(), [("log", Err("starting".to_owned()))]);
        second.ok();
        assert_eq!(readiness.report(), [("log", Ok(()))]);
    }
}
