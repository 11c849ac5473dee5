//! Readers and merges beside several writers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{join_all, join3};
use moodvane_model::{HourRow, HourSlot, RunId, SourceId};
use moodvane_store::{CassandraStore, Store};

use super::{LATEST, RUN, SLOTS, execute, hours, merge, progress};
use crate::conformance::{StoreFixture, city, hour, key, posts, row};
use crate::nodes::test_keyspace;

/// The number of posts of a row, by hour and source. A source stands for a partition.
type Counts = BTreeMap<(HourSlot, SourceId), u64>;

fn counts(hours: &[HourRow]) -> Counts {
    let counts = hours.iter().flat_map(|row| {
        let sources = row.sources.iter();
        sources.map(|(source, sums)| ((row.hour, *source), sums.posts.scored()))
    });
    counts.collect()
}

/// Writes rows of one partition with ever more posts, round the slots, each acknowledged in `written`.
async fn write_rows(store: &CassandraStore, partition: u32, written: &Mutex<Counts>) {
    for offset in 0..60_u64 {
        let slot = SLOTS[offset as usize % SLOTS.len()];
        let key = key(RUN, slot, partition, &format!("s{partition}"));
        let number = offset / SLOTS.len() as u64 + 1;
        let at = (key.hour, key.source);
        let row = row(key, posts(number), offset);
        store.put_partials(vec![row]).await.unwrap();
        written.lock().unwrap().insert(at, number);
        if offset % 3 != 1 {
            let progress = progress(partition, offset + 1, hour(LATEST));
            store.put_progress(vec![progress]).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_beside_writers_and_merges_have_every_acknowledged_row() {
    let fixture = test_keyspace().await;
    let stores = join_all([(); 4].map(|()| fixture.open())).await;
    stores[0].register_run(&RunId::new(RUN)).await.unwrap();
    let (written, done) = (Mutex::default(), AtomicBool::new(false));
    let writers = async {
        let writers = (0..4_u32).map(|p| write_rows(&stores[p as usize % 2], p, &written));
        join_all(writers).await;
        done.store(true, Ordering::Relaxed);
    };
    let merges = async {
        let mut merged = 0;
        while !done.load(Ordering::Relaxed) {
            merged += merge(&stores[2]).await;
        }
        merged + merge(&stores[2]).await
    };
    let reads = async {
        while !done.load(Ordering::Relaxed) {
            let mut before: Counts = written.lock().unwrap().clone();
            // A day's hours are read from the rows: what they have, merged hours have too.
            for slot in SLOTS.map(hour) {
                let rows = stores[3].hours(city(), slot.into()).await.unwrap();
                before.extend(counts(&rows));
            }
            let found = counts(&hours(&stores[3]).await);
            for (at, number) in before {
                assert!(found.get(&at) >= Some(&number), "{at:?}: {found:?}");
            }
        }
    };
    let ((), merged, ()) = join3(writers, merges, reads).await;
    assert!(merged > 0);
    for _ in 0..2 {
        assert_eq!(counts(&hours(&stores[3]).await), *written.lock().unwrap());
        execute(&fixture, "TRUNCATE merged_hours").await;
    }
}
