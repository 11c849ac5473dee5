//! What the fake Marathon holds: apps, tasks, deployments, and how they go on.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use moodvane_marathon_api::{App, Group, GroupUpdate, PathId, dependency_layers};
use serde_json::{Value, json};

/// How far a task is. Each look at the apps takes it one on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Staging,
    Running,
    Healthy,
}

struct Task {
    number: u64,
    age: Age,
    version: String,
}

struct Held {
    app: App,
    version: String,
    tasks: Vec<Task>,
    failure: Option<Value>,
}

#[derive(Clone)]
struct Deployment {
    id: String,
    /// What is done to which app, step by step.
    steps: Vec<Vec<(&'static str, PathId)>>,
    current: usize,
    /// The state before.
    before: Option<Vec<App>>,
    /// So many looks until it goes on.
    held: usize,
}

#[derive(Default)]
pub struct World {
    held: BTreeMap<PathId, Held>,
    deployments: Vec<Deployment>,
    count: u64,
    /// Every change that was asked for.
    pub requests: Vec<String>,
    /// Apps whose tasks fail.
    pub failing: BTreeSet<String>,
    /// Apps whose tasks do not end.
    pub stubborn: BTreeSet<String>,
    /// What every request must be authorized by.
    pub authorization: Option<String>,
    /// Statuses of the next answers, the last first.
    pub broken: Vec<u16>,
    /// Whether there is a stream of events.
    pub streams: bool,
    /// The most peers that were not healthy at a time, while a healthy fleet was changed.
    pub most_peers_away: usize,
}

impl World {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn version(&mut self) -> String {
        let count = self.next();
        format!(
            "2026-11-21T03:{:02}:{:02}.{:03}Z",
            count / 60_000 % 60,
            count / 1_000 % 60,
            count % 1_000
        )
    }

    /// A deployment of somebody else that holds an app for so many looks.
    pub fn hold(&mut self, app: &str, looks: usize) {
        let id = format!("held-{}", self.next());
        let steps = vec![vec![("ScaleApplication", app.parse().unwrap())]];
        self.deployments.push(Deployment {
            id,
            steps,
            current: 1,
            before: None,
            held: looks,
        });
    }

    fn locked(&self, apps: &[PathId]) -> Option<String> {
        let mut acts = self
            .deployments
            .iter()
            .filter(|one| one.steps.iter().flatten().any(|(_, id)| apps.contains(id)));
        acts.next().map(|one| one.id.clone())
    }

    fn begin(
        &mut self,
        steps: Vec<Vec<(&'static str, PathId)>>,
        before: Vec<App>,
        force: bool,
    ) -> Result<Value, String> {
        let steps: Vec<_> = steps.into_iter().filter(|step| !step.is_empty()).collect();
        let apps: Vec<PathId> = steps.iter().flatten().map(|(_, id)| id.clone()).collect();
        match self.locked(&apps) {
            Some(id) if !force => return Err(id),
            Some(_) => self
                .deployments
                .retain(|one| !one.steps.iter().flatten().any(|(_, id)| apps.contains(id))),
            None => {}
        }
        let id = format!("deployment-{}", self.next());
        let version = self.version();
        if !steps.is_empty() {
            self.deployments.push(Deployment {
                id: id.clone(),
                steps,
                current: 1,
                before: Some(before),
                held: 0,
            });
        }
        Ok(json!({ "deploymentId": id, "version": version }))
    }

    fn snapshot(&self) -> Vec<App> {
        self.held.values().map(|held| held.app.clone()).collect()
    }

    fn steps_to(&self, apps: &[App]) -> Vec<Vec<(&'static str, PathId)>> {
        let mut root = Group::empty(PathId::root());
        root.apps = apps.to_vec();
        let gone = self
            .held
            .keys()
            .filter(|id| !apps.iter().any(|app| app.id == **id));
        let mut steps = vec![
            gone.map(|id| ("StopApplication", id.clone()))
                .collect::<Vec<_>>(),
        ];
        let new = apps.iter().filter(|app| !self.held.contains_key(&app.id));
        steps.push(
            new.map(|app| ("StartApplication", app.id.clone()))
                .collect(),
        );
        for layer in dependency_layers(&root).unwrap() {
            let act = |id: &PathId| {
                let app = apps.iter().find(|app| app.id == *id)?;
                match self.held.get(id) {
                    None => Some(("ScaleApplication", id.clone())),
                    Some(held) if !held.app.has_same_run_spec(app) => {
                        Some(("RestartApplication", id.clone()))
                    }
                    Some(held) if held.app.instances != app.instances => {
                        Some(("ScaleApplication", id.clone()))
                    }
                    Some(_) => None,
                }
            };
            steps.push(layer.iter().filter_map(act).collect());
        }
        steps
    }

    pub fn plan(&self, group: &GroupUpdate) -> Value {
        let steps = self.steps_to(group.apps.as_deref().unwrap_or_default());
        let steps: Vec<_> = steps.into_iter().filter(|step| !step.is_empty()).collect();
        json!({ "steps": steps.iter().map(|step| shown(step)).collect::<Vec<_>>() })
    }

    pub fn put_group(&mut self, group: GroupUpdate, force: bool) -> Result<Value, String> {
        let apps = group.apps.unwrap_or_default();
        let (steps, before) = (self.steps_to(&apps), self.snapshot());
        let result = self.begin(steps, before, force)?;
        let version = result["version"].as_str().unwrap().to_owned();
        self.held
            .retain(|id, _| apps.iter().any(|app| app.id == *id));
        apps.into_iter().for_each(|app| self.set(app, &version));
        Ok(result)
    }

    pub fn put_app(&mut self, app: App, force: bool) -> Result<Value, String> {
        let before = self.snapshot();
        let steps = vec![vec![("RestartApplication", app.id.clone())]];
        let result = self.begin(steps, before, force)?;
        let version = result["version"].as_str().unwrap().to_owned();
        self.set(app, &version);
        Ok(result)
    }

    pub fn restart(&mut self, id: &PathId, force: bool) -> Result<Value, String> {
        let before = self.snapshot();
        let result = self.begin(
            vec![vec![("RestartApplication", id.clone())]],
            before,
            force,
        )?;
        let held = self.held.get_mut(id).unwrap();
        held.version = result["version"].as_str().unwrap().to_owned();
        Ok(result)
    }

    pub fn scale(&mut self, scales: &[Value], force: bool) -> Result<Value, String> {
        let id = |scale: &Value| scale["id"].as_str().unwrap().parse::<PathId>().unwrap();
        let act = |scale: &Value| ("ScaleApplication", id(scale));
        let before = self.snapshot();
        let result = self.begin(vec![scales.iter().map(act).collect()], before, force)?;
        for scale in scales {
            let instances = u32::try_from(scale["instances"].as_u64().unwrap()).unwrap();
            self.held.get_mut(&id(scale)).unwrap().app.instances = instances;
        }
        Ok(result)
    }

    pub fn delete_group(&mut self) -> Option<Value> {
        if self.held.is_empty() {
            return None;
        }
        let version = self.version();
        self.held.clear();
        self.deployments.clear();
        Some(json!({ "deploymentId": "removed", "version": version }))
    }

    pub fn roll_back(&mut self, id: &str) -> Option<Value> {
        let place = self.deployments.iter().position(|one| one.id == id)?;
        let before = self.deployments.remove(place).before.unwrap_or_default();
        let version = self.version();
        self.held
            .retain(|id, _| before.iter().any(|app| app.id == *id));
        before.into_iter().for_each(|app| self.set(app, &version));
        Some(json!({ "deploymentId": format!("back-{id}"), "version": version }))
    }

    fn set(&mut self, app: App, version: &str) {
        match self.held.get_mut(&app.id) {
            Some(held) if held.app.has_same_run_spec(&app) => held.app.instances = app.instances,
            Some(held) => {
                held.app = app;
                version.clone_into(&mut held.version);
            }
            None => {
                let held = Held {
                    app: app.clone(),
                    version: version.to_owned(),
                    tasks: Vec::new(),
                    failure: None,
                };
                self.held.insert(app.id, held);
            }
        }
    }

    /// Everything goes on by one.
    pub fn step(&mut self) {
        let acted: BTreeSet<PathId> = self
            .deployments
            .iter()
            .filter(|one| one.held == 0)
            .flat_map(|one| one.steps.get(one.current - 1).into_iter().flatten())
            .filter(|(action, _)| *action != "StartApplication")
            .map(|(_, id)| id.clone())
            .collect();
        for id in acted {
            self.step_app(&id);
        }
        let complete = |world: &Self, id: &PathId| world.held.get(id).is_none_or(is_complete);
        let mut deployments = std::mem::take(&mut self.deployments);
        for one in &mut deployments {
            one.held = one.held.saturating_sub(1);
            let step = one.steps.get(one.current - 1);
            let done = step.is_none_or(|step| {
                step.iter()
                    .all(|(action, id)| *action == "StartApplication" || complete(self, id))
            });
            if done && one.held == 0 {
                one.current += 1;
            }
        }
        deployments.retain(|one| one.current <= one.steps.len());
        self.deployments.append(&mut deployments);
        let away =
            |held: &&Held| held.app.labels.contains_key("moodvane.peers") && !is_complete(held);
        let was_up = self
            .held
            .values()
            .all(|held| held.failure.is_none() && !held.tasks.is_empty());
        if was_up {
            self.most_peers_away = self
                .most_peers_away
                .max(self.held.values().filter(away).count());
        }
    }

    fn step_app(&mut self, id: &PathId) {
        let (fails, stays) = (
            self.failing.contains(id.last()),
            self.stubborn.contains(id.last()),
        );
        let number = self.next();
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        let wanted = held.app.instances as usize;
        if fails && wanted > 0 {
            held.failure = Some(json!({
                "appId": id, "host": "node-1", "message": "Container exited with status 78", "state": "TASK_FAILED",
                "taskId": format!("{}.instance-{number}._app.1", id.safe_path()),
                "timestamp": "2026-11-21T03:29:36.924Z", "version": held.version,
            }));
            held.tasks.clear();
            return;
        }
        for task in &mut held.tasks {
            task.age = match task.age {
                Age::Staging => Age::Running,
                Age::Running | Age::Healthy => Age::Healthy,
            };
        }
        let version = held.version.clone();
        let old = held.tasks.iter().position(|task| task.version != version);
        match old {
            Some(old) => drop(held.tasks.remove(old)),
            None if held.tasks.len() > wanted && !stays => held.tasks.truncate(wanted),
            None if held.tasks.len() < wanted => held.tasks.push(Task {
                number,
                age: Age::Staging,
                version,
            }),
            None => {}
        }
    }

    pub fn apps(&self) -> Vec<Value> {
        self.held.values().map(|held| self.told(held)).collect()
    }

    pub fn app(&self, id: &PathId) -> Option<Value> {
        self.held.get(id).map(|held| self.told(held))
    }

    pub fn tasks(&self) -> Vec<Value> {
        self.held
            .values()
            .flat_map(|held| held.tasks.iter().map(|task| task_told(held, task)))
            .collect()
    }

    fn told(&self, held: &Held) -> Value {
        let mut told = json!(held.app);
        told["version"] = json!(held.version);
        told["versionInfo"] =
            json!({ "lastScalingAt": held.version, "lastConfigChangeAt": held.version });
        told["tasks"] = held
            .tasks
            .iter()
            .map(|task| task_told(held, task))
            .collect();
        if let Some(failure) = &held.failure {
            told["lastTaskFailure"] = failure.clone();
        }
        told
    }

    pub fn deployments(&self) -> Vec<Value> {
        let one = |one: &Deployment| {
            let apps: Vec<&PathId> = one.steps.iter().flatten().map(|(_, id)| id).collect();
            let current = one
                .steps
                .get(one.current - 1)
                .map(|step| shown(step))
                .unwrap_or_default();
            json!({
                "id": one.id, "version": "2026-11-21T03:29:36.924Z", "affectedApps": apps, "affectedPods": [],
                "steps": one.steps.iter().map(|step| shown(step)).collect::<Vec<_>>(),
                "currentActions": current["actions"], "currentStep": one.current, "totalSteps": one.steps.len(),
            })
        };
        self.deployments.iter().map(one).collect()
    }
}

fn shown(step: &[(&'static str, PathId)]) -> Value {
    let actions: Vec<Value> = step
        .iter()
        .map(|(action, app)| json!({ "action": action, "app": app }))
        .collect();
    json!({ "actions": actions })
}

fn is_complete(held: &Held) -> bool {
    let current = |task: &&Task| task.version == held.version && task.age == Age::Healthy;
    held.tasks.len() == held.app.instances as usize
        && held.tasks.iter().filter(current).count() == held.tasks.len()
}

fn task_told(held: &Held, task: &Task) -> Value {
    let name = format!("{}.instance-{}", held.app.id.safe_path(), task.number);
    let health = match task.age {
        Age::Healthy => json!([{ "alive": true, "consecutiveFailures": 0, "instanceId": name }]),
        _ => json!([]),
    };
    json!({
        "appId": held.app.id, "healthCheckResults": health, "host": "node-1", "id": format!("{name}._app.1"),
        "ipAddresses": [], "ports": [31000 + task.number % 1000], "servicePorts": [], "slaveId": "S0",
        "state": if task.age == Age::Staging { "TASK_STAGING" } else { "TASK_RUNNING" },
        "version": task.version, "localVolumes": [], "role": "*",
    })
}
