//! The store's promises, on the SQLite store: the higher offset wins, a write can be repeated, rows
//! come back as they went in, and each hour is answered by the run that serves it.

#![allow(clippy::unwrap_used)]

use moodvane_model::{
    Anchor, CityId, HourRange, HourSlot, Incarnation, Offset, PartialHour, PartialKey, Partition,
    Progress, ProgressKey, RunId, Score, Sentiment, SourceId, Sums, Timestamp, Topic, VariableSums,
};
use moodvane_store::{Gap, SqliteStore, Store, StoreError};
use tempfile::TempDir;

fn hour(text: &str) -> HourSlot {
    text.parse().unwrap()
}

fn day() -> HourRange {
    HourRange::new(hour("2018-01-01 00"), hour("2018-01-01 23")).unwrap()
}

fn city() -> CityId {
    CityId::parse("new-york").unwrap()
}

fn key(run: &str, slot: &str, partition: u32, source: &str) -> PartialKey {
    PartialKey {
        run: RunId::new(run),
        city: city(),
        hour: hour(slot),
        topic: Topic::Tweet,
        incarnation: Incarnation(1),
        partition: Partition(partition),
        source: SourceId::parse(source).unwrap(),
    }
}

fn posts(count: u64) -> Sums {
    let mut sums = Sums::default();
    for i in 0..count {
        let at = Timestamp::from_millis(60_000 * i as i64).unwrap();
        sums.add_post(at, Some(Score::new(Sentiment::Positive, 3.25)));
    }
    sums
}

fn row(key: PartialKey, sums: Sums, through: u64) -> PartialHour {
    PartialHour {
        key,
        sums,
        through_offset: Offset(through),
    }
}

async fn store(dir: &TempDir, runs: &[&str]) -> SqliteStore {
    let store = SqliteStore::open(&dir.path().join("store.db")).unwrap();
    for run in runs {
        store.register_run(&RunId::new(*run)).await.unwrap();
    }
    store
}

async fn feelings(store: &SqliteStore) -> Vec<(String, u64)> {
    let rows = store.hours(city(), day()).await.unwrap();
    rows.iter()
        .map(|row| (row.hour.to_string(), row.posts().scored()))
        .collect()
}

#[tokio::test]
async fn the_higher_offset_wins_whichever_comes_later() {
    for order in [[5, 9], [9, 5], [9, 9]] {
        let dir = TempDir::new().unwrap();
        let store = store(&dir, &["r"]).await;
        for through in order {
            let row = row(key("r", "2018-01-01 02", 0, "s"), posts(through), through);
            store.put_partials(vec![row]).await.unwrap();
        }
        assert_eq!(feelings(&store).await, [("2018-01-01 02".to_owned(), 9)]);
    }
}

#[tokio::test]
async fn a_row_comes_back_as_it_went_in_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let mut sums = posts(3);
    sums.add_post(Timestamp::from_millis(59 * 60_000).unwrap(), None);
    sums.weather.0[0] = VariableSums {
        count: 2,
        sum: -7,
        min: -5,
        max: -2,
    };
    sums.weather.0[5] = VariableSums {
        count: 1,
        sum: 1,
        min: 1,
        max: 1,
    };
    let written = row(
        key("r", "2018-01-01 02", 3, "s"),
        sums,
        u64::from(u32::MAX) * 1000,
    );
    store(&dir, &["r"])
        .await
        .put_partials(vec![written.clone()])
        .await
        .unwrap();
    let reopened = store(&dir, &["r"]).await;
    let other = key("r", "2018-01-01 03", 3, "s");
    let found = reopened
        .partials(vec![written.key.clone(), other])
        .await
        .unwrap();
    assert_eq!(found, [written]);
}

#[tokio::test]
async fn partial_rows_of_all_partitions_and_sources_merge_into_hours_in_order() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir, &["r"]).await;
    let rows = vec![
        row(key("r", "2018-01-01 05", 0, "b"), posts(1), 1),
        row(key("r", "2018-01-01 02", 1, "b"), posts(2), 1),
        row(key("r", "2018-01-01 02", 0, "a"), posts(3), 1),
        row(key("r", "2018-01-01 02", 0, "b"), posts(4), 1),
        row(key("r", "2018-01-02 00", 0, "b"), posts(9), 1),
    ];
    store.put_partials(rows).await.unwrap();
    let hours = store.hours(city(), day()).await.unwrap();
    let shown: Vec<_> = hours
        .iter()
        .flat_map(|h| {
            h.sources
                .iter()
                .map(|(s, sums)| (h.hour.to_string(), s.to_string(), sums.posts.scored()))
        })
        .collect();
    let at = |h: &str, s: &str, n| (format!("2018-01-01 {h}"), s.to_owned(), n);
    assert_eq!(
        shown,
        [at("02", "a", 3), at("02", "b", 6), at("05", "b", 1)]
    );
    assert!(
        store
            .hours(CityId::parse("paris").unwrap(), day())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_new_run_answers_only_from_its_switch_on() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir, &["old", "new"]).await;
    for (run, count) in [("old", 1), ("new", 2)] {
        let rows = ["2018-01-01 02", "2018-01-01 03"]
            .map(|slot| row(key(run, slot, 0, "s"), posts(count), 7))
            .to_vec();
        store.put_partials(rows).await.unwrap();
    }
    let at = |h: &str, n| (format!("2018-01-01 {h}"), n);
    assert_eq!(feelings(&store).await, [at("02", 1), at("03", 1)]);
    store
        .switch_run(&RunId::new("new"), hour("2018-01-01 03"))
        .await
        .unwrap();
    assert_eq!(feelings(&store).await, [at("02", 1), at("03", 2)]);
    let runs = store.runs().await.unwrap();
    assert_eq!(runs[0].serves_from, Some(hour("1970-01-01 00")));
    assert_eq!(runs[1].serves_from, Some(hour("2018-01-01 03")));
    let unknown = store
        .switch_run(&RunId::new("x"), hour("2018-01-01 03"))
        .await
        .unwrap_err();
    assert!(matches!(unknown, StoreError::UnknownRun(_)));
}

#[tokio::test]
async fn rows_of_a_run_that_nobody_registered_are_refused() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir, &[]).await;
    let rows = vec![row(key("r", "2018-01-01 02", 0, "s"), posts(1), 1)];
    assert!(matches!(
        store.put_partials(rows).await,
        Err(StoreError::UnknownRun(_))
    ));
}

#[tokio::test]
async fn progress_and_gaps_only_go_forward() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir, &["r"]).await;
    let key = ProgressKey {
        run: RunId::new("r"),
        topic: Topic::Tweet,
        incarnation: Incarnation(1),
        partition: Partition(4),
    };
    assert_eq!(store.progress(&key).await.unwrap(), None);
    let at = Timestamp::from_millis(1_514_772_000_000).unwrap();
    let anchor = |offset| {
        Some(Anchor {
            offset: Offset(offset),
            written_at: at,
            key_hash: u64::MAX - 1,
        })
    };
    let progress = |next| Progress {
        key: key.clone(),
        next: Offset(next),
        anchor: anchor(next - 1),
    };
    for next in [10, 30, 20] {
        store.put_progress(vec![progress(next)]).await.unwrap();
    }
    assert_eq!(store.progress(&key).await.unwrap(), Some(progress(30)));
    let gap = Gap {
        key: key.clone(),
        from: Offset(3),
        to: Offset(8),
        after: Some(at),
        found_at: at,
    };
    store.put_gap(gap.clone()).await.unwrap();
    store.put_gap(gap.clone()).await.unwrap();
    assert_eq!(store.gaps(&key.run).await.unwrap(), [gap]);
    store.ping().await.unwrap();
}
