//! Persistent volumes: names, mounts and lifetime.

use serde_json::{Value, json};

use super::simulation::{Simulation, app, path};
use crate::core::{Force, KillMode};

fn persistent_volume() -> Value {
    json!({ "instances": 2, "volumes": [{ "containerPath": "/var/data", "persistent": { "size": 1 }, "mode": "RW" }] })
}

fn volume_names(sim: &Simulation, from: usize) -> Vec<String> {
    let mut volume_names: Vec<String> = sim.launches[from..]
        .iter()
        .flat_map(|(_, launch)| &launch.mounts)
        .map(|mount| mount.name.clone())
        .collect();
    volume_names.sort();
    volume_names
}

#[test]
fn persistent_volumes_last_until_app_is_deleted() {
    let all = ["fleet-local.g_db.0.var_data", "fleet-local.g_db.1.var_data"];
    let mut sim = Simulation::new();
    sim.create(app("/g/db", persistent_volume())).unwrap();
    sim.finish_deployments();
    assert_eq!(volume_names(&sim, 0), all);
    sim.request(|core, now| core.restart_app(&path("/g/db"), Force::No, now))
        .unwrap();
    sim.finish_deployments();
    assert_eq!(volume_names(&sim, 2), all, "a restart reuses the volumes");
    let task = sim
        .running("/g/db")
        .into_iter()
        .find(|task| task.ports.len() == 1)
        .unwrap()
        .id;
    sim.request(|core, now| core.kill(&[task], KillMode::Relaunch, now));
    sim.run_until("it runs again", |sim| {
        sim.running("/g/db").len() == 2 && sim.launches.len() == 5
    });
    assert!(sim.removed.is_empty());
    sim.put("/g/db", json!({ "instances": 1 }), Force::No)
        .unwrap();
    sim.finish_deployments();
    sim.put("/g/db", json!({ "instances": 0 }), Force::No)
        .unwrap();
    sim.finish_deployments();
    assert!(sim.removed.is_empty(), "volumes survive a scale-down");
    let from = sim.launches.len();
    sim.put("/g/db", json!({ "instances": 2 }), Force::No)
        .unwrap();
    sim.finish_deployments();
    assert_eq!(
        volume_names(&sim, from),
        all,
        "a scale-up reuses the volumes"
    );
    sim.put("/g/db", json!({ "instances": 1 }), Force::No)
        .unwrap();
    sim.finish_deployments();
    sim.request(|core, now| core.delete_app(&path("/g/db"), Force::No, now))
        .unwrap();
    sim.finish_deployments();
    sim.removed.sort();
    assert_eq!(sim.removed, all);
}

#[test]
fn mounts_persistent_volume_at_path_of_host_path_volume() {
    let volume = |path: &str, more: Value| {
        let mut volume = json!({ "containerPath": path, "mode": "RW" });
        volume
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        volume
    };
    let mut sim = Simulation::new();
    let volumes = json!([
        volume("data", json!({ "persistent": { "size": 1 } })),
        volume("/var/data", json!({ "hostPath": "data" })),
        volume("other", json!({ "persistent": { "size": 1 } })),
        volume("/etc/x", json!({ "hostPath": "/etc/x" })),
    ]);
    sim.create(app("/db", json!({ "volumes": volumes })))
        .unwrap();
    let mounts: Vec<(&str, &str)> = sim.launches[0]
        .1
        .mounts
        .iter()
        .map(|mount| (mount.name.as_str(), mount.path.as_str()))
        .collect();
    assert_eq!(
        mounts,
        [
            ("fleet-local.db.0.data", "/var/data"),
            ("fleet-local.db.0.other", "other")
        ]
    );
}

#[test]
fn kill_with_wipe_removes_volumes() {
    let mut sim = Simulation::new();
    sim.create(app("/g/db", persistent_volume())).unwrap();
    sim.finish_deployments();
    let task = sim.running("/g/db").remove(0).id;
    sim.request(|core, now| core.kill(&[task], KillMode::Wipe, now));
    sim.run_until("it runs again", |sim| sim.running("/g/db").len() == 2);
    assert_eq!(sim.removed.len(), 1);
    assert!(
        !volume_names(&sim, 2).contains(&sim.removed[0]),
        "the removal may still be in progress"
    );
}
