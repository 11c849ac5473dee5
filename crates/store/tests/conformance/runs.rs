//! Conformance tests of runs: which run serves which hours, and deletion.

use moodvane_model::{Calibration, RunId, Score, Sentiment, Variable};
use moodvane_store::{Store, StoreError};

use super::{StoreFixture, city, day, first_progress, hour, key, posts, row, scored_posts, store};

pub(crate) async fn run_serves_from_its_switch_on(fixture: &impl StoreFixture) {
    let store = store(fixture, &["old", "new"]).await;
    for (run, count) in [("old", 1), ("new", 2)] {
        let rows = ["2018-01-01 02", "2018-01-01 03"]
            .map(|slot| row(key(run, slot, 0, "s"), posts(count), 7))
            .to_vec();
        store.put_partials(rows).await.unwrap();
    }
    let at = |h: &str, n| (format!("2018-01-01 {h}"), n);
    assert_eq!(scored_posts(&store).await, [at("02", 1), at("03", 1)]);
    store
        .switch_run(&RunId::new("new"), hour("2018-01-01 03"))
        .await
        .unwrap();
    assert_eq!(scored_posts(&store).await, [at("02", 1), at("03", 2)]);
    let runs = store.runs().await.unwrap();
    assert_eq!(runs[0].serves_from, Some(hour("1970-01-01 00")));
    assert_eq!(runs[1].serves_from, Some(hour("2018-01-01 03")));
    let unknown = store
        .switch_run(&RunId::new("x"), hour("2018-01-01 03"))
        .await
        .unwrap_err();
    assert!(matches!(unknown, StoreError::UnknownRun(_)));
}

pub(crate) async fn hours_carry_calibration_of_their_run(fixture: &impl StoreFixture) {
    let (old, new, unknown) = (RunId::new("old"), RunId::new("new"), RunId::new("x"));
    let mut calibration = Calibration::default();
    calibration.add(Sentiment::Positive, Score::new(Sentiment::Positive, 2.5));
    let store = store(fixture, &["old", "new"]).await;
    for run in ["old", "new"] {
        let slots = ["2018-01-01 02", "2018-01-01 03"];
        let rows = slots.map(|slot| row(key(run, slot, 0, "s"), posts(2), 7));
        store.put_partials(rows.to_vec()).await.unwrap();
    }
    for _ in 0..2 {
        store.put_calibration(&new, &calibration).await.unwrap();
    }
    store.switch_run(&new, hour("2018-01-01 03")).await.unwrap();
    let rows = store.hours(city(), day()).await.unwrap();
    let found: Vec<_> = rows.iter().map(|row| row.calibration.as_deref()).collect();
    assert_eq!(found, [None, Some(&calibration)]);
    let variable = Variable::Temperature;
    let with_variable = store.hours_with_variable(city(), day(), variable).await;
    assert_eq!(with_variable.unwrap(), rows);
    let rejected = store.put_calibration(&unknown, &calibration).await;
    assert!(matches!(rejected, Err(StoreError::UnknownRun(_))));

    // A run that is registered again starts without one.
    store.switch_run(&old, hour("1970-01-01 00")).await.unwrap();
    store.delete_run(&new).await.unwrap();
    store.register_run(&new).await.unwrap();
    let again = row(key("new", "2018-01-01 03", 0, "s"), posts(1), 1);
    store.put_partials(vec![again]).await.unwrap();
    store.switch_run(&new, hour("1970-01-01 00")).await.unwrap();
    let rows = store.hours(city(), day()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].calibration, None);
}

pub(crate) async fn registration_and_switch_are_idempotent(fixture: &impl StoreFixture) {
    let store = store(fixture, &["a", "b", "a", "b"]).await;
    for _ in 0..2 {
        let b = RunId::new("b");
        store.switch_run(&b, hour("2018-01-01 03")).await.unwrap();
        store.register_run(&b).await.unwrap();
    }
    let runs = store.runs().await.unwrap();
    let shown: Vec<_> = runs
        .iter()
        .map(|run| (run.id.as_str(), run.serves_from))
        .collect();
    assert_eq!(
        shown,
        [
            ("a", Some(hour("1970-01-01 00"))),
            ("b", Some(hour("2018-01-01 03")))
        ]
    );
}

pub(crate) async fn deleted_run_leaves_no_rows_and_can_restart(fixture: &impl StoreFixture) {
    let store = store(fixture, &["old", "new"]).await;
    let (old, new) = (RunId::new("old"), RunId::new("new"));
    let slots = ["2018-01-01 02", "2018-02-01 02"];
    let rows = |run, count| slots.map(|slot| row(key(run, slot, 0, "s"), posts(count), 90));
    for run in ["old", "new"] {
        store.put_partials(rows(run, 5).to_vec()).await.unwrap();
        store.put_progress(vec![first_progress(run)]).await.unwrap();
    }
    store.switch_run(&new, hour("1970-01-01 00")).await.unwrap();
    store.delete_run(&old).await.unwrap();
    let names: Vec<_> = store.runs().await.unwrap();
    assert!(names.iter().all(|run| run.id == new), "{names:?}");
    let keys = rows("old", 5).map(|row| row.key).to_vec();
    assert_eq!(store.partials(keys.clone()).await.unwrap(), []);
    assert_eq!(
        store.progress(&first_progress("old").key).await.unwrap(),
        None
    );
    assert_eq!(scored_posts(&store).await.len(), 1, "the other run serves");

    // Its offsets start again, below the deleted ones.
    store.register_run(&old).await.unwrap();
    let again = row(keys[0].clone(), posts(1), 1);
    store.put_partials(vec![again.clone()]).await.unwrap();
    store
        .put_progress(vec![first_progress("old")])
        .await
        .unwrap();
    assert_eq!(store.partials(keys).await.unwrap(), [again]);
    assert_eq!(
        store.progress(&first_progress("old").key).await.unwrap(),
        Some(first_progress("old"))
    );
    assert_eq!(store.runs().await.unwrap()[1].serves_from, None);
}

pub(crate) async fn rejects_deletion_of_serving_run(fixture: &impl StoreFixture) {
    let store = store(fixture, &["old", "new"]).await;
    let from = hour("2018-01-01 03");
    store.switch_run(&RunId::new("new"), from).await.unwrap();
    for run in ["old", "new"] {
        let rejected = store.delete_run(&RunId::new(run)).await;
        assert!(
            matches!(rejected, Err(StoreError::RunServing { .. })),
            "{run}"
        );
    }
    let unknown = store.delete_run(&RunId::new("x")).await;
    assert!(matches!(unknown, Err(StoreError::UnknownRun(_))));
    assert_eq!(store.runs().await.unwrap().len(), 2);
}
