//! Health, readiness, launch delay, and the end of tasks.

use std::time::Duration;

use moodvane_marathon_api::{Event, TaskState};
use serde_json::json;

use super::world::{Manner, SECOND, World, app, checked, path, readied};
use crate::core::{Embed, Force, Kill};

#[test]
fn the_launch_delay_grows_and_has_a_bound() {
    let mut world = World::new();
    let at_once = Manner {
        starts_in: Duration::ZERO,
        lives: Some(Duration::ZERO),
        ..Manner::default()
    };
    world.manner("/a", "", at_once);
    world
        .create(app(
            "/a",
            json!({ "backoffSeconds": 1, "backoffFactor": 2, "maxLaunchDelaySeconds": 10 }),
        ))
        .unwrap();
    world.pass(45 * SECOND);
    let seconds: Vec<u64> = world.launched("/a").iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 25, 35, 45]);
}

#[test]
fn a_stable_run_forgets_the_delay() {
    for (lives, then) in [(59, 2), (60, 1)] {
        let mut world = World::new();
        let starts_in = Duration::ZERO;
        world.manner(
            "/a",
            "",
            Manner {
                starts_in,
                lives: Some(Duration::ZERO),
                ..Manner::default()
            },
        );
        world
            .create(app(
                "/a",
                json!({ "backoffSeconds": 1, "backoffFactor": 2 }),
            ))
            .unwrap();
        world.pass(SECOND / 2);
        world.manner(
            "/a",
            "",
            Manner {
                starts_in,
                lives: Some(lives * SECOND),
                ..Manner::default()
            },
        );
        world.pass(Duration::from_secs(u64::from(lives) + 10));
        let at = world.launched("/a");
        assert_eq!(at[2] - at[1], (lives + then) * SECOND, "after {lives} s");
    }
}

#[test]
fn the_delay_is_forgotten_when_asked_and_by_a_new_version() {
    for by_request in [true, false] {
        let mut world = World::new();
        world.manner(
            "/a",
            "",
            Manner {
                starts_in: Duration::ZERO,
                lives: Some(Duration::ZERO),
                ..Manner::default()
            },
        );
        world
            .create(app(
                "/a",
                json!({ "backoffSeconds": 3600, "maxLaunchDelaySeconds": 3600 }),
            ))
            .unwrap();
        world.pass(10 * SECOND);
        assert_eq!(
            world.core.queue(world.now).queue[0].delay.time_left_seconds,
            3590
        );
        if by_request {
            world.ask(|core, _| core.reset_delay(&path("/a"))).unwrap();
        } else {
            world
                .put("/a", json!({ "env": { "V": "2" } }), Force::Yes)
                .unwrap();
        }
        assert_eq!(world.launches.len(), 2, "by request {by_request}");
    }
}

#[test]
fn a_task_that_is_killed_comes_again_at_once_in_its_place() {
    let mut world = World::new();
    world.create(app("/a", json!({}))).unwrap();
    world.settle();
    let task = world.running("/a").remove(0).id;
    let shown = world.ask(|core, now| core.kill(std::slice::from_ref(&task), Kill::Relaunch, now));
    assert_eq!(
        (shown[0].id.as_str(), shown[0].state),
        (task.as_str(), TaskState::Running)
    );
    world.until("it runs again", |world| {
        world.running("/a").iter().any(|again| again.id != task)
    });
    let again = world.running("/a").remove(0).id;
    assert_eq!(again.strip_suffix("._app.2"), task.strip_suffix("._app.1"));
    assert_eq!(
        world.launched("/a"),
        [Duration::ZERO, SECOND],
        "half a second to start, half to end, no delay"
    );
}

#[test]
fn what_does_not_end_in_its_grace_is_killed() {
    for (grace, after) in [(None, 3), (Some(0), 0), (Some(15), 15)] {
        let mut world = World::new();
        world.manner(
            "/a",
            "",
            Manner {
                ends_in: None,
                ..Manner::default()
            },
        );
        world
            .create(app("/a", json!({ "taskKillGracePeriodSeconds": grace })))
            .unwrap();
        world.settle();
        world
            .ask(|core, now| core.delete_app(&path("/a"), Force::No, now))
            .unwrap();
        world.settle();
        let [(asked, _, false), (killed, _, true)] = world.signals.as_slice() else {
            panic!("{:?}", world.signals);
        };
        assert_eq!(killed.since(*asked), after * SECOND, "{grace:?}");
    }
}

#[test]
fn a_task_that_ends_in_its_grace_is_not_killed() {
    let mut world = World::new();
    world.create(app("/a", json!({}))).unwrap();
    world.settle();
    world
        .ask(|core, now| core.delete_app(&path("/a"), Force::No, now))
        .unwrap();
    world.pass(30 * SECOND);
    assert_eq!(world.signals.len(), 1);
}

#[test]
fn failures_count_only_after_the_grace_or_the_first_success() {
    // When it first answers well, and when no longer; then when it is asked to end.
    for (good_in, bad_in, ends) in [
        (None, None, Some(12)),
        (Some(8), None, None),
        (Some(0), Some(4), Some(6)),
        (Some(30), None, Some(12)),
    ] {
        let mut world = World::new();
        let starts_in = Duration::ZERO;
        let manner = Manner {
            starts_in,
            good_in: good_in.map(|s| s * SECOND),
            bad_in: bad_in.map(|s| s * SECOND),
            ..Manner::default()
        };
        world.manner("/a", "", manner);
        world
            .create(app("/a", json!({ "healthChecks": checked() })))
            .unwrap();
        let begin = world.now;
        world.pass(14 * SECOND);
        let asked = world
            .signals
            .first()
            .map(|(at, ..)| at.since(begin).as_secs());
        assert_eq!(asked, ends, "good in {good_in:?}, bad in {bad_in:?}");
    }
}

#[test]
fn a_task_killed_for_its_health_is_told_and_delays_the_next() {
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
        .create(app(
            "/a",
            json!({ "healthChecks": checked(), "backoffSeconds": 60 }),
        ))
        .unwrap();
    world.until("it is killed", |world| !world.signals.is_empty());
    world.pass(10 * SECOND);
    assert_eq!(world.launches.len(), 1);
    assert!(
        world
            .events
            .iter()
            .any(|event| matches!(event, Event::UnhealthyInstanceKillEvent { .. }))
    );
    let embed = Embed {
        last_failure: true,
        ..Embed::default()
    };
    let failure = world
        .core
        .app(&path("/a"), embed)
        .unwrap()
        .last_task_failure
        .unwrap();
    assert_eq!(
        failure.message,
        "Task was killed since health check failed. Reason: HTTP status 503"
    );
}

#[test]
fn a_deployment_waits_for_readiness_and_tells_of_it() {
    let mut world = World::new();
    world.manner(
        "/a",
        "",
        Manner {
            good_in: Some(21 * SECOND),
            ..Manner::default()
        },
    );
    world
        .create(app("/a", json!({ "readinessChecks": readied() })))
        .unwrap();
    world.pass(20 * SECOND);
    let results = world
        .deployments()
        .remove(0)
        .current_actions
        .remove(0)
        .readiness_check_results;
    assert_eq!((results.len(), results[0].ready), (1, false));
    let begin = world.now;
    world.settle();
    assert!(
        world.now.since(begin) <= 4 * SECOND,
        "asked each two seconds"
    );
}

#[test]
fn how_a_task_failed_is_told() {
    let mut world = World::new();
    world.manner(
        "/a",
        "",
        Manner {
            lives: Some(SECOND),
            ..Manner::default()
        },
    );
    world.create(app("/a", json!({}))).unwrap();
    world.until("it failed", |world| {
        world
            .core
            .app(
                &path("/a"),
                Embed {
                    last_failure: true,
                    ..Embed::default()
                },
            )
            .unwrap()
            .last_task_failure
            .is_some()
    });
    let app = world
        .core
        .app(
            &path("/a"),
            Embed {
                last_failure: true,
                tasks: true,
                readiness: false,
            },
        )
        .unwrap();
    let failure = app.last_task_failure.unwrap();
    assert_eq!(
        (failure.state, failure.message.as_str()),
        (TaskState::Failed, "Command exited with status 3")
    );
    let shown = &app.tasks.unwrap()[0];
    assert_eq!(
        (shown.state, &shown.id, shown.staged_at),
        (TaskState::Failed, &failure.task_id, None)
    );
}

#[test]
fn a_late_word_of_an_old_task_changes_nothing() {
    let mut world = World::new();
    world.create(app("/a", json!({}))).unwrap();
    world.settle();
    let old = world.running("/a").remove(0).id;
    world.dies(&old);
    world.until("it runs again", |world| {
        world.running("/a").iter().any(|task| task.id != old)
    });
    let end = crate::core::End::Exited(1);
    let now = world.now;
    world.ask(|core, _| {
        core.input(
            crate::core::Input::Ended {
                task: old.clone(),
                end,
            },
            now,
        )
    });
    world.pass(5 * SECOND);
    assert_eq!((world.running("/a").len(), world.launches.len()), (1, 2));
}
