//! Conformance tests of every store: the higher offset wins, writes are idempotent, rows round-trip,
//! and each hour comes from the run that serves it.
//!
//! `conformance_tests!(fixture)` generates a test of each guarantee; `fixture` creates its own store.

use moodvane_model::{
    Anchor, CityId, HourRange, HourRow, HourSlot, Incarnation, Offset, PartialHour, PartialKey,
    Partition, Progress, ProgressKey, RunId, Score, Sentiment, SourceId, Sums, Timestamp, Topic,
    Variable, VariableSums,
};
use moodvane_store::{Gap, Store, StoreError};

mod runs;

pub(crate) use runs::*;

/// A store of its own for each test. Opening it twice simulates a restart.
pub(crate) trait StoreFixture {
    type Store: Store;

    async fn open(&self) -> Self::Store;
}

macro_rules! conformance_tests {
    ($fixture:path: $($name:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            conformance::$name(&$fixture().await).await;
        }
    )+};
    ($fixture:path) => {
        conformance_tests!($fixture:
            higher_offset_wins_in_any_order,
            rows_survive_restart_unchanged,
            merges_partial_rows_into_ordered_hours,
            single_variable_equals_full_read,
            hours_carry_calibration_of_their_run,
            run_serves_from_its_switch_on,
            rejects_rows_of_unregistered_run,
            progress_and_gaps_only_advance,
            stores_and_replaces_progress_without_anchor,
            returns_gaps_of_run_in_order,
            finds_hours_at_month_boundaries,
            registration_and_switch_are_idempotent,
            deleted_run_leaves_no_rows_and_can_restart,
            rejects_deletion_of_serving_run,
        );
    };
}

pub(crate) fn hour(text: &str) -> HourSlot {
    text.parse().unwrap()
}

pub(crate) fn day() -> HourRange {
    HourRange::new(hour("2018-01-01 00"), hour("2018-01-01 23")).unwrap()
}

pub(crate) fn city() -> CityId {
    CityId::parse("new-york").unwrap()
}

pub(crate) fn key(run: &str, slot: &str, partition: u32, source: &str) -> PartialKey {
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

pub(crate) fn posts(count: u64) -> Sums {
    let mut sums = Sums::default();
    for i in 0..count {
        let at = Timestamp::from_millis(60_000 * i as i64).unwrap();
        let score = Score::new(Sentiment::Positive, 3.25 - 0.3 * i as f64);
        sums.add_post(at, Some(score.with_weather_talk(i % 3 == 1)));
    }
    sums
}

pub(crate) fn row(key: PartialKey, sums: Sums, through: u64) -> PartialHour {
    PartialHour {
        key,
        sums,
        through_offset: Offset(through),
    }
}

async fn store<P: StoreFixture>(fixture: &P, runs: &[&str]) -> P::Store {
    let store = fixture.open().await;
    for run in runs {
        store.register_run(&RunId::new(*run)).await.unwrap();
    }
    store
}

async fn scored_posts(store: &impl Store) -> Vec<(String, u64)> {
    let rows = store.hours(city(), day()).await.unwrap();
    rows.iter()
        .map(|row| (row.hour.to_string(), row.posts().scored()))
        .collect()
}

pub(crate) async fn higher_offset_wins_in_any_order(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r"]).await;
    let orders = [
        ("01", [5, 9]),
        ("02", [9, 5]),
        ("03", [9, 9]),
        ("04", [0, 0]),
        ("05", [1, 0]),
    ];
    for (slot, order) in orders {
        for through in order {
            let key = key("r", &format!("2018-01-01 {slot}"), 0, "s");
            let row = row(key, posts(through), through);
            store.put_partials(vec![row]).await.unwrap();
        }
    }
    let at = |h: &str, n| (format!("2018-01-01 {h}"), n);
    assert_eq!(
        scored_posts(&store).await,
        [
            at("01", 9),
            at("02", 9),
            at("03", 9),
            at("04", 0),
            at("05", 1)
        ]
    );
}

pub(crate) async fn rows_survive_restart_unchanged(fixture: &impl StoreFixture) {
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
    store(fixture, &["r"])
        .await
        .put_partials(vec![written.clone()])
        .await
        .unwrap();
    let reopened = store(fixture, &["r"]).await;
    let other = key("r", "2018-01-01 03", 3, "s");
    let found = reopened
        .partials(vec![written.key.clone(), other])
        .await
        .unwrap();
    assert_eq!(found, [written]);
}

pub(crate) async fn merges_partial_rows_into_ordered_hours(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r"]).await;
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

pub(crate) async fn rejects_rows_of_unregistered_run(fixture: &impl StoreFixture) {
    let store = store(fixture, &[]).await;
    let rejected = |result| matches!(result, Err(StoreError::UnknownRun(_)));
    let rows = vec![row(key("r", "2018-01-01 02", 0, "s"), posts(1), 1)];
    assert!(rejected(store.put_partials(rows).await));
    assert!(rejected(
        store.put_progress(vec![first_progress("r")]).await
    ));
    assert_eq!(
        store.progress(&first_progress("r").key).await.unwrap(),
        None
    );
}

/// The progress of a run that folded one record.
fn first_progress(run: &str) -> Progress {
    Progress {
        key: ProgressKey {
            run: RunId::new(run),
            topic: Topic::Tweet,
            incarnation: Incarnation(1),
            partition: Partition(0),
        },
        next: Offset(1),
        anchor: None,
    }
}

pub(crate) async fn progress_and_gaps_only_advance(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r"]).await;
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

pub(crate) async fn stores_and_replaces_progress_without_anchor(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r"]).await;
    let key = ProgressKey {
        run: RunId::new("r"),
        topic: Topic::Temperature,
        incarnation: Incarnation(2),
        partition: Partition(0),
    };
    let at = Timestamp::from_millis(1_514_772_000_000).unwrap();
    let anchor = Anchor {
        offset: Offset(6),
        written_at: at,
        key_hash: 1,
    };
    for (next, anchor) in [(0, None), (7, Some(anchor))] {
        let progress = Progress {
            key: key.clone(),
            next: Offset(next),
            anchor,
        };
        store.put_progress(vec![progress.clone()]).await.unwrap();
        assert_eq!(store.progress(&key).await.unwrap(), Some(progress));
    }
}

pub(crate) async fn returns_gaps_of_run_in_order(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r", "other"]).await;
    let gap = |run: &str, partition, from, after| Gap {
        key: ProgressKey {
            run: RunId::new(run),
            topic: Topic::Tweet,
            incarnation: Incarnation(1),
            partition: Partition(partition),
        },
        from: Offset(from),
        to: Offset(from + 5),
        after,
        found_at: Timestamp::from_millis(1_514_772_000_000).unwrap(),
    };
    let known = Some(Timestamp::from_millis(5).unwrap());
    let gaps = [
        gap("r", 0, 3, known),
        gap("r", 0, 20, None),
        gap("r", 1, 0, known),
    ];
    for gap in gaps.iter().rev() {
        store.put_gap(gap.clone()).await.unwrap();
    }
    store.put_gap(gap("other", 0, 3, None)).await.unwrap();
    assert_eq!(store.gaps(&RunId::new("r")).await.unwrap(), gaps);
}

pub(crate) async fn single_variable_equals_full_read(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r"]).await;
    let mut weather = Sums::default();
    for (n, sums) in (1..).zip(&mut weather.weather.0) {
        let (count, sum) = (n as u64, 1_000 * n);
        *sums = VariableSums {
            count,
            sum,
            min: -n,
            max: n,
        };
    }
    let rows = vec![
        row(key("r", "2018-01-01 02", 0, "a"), posts(3), 1),
        row(key("r", "2018-01-01 02", 1, "b"), weather, 1),
        row(key("r", "2018-01-01 05", 0, "a"), posts(1), 1),
    ];
    store.put_partials(rows).await.unwrap();
    let all = store.hours(city(), day()).await.unwrap();
    for variable in Variable::ALL {
        let with = store
            .hours_with_variable(city(), day(), variable)
            .await
            .unwrap();
        let kept = |rows: &[HourRow]| -> Vec<_> {
            let kept = rows.iter().flat_map(|row| {
                row.sources.iter().map(move |(source, sums)| {
                    let weather = sums.weather.0[variable.index()];
                    (row.hour, *source, sums.posts, sums.minutes, weather)
                })
            });
            kept.collect()
        };
        assert_eq!(kept(&with), kept(&all), "{variable}");
        assert_eq!(kept(&all).len(), 3);
    }
}

pub(crate) async fn finds_hours_at_month_boundaries(fixture: &impl StoreFixture) {
    let store = store(fixture, &["r"]).await;
    let slots = [
        "1970-01-01 00",
        "2018-01-31 23",
        "2018-02-01 00",
        "2020-02-29 23",
        "2020-12-31 23",
        "2021-01-01 00",
    ];
    let rows = slots.map(|slot| row(key("r", slot, 0, "s"), posts(1), 1));
    store.put_partials(rows.to_vec()).await.unwrap();
    let range = HourRange::new(hour(slots[0]), hour(slots[5])).unwrap();
    let found = store.hours(city(), range).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| row.hour.to_string()).collect();
    assert_eq!(found, slots);
    let inner = HourRange::new(hour(slots[2]), hour(slots[3])).unwrap();
    assert_eq!(store.hours(city(), inner).await.unwrap().len(), 2);
}
