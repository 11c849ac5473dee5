//! The fake's state as Marathon's JSON.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

use moodvane_marathon_api::PathId;
use serde_json::{Value, json};

use super::world::{AppState, Deployment, Phase, Task, World};

/// The role of apps that name none.
const ROLE: &str = "marathon";

impl World {
    pub fn info(&self) -> Value {
        let config = json!({ "mesos_role": self.role(), "features": ["secrets"] });
        json!({
            "name": "marathon", "version": "1.11.0", "elected": true, "leader": "fake:8080",
            "frameworkId": "fake", "marathon_config": config,
        })
    }

    fn role(&self) -> &str {
        self.role.as_deref().unwrap_or(ROLE)
    }

    pub fn apps(&self) -> Vec<Value> {
        let role = self.role();
        let states = self.states.values();
        states.map(|state| app_json(state, role)).collect()
    }

    pub fn app(&self, id: &PathId) -> Option<Value> {
        let state = self.states.get(id)?;
        Some(app_json(state, self.role()))
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

fn app_json(state: &AppState, role: &str) -> Value {
    // Marathon returns sets in any order.
    let mut value = json!(state.app.with_reordered_sets());
    value["role"] = json!(role);
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
