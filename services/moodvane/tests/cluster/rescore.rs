//! A new run beside the serving run: it folds the same log and serves from an hour on. In any order of
//! replacing processors, no run adds to the rows of the other.

use std::path::Path;

use moodvane_model::{HourRow, HourSlot, RunId};
use moodvane_store::{CassandraStore, Store};

use crate::world::{
    POSTS_A_DAY, Servers, Service, World, posts_of, stored, wait_for, wait_for_all,
};

/// A setting that changes the run.
const NEW: [&str; 2] = ["--set", "processor.window=70000"];

fn hour(text: &str) -> HourSlot {
    text.parse().unwrap()
}

/// The names of the old run and of the new one.
async fn names(store: &CassandraStore) -> (RunId, RunId) {
    let runs = store.runs().await.unwrap();
    let [old, new] = runs.as_slice() else {
        panic!("{runs:?}");
    };
    assert!(new.id.as_str().contains(".w70000."), "{runs:?}");
    (old.id.clone(), new.id.clone())
}

fn before(rows: &[HourRow], slot: &str) -> Vec<HourRow> {
    let rows = rows.iter().filter(|row| row.hour < hour(slot));
    rows.cloned().collect()
}

fn switch(world: &World, config: &Path, run: &RunId, from: &str) {
    world.succeed(config, &["runs", "switch", run.as_str(), "--from", from]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rescore_folds_beside_old_run_and_switch_keeps_earlier_hours() {
    let world = World::new(Servers::shared());
    let (first, second) = (world.files(0, 1), world.files(1, 1));
    let one_day = world.expected(&[&first]).await;
    let two_days = world.expected(&[&first, &second]).await;
    let store = world.store().await;
    let (config, later) = (world.config(&first), world.config(&second));
    let nothing = world.fail(&config, &["rescore", NEW[0], NEW[1]]);
    assert!(nothing.contains("start a processor instead"), "{nothing}");

    let old = Service::start("processor", &config, &[]);
    Service::start("ingester", &config, &[]).finish();
    assert_eq!(wait_for_all(&store, &one_day).await, one_day);
    let same = world.fail(&config, &["rescore"]);
    assert!(same.contains("answers already"), "{same}");

    // The old run serves during the rescore and after it.
    world.succeed(&config, &["rescore", "--no-switch", NEW[0], NEW[1]]);
    assert_eq!(stored(&store).await, one_day);
    old.terminate();
    let new = Service::start("processor", &config, &NEW);
    Service::start("ingester", &later, &[]).finish();

    // Only the new run has the second day, which shows which run serves.
    let (old_run, new_run) = names(&store).await;
    switch(&world, &config, &new_run, "2018-01-02 06");
    let late = |rows: &[HourRow]| {
        rows.iter()
            .filter(|r| r.hour >= hour("2018-01-02 06"))
            .count()
    };
    let mixed = wait_for(&store, |rows| late(rows) == 18).await;
    let between = mixed.iter().filter(|row| row.hour < hour("2018-01-02 06"));
    assert_eq!(between.cloned().collect::<Vec<_>>(), one_day);
    let refused = world.fail(&config, &["runs", "delete", old_run.as_str()]);
    assert!(refused.contains("serves hours from"), "{refused}");

    let rescored = world.fail(&config, &["rescore", NEW[0], NEW[1]]);
    assert!(rescored.contains("answers already"), "{rescored}");
    switch(&world, &config, &new_run, "1970-01-01 00");
    assert_eq!(wait_for_all(&store, &two_days).await, two_days);
    new.terminate();
    let left = world.succeed(&config, &["runs", "delete", old_run.as_str()]);
    assert!(!left.contains(old_run.as_str()), "{left}");
    assert_eq!(stored(&store).await, two_days);
    assert_eq!(before(&two_days, "2018-01-02 00"), one_day);
}

#[tokio::test(flavor = "multi_thread")]
async fn rolling_update_of_processors_never_mixes_runs() {
    let world = World::new(Servers::shared());
    let files = world.files(0, 3);
    let expected = world.expected(&[&files]).await;
    let store = world.store().await;
    let config = world.config(&files);
    let first = Service::start("processor", &config, &[]);
    let second = Service::start("processor", &config, &[]);
    let ingester = Service::start("ingester", &config, &[]);
    wait_for(&store, |rows| posts_of(rows) > POSTS_A_DAY / 5).await;
    // One after the other, while records arrive; one of them without a drain.
    let third = Service::start("processor", &config, &NEW);
    first.kill();
    let fourth = Service::start("processor", &config, &NEW);
    second.terminate();
    ingester.finish();
    let rescored = world.succeed(&config, &["rescore", NEW[0], NEW[1]]);
    assert!(
        rescored.contains("answers from 1970-01-01 00 on"),
        "{rescored}"
    );
    assert_eq!(stored(&store).await, expected, "the new run is complete");

    // The old run, folded to the end, is complete too: no other process changed it.
    let (old_run, _) = names(&store).await;
    let last = Service::start("processor", &config, &[]);
    store
        .switch_run(&old_run, hour("1970-01-01 00"))
        .await
        .unwrap();
    assert_eq!(wait_for_all(&store, &expected).await, expected);
    for processor in [last, third, fourth] {
        processor.terminate();
    }
    assert_eq!(stored(&store).await, expected);
}
