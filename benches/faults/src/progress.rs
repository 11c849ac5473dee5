//! Observes the progress of the partitions in the store.
//!
//! Guarantee: no stall is reported shorter than it was: progress that cannot be read counts as
//! unchanged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use moodvane_model::{Incarnation, Offset, Partition, ProgressKey, RunId, Topic};
use moodvane_store::{CassandraStore, Store};
use tokio::task::JoinHandle;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The longest times without progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stall {
    /// In all partitions at once.
    pub(crate) all: Duration,
    /// In the worst partition.
    pub(crate) worst: Duration,
}

#[derive(Debug)]
struct PartitionProgress {
    next: Option<Offset>,
    moved: Instant,
    longest: Duration,
}

/// The observations since the start of the round.
#[derive(Debug)]
struct ProgressHistory {
    partitions: BTreeMap<Partition, PartitionProgress>,
    moved: Instant,
    longest: Duration,
}

impl ProgressHistory {
    fn new(partitions: u32, now: Instant) -> Self {
        let seen = |_| PartitionProgress {
            next: None,
            moved: now,
            longest: Duration::ZERO,
        };
        let partitions = (0..partitions).map(Partition);
        Self {
            partitions: partitions.map(|p| (p, seen(p))).collect(),
            moved: now,
            longest: Duration::ZERO,
        }
    }

    /// Starts a new round; the last offsets are kept.
    fn begin(&mut self, now: Instant) {
        for seen in self.partitions.values_mut() {
            (seen.moved, seen.longest) = (now, Duration::ZERO);
        }
        (self.moved, self.longest) = (now, Duration::ZERO);
    }

    fn note(&mut self, partition: Partition, next: Offset, now: Instant) {
        let Some(seen) = self.partitions.get_mut(&partition) else {
            return;
        };
        let before = seen.next.replace(next);
        if before == Some(next) {
            return;
        }
        seen.longest = seen.longest.max(now.saturating_duration_since(seen.moved));
        seen.moved = now;
        self.longest = self.longest.max(now.saturating_duration_since(self.moved));
        self.moved = now;
    }

    fn stall(&self, now: Instant) -> Stall {
        let until_now =
            |longest: Duration, moved: Instant| longest.max(now.saturating_duration_since(moved));
        let of_each = self.partitions.values();
        Stall {
            all: until_now(self.longest, self.moved),
            worst: of_each
                .map(|seen| until_now(seen.longest, seen.moved))
                .max()
                .unwrap_or_default(),
        }
    }

    /// Whether every partition moved since the round began.
    fn all_moved_since(&self, began: Instant) -> bool {
        self.partitions.values().all(|seen| seen.moved > began)
    }
}

/// Looks at the progress of topic `tweet` until it is dropped.
pub(crate) struct Watch {
    ledger: Arc<Mutex<ProgressHistory>>,
    key: Arc<Mutex<(RunId, Incarnation)>>,
    task: JoinHandle<()>,
    began: Instant,
}

impl Watch {
    pub(crate) fn start(
        store: CassandraStore,
        run: RunId,
        incarnation: Incarnation,
        partitions: u32,
    ) -> Self {
        let now = Instant::now();
        let ledger = Arc::new(Mutex::new(ProgressHistory::new(partitions, now)));
        let key = Arc::new(Mutex::new((run, incarnation)));
        let task = tokio::spawn(poll_progress(store, Arc::clone(&key), Arc::clone(&ledger)));
        Self {
            ledger,
            key,
            task,
            began: now,
        }
    }

    /// Starts a round.
    pub(crate) fn begin(&mut self) {
        self.began = Instant::now();
        locked(&self.ledger).begin(self.began);
    }

    /// Observes another incarnation from now on.
    pub(crate) fn follow(&self, incarnation: Incarnation) {
        locked(&self.key).1 = incarnation;
    }

    /// Whether every partition advanced after `since`.
    pub(crate) fn all_moved_since(&self, since: Instant) -> bool {
        locked(&self.ledger).all_moved_since(since)
    }

    /// The longest stalls since the start of the round.
    pub(crate) fn stall(&self) -> Stall {
        locked(&self.ledger).stall(Instant::now())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn poll_progress(
    store: CassandraStore,
    key: Arc<Mutex<(RunId, Incarnation)>>,
    ledger: Arc<Mutex<ProgressHistory>>,
) {
    let partitions: Vec<Partition> = locked(&ledger).partitions.keys().copied().collect();
    loop {
        let (run, incarnation) = locked(&key).clone();
        let reads = partitions.iter().map(|partition| {
            let (store, run) = (&store, run.clone());
            async move {
                let key = ProgressKey {
                    run,
                    topic: Topic::Tweet,
                    incarnation,
                    partition: *partition,
                };
                // An unreachable store counts as no progress.
                let found = store.progress(&key).await.ok().flatten();
                found.map(|progress| (*partition, progress.next))
            }
        });
        let found = join_all(reads).await;
        let now = Instant::now();
        for (partition, next) in found.into_iter().flatten() {
            locked(&ledger).note(partition, next, now);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// A panic elsewhere leaves the history valid: a stall can only be too long.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_longest_time_without_progress_including_the_current_one() {
        let zero = Instant::now();
        let at = |seconds| zero + Duration::from_secs(seconds);
        let mut ledger = ProgressHistory::new(2, at(0));
        let mut note = |partition, next, seconds| {
            ledger.note(Partition(partition), Offset(next), at(seconds));
        };
        note(0, 1, 1);
        note(1, 1, 2);
        note(0, 1, 3); // no progress
        note(0, 2, 6);
        note(1, 2, 7);
        let found = ledger.stall(at(8));
        let seconds = |all, worst| Stall {
            all: Duration::from_secs(all),
            worst: Duration::from_secs(worst),
        };
        assert_eq!(found, seconds(4, 5));
        assert_eq!(ledger.stall(at(20)), seconds(13, 14));
        ledger.begin(at(20));
        assert_eq!(ledger.stall(at(21)), seconds(1, 1));
        assert!(!ledger.all_moved_since(at(20)));
    }
}
