//! A simulated runtime and a virtual clock around the state machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use moodvane_marathon_api::{
    App, Deployment, DeploymentResult, Event, GroupUpdate, PathId, Task, TaskState, Timestamp,
    parse_app, parse_app_update, parse_group,
};
use serde_json::{Value, json};

use crate::core::{
    Agents, Capacity, Config, Core, Effect, Embed, Force, Input, Launch, Probe, ProbeId,
    ProbeOutcome, RequestError, TaskEnd,
};

/// Behavior of the tasks of an app.
#[derive(Debug, Clone)]
pub(super) struct TaskBehavior {
    /// From the launch to the start.
    pub(super) starts_after: Duration,
    /// From the start to an exit by itself.
    pub(super) exits_after: Option<Duration>,
    /// From SIGTERM to the end; without, only SIGKILL ends the task.
    pub(super) stops_after: Option<Duration>,
    /// From the start to the first passing check; without, no check passes.
    pub(super) healthy_after: Option<Duration>,
    /// From the start to the first failing check after that.
    pub(super) unhealthy_after: Option<Duration>,
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

impl Default for TaskBehavior {
    fn default() -> Self {
        let soon = Duration::from_millis(500);
        Self {
            starts_after: soon,
            exits_after: None,
            stops_after: Some(soon),
            healthy_after: Some(soon),
            unhealthy_after: None,
        }
    }
}

pub(super) struct Simulation {
    pub(super) core: Core,
    pub(super) now: Timestamp,
    scheduled: BTreeMap<(Timestamp, u64), Input>,
    count: u64,
    behaviors: BTreeMap<String, TaskBehavior>,
    started: BTreeMap<String, Timestamp>,
    ended: BTreeSet<String>,
    /// All launches with their times.
    pub(super) launches: Vec<(Timestamp, Launch)>,
    /// All signals with their times; true for SIGKILL.
    pub(super) signals: Vec<(Timestamp, String, bool)>,
    pub(super) removed: Vec<String>,
    pub(super) events: Vec<Event>,
}

impl Simulation {
    pub(super) fn new() -> Self {
        Self::with(
            3,
            Capacity {
                cpus: 100.0,
                mem: 100_000.0,
            },
        )
    }

    pub(super) fn with(agents: u8, capacity: Capacity) -> Self {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut count = 0_u64;
        let config = Config {
            agents: Agents::new(agents),
            capacity,
            is_port_free: |_| true,
            new_id: Box::new(move || {
                count += 1;
                format!("{count:08}-0000-0000-0000-000000000000")
            }),
            containers: true,
        };
        Self {
            core: Core::new(config, now),
            now,
            scheduled: BTreeMap::new(),
            count: 0,
            behaviors: BTreeMap::new(),
            started: BTreeMap::new(),
            ended: BTreeSet::new(),
            launches: Vec::new(),
            signals: Vec::new(),
            removed: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Sets the behavior of tasks of `app` whose variable `V` is `version`.
    pub(super) fn set_behavior(&mut self, app: &str, version: &str, behavior: TaskBehavior) {
        self.behaviors.insert(format!("{app} {version}"), behavior);
    }

    pub(super) fn create(&mut self, app: Value) -> Result<DeploymentResult, RequestError> {
        let app = parse_app(app.to_string().as_bytes())?;
        self.request(|core, now| {
            core.create_app(app, Force::No, now)
                .map(|(_, result)| result)
        })
    }

    pub(super) fn put(
        &mut self,
        id: &str,
        update: Value,
        force: Force,
    ) -> Result<DeploymentResult, RequestError> {
        let update = parse_app_update(update.to_string().as_bytes())?;
        self.request(|core, now| {
            core.put_app(&path(id), &update, false, force, now)
                .map(|put| put.result)
        })
    }

    pub(super) fn put_group(
        &mut self,
        id: &str,
        group: Value,
    ) -> Result<DeploymentResult, RequestError> {
        let group: GroupUpdate = parse_group(group.to_string().as_bytes())?;
        self.request(|core, now| core.put_group(&path(id), &group, Force::No, now))
    }

    /// Makes one request and executes its effects.
    pub(super) fn request<R>(&mut self, request: impl FnOnce(&mut Core, Timestamp) -> R) -> R {
        let response = request(&mut self.core, self.now);
        self.advance();
        response
    }

    /// Advances to the next event. Returns whether there was one before `end`.
    pub(super) fn step(&mut self, end: Timestamp) -> bool {
        let scheduled = self.scheduled.keys().next().copied();
        let wake = self.core.next_wake(self.now).map(|wake| wake.max(self.now));
        let next = [scheduled.map(|(at, _)| at), wake]
            .into_iter()
            .flatten()
            .min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = next;
        if let Some(key) = scheduled.filter(|(at, _)| *at <= next)
            && let Some(input) = self.scheduled.remove(&key)
        {
            if let Input::Started { task } = &input {
                self.started.insert(task.clone(), self.now);
            }
            self.core.handle_input(input, self.now);
        }
        self.advance();
        true
    }

    /// Advances the clock by `time`.
    pub(super) fn advance_by(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.step(end) {}
    }

    /// Advances until `done`; panics after ten minutes of virtual time.
    pub(super) fn run_until(&mut self, condition: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now.after(600 * SECOND);
        while !done(self) {
            assert!(
                self.step(end),
                "timed out waiting until {condition}: {:#?}",
                self.core.deployments()
            );
        }
    }

    pub(super) fn finish_deployments(&mut self) {
        self.run_until("no deployment is left", |sim| {
            sim.core.deployments().is_empty()
        });
    }

    fn advance(&mut self) {
        self.core.advance(self.now);
        for effect in self.core.take_effects() {
            self.perform(effect);
        }
        self.events.extend(self.core.take_events());
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Launch(launch) => {
                let behavior = self.behavior_of(&launch.app);
                self.schedule(
                    behavior.starts_after,
                    Input::Started {
                        task: launch.task.clone(),
                    },
                );
                if let Some(exits_after) = behavior.exits_after {
                    let end = Input::Ended {
                        task: launch.task.clone(),
                        end: TaskEnd::Exited(3),
                    };
                    self.schedule(behavior.starts_after + exits_after, end);
                }
                self.launches.push((self.now, *launch));
            }
            Effect::Terminate { task } => {
                self.signals.push((self.now, task.clone(), false));
                if let Some(stops_after) = self.behavior_of_task(&task).stops_after {
                    self.end_task(&task, stops_after, 143);
                }
            }
            Effect::Kill { task } => {
                self.signals.push((self.now, task.clone(), true));
                self.end_task(&task, Duration::ZERO, 137);
            }
            Effect::Probe {
                task,
                probe,
                request,
                ..
            } => {
                let outcome = self.probe_outcome(&task, probe, &request);
                self.schedule(
                    Duration::from_millis(10),
                    Input::Probed {
                        task,
                        probe,
                        outcome,
                    },
                );
            }
            Effect::RemoveVolumes { names } => self.removed.extend(names),
        }
    }

    fn end_task(&mut self, task: &str, after: Duration, status: i64) {
        if self.ended.insert(task.to_owned()) {
            self.schedule(
                after,
                Input::Ended {
                    task: task.to_owned(),
                    end: TaskEnd::Exited(status),
                },
            );
        }
    }

    /// A task exits with status 1.
    pub(super) fn crash(&mut self, task: &str) {
        self.end_task(task, Duration::ZERO, 1);
    }

    fn probe_outcome(&self, task: &str, probe: ProbeId, request: &Probe) -> ProbeOutcome {
        let behavior = self.behavior_of_task(task);
        let age = self
            .started
            .get(task)
            .map(|started| self.now.since(*started))
            .unwrap_or_default();
        let is_available = behavior.healthy_after.is_some_and(|after| age >= after)
            && behavior.unhealthy_after.is_none_or(|after| age < after);
        assert!(!matches!(request, Probe::Invalid { .. }), "{request:?}");
        match (is_available, probe) {
            (true, ProbeId::Health(_)) if !matches!(request, Probe::Http { .. }) => {
                ProbeOutcome::Success
            }
            (is_available, _) => {
                let status = if is_available { 200 } else { 503 };
                ProbeOutcome::Http {
                    status,
                    content_type: "text/plain".to_owned(),
                    body: String::new(),
                }
            }
        }
    }

    fn schedule(&mut self, after: Duration, input: Input) {
        self.count += 1;
        self.scheduled
            .insert((self.now.after(after), self.count), input);
    }

    fn behavior_of(&self, app: &App) -> TaskBehavior {
        let version = match app.env.get("V") {
            Some(moodvane_marathon_api::EnvValue::Plain(version)) => version.as_str(),
            _ => "",
        };
        self.behaviors
            .get(&format!("{} {version}", app.id))
            .cloned()
            .unwrap_or_default()
    }

    fn behavior_of_task(&self, task: &str) -> TaskBehavior {
        let launch = self.launches.iter().find(|(_, launch)| launch.task == task);
        launch
            .map(|(_, launch)| self.behavior_of(&launch.app))
            .unwrap_or_default()
    }

    pub(super) fn tasks(&self, app: &str) -> Vec<Task> {
        self.core
            .app_tasks(&path(app))
            .unwrap_or_default()
            .into_iter()
            .filter(|task| task.staged_at.is_some())
            .collect()
    }

    pub(super) fn running(&self, app: &str) -> Vec<Task> {
        self.tasks(app)
            .into_iter()
            .filter(|task| task.state == TaskState::Running)
            .collect()
    }

    /// The value of `V` in each running task's environment.
    pub(super) fn versions(&self, app: &str) -> Vec<String> {
        let version = |task: Task| {
            let (_, launch) = self
                .launches
                .iter()
                .find(|(_, launch)| launch.task == task.id)?;
            launch.env.get("V").cloned()
        };
        self.running(app).into_iter().filter_map(version).collect()
    }

    pub(super) fn deployments(&self) -> Vec<Deployment> {
        self.core.deployments()
    }

    pub(super) fn launch_times(&self, app: &str) -> Vec<Duration> {
        let first = self.launches.first().map(|(at, _)| *at);
        let instances_of = self
            .launches
            .iter()
            .filter(|(_, launch)| launch.app.id == path(app));
        instances_of
            .map(|(at, _)| at.since(first.unwrap()))
            .collect()
    }

    pub(super) fn exists(&self, app: &str) -> bool {
        self.core.app(&path(app), Embed::default()).is_ok()
    }
}

pub(super) fn path(text: &str) -> PathId {
    text.parse().unwrap()
}

/// An app with an image; `with` overrides fields.
pub(super) fn app(id: &str, with: Value) -> Value {
    let mut app = json!({ "id": id, "cmd": "serve", "cpus": 0.1, "mem": 16 });
    if let (Value::Object(app), Value::Object(with)) = (&mut app, with) {
        app.extend(with);
    }
    app["container"] =
        json!({ "type": "DOCKER", "docker": { "image": "x" }, "volumes": app["volumes"].take() });
    if let Some(app) = app.as_object_mut() {
        app.remove("volumes");
    }
    app
}

/// A health check every second.
pub(super) fn health_checks() -> Value {
    json!([{ "protocol": "MESOS_HTTP", "path": "/health", "portIndex": 0, "intervalSeconds": 1, "timeoutSeconds": 1,
             "delaySeconds": 0, "gracePeriodSeconds": 10, "maxConsecutiveFailures": 3 }])
}

/// A readiness check every two seconds.
pub(super) fn readiness_checks() -> Value {
    json!([{ "portName": "default", "path": "/ready", "intervalSeconds": 2, "timeoutSeconds": 1 }])
}
