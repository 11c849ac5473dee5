//! Deployments: order, rolling, conflicts, and the way back.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{Manner, SECOND, World, app, checked, path, readied};
use crate::core::{Force, RequestError};

fn group() -> Value {
    json!({
        "id": "/g",
        "apps": [app("front", json!({ "dependencies": ["/g/s/back"], "healthChecks": checked() }))],
        "groups": [
            { "id": "s", "dependencies": ["/g/store"], "apps": [app("back", json!({ "healthChecks": checked() }))] },
            { "id": "store", "apps": [app("db", json!({ "healthChecks": checked() }))] },
        ],
    })
}

fn actions(world: &World) -> Vec<Vec<String>> {
    let deployment = world.deployments().remove(0);
    let told = |step: &moodvane_marathon_api::Step| {
        step.actions
            .iter()
            .map(|action| format!("{} {}", action.action, action.app))
            .collect()
    };
    deployment.steps.iter().map(told).collect()
}

#[test]
fn what_depends_starts_after_what_it_depends_on_is_healthy() {
    let mut world = World::new();
    world.manner(
        "/g/store/db",
        "",
        Manner {
            good_in: Some(8 * SECOND),
            ..Manner::default()
        },
    );
    world.put_group("/g", group()).unwrap();
    assert_eq!(
        actions(&world),
        [
            vec![
                "StartApplication /g/store/db",
                "StartApplication /g/s/back",
                "StartApplication /g/front"
            ],
            vec!["ScaleApplication /g/store/db"],
            vec!["ScaleApplication /g/s/back"],
            vec!["ScaleApplication /g/front"],
        ]
    );
    world.settle();
    let at = |app: &str| world.launched(app)[0];
    // It starts in half a second, answers well after 8 s, and is asked each second.
    assert!(
        at("/g/s/back") >= 8 * SECOND && at("/g/s/back") < 11 * SECOND,
        "{:?}",
        at("/g/s/back")
    );
    assert!(at("/g/front") > at("/g/s/back") + Duration::from_millis(500));
}

#[test]
fn what_depends_ends_before_what_it_depends_on() {
    let mut world = World::new();
    world.put_group("/g", group()).unwrap();
    world.settle();
    world
        .ask(|core, now| core.delete_group(&path("/g"), Force::No, now))
        .unwrap();
    assert_eq!(
        actions(&world),
        [
            vec!["StopApplication /g/front"],
            vec!["StopApplication /g/s/back"],
            vec!["StopApplication /g/store/db"]
        ]
    );
    world.settle();
    let order: Vec<&str> = world
        .signals
        .iter()
        .map(|(_, task, _)| task.split('.').next().unwrap())
        .collect();
    assert_eq!(order, ["g_front", "g_s_back", "g_store_db"]);
    assert!(!world.exists("/g/front") && world.core.is_idle());
}

#[test]
fn a_new_version_comes_within_the_upgrade_strategy() {
    // Instances, the two shares, and whether something is kept; then the fewest that ran, and the most.
    for (instances, least, over, kept, fewest, most) in [
        (4, 1.0, 1.0, false, 4, 8),
        (4, 1.0, 0.0, false, 4, 5),
        (4, 0.5, 0.0, false, 2, 4),
        (4, 0.0, 0.0, false, 0, 4),
        (4, 0.75, 0.25, false, 3, 5),
        (3, 1.0, 0.5, false, 3, 4),
        (1, 1.0, 1.0, false, 1, 2),
        (1, 0.0, 0.0, false, 0, 1),
        (3, 1.0, 1.0, true, 2, 3),
        (1, 0.5, 0.0, true, 0, 1),
    ] {
        let case = format!("{instances} with {least} and {over}, kept {kept}");
        let mut world = World::new();
        let volumes =
            json!([{ "containerPath": "/data", "persistent": { "size": 1 }, "mode": "RW" }]);
        let strategy = json!({ "minimumHealthCapacity": least, "maximumOverCapacity": over });
        let mut with = json!({ "instances": instances, "upgradeStrategy": strategy, "healthChecks": checked(),
                               "readinessChecks": readied(), "env": { "V": "1" } });
        if kept {
            with["volumes"] = volumes;
        }
        world.create(app("/a", with)).unwrap();
        world.settle();
        world
            .put("/a", json!({ "env": { "V": "2" } }), Force::No)
            .unwrap();
        let (mut least_seen, mut most_seen) = (usize::MAX, 0);
        while !world.deployments().is_empty() {
            let end = world.now.after(600 * SECOND);
            assert!(world.step(end), "{case}: it does not end");
            least_seen = least_seen.min(
                world
                    .running("/a")
                    .iter()
                    .filter(|task| task.is_healthy())
                    .count(),
            );
            most_seen = most_seen.max(world.tasks("/a").len());
        }
        assert_eq!(world.versions("/a"), vec!["2"; instances], "{case}");
        assert_eq!((least_seen, most_seen), (fewest, most), "{case}");
        assert_eq!(
            world.removed,
            Vec::<String>::new(),
            "{case}: nothing that is kept goes"
        );
    }
}

#[test]
fn a_version_that_does_not_become_healthy_replaces_nothing_and_is_rolled_back() {
    let mut world = World::new();
    world.manner(
        "/a",
        "2",
        Manner {
            good_in: None,
            ..Manner::default()
        },
    );
    let with = json!({ "instances": 2, "healthChecks": checked(), "env": { "V": "1" },
                       "upgradeStrategy": { "minimumHealthCapacity": 1, "maximumOverCapacity": 0.5 } });
    world.create(app("/a", with)).unwrap();
    world.settle();
    let result = world
        .put("/a", json!({ "env": { "V": "2" } }), Force::No)
        .unwrap();
    world.pass(120 * SECOND);
    assert_eq!(
        world
            .versions("/a")
            .iter()
            .filter(|version| *version == "1")
            .count(),
        2
    );
    assert_eq!(world.deployments().len(), 1);
    world
        .ask(|core, now| core.roll_back(&result.deployment_id, now))
        .unwrap();
    world.settle();
    assert_eq!(world.versions("/a"), ["1", "1"]);
}

#[test]
fn a_new_app_that_is_rolled_back_is_gone() {
    let mut world = World::new();
    world.manner(
        "/a",
        "",
        Manner {
            good_in: None,
            ..Manner::default()
        },
    );
    let result = world
        .create(app("/a", json!({ "healthChecks": checked() })))
        .unwrap();
    world.pass(5 * SECOND);
    world
        .ask(|core, now| core.roll_back(&result.deployment_id, now))
        .unwrap();
    world.settle();
    assert!(!world.exists("/a") && world.core.is_idle());
}

#[test]
fn what_a_deployment_holds_is_locked_unless_forced() {
    let mut world = World::new();
    world.manner(
        "/a",
        "",
        Manner {
            good_in: None,
            ..Manner::default()
        },
    );
    let first = world
        .create(app("/a", json!({ "healthChecks": checked() })))
        .unwrap();
    let locked = world.put("/a", json!({ "instances": 2 }), Force::No);
    assert_eq!(locked, Err(RequestError::Locked(vec![first.deployment_id])));
    // Another app is not held.
    world.create(app("/b", json!({}))).unwrap();
    world
        .put("/a", json!({ "healthChecks": [] }), Force::Yes)
        .unwrap();
    world.settle();
    assert_eq!(world.running("/a").len(), 1);
}

#[test]
fn an_app_is_deleted_though_its_deployment_waits() {
    let mut world = World::new();
    world.manner(
        "/a",
        "",
        Manner {
            good_in: None,
            ..Manner::default()
        },
    );
    world
        .create(app("/a", json!({ "healthChecks": checked() })))
        .unwrap();
    world
        .ask(|core, now| core.delete_app(&path("/a"), Force::No, now))
        .unwrap();
    world.settle();
    assert!(!world.exists("/a") && world.core.is_idle());
}

#[test]
fn what_a_cancelled_deployment_had_not_come_to_comes_all_the_same() {
    let mut world = World::new();
    world.manner(
        "/g/store/db",
        "",
        Manner {
            good_in: None,
            ..Manner::default()
        },
    );
    let result = world.put_group("/g", group()).unwrap();
    world.pass(5 * SECOND);
    assert!(world.launched("/g/front").is_empty());
    world
        .ask(|core, now| core.cancel_deployment(&result.deployment_id, now))
        .unwrap();
    world.until("the others run", |world| {
        !world.running("/g/front").is_empty() && !world.running("/g/s/back").is_empty()
    });
}

#[test]
fn the_scale_is_reached_up_and_down() {
    let mut world = World::new();
    world.create(app("/a", json!({ "instances": 3 }))).unwrap();
    world.settle();
    assert_eq!(world.running("/a").len(), 3);
    for instances in [5, 1, 0, 2] {
        world
            .put("/a", json!({ "instances": instances }), Force::No)
            .unwrap();
        world.settle();
        assert_eq!(world.running("/a").len(), instances);
    }
}

#[test]
fn the_selection_says_which_goes_first() {
    for (selection, goes) in [("YOUNGEST_FIRST", 1), ("OLDEST_FIRST", 0)] {
        let mut world = World::new();
        world
            .create(app("/a", json!({ "killSelection": selection })))
            .unwrap();
        world.settle();
        world.pass(10 * SECOND);
        world
            .put("/a", json!({ "instances": 2 }), Force::No)
            .unwrap();
        world.settle();
        world
            .put("/a", json!({ "instances": 1 }), Force::No)
            .unwrap();
        world.settle();
        assert_eq!(
            world.signals[0].1, world.launches[goes].1.task,
            "{selection}"
        );
    }
}

#[test]
fn the_same_again_is_a_deployment_without_steps() {
    let mut world = World::new();
    world.create(app("/a", json!({}))).unwrap();
    world.settle();
    let before = world.core.desired().apps.clone();
    world
        .put("/a", json!({ "instances": 1 }), Force::No)
        .unwrap();
    assert!(world.deployments().is_empty());
    assert_eq!(world.core.desired().apps, before);
    assert_eq!(world.launches.len(), 1);
}

#[test]
fn a_restart_replaces_every_task() {
    let mut world = World::new();
    world.create(app("/a", json!({ "instances": 2 }))).unwrap();
    world.settle();
    let before: Vec<String> = world
        .running("/a")
        .into_iter()
        .map(|task| task.id)
        .collect();
    world
        .ask(|core, now| core.restart_app(&path("/a"), Force::No, now))
        .unwrap();
    world.settle();
    let after: Vec<String> = world
        .running("/a")
        .into_iter()
        .map(|task| task.id)
        .collect();
    assert_eq!(after.len(), 2);
    assert!(
        after.iter().all(|task| !before.contains(task)),
        "{before:?} {after:?}"
    );
}

#[test]
fn a_group_goes_back_to_an_earlier_version() {
    let mut world = World::new();
    let first = world.put_group("/g", group()).unwrap();
    world.settle();
    world
        .put_group(
            "/g",
            json!({ "apps": [app("front", json!({ "env": { "V": "2" } }))], "groups": [] }),
        )
        .unwrap();
    world.settle();
    assert!(!world.exists("/g/store/db"));
    world
        .put_group("/g", json!({ "version": first.version }))
        .unwrap();
    world.settle();
    assert!(world.exists("/g/store/db") && world.versions("/g/front").is_empty());
}
