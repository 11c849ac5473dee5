//! A world for the state machine: its clock moves from one thing that happens to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use moodvane_marathon_api::{
    App, Deployment, DeploymentResult, Event, GroupUpdate, PathId, Task, TaskState, Timestamp,
    parse_app, parse_app_update, parse_group,
};
use serde_json::{Value, json};

use crate::core::{
    Agents, Capacity, Config, Core, Effect, Embed, End, Force, Input, Launch, Outcome, Probe,
    ProbeId, RequestError,
};

/// How the tasks of an app behave.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    /// From the launch to the start.
    pub(super) starts_in: Duration,
    /// From the start to an end by itself.
    pub(super) lives: Option<Duration>,
    /// From SIGTERM to the end; none only ends by SIGKILL.
    pub(super) ends_in: Option<Duration>,
    /// From the start to the first good answer; none never answers well.
    pub(super) good_in: Option<Duration>,
    /// From the start to the first bad answer.
    pub(super) bad_in: Option<Duration>,
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

impl Default for Manner {
    fn default() -> Self {
        let soon = Duration::from_millis(500);
        Self {
            starts_in: soon,
            lives: None,
            ends_in: Some(soon),
            good_in: Some(soon),
            bad_in: None,
        }
    }
}

pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Timestamp,
    coming: BTreeMap<(Timestamp, u64), Input>,
    count: u64,
    manners: BTreeMap<String, Manner>,
    started: BTreeMap<String, Timestamp>,
    ended: BTreeSet<String>,
    /// All launches, and when.
    pub(super) launches: Vec<(Timestamp, Launch)>,
    /// All signals, and when: SIGKILL is true.
    pub(super) signals: Vec<(Timestamp, String, bool)>,
    pub(super) removed: Vec<String>,
    pub(super) events: Vec<Event>,
}

impl World {
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
            is_free: |_| true,
            new_id: Box::new(move || {
                count += 1;
                format!("{count:08}-0000-0000-0000-000000000000")
            }),
            containers: true,
        };
        Self {
            core: Core::new(config, now),
            now,
            coming: BTreeMap::new(),
            count: 0,
            manners: BTreeMap::new(),
            started: BTreeMap::new(),
            ended: BTreeSet::new(),
            launches: Vec::new(),
            signals: Vec::new(),
            removed: Vec::new(),
            events: Vec::new(),
        }
    }

    /// From now on tasks of `app` with the environment's `V` as `version` behave so.
    pub(super) fn manner(&mut self, app: &str, version: &str, manner: Manner) {
        self.manners.insert(format!("{app} {version}"), manner);
    }

    pub(super) fn create(&mut self, app: Value) -> Result<DeploymentResult, RequestError> {
        let app = parse_app(app.to_string().as_bytes())?;
        self.ask(|core, now| {
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
        self.ask(|core, now| {
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
        self.ask(|core, now| core.put_group(&path(id), &group, Force::No, now))
    }

    /// One request, and what follows from it at once.
    pub(super) fn ask<R>(&mut self, ask: impl FnOnce(&mut Core, Timestamp) -> R) -> R {
        let answer = ask(&mut self.core, self.now);
        self.follow();
        answer
    }

    /// The next thing that happens. Whether there was one before `end`.
    pub(super) fn step(&mut self, end: Timestamp) -> bool {
        let coming = self.coming.keys().next().copied();
        let wake = self.core.next_wake(self.now).map(|wake| wake.max(self.now));
        let next = [coming.map(|(at, _)| at), wake].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = next;
        if let Some(key) = coming.filter(|(at, _)| *at <= next)
            && let Some(input) = self.coming.remove(&key)
        {
            if let Input::Started { task } = &input {
                self.started.insert(task.clone(), self.now);
            }
            self.core.input(input, self.now);
        }
        self.follow();
        true
    }

    /// Lets `time` pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.step(end) {}
    }

    /// Lets time pass until `done`; panics where it does not come about within ten minutes.
    pub(super) fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now.after(600 * SECOND);
        while !done(self) {
            assert!(
                self.step(end),
                "it does not come about that {what}: {:#?}",
                self.core.deployments()
            );
        }
    }

    pub(super) fn settle(&mut self) {
        self.until("no deployment is left", |world| {
            world.core.deployments().is_empty()
        });
    }

    fn follow(&mut self) {
        self.core.advance(self.now);
        for effect in self.core.take_effects() {
            self.perform(effect);
        }
        self.events.extend(self.core.take_events());
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Launch(launch) => {
                let manner = self.manner_of(&launch.app);
                self.later(
                    manner.starts_in,
                    Input::Started {
                        task: launch.task.clone(),
                    },
                );
                if let Some(lives) = manner.lives {
                    let end = Input::Ended {
                        task: launch.task.clone(),
                        end: End::Exited(3),
                    };
                    self.later(manner.starts_in + lives, end);
                }
                self.launches.push((self.now, *launch));
            }
            Effect::Terminate { task } => {
                self.signals.push((self.now, task.clone(), false));
                if let Some(ends_in) = self.manner_of_task(&task).ends_in {
                    self.end(&task, ends_in, 143);
                }
            }
            Effect::Kill { task } => {
                self.signals.push((self.now, task.clone(), true));
                self.end(&task, Duration::ZERO, 137);
            }
            Effect::Probe {
                task,
                probe,
                request,
                ..
            } => {
                let outcome = self.answer(&task, probe, &request);
                self.later(
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

    fn end(&mut self, task: &str, after: Duration, status: i64) {
        if self.ended.insert(task.to_owned()) {
            self.later(
                after,
                Input::Ended {
                    task: task.to_owned(),
                    end: End::Exited(status),
                },
            );
        }
    }

    /// A task dies by itself.
    pub(super) fn dies(&mut self, task: &str) {
        self.end(task, Duration::ZERO, 1);
    }

    fn answer(&self, task: &str, probe: ProbeId, request: &Probe) -> Outcome {
        let manner = self.manner_of_task(task);
        let age = self
            .started
            .get(task)
            .map(|started| self.now.since(*started))
            .unwrap_or_default();
        let is_good = manner.good_in.is_some_and(|good| age >= good)
            && manner.bad_in.is_none_or(|bad| age < bad);
        assert!(!matches!(request, Probe::Impossible { .. }), "{request:?}");
        match (is_good, probe) {
            (true, ProbeId::Health(_)) if !matches!(request, Probe::Http { .. }) => Outcome::Good,
            (good, _) => {
                let status = if good { 200 } else { 503 };
                Outcome::Http {
                    status,
                    content_type: "text/plain".to_owned(),
                    body: String::new(),
                }
            }
        }
    }

    fn later(&mut self, after: Duration, input: Input) {
        self.count += 1;
        self.coming
            .insert((self.now.after(after), self.count), input);
    }

    fn manner_of(&self, app: &App) -> Manner {
        let version = match app.env.get("V") {
            Some(moodvane_marathon_api::EnvValue::Plain(version)) => version.as_str(),
            _ => "",
        };
        self.manners
            .get(&format!("{} {version}", app.id))
            .cloned()
            .unwrap_or_default()
    }

    fn manner_of_task(&self, task: &str) -> Manner {
        let launch = self.launches.iter().find(|(_, launch)| launch.task == task);
        launch
            .map(|(_, launch)| self.manner_of(&launch.app))
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

    /// The version of each running task, by the environment's `V` at its launch.
    pub(super) fn versions(&self, app: &str) -> Vec<String> {
        let of = |task: Task| {
            let (_, launch) = self
                .launches
                .iter()
                .find(|(_, launch)| launch.task == task.id)?;
            launch.env.get("V").cloned()
        };
        self.running(app).into_iter().filter_map(of).collect()
    }

    pub(super) fn deployments(&self) -> Vec<Deployment> {
        self.core.deployments()
    }

    pub(super) fn launched(&self, app: &str) -> Vec<Duration> {
        let begin = self.launches.first().map(|(at, _)| *at);
        let of_app = self
            .launches
            .iter()
            .filter(|(_, launch)| launch.app.id == path(app));
        of_app.map(|(at, _)| at.since(begin.unwrap())).collect()
    }

    pub(super) fn exists(&self, app: &str) -> bool {
        self.core.app(&path(app), Embed::default()).is_ok()
    }
}

pub(super) fn path(text: &str) -> PathId {
    text.parse().unwrap()
}

/// An app that runs a command; `with` is put over it.
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

/// A health check each second.
pub(super) fn checked() -> Value {
    json!([{ "protocol": "MESOS_HTTP", "path": "/health", "portIndex": 0, "intervalSeconds": 1, "timeoutSeconds": 1,
             "delaySeconds": 0, "gracePeriodSeconds": 10, "maxConsecutiveFailures": 3 }])
}

/// A readiness check each second.
pub(super) fn readied() -> Value {
    json!([{ "portName": "default", "path": "/ready", "intervalSeconds": 2, "timeoutSeconds": 1 }])
}
