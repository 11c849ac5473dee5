//! Whatever is asked and whatever dies: when it is over, what runs is what is desired.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::world::{Manner, SECOND, World, app, checked, path};
use crate::core::{Force, Kill};

#[derive(Debug, Clone)]
enum Turn {
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
    Die {
        app: usize,
    },
    Cancel,
    RollBack,
    Wait {
        ms: u64,
    },
}

const APPS: [&str; 3] = ["/g/a", "/g/b", "/g/c"];

fn turn() -> impl Strategy<Value = Turn> {
    let app = 0..APPS.len();
    prop_oneof![
        4 => (app.clone(), 0_u32..4, 0_u32..3).prop_map(|(app, instances, version)| Turn::Put { app, instances, version }),
        1 => app.clone().prop_map(|app| Turn::Delete { app }),
        1 => app.clone().prop_map(|app| Turn::Restart { app }),
        2 => app.clone().prop_map(|app| Turn::Kill { app }),
        2 => app.prop_map(|app| Turn::Die { app }),
        1 => Just(Turn::Cancel),
        1 => Just(Turn::RollBack),
        4 => (0_u64..5000).prop_map(|ms| Turn::Wait { ms }),
    ]
}

fn take(world: &mut World, turn: &Turn) {
    match turn {
        Turn::Put {
            app: index,
            instances,
            version,
        } => {
            let depends: Vec<&str> = APPS.iter().take(*index).copied().collect();
            let mut update = app(
                APPS[*index],
                json!({ "instances": instances, "healthChecks": checked(),
                "env": { "V": version.to_string() }, "dependencies": depends, "backoffSeconds": 1 }),
            );
            if *index == 1 {
                update["container"]["volumes"] =
                    json!([{ "containerPath": "/d", "persistent": { "size": 1 }, "mode": "RW" }]);
            }
            world.put(APPS[*index], update, Force::Yes).unwrap();
        }
        Turn::Delete { app } => {
            drop(world.ask(|core, now| core.delete_app(&path(APPS[*app]), Force::Yes, now)))
        }
        Turn::Restart { app } => {
            drop(world.ask(|core, now| core.restart_app(&path(APPS[*app]), Force::Yes, now)))
        }
        Turn::Kill { app } => {
            let tasks = world.core.tasks_of(&path(APPS[*app]));
            world.ask(|core, now| core.kill(&tasks, Kill::Relaunch, now));
        }
        Turn::Die { app } => {
            if let Some(task) = world.running(APPS[*app]).pop() {
                world.dies(&task.id);
            }
        }
        Turn::Cancel | Turn::RollBack => {
            if let Some(deployment) = world.deployments().pop() {
                match turn {
                    Turn::Cancel => world
                        .ask(|core, now| core.cancel_deployment(&deployment.id, now))
                        .unwrap(),
                    _ => drop(
                        world
                            .ask(|core, now| core.roll_back(&deployment.id, now))
                            .unwrap(),
                    ),
                }
            }
        }
        Turn::Wait { ms } => world.pass(Duration::from_millis(*ms)),
    }
}

fn is_as_desired(world: &World) -> bool {
    APPS.iter().all(|name| {
        let wanted = world.core.desired().apps.get(&path(name));
        let tasks = world.tasks(name);
        let good = tasks.iter().filter(|task| task.is_healthy()).count();
        wanted.map_or(tasks.is_empty(), |app| {
            good == app.instances as usize && good == tasks.len()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_runs_becomes_what_is_desired(turns in prop::collection::vec(turn(), 1..30)) {
        let mut world = World::new();
        // One version is slow to end, so that things overlap.
        world.manner("/g/b", "1", Manner { ends_in: None, ..Manner::default() });
        for turn in &turns {
            take(&mut world, turn);
        }
        let end = world.now.after(600 * SECOND);
        while !(world.deployments().is_empty() && is_as_desired(&world)) {
            prop_assert!(world.now < end, "{:#?}", world.deployments());
            world.step(end);
        }
        let versions: Vec<String> = APPS.iter().flat_map(|name| {
            let app = world.core.desired().apps.get(&path(name)).cloned();
            let wanted = app.and_then(|app| app.env.get("V").cloned());
            world.versions(name).into_iter().filter(move |version| {
                wanted != Some(moodvane_marathon_api::EnvValue::Plain(version.clone()))
            }).collect::<Vec<_>>()
        }).collect();
        prop_assert_eq!(versions, Vec::<String>::new());
    }
}
