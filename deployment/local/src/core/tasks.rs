//! The life of a task: it starts, it is asked to end, it ends.

use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{
    App, Condition, DeploymentResult, Event, PathId, Task, TaskFailure, TaskState, Timestamp,
    VersionInfo,
};

use super::change::Force;
use super::desired::Desired;
use super::health::{checks_of, readiness_of};
use super::instance::{Goal, Instance, State, condition_of};
use super::launch::volume_names;
use super::{Core, Effect, End, RequestError};

/// From SIGTERM to SIGKILL where the app does not say: Mesos' default.
const GRACE: Duration = Duration::from_secs(3);
/// What Marathon calls its one agent when it is started alone.
pub(super) const AGENT: &str = "local-S";

/// What becomes of the instances whose tasks are killed by a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    /// They are launched again.
    Relaunch,
    /// They are launched again, without what they kept.
    Wipe,
}

impl Core {
    pub(super) fn started(&mut self, task: &str, now: Timestamp) {
        let Some(instance) = self
            .instance_of_mut(task)
            .filter(|instance| instance.state == State::Launching)
        else {
            return;
        };
        instance.state = State::Running;
        instance.started_at = Some(now);
        instance.checks = checks_of(&instance.app, now);
        instance.readiness = readiness_of(&instance.app, now);
        let id = instance.id.clone();
        self.tell_task(&id, TaskState::Starting, "", now);
        self.tell_instance(&id, Condition::Starting, now);
        self.tell_task(&id, TaskState::Running, "", now);
        self.tell_instance(&id, Condition::Running, now);
    }

    pub(super) fn ended(&mut self, task: &str, end: &End, now: Timestamp) {
        let Some(instance) = self
            .instance_of_mut(task)
            .filter(|instance| !instance.is_scheduled())
        else {
            return;
        };
        let instance = instance.clone();
        let asked = instance.is_killing();
        let (state, message) = verdict(end, asked, instance.blamed.as_deref());
        self.tell_task(&instance.id, state, &message, now);
        self.tell_instance(&instance.id, condition_of(state), now);
        if !asked || instance.blamed.is_some() {
            let ran = instance
                .started_at
                .map_or(Duration::ZERO, |started| now.since(started));
            self.backoffs.failed(&instance.app, ran, now);
        }
        if state != TaskState::Finished && (!asked || instance.blamed.is_some()) {
            self.failures.insert(
                instance.app.id.clone(),
                self.failure(&instance, state, message, now),
            );
        }
        match instance.goal.clone() {
            Goal::Remove => self.remove(&instance, false),
            Goal::Wipe => self.remove(&instance, true),
            Goal::Become(app) => self.schedule_again(&instance.id, app, state, now),
            Goal::Run => self.schedule_again(&instance.id, Arc::clone(&instance.app), state, now),
        }
    }

    fn schedule_again(&mut self, id: &str, app: Arc<App>, state: TaskState, now: Timestamp) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.app = app;
        instance.attempt = instance.attempt.saturating_add(1);
        instance.state = State::Scheduled { since: now };
        instance.goal = Goal::Run;
        instance.staged_at = None;
        instance.started_at = None;
        instance.checks = Vec::new();
        instance.readiness = None;
        instance.blamed = None;
        instance.ended = Some(state);
        self.tell_instance(id, Condition::Scheduled, now);
    }

    /// Marathon destroys a volume where its app is deleted or it is told to wipe, not where the app is
    /// scaled down (its documentation of persistent volumes).
    fn remove(&mut self, instance: &Instance, is_wiped: bool) {
        self.instances.remove(&instance.id);
        let names = volume_names(instance);
        if names.is_empty() {
            return;
        }
        let app = instance.app.id.clone();
        if is_wiped {
            // Another number: else the next would come to what is still being removed.
            self.spent.insert((app, instance.slot));
            self.effects.push(Effect::RemoveVolumes { names });
            return;
        }
        self.detached.entry(app).or_default().extend(names);
    }

    /// Removes what apps kept that are gone.
    pub(super) fn remove_orphans(&mut self) {
        let gone: Vec<PathId> = self
            .detached
            .keys()
            .filter(|id| !self.desired.apps.contains_key(id) && !self.actual.contains_key(id))
            .filter(|id| self.of_app(id).next().is_none())
            .cloned()
            .collect();
        for id in gone {
            self.spent.retain(|(app, _)| *app != id);
            let names = self.detached.remove(&id).unwrap_or_default();
            let names = names.into_iter().collect();
            self.effects.push(Effect::RemoveVolumes { names });
        }
    }

    /// Asks an instance's task to end, and says what becomes of the instance then.
    pub(super) fn end_instance(&mut self, id: &str, goal: Goal, now: Timestamp) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        match (instance.state, goal) {
            (State::Scheduled { .. }, goal @ (Goal::Remove | Goal::Wipe)) => {
                let instance = instance.clone();
                self.remove(&instance, matches!(goal, Goal::Wipe));
            }
            (State::Scheduled { .. }, Goal::Become(app)) => instance.app = app,
            (State::Scheduled { .. }, Goal::Run) => {}
            (State::Killing { .. }, goal) => {
                // What is to go goes, whatever was said before or after.
                if !instance.is_leaving() {
                    instance.goal = goal;
                }
            }
            (State::Launching | State::Running, goal) => {
                instance.state = State::Killing {
                    at: now.after(grace_of(&instance.app)),
                    forced: false,
                };
                instance.goal = goal;
                let task = instance.task();
                self.effects.push(Effect::Terminate { task });
            }
        }
    }

    /// Ends with SIGKILL what SIGTERM did not end in time.
    pub(super) fn kill_overdue(&mut self, now: Timestamp) {
        for instance in self.instances.values_mut() {
            if let State::Killing { at, forced: false } = instance.state
                && at <= now
            {
                instance.state = State::Killing { at, forced: true };
                self.effects.push(Effect::Kill {
                    task: instance.task(),
                });
            }
        }
    }

    /// Kills tasks. The tasks as they were; unknown ones are passed over.
    pub(crate) fn kill(&mut self, tasks: &[String], kill: Kill, now: Timestamp) -> Vec<Task> {
        let ids = self.instances_with(tasks);
        let shown = ids
            .iter()
            .filter_map(|id| self.task_view(id, false))
            .collect();
        for id in ids {
            let goal = if kill == Kill::Wipe {
                Goal::Wipe
            } else {
                Goal::Run
            };
            self.end_instance(&id, goal, now);
        }
        shown
    }

    /// Kills tasks, and takes their number off the scale of their apps.
    pub(crate) fn kill_and_scale(
        &mut self,
        tasks: &[String],
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let ids = self.instances_with(tasks);
        let version = self.next_version(now);
        let mut desired = Desired {
            version,
            ..self.desired.clone()
        };
        for id in &ids {
            let app = self
                .instances
                .get(id)
                .and_then(|instance| desired.apps.get_mut(&instance.app.id));
            if let Some(app) = app {
                app.instances = app.instances.saturating_sub(1);
                app.version = Some(version);
                let config = app
                    .version_info
                    .map_or(version, |info| info.last_config_change_at);
                app.version_info = Some(VersionInfo {
                    last_scaling_at: version,
                    last_config_change_at: config,
                });
            }
        }
        let result = self.deploy(desired, force, now)?;
        for id in ids {
            self.end_instance(&id, Goal::Remove, now);
        }
        Ok(result)
    }

    /// The names of an app's tasks that can be killed.
    pub(crate) fn tasks_of(&self, app: &PathId) -> Vec<String> {
        self.of_app(app)
            .filter(|instance| !instance.is_scheduled())
            .map(Instance::task)
            .collect()
    }

    /// Forgets the launch delay of an app. Marathon answers only where the app waits; it is forgotten all
    /// the same.
    pub(crate) fn reset_delay(&mut self, app: &PathId) -> Result<(), RequestError> {
        self.backoffs.reset(app);
        if self.of_app(app).any(Instance::is_scheduled) {
            return Ok(());
        }
        Err(RequestError::NotFound(format!(
            "Application {app} not found in tasks queue."
        )))
    }

    /// Ends everything at once: nothing is desired any more.
    pub(crate) fn end_all(&mut self, now: Timestamp) {
        self.deployments.clear();
        self.actual.clear();
        self.desired = Desired::empty(self.next_version(now));
        for id in self.instances.keys().cloned().collect::<Vec<_>>() {
            self.end_instance(&id, Goal::Remove, now);
        }
    }

    /// The longest time that a task has between SIGTERM and SIGKILL.
    pub(crate) fn longest_grace(&self) -> Duration {
        self.instances
            .values()
            .map(|instance| grace_of(&instance.app))
            .max()
            .unwrap_or(GRACE)
    }

    /// Whether no task is left.
    pub(crate) fn is_idle(&self) -> bool {
        self.instances.is_empty()
    }

    fn instances_with(&self, tasks: &[String]) -> Vec<String> {
        let known = |task: &String| {
            self.instance_of(task)
                .filter(|one| !one.is_scheduled())
                .map(|one| one.id.clone())
        };
        tasks.iter().filter_map(known).collect()
    }

    pub(super) fn instance_of(&self, task: &str) -> Option<&Instance> {
        let (id, _) = task.rsplit_once("._app.")?;
        self.instances
            .get(id)
            .filter(|instance| instance.task() == task)
    }

    pub(super) fn instance_of_mut(&mut self, task: &str) -> Option<&mut Instance> {
        let (id, _) = task.rsplit_once("._app.")?;
        self.instances
            .get_mut(id)
            .filter(|instance| instance.task() == task)
    }

    fn failure(
        &self,
        instance: &Instance,
        state: TaskState,
        message: String,
        now: Timestamp,
    ) -> TaskFailure {
        TaskFailure {
            app_id: instance.app.id.clone(),
            host: self.host_of(instance),
            message,
            state,
            task_id: instance.task(),
            timestamp: now,
            version: instance.version(),
            slave_id: Some(agent_of(instance)),
        }
    }

    pub(super) fn host_of(&self, instance: &Instance) -> String {
        let agent = instance
            .place
            .as_ref()
            .map(|place| place.agent)
            .unwrap_or_default();
        self.config.agents.host(agent).to_owned()
    }

    fn tell_task(&mut self, id: &str, state: TaskState, message: &str, now: Timestamp) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let host = self.host_of(instance);
        let event = Event::StatusUpdateEvent {
            slave_id: agent_of(instance),
            task_id: instance.task(),
            task_status: state,
            message: message.to_owned(),
            app_id: instance.app.id.clone(),
            ip_addresses: super::view::addresses(&host),
            host,
            ports: instance
                .place
                .as_ref()
                .map(|place| place.ports.clone())
                .unwrap_or_default(),
            version: instance.version(),
            timestamp: now,
        };
        self.events.push(event);
    }

    pub(super) fn tell_instance(&mut self, id: &str, condition: Condition, now: Timestamp) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let placed = instance.place.is_some() && condition != Condition::Scheduled;
        let event = Event::InstanceChangedEvent {
            instance_id: instance.id.clone(),
            condition,
            run_spec_id: instance.app.id.clone(),
            agent_id: placed.then(|| agent_of(instance)),
            host: placed.then(|| self.host_of(instance)),
            run_spec_version: instance.version(),
            timestamp: now,
        };
        self.events.push(event);
    }
}

pub(super) fn agent_of(instance: &Instance) -> String {
    format!(
        "{AGENT}{}",
        instance
            .place
            .as_ref()
            .map(|place| place.agent)
            .unwrap_or_default()
    )
}

fn grace_of(app: &App) -> Duration {
    app.task_kill_grace_period_seconds
        .map_or(GRACE, |seconds| Duration::from_secs(seconds.into()))
}

fn verdict(end: &End, asked: bool, blamed: Option<&str>) -> (TaskState, String) {
    let message = match end {
        End::Exited(status) => format!("Command exited with status {status}"),
        End::Signalled(signal) => format!("Command terminated with signal {signal}"),
        End::Failed(why) => why.clone(),
    };
    let state = match end {
        _ if asked => TaskState::Killed,
        End::Exited(0) => TaskState::Finished,
        End::Exited(_) | End::Signalled(_) | End::Failed(_) => TaskState::Failed,
    };
    match blamed {
        Some(why) => (
            state,
            format!("Task was killed since health check failed. Reason: {why}"),
        ),
        None => (state, message),
    }
}
