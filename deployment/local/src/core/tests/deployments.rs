//! Deployments: order, upgrade strategy, locks, cancellation and roll-back.

use std::time::Duration;

use serde_json::{Value, json};

use super::simulation::{
    SECOND, Simulation, TaskBehavior, app, health_checks, path, readiness_checks,
};
use crate::core::{Force, RequestError};

pub(super) fn group() -> Value {
    json!({
        "id": "/g",
        "apps": [app("front", json!({ "dependencies": ["/g/s/back"], "healthChecks": health_checks() }))],
        "groups": [
            { "id": "s", "dependencies": ["/g/store"], "apps": [app("back", json!({ "healthChecks": health_checks() }))] },
            { "id": "store", "apps": [app("db", json!({ "healthChecks": health_checks() }))] },
        ],
    })
}

fn actions(sim: &Simulation) -> Vec<Vec<String>> {
    let deployment = sim.deployments().remove(0);
    let describe = |step: &moodvane_marathon_api::Step| {
        step.actions
            .iter()
            .map(|action| format!("{} {}", action.action, action.app))
            .collect()
    };
    deployment.steps.iter().map(describe).collect()
}

#[test]
fn starts_app_after_its_dependencies_are_healthy() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/g/store/db",
        "",
        TaskBehavior {
            healthy_after: Some(8 * SECOND),
            ..TaskBehavior::default()
        },
    );
    sim.put_group("/g", group()).unwrap();
    assert_eq!(
        actions(&sim),
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
    sim.finish_deployments();
    let at = |app: &str| sim.launch_times(app)[0];
    // The task starts after 0.5 s, is healthy after 8 s, and is checked every second.
    assert!(
        at("/g/s/back") >= 8 * SECOND && at("/g/s/back") < 11 * SECOND,
        "{:?}",
        at("/g/s/back")
    );
    assert!(at("/g/front") > at("/g/s/back") + Duration::from_millis(500));
}

#[test]
fn stops_app_before_its_dependencies() {
    let mut sim = Simulation::new();
    sim.put_group("/g", group()).unwrap();
    sim.finish_deployments();
    sim.request(|core, now| core.delete_group(&path("/g"), Force::No, now))
        .unwrap();
    assert_eq!(
        actions(&sim),
        [
            vec!["StopApplication /g/front"],
            vec!["StopApplication /g/s/back"],
            vec!["StopApplication /g/store/db"]
        ]
    );
    sim.finish_deployments();
    let order: Vec<&str> = sim
        .signals
        .iter()
        .map(|(_, task, _)| task.split('.').next().unwrap())
        .collect();
    assert_eq!(order, ["g_front", "g_s_back", "g_store_db"]);
    assert!(!sim.exists("/g/front") && sim.core.is_idle());
}

#[test]
fn rolls_out_within_upgrade_strategy() {
    // Instances, minimum health, over-capacity, persistent volumes; then the least healthy and the most existing tasks.
    for (instances, least, over, persistent, min_healthy, max_total) in [
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
        let case = format!("{instances} with {least} and {over}, persistent {persistent}");
        let mut sim = Simulation::new();
        let volumes =
            json!([{ "containerPath": "/data", "persistent": { "size": 1 }, "mode": "RW" }]);
        let strategy = json!({ "minimumHealthCapacity": least, "maximumOverCapacity": over });
        let mut with = json!({ "instances": instances, "upgradeStrategy": strategy, "healthChecks": health_checks(),
                               "readinessChecks": readiness_checks(), "env": { "V": "1" } });
        if persistent {
            with["volumes"] = volumes;
        }
        sim.create(app("/a", with)).unwrap();
        sim.finish_deployments();
        sim.put("/a", json!({ "env": { "V": "2" } }), Force::No)
            .unwrap();
        let (mut observed_min, mut observed_max) = (usize::MAX, 0);
        while !sim.deployments().is_empty() {
            let end = sim.now.after(600 * SECOND);
            assert!(sim.step(end), "{case}: the deployment does not end");
            observed_min = observed_min.min(
                sim.running("/a")
                    .iter()
                    .filter(|task| task.is_healthy())
                    .count(),
            );
            observed_max = observed_max.max(sim.tasks("/a").len());
        }
        assert_eq!(sim.versions("/a"), vec!["2"; instances], "{case}");
        assert_eq!(
            (observed_min, observed_max),
            (min_healthy, max_total),
            "{case}"
        );
        assert_eq!(
            sim.removed,
            Vec::<String>::new(),
            "{case}: no volume is removed"
        );
    }
}

#[test]
fn keeps_old_tasks_of_unhealthy_version_and_rolls_back() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "2",
        TaskBehavior {
            healthy_after: None,
            ..TaskBehavior::default()
        },
    );
    let with = json!({ "instances": 2, "healthChecks": health_checks(), "env": { "V": "1" },
                       "upgradeStrategy": { "minimumHealthCapacity": 1, "maximumOverCapacity": 0.5 } });
    sim.create(app("/a", with)).unwrap();
    sim.finish_deployments();
    let result = sim
        .put("/a", json!({ "env": { "V": "2" } }), Force::No)
        .unwrap();
    sim.advance_by(120 * SECOND);
    assert_eq!(
        sim.versions("/a")
            .iter()
            .filter(|version| *version == "1")
            .count(),
        2
    );
    assert_eq!(sim.deployments().len(), 1);
    sim.request(|core, now| core.roll_back(&result.deployment_id, now))
        .unwrap();
    sim.finish_deployments();
    assert_eq!(sim.versions("/a"), ["1", "1"]);
}

#[test]
fn removes_new_app_on_roll_back() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "",
        TaskBehavior {
            healthy_after: None,
            ..TaskBehavior::default()
        },
    );
    let result = sim
        .create(app("/a", json!({ "healthChecks": health_checks() })))
        .unwrap();
    sim.advance_by(5 * SECOND);
    sim.request(|core, now| core.roll_back(&result.deployment_id, now))
        .unwrap();
    sim.finish_deployments();
    assert!(!sim.exists("/a") && sim.core.is_idle());
}

#[test]
fn rejects_change_of_locked_app_without_force() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "",
        TaskBehavior {
            healthy_after: None,
            ..TaskBehavior::default()
        },
    );
    let first = sim
        .create(app("/a", json!({ "healthChecks": health_checks() })))
        .unwrap();
    let locked = sim.put("/a", json!({ "instances": 2 }), Force::No);
    assert_eq!(locked, Err(RequestError::Locked(vec![first.deployment_id])));
    // Another app is not locked.
    sim.create(app("/b", json!({}))).unwrap();
    sim.put("/a", json!({ "healthChecks": [] }), Force::Yes)
        .unwrap();
    sim.finish_deployments();
    assert_eq!(sim.running("/a").len(), 1);
}

#[test]
fn deletes_app_during_waiting_deployment() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/a",
        "",
        TaskBehavior {
            healthy_after: None,
            ..TaskBehavior::default()
        },
    );
    sim.create(app("/a", json!({ "healthChecks": health_checks() })))
        .unwrap();
    sim.request(|core, now| core.delete_app(&path("/a"), Force::No, now))
        .unwrap();
    sim.finish_deployments();
    assert!(!sim.exists("/a") && sim.core.is_idle());
}

#[test]
fn applies_desired_state_after_cancelled_deployment() {
    let mut sim = Simulation::new();
    sim.set_behavior(
        "/g/store/db",
        "",
        TaskBehavior {
            healthy_after: None,
            ..TaskBehavior::default()
        },
    );
    let result = sim.put_group("/g", group()).unwrap();
    sim.advance_by(5 * SECOND);
    assert!(sim.launch_times("/g/front").is_empty());
    sim.request(|core, now| core.cancel_deployment(&result.deployment_id, now))
        .unwrap();
    sim.run_until("the others run", |sim| {
        !sim.running("/g/front").is_empty() && !sim.running("/g/s/back").is_empty()
    });
}

#[test]
fn scales_up_and_down() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({ "instances": 3 }))).unwrap();
    sim.finish_deployments();
    assert_eq!(sim.running("/a").len(), 3);
    for instances in [5, 1, 0, 2] {
        sim.put("/a", json!({ "instances": instances }), Force::No)
            .unwrap();
        sim.finish_deployments();
        assert_eq!(sim.running("/a").len(), instances);
    }
}

#[test]
fn kills_by_kill_selection() {
    for (selection, killed) in [("YOUNGEST_FIRST", 1), ("OLDEST_FIRST", 0)] {
        let mut sim = Simulation::new();
        sim.create(app("/a", json!({ "killSelection": selection })))
            .unwrap();
        sim.finish_deployments();
        sim.advance_by(10 * SECOND);
        sim.put("/a", json!({ "instances": 2 }), Force::No).unwrap();
        sim.finish_deployments();
        sim.put("/a", json!({ "instances": 1 }), Force::No).unwrap();
        sim.finish_deployments();
        assert_eq!(sim.signals[0].1, sim.launches[killed].1.task, "{selection}");
    }
}

#[test]
fn deploys_unchanged_app_without_steps() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({}))).unwrap();
    sim.finish_deployments();
    let before = sim.core.desired().apps.clone();
    sim.put("/a", json!({ "instances": 1 }), Force::No).unwrap();
    assert!(sim.deployments().is_empty());
    assert_eq!(sim.core.desired().apps, before);
    assert_eq!(sim.launches.len(), 1);
}

#[test]
fn restart_replaces_every_task() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({ "instances": 2 }))).unwrap();
    sim.finish_deployments();
    let before: Vec<String> = sim.running("/a").into_iter().map(|task| task.id).collect();
    sim.request(|core, now| core.restart_app(&path("/a"), Force::No, now))
        .unwrap();
    sim.finish_deployments();
    let after: Vec<String> = sim.running("/a").into_iter().map(|task| task.id).collect();
    assert_eq!(after.len(), 2);
    assert!(
        after.iter().all(|task| !before.contains(task)),
        "{before:?} {after:?}"
    );
}

#[test]
fn restores_group_to_earlier_version() {
    let mut sim = Simulation::new();
    let first = sim.put_group("/g", group()).unwrap();
    sim.finish_deployments();
    sim.put_group(
        "/g",
        json!({ "apps": [app("front", json!({ "env": { "V": "2" } }))], "groups": [] }),
    )
    .unwrap();
    sim.finish_deployments();
    assert!(!sim.exists("/g/store/db"));
    sim.put_group("/g", json!({ "version": first.version }))
        .unwrap();
    sim.finish_deployments();
    assert!(sim.exists("/g/store/db") && sim.versions("/g/front").is_empty());
}
