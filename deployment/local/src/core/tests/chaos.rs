//! Property: after any requests and failures, the running tasks converge to the desired state.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::simulation::{SECOND, Simulation, TaskBehavior, app, health_checks, path};
use crate::core::{Force, KillMode};

#[derive(Debug, Clone)]
enum Op {
    Put {
        app: usize,
        instances: u32,
        version: u32,
    },
    Delete {
        app: usize,
    },
    Restart {
        app: usize,
    },
    Kill {
        app: usize,
    },
    Crash {
        app: usize,
    },
    Cancel,
    RollBack,
    Wait {
        ms: u64,
    },
}

const APPS: [&str; 3] = ["/g/a", "/g/b", "/g/c"];

fn op() -> impl Strategy<Value = Op> {
    let app = 0..APPS.len();
    prop_oneof![
        4 => (app.clone(), 0_u32..4, 0_u32..3).prop_map(|(app, instances, version)| Op::Put { app, instances, version }),
        1 => app.clone().prop_map(|app| Op::Delete { app }),
        1 => app.clone().prop_map(|app| Op::Restart { app }),
        2 => app.clone().prop_map(|app| Op::Kill { app }),
        2 => app.prop_map(|app| Op::Crash { app }),
        1 => Just(Op::Cancel),
        1 => Just(Op::RollBack),
        4 => (0_u64..5000).prop_map(|ms| Op::Wait { ms }),
    ]
}

fn apply(sim: &mut Simulation, op: &Op) {
    match op {
        Op::Put {
            app: index,
            instances,
            version,
        } => {
            let dependencies: Vec<&str> = APPS.iter().take(*index).copied().collect();
            let mut update = app(
                APPS[*index],
                json!({ "instances": instances, "healthChecks": health_checks(),
                "env": { "V": version.to_string() }, "dependencies": dependencies, "backoffSeconds": 1 }),
            );
            if *index == 1 {
                update["container"]["volumes"] =
                    json!([{ "containerPath": "/d", "persistent": { "size": 1 }, "mode": "RW" }]);
            }
            sim.put(APPS[*index], update, Force::Yes).unwrap();
        }
        Op::Delete { app } => {
            drop(sim.request(|core, now| core.delete_app(&path(APPS[*app]), Force::Yes, now)))
        }
        Op::Restart { app } => {
            drop(sim.request(|core, now| core.restart_app(&path(APPS[*app]), Force::Yes, now)))
        }
        Op::Kill { app } => {
            let tasks = sim.core.running_task_ids(&path(APPS[*app]));
            sim.request(|core, now| core.kill(&tasks, KillMode::Relaunch, now));
        }
        Op::Crash { app } => {
            if let Some(task) = sim.running(APPS[*app]).pop() {
                sim.crash(&task.id);
            }
        }
        Op::Cancel | Op::RollBack => {
            if let Some(deployment) = sim.deployments().pop() {
                match op {
                    Op::Cancel => sim
                        .request(|core, now| core.cancel_deployment(&deployment.id, now))
                        .unwrap(),
                    _ => drop(
                        sim.request(|core, now| core.roll_back(&deployment.id, now))
                            .unwrap(),
                    ),
                }
            }
        }
        Op::Wait { ms } => sim.advance_by(Duration::from_millis(*ms)),
    }
}

fn has_converged(sim: &Simulation) -> bool {
    APPS.iter().all(|name| {
        let target = sim.core.desired().apps.get(&path(name));
        let tasks = sim.tasks(name);
        let healthy = tasks.iter().filter(|task| task.is_healthy()).count();
        target.map_or(tasks.is_empty(), |app| {
            healthy == app.instances as usize && healthy == tasks.len()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn converges_to_desired_state(ops in prop::collection::vec(op(), 1..30)) {
        let mut sim = Simulation::new();
        // Tasks of one version ignore SIGTERM, so that deployments overlap.
        sim.set_behavior("/g/b", "1", TaskBehavior { stops_after: None, ..TaskBehavior::default() });
        for op in &ops {
            apply(&mut sim, op);
        }
        let end = sim.now.after(600 * SECOND);
        while !(sim.deployments().is_empty() && has_converged(&sim)) {
            prop_assert!(sim.now < end, "{:#?}", sim.deployments());
            sim.step(end);
        }
        let versions: Vec<String> = APPS.iter().flat_map(|name| {
            let app = sim.core.desired().apps.get(&path(name)).cloned();
            let target = app.and_then(|app| app.env.get("V").cloned());
            sim.versions(name).into_iter().filter(move |version| {
                target != Some(moodvane_marathon_api::EnvValue::Plain(version.clone()))
            }).collect::<Vec<_>>()
        }).collect();
        prop_assert_eq!(versions, Vec::<String>::new());
    }
}
