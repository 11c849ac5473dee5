//! Conformance tests of runs: which run serves which hours, and deletion.

use moodvane_model::RunId;
use moodvane_store::{Store, StoreError};

use super::{StoreFixture, first_progress, hour, key, posts, row, scored_posts, store};

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
