//! The fake's state as Marathon's JSON.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

use moodvane_marathon_api::PathId;
use serde_json::{Value, json};

use super::world::{AppState, Deployment, Phase, Task, World};

impl World {
    pub fn apps(&self) -> Vec<Value> {
        self.states.values().map(app_json).collect()
    }

    pub fn app(&self, id: &PathId) -> Option<Value> {
        self.states.get(id).map(app_json)
    }

    pub fn tasks(&self) -> Vec<Value> {
        self.states
            .values()
            .flat_map(|state| state.tasks.iter().map(|task| task_json(state, task)))
            .collect()
    }

    pub fn deployments(&self) -> Vec<Value> {
        let one = |one: &Deployment| {
            let apps: Vec<&PathId> = one.steps.iter().flatten().map(|(_, id)| id).collect();
            let current = one
                .steps
                .get(one.current - 1)
                .map(|step| step_json(step))
                .unwrap_or_default();
            json!({
                "id": one.id, "version": "2026-11-21T03:29:36.924Z", "affectedApps": apps, "affectedPods": [],
                "steps": one.steps.iter().map(|step| step_json(step)).collect::<Vec<_>>(),
                "currentActions": current["actions"], "currentStep": one.current, "totalSteps": one.steps.len(),
            })
        };
        self.deployments.iter().map(one).collect()
    }
}

pub(super) fn step_json(step: &[(&'static str, PathId)]) -> Value {
    let actions: Vec<Value> = step
        .iter()
        .map(|(action, app)| json!({ "action": action, "app": app }))
        .collect();
    json!({ "actions": actions })
}

fn app_json(state: &AppState) -> Value {
    let mut value = json!(state.app);
    value["version"] = json!(state.version);
    value["versionInfo"] =
        json!({ "lastScalingAt": state.version, "lastConfigChangeAt": state.version });
    value["tasks"] = state
        .tasks
        .iter()
        .map(|task| task_json(state, task))
        .collect();
    if let Some(failure) = &state.failure {
        value["lastTaskFailure"] = failure.clone();
    }
    value
}

fn task_json(state: &AppState, task: &Task) -> Value {
    let name = format!("{}.instance-{}", state.app.id.safe_path(), task.number);
    let health = match task.phase {
        Phase::Healthy => json!([{ "alive": true, "consecutiveFailures": 0, "instanceId": name }]),
        _ => json!([]),
    };
    json!({
        "appId": state.app.id, "healthCheckResults": health, "host": "node-1", "id": format!("{name}._app.1"),
        "ipAddresses": [], "ports": [31000 + task.number % 1000], "servicePorts": [], "slaveId": "S0",
        "state": if task.phase == Phase::Staging { "TASK_STAGING" } else { "TASK_RUNNING" },
        "version": task.version, "localVolumes": [], "role": "*",
    })
}
