//! Health, readiness, launch delay, and the end of tasks.

use std::time::Duration;

use moodvane_marathon_api::{Event, TaskState};
use serde_json::json;

use super::simulation::{
    SECOND, Simulation, TaskBehavior, app, health_checks, path, readiness_checks,
};
use crate::core::{Embed, Force, KillMode};

#[test]
fn launch_delay_grows_to_its_maximum() {
    let mut sim = Simulation::new();
    let at_once = TaskBehavior {
        starts_after: Duration::ZERO,
        exits_after: Some(Duration::ZERO),
        ..TaskBehavior::default()
    };
    sim.set_behavior("/a", "", at_once);
    sim.create(app(
        "/a",
        json!({ "backoffSeconds": 1, "backoffFactor": 2, "maxLaunchDelaySeconds": 10 }),
    ))
    .unwrap();
    sim.advance_by(45 * SECOND);
    let seconds: Vec<u64> = sim
        .launch_times("/a")
        .iter()
        .map(Duration::as_secs)
        .collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 25, 35, 45]);
}

#[test]
fn stable_run_resets_launch_delay() {
    for (exits_after, then) in [(59, 2), (60, 1)] {
        let mut sim = Simulation::new();
        let starts_after = Duration::ZERO;
        sim.set_behavior(
            "/a",
            "",
            TaskBehavior {
                starts_after,
                exits_after: Some(Duration::ZERO),
                ..TaskBehavior::default()
            },
        );
        sim.create(app(
            "/a",
            json!({ "backoffSeconds": 1, "backoffFactor": 2 }),
        ))
        .unwrap();
        sim.advance_by(SECOND / 2);
        sim.set_behavior(
            "/a",
            "",
            TaskBehavior {
                starts_after,
                exits_after: Some(exits_after * SECOND),
                ..TaskBehavior::default()
            },
        );
        sim.advance_by(Duration::from_secs(u64::from(exits_after) + 10));
        let at = sim.launch_times("/a");
        assert_eq!(
            at[2] - at[1],
            (exits_after + then) * SECOND,
            "after {exits_after} s"
        );
    }
}

#[test]
fn request_and_new_version_reset_launch_delay() {
    for by_request in [true, false] {
        let mut sim = Simulation::new();
        sim.set_behavior(
            "/a",
            "",
            TaskBehavior {
                starts_after: Duration::ZERO,
                exits_after: Some(Duration::ZERO),
                ..TaskBehavior::default()
            },
        );
        sim.create(app(
            "/a",
            json!({ "backoffSeconds": 3600, "maxLaunchDelaySeconds": 3600 }),
        ))
        .unwrap();
        sim.advance_by(10 * SECOND);
        assert_eq!(
            sim.core.queue(sim.now).queue[0].delay.time_left_seconds,
            3590
        );
        if by_request {
            sim.request(|core, _| core.reset_delay(&path("/a")))
                .unwrap();
        } else {
            sim.put("/a", json!({ "env": { "V": "2" } }), Force::Yes)
                .unwrap();
        }
        assert_eq!(sim.launches.len(), 2, "by request {by_request}");
    }
}

#[test]
fn relaunches_killed_task_at_once_in_same_instance() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({}))).unwrap();
    sim.finish_deployments();
    let task = sim.running("/a").remove(0).id;
    let views =
        sim.request(|core, now| core.kill(std::slice::from_ref(&task), KillMode::Relaunch, now));
    assert_eq!(
        (views[0].id.as_str(), views[0].state),
        (task.as_str(), TaskState::Running)
    );
    sim.run_until("it runs again", |sim| {
        sim.running("/a").iter().any(|again| again.id != task)
    });
    let again = sim.running("/a").remove(0).id;
    assert_eq!(again.strip_suffix("._app.2"), task.strip_suffix("._app.1"));
    assert_eq!(
        sim.launch_times("/a"),
        [Duration::ZERO, SECOND],
        "half a second to start, half a second to stop, no delay"
    );
}

#[test]
fn kills_task_after_grace_period() {
    for (grace, after) in [(None, 3), (Some(0), 0), (Some(15), 15)] {
        let mut sim = Simulation::new();
        sim.set_behavior(
            "/a",
            "",
            TaskBehavior {
                stops_after: None,
                ..TaskBehavior::default()
            },
        );
        sim.create(app("/a", json!({ "taskKillGracePeriodSeconds": grace })))
            .unwrap();
        sim.finish_deployments();
        sim.request(|core, now| core.delete_app(&path("/a"), Force::No, now))
            .unwrap();
        sim.finish_deployments();
        let [(terminated, _, false), (killed, _, true)] = sim.signals.as_slice() else {
            panic!("{:?}", sim.signals);
        };
        assert_eq!(killed.since(*terminated), after * SECOND, "{grace:?}");
    }
}

#[test]
fn sends_no_sigkill_to_task_stopping_within_grace() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({}))).unwrap();
    sim.finish_deployments();
    sim.request(|core, now| core.delete_app(&path("/a"), Force::No, now))
        .unwrap();
    sim.advance_by(30 * SECOND);
    assert_eq!(sim.signals.len(), 1);
}

#[test]
fn counts_failures_after_grace_or_first_success() {
    // Seconds until the task is healthy, until it is unhealthy again, and until it gets SIGTERM.
    for (healthy_after, unhealthy_after, ends) in [
        (None, None, Some(12)),
        (Some(8), None, None),
        (Some(0), Some(4), Some(6)),
        (Some(30), None, Some(12)),
    ] {
        let mut sim = Simulation::new();
        let starts_after = Duration::ZERO;
        let behavior = TaskBehavior {
            starts_after,
            healthy_after: healthy_after.map(|s| s * SECOND),
            unhealthy_after: unhealthy_after.map(|s| s * SECOND),
            ..TaskBehavior::default()
        };
        sim.set_behavior("/a", "", behavior);
        sim.create(app("/a", json!({ "healthChecks": health_checks() })))
            .unwrap();
        let start = sim.now;
        sim.advance_by(14 * SECOND);
        let terminated = sim
            .signals
            .first()
            .map(|(at, ..)| at.since(start).as_secs());
        assert_eq!(
            terminated, ends,
            "healthy after {healthy_after:?}, unhealthy after {unhealthy_after:?}"
        );
    }
}

#[test]
fn reports_first_success_of_a_check_by_mesos_twice() {
    for (protocol, expected) in [("MESOS_HTTP", 2), ("HTTP", 1)] {
        let mut sim = Simulation::new();
        let mut checks = health_checks();
        checks[0]["protocol"] = json!(protocol);
        sim.create(app("/a", json!({ "healthChecks": checks })))
            .unwrap();
        sim.finish_deployments();
        let healthy = |event: &&Event| {
            matches!(
                event,
                Event::InstanceHealthChangedEvent { healthy: true, .. }
            )
        };
        assert_eq!(
            sim.events.iter().filter(healthy).count(),
            expected,
            "{protocol}"
        );
    }
}

#[test]
fn reports_unhealthy_kill_and_delays_next_launch() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "",
        TaskBehavior {
            healthy_after: None,
            ..TaskBehavior::default()
        },
    );
    sim.create(app(
        "/a",
        json!({ "healthChecks": health_checks(), "backoffSeconds": 60 }),
    ))
    .unwrap();
    sim.run_until("it is killed", |sim| !sim.signals.is_empty());
    sim.advance_by(10 * SECOND);
    assert_eq!(sim.launches.len(), 1);
    assert!(
        sim.events
            .iter()
            .any(|event| matches!(event, Event::UnhealthyInstanceKillEvent { .. }))
    );
    let embed = Embed {
        last_failure: true,
        ..Embed::default()
    };
    let failure = sim
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
fn deployment_waits_for_readiness_and_reports_it() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "",
        TaskBehavior {
            healthy_after: Some(21 * SECOND),
            ..TaskBehavior::default()
        },
    );
    sim.create(app("/a", json!({ "readinessChecks": readiness_checks() })))
        .unwrap();
    sim.advance_by(20 * SECOND);
    let results = sim
        .deployments()
        .remove(0)
        .current_actions
        .remove(0)
        .readiness_check_results;
    assert_eq!((results.len(), results[0].ready), (1, false));
    let start = sim.now;
    sim.finish_deployments();
    assert!(
        sim.now.since(start) <= 4 * SECOND,
        "the check runs every two seconds"
    );
}

#[test]
fn reports_last_task_failure() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "",
        TaskBehavior {
            exits_after: Some(SECOND),
            ..TaskBehavior::default()
        },
    );
    sim.create(app("/a", json!({}))).unwrap();
    sim.run_until("it failed", |sim| {
        sim.core
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
    let app = sim
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
    let views = &app.tasks.unwrap()[0];
    assert_eq!(
        (views.state, &views.id, views.staged_at),
        (TaskState::Failed, &failure.task_id, None)
    );
}

#[test]
fn ignores_late_report_of_old_task() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({}))).unwrap();
    sim.finish_deployments();
    let old = sim.running("/a").remove(0).id;
    sim.crash(&old);
    sim.run_until("it runs again", |sim| {
        sim.running("/a").iter().any(|task| task.id != old)
    });
    let end = crate::core::TaskEnd::Exited(1);
    let now = sim.now;
    sim.request(|core, _| {
        core.handle_input(
            crate::core::Input::Ended {
                task: old.clone(),
                end,
            },
            now,
        )
    });
    sim.advance_by(5 * SECOND);
    assert_eq!((sim.running("/a").len(), sim.launches.len()), (1, 2));
}
