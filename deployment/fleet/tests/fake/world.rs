//! The state of the fake Marathon: apps, tasks, deployments, and how they advance.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use moodvane_marathon_api::{App, Group, GroupUpdate, PathId, dependency_layers};
use serde_json::{Value, json};

use super::view::step_json;

/// The phase of a task. Each step advances it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Staging,
    Running,
    Healthy,
}

pub(super) struct Task {
    pub(super) number: u64,
    pub(super) phase: Phase,
    pub(super) version: String,
}

pub(super) struct AppState {
    pub(super) app: App,
    pub(super) version: String,
    pub(super) tasks: Vec<Task>,
    pub(super) failure: Option<Value>,
}

#[derive(Clone)]
pub(super) struct Deployment {
    pub(super) id: String,
    /// The actions and their apps, by step.
    pub(super) steps: Vec<Vec<(&'static str, PathId)>>,
    pub(super) current: usize,
    /// The apps before the deployment.
    before: Option<Vec<App>>,
    /// Steps until the deployment continues.
    blocked: usize,
}

#[derive(Default)]
pub struct World {
    pub(super) states: BTreeMap<PathId, AppState>,
    pub(super) deployments: Vec<Deployment>,
    /// The apps at each version that a client has read.
    versions: BTreeMap<String, Vec<App>>,
    count: u64,
    /// All requested changes.
    pub requests: Vec<String>,
    /// Apps or images whose tasks fail.
    pub failing: BTreeSet<String>,
    /// Apps whose tasks do not stop.
    pub unstoppable: BTreeSet<String>,
    /// The required authorization header.
    pub authorization: Option<String>,
    /// Whether the user may not see Marathon's properties.
    pub hides_info: bool,
    /// `--mesos_role`, if set.
    pub role: Option<String>,
    /// The launch queue.
    pub queue: Vec<Value>,
    /// Apps whose tasks never get a result of their health check.
    pub unchecked: BTreeSet<String>,
    /// Error statuses of the next responses, last first.
    pub next_errors: Vec<u16>,
    /// Whether there is an event stream.
    pub has_events: bool,
    /// The maximum number of peers that were down at once during a change of a healthy fleet.
    pub max_peers_down: usize,
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

    /// Adds a deployment of another client that locks an app for this many steps.
    pub fn lock(&mut self, app: &str, steps_left: usize) {
        let id = format!("locked-{}", self.next());
        let steps = vec![vec![("ScaleApplication", app.parse().unwrap())]];
        self.deployments.push(Deployment {
            id,
            steps,
            current: 1,
            before: None,
            blocked: steps_left,
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
                blocked: 0,
            });
        }
        Ok(json!({ "deploymentId": id, "version": version }))
    }

    fn snapshot(&self) -> Vec<App> {
        self.states
            .values()
            .map(|state| state.app.clone())
            .collect()
    }

    fn steps_to(&self, apps: &[App]) -> Vec<Vec<(&'static str, PathId)>> {
        let mut root = Group::empty(PathId::root());
        root.apps = apps.to_vec();
        let gone = self
            .states
            .keys()
            .filter(|id| !apps.iter().any(|app| app.id == **id));
        let mut steps = vec![
            gone.map(|id| ("StopApplication", id.clone()))
                .collect::<Vec<_>>(),
        ];
        let new = apps.iter().filter(|app| !self.states.contains_key(&app.id));
        steps.push(
            new.map(|app| ("StartApplication", app.id.clone()))
                .collect(),
        );
        for layer in dependency_layers(&root).unwrap() {
            let act = |id: &PathId| {
                let app = apps.iter().find(|app| app.id == *id)?;
                match self.states.get(id) {
                    None => Some(("ScaleApplication", id.clone())),
                    Some(state) if !state.app.has_same_run_spec(app) => {
                        Some(("RestartApplication", id.clone()))
                    }
                    Some(state) if state.app.instances != app.instances => {
                        Some(("ScaleApplication", id.clone()))
                    }
                    Some(_) => None,
                }
            };
            steps.push(layer.iter().filter_map(act).collect());
        }
        steps
    }

    /// The plan of a dry run. As in Marathon, it restarts every existing app.
    pub fn plan(&self, group: &GroupUpdate) -> Value {
        let apps = group.apps.as_deref().unwrap_or_default();
        let existing = apps.iter().filter(|app| self.states.contains_key(&app.id));
        let restarts = existing.map(|app| ("RestartApplication", app.id.clone()));
        json!({ "steps": [step_json(&restarts.collect::<Vec<_>>())] })
    }

    /// The group with a version that restores it.
    pub fn group(&mut self) -> Value {
        let version = self.version();
        self.versions.insert(version.clone(), self.snapshot());
        json!({ "id": "/moodvane", "version": version, "apps": self.apps() })
    }

    pub fn put_group(&mut self, group: GroupUpdate, force: bool) -> Result<Value, String> {
        let apps = match group.version {
            Some(version) => self.versions[&version.to_string()].clone(),
            None => group.apps.unwrap_or_default(),
        };
        let (steps, before) = (self.steps_to(&apps), self.snapshot());
        let result = self.begin(steps, before, force)?;
        let version = result["version"].as_str().unwrap().to_owned();
        self.states
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
        let state = self.states.get_mut(id).unwrap();
        state.version = result["version"].as_str().unwrap().to_owned();
        Ok(result)
    }

    pub fn scale(&mut self, scales: &[Value], force: bool) -> Result<Value, String> {
        let id = |scale: &Value| scale["id"].as_str().unwrap().parse::<PathId>().unwrap();
        let act = |scale: &Value| ("ScaleApplication", id(scale));
        let before = self.snapshot();
        let result = self.begin(vec![scales.iter().map(act).collect()], before, force)?;
        for scale in scales {
            let instances = u32::try_from(scale["instances"].as_u64().unwrap()).unwrap();
            self.states.get_mut(&id(scale)).unwrap().app.instances = instances;
        }
        Ok(result)
    }

    pub fn delete_group(&mut self) -> Option<Value> {
        if self.states.is_empty() {
            return None;
        }
        let version = self.version();
        self.states.clear();
        self.deployments.clear();
        Some(json!({ "deploymentId": "removed", "version": version }))
    }

    pub fn roll_back(&mut self, id: &str) -> Option<Value> {
        let place = self.deployments.iter().position(|one| one.id == id)?;
        let before = self.deployments.remove(place).before.unwrap_or_default();
        let version = self.version();
        self.states
            .retain(|id, _| before.iter().any(|app| app.id == *id));
        before.into_iter().for_each(|app| self.set(app, &version));
        Some(json!({ "deploymentId": format!("back-{id}"), "version": version }))
    }

    fn set(&mut self, app: App, version: &str) {
        match self.states.get_mut(&app.id) {
            Some(state) if state.app.has_same_run_spec(&app) => state.app.instances = app.instances,
            Some(state) => {
                state.app = app;
                version.clone_into(&mut state.version);
            }
            None => {
                let state = AppState {
                    app: app.clone(),
                    version: version.to_owned(),
                    tasks: Vec::new(),
                    failure: None,
                };
                self.states.insert(app.id, state);
            }
        }
    }

    /// Changes an app without a deployment, as another client.
    pub fn set_foreign(&mut self, app: App) {
        let (id, version) = (app.id.clone(), self.version());
        self.set(app, &version);
        let tasks = &mut self.states.get_mut(&id).unwrap().tasks;
        tasks
            .iter_mut()
            .for_each(|task| task.version.clone_from(&version));
    }

    /// Advances everything by one step.
    pub fn step(&mut self) {
        let acted: BTreeSet<PathId> = self
            .deployments
            .iter()
            .filter(|one| one.blocked == 0)
            .flat_map(|one| one.steps.get(one.current - 1).into_iter().flatten())
            .filter(|(action, _)| *action != "StartApplication")
            .map(|(_, id)| id.clone())
            .collect();
        for id in acted {
            self.step_app(&id);
        }
        let complete = |world: &Self, id: &PathId| world.states.get(id).is_none_or(is_complete);
        let mut deployments = std::mem::take(&mut self.deployments);
        for one in &mut deployments {
            one.blocked = one.blocked.saturating_sub(1);
            let step = one.steps.get(one.current - 1);
            let done = step.is_none_or(|step| {
                step.iter()
                    .all(|(action, id)| *action == "StartApplication" || complete(self, id))
            });
            if done && one.blocked == 0 {
                one.current += 1;
            }
        }
        deployments.retain(|one| one.current <= one.steps.len());
        self.deployments.append(&mut deployments);
        let away = |state: &&AppState| {
            state.app.labels.contains_key("moodvane.peers") && !is_complete(state)
        };
        let was_up = self
            .states
            .values()
            .all(|state| state.failure.is_none() && !state.tasks.is_empty());
        if was_up {
            self.max_peers_down = self
                .max_peers_down
                .max(self.states.values().filter(away).count());
        }
    }

    fn step_app(&mut self, id: &PathId) {
        let image = self.states.get(id).and_then(|state| {
            let docker = state.app.container.as_ref()?.docker.as_ref()?;
            Some(docker.image.clone())
        });
        let (fails, stays) = (
            self.failing.contains(id.last())
                || image.is_some_and(|image| self.failing.contains(&image)),
            self.unstoppable.contains(id.last()),
        );
        let is_checked = !self.unchecked.contains(id.last());
        let number = self.next();
        let Some(state) = self.states.get_mut(id) else {
            return;
        };
        let wanted = state.app.instances as usize;
        if fails && wanted > 0 {
            state.failure = Some(json!({
                "appId": id, "host": "node-1", "message": "Container exited with status 78", "state": "TASK_FAILED",
                "taskId": format!("{}.instance-{number}._app.1", id.safe_path()),
                "timestamp": "2026-11-21T03:29:36.924Z", "version": state.version,
            }));
            state.tasks.clear();
            return;
        }
        for task in &mut state.tasks {
            task.phase = match task.phase {
                Phase::Staging => Phase::Running,
                Phase::Running if !is_checked => Phase::Running,
                Phase::Running | Phase::Healthy => Phase::Healthy,
            };
        }
        let version = state.version.clone();
        let old = state.tasks.iter().position(|task| task.version != version);
        match old {
            Some(old) => drop(state.tasks.remove(old)),
            None if state.tasks.len() > wanted && !stays => state.tasks.truncate(wanted),
            None if state.tasks.len() < wanted => state.tasks.push(Task {
                number,
                phase: Phase::Staging,
                version,
            }),
            None => {}
        }
    }
}

fn is_complete(state: &AppState) -> bool {
    let current = |task: &&Task| task.version == state.version && task.phase == Phase::Healthy;
    state.tasks.len() == state.app.instances as usize
        && state.tasks.iter().filter(current).count() == state.tasks.len()
}
