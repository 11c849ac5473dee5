//! Watches, from outside, how far the partitions are in the store.
//!
//! Guarantee: a standstill is never told shorter than it was: what cannot be read has not moved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use moodvane_model::{Incarnation, Offset, Partition, ProgressKey, RunId, Topic};
use moodvane_store::{CassandraStore, Store};
use tokio::task::JoinHandle;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The longest times in which nothing moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standstill {
    /// In all partitions at once.
    pub(crate) all: Duration,
    /// In the worst partition.
    pub(crate) worst: Duration,
}

#[derive(Debug)]
struct Seen {
    next: Option<Offset>,
    moved: Instant,
    longest: Duration,
}

/// What was seen since the round began.
#[derive(Debug)]
struct Ledger {
    partitions: BTreeMap<Partition, Seen>,
    moved: Instant,
    longest: Duration,
}

impl Ledger {
    fn new(partitions: u32, now: Instant) -> Self {
        let seen = |_| Seen {
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

    /// A new round: what was read stays known.
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

    fn standstill(&self, now: Instant) -> Standstill {
        let until_now =
            |longest: Duration, moved: Instant| longest.max(now.saturating_duration_since(moved));
        let of_each = self.partitions.values();
        Standstill {
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
    ledger: Arc<Mutex<Ledger>>,
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
        let ledger = Arc::new(Mutex::new(Ledger::new(partitions, now)));
        let key = Arc::new(Mutex::new((run, incarnation)));
        let task = tokio::spawn(look(store, Arc::clone(&key), Arc::clone(&ledger)));
        Self {
            ledger,
            key,
            task,
            began: now,
        }
    }

    /// A round begins.
    pub(crate) fn begin(&mut self) {
        self.began = Instant::now();
        locked(&self.ledger).begin(self.began);
    }

    /// From now on the progress of another incarnation is looked at.
    pub(crate) fn follow(&self, incarnation: Incarnation) {
        locked(&self.key).1 = incarnation;
    }

    /// Whether every partition moved after `since`.
    pub(crate) fn all_moved_since(&self, since: Instant) -> bool {
        locked(&self.ledger).all_moved_since(since)
    }

    /// What was seen since the round began.
    pub(crate) fn standstill(&self) -> Standstill {
        locked(&self.ledger).standstill(Instant::now())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(
    store: CassandraStore,
    key: Arc<Mutex<(RunId, Incarnation)>>,
    ledger: Arc<Mutex<Ledger>>,
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
                // While the store is away nothing is seen to move.
                let found = store.progress(&key).await.ok().flatten();
                found.map(|progress| (*partition, progress.next))
            }
        });
        let found = join_all(reads).await;
        let now = Instant::now();
        for (partition, next) in found.into_iter().flatten() {
            locked(&ledger).note(partition, next, now);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// A panic elsewhere leaves a ledger whole: it is only ever told too long.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_is_the_longest_time_without_a_move_the_open_one_included() {
        let zero = Instant::now();
        let at = |seconds| zero + Duration::from_secs(seconds);
        let mut ledger = Ledger::new(2, at(0));
        let mut note = |partition, next, seconds| {
            ledger.note(Partition(partition), Offset(next), at(seconds));
        };
        note(0, 1, 1);
        note(1, 1, 2);
        note(0, 1, 3); // it did not move
        note(0, 2, 6);
        note(1, 2, 7);
        let found = ledger.standstill(at(8));
        let seconds = |all, worst| Standstill {
            all: Duration::from_secs(all),
            worst: Duration::from_secs(worst),
        };
        assert_eq!(found, seconds(4, 5));
        assert_eq!(ledger.standstill(at(20)), seconds(13, 14));
        ledger.begin(at(20));
        assert_eq!(ledger.standstill(at(21)), seconds(1, 1));
        assert!(!ledger.all_moved_since(at(20)));
    }
}
