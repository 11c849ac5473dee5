//! Life cycle of tasks: start, termination, end, relaunch, and the removal of volumes.

use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, Condition, PathId, TaskFailure, TaskState, Timestamp};

use super::checks::{health_states, readiness_state};
use super::desired::DesiredState;
use super::emit::agent_of;
use super::instance::{Goal, Instance, State, condition_of};
use super::launch::volume_names;
use super::{Core, Effect, TaskEnd};

/// Default time from SIGTERM to SIGKILL; Mesos' default.
const DEFAULT_KILL_GRACE: Duration = Duration::from_secs(3);

impl Core {
    pub(super) fn handle_started(&mut self, task: &str, now: Timestamp) {
        let Some(instance) = self
            .instance_of_task_mut(task)
            .filter(|instance| instance.state == State::Launching)
        else {
            return;
        };
        instance.state = State::Running;
        instance.started_at = Some(now);
        instance.checks = health_states(&instance.app, now);
        instance.readiness = readiness_state(&instance.app, now);
        let id = instance.id.clone();
        self.emit_status_update(&id, TaskState::Starting, "", now);
        self.emit_instance_changed(&id, Condition::Starting, now);
        self.emit_status_update(&id, TaskState::Running, "", now);
        self.emit_instance_changed(&id, Condition::Running, now);
    }

    pub(super) fn handle_ended(&mut self, task: &str, end: &TaskEnd, now: Timestamp) {
        let Some(instance) = self
            .instance_of_task_mut(task)
            .filter(|instance| !instance.is_scheduled())
        else {
            return;
        };
        let instance = instance.clone();
        let is_killing = instance.is_killing();
        let (state, message) = final_state(end, is_killing, instance.unhealthy_reason.as_deref());
        self.emit_status_update(&instance.id, state, &message, now);
        self.emit_instance_changed(&instance.id, condition_of(state), now);
        if !is_killing || instance.unhealthy_reason.is_some() {
            let ran = instance
                .started_at
                .map_or(Duration::ZERO, |started| now.since(started));
            self.launch_delays.record_failure(&instance.app, ran, now);
        }
        if state != TaskState::Finished && (!is_killing || instance.unhealthy_reason.is_some()) {
            self.last_failures.insert(
                instance.app.id.clone(),
                self.task_failure(&instance, state, message, now),
            );
        }
        match instance.goal.clone() {
            Goal::Remove => self.remove(&instance, false),
            Goal::Wipe => self.remove(&instance, true),
            Goal::Upgrade(app) => self.reschedule(&instance.id, app, state, now),
            Goal::Run => self.reschedule(&instance.id, Arc::clone(&instance.app), state, now),
        }
    }

    fn reschedule(&mut self, id: &str, app: Arc<App>, state: TaskState, now: Timestamp) {
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
        instance.unhealthy_reason = None;
        instance.last_state = Some(state);
        self.emit_instance_changed(id, Condition::Scheduled, now);
    }

    /// Removes an instance. As in Marathon, its volumes stay when an app is scaled down; a wipe or the
    /// deletion of the app removes them.
    fn remove(&mut self, instance: &Instance, is_wiped: bool) {
        self.instances.remove(&instance.id);
        let names = volume_names(instance);
        if names.is_empty() {
            return;
        }
        let app = instance.app.id.clone();
        if is_wiped {
            // The slot is not reused: its volumes may still be in removal.
            self.wiped_slots.insert((app, instance.slot));
            self.effects.push(Effect::RemoveVolumes { names });
            return;
        }
        self.detached_volumes.entry(app).or_default().extend(names);
    }

    /// Removes the volumes of deleted apps.
    pub(super) fn remove_orphaned_volumes(&mut self) {
        let deleted: Vec<PathId> = self
            .detached_volumes
            .keys()
            .filter(|id| !self.desired.apps.contains_key(id) && !self.targets.contains_key(id))
            .filter(|id| self.instances_of(id).next().is_none())
            .cloned()
            .collect();
        for id in deleted {
            self.wiped_slots.retain(|(app, _)| *app != id);
            let names = self.detached_volumes.remove(&id).unwrap_or_default();
            let names = names.into_iter().collect();
            self.effects.push(Effect::RemoveVolumes { names });
        }
    }

    /// Terminates an instance's task and sets what happens to the instance then.
    pub(super) fn stop_instance(&mut self, id: &str, goal: Goal, now: Timestamp) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        match (instance.state, goal) {
            (State::Scheduled { .. }, goal @ (Goal::Remove | Goal::Wipe)) => {
                let instance = instance.clone();
                self.remove(&instance, matches!(goal, Goal::Wipe));
            }
            (State::Scheduled { .. }, Goal::Upgrade(app)) => instance.app = app,
            (State::Scheduled { .. }, Goal::Run) => {}
            (State::Killing { .. }, goal) => {
                // A removal is final.
                if !instance.is_being_removed() {
                    instance.goal = goal;
                }
            }
            (State::Launching | State::Running, goal) => {
                instance.state = State::Killing {
                    at: now.after(kill_grace(&instance.app)),
                    forced: false,
                };
                instance.goal = goal;
                let task = instance.task();
                self.effects.push(Effect::Terminate { task });
            }
        }
    }

    /// Sends SIGKILL to tasks whose grace period is over.
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

    /// Stops everything and empties the desired state.
    pub(crate) fn stop_all(&mut self, now: Timestamp) {
        self.deployments.clear();
        self.targets.clear();
        self.desired = DesiredState::empty(self.next_version(now));
        for id in self.instances.keys().cloned().collect::<Vec<_>>() {
            self.stop_instance(&id, Goal::Remove, now);
        }
    }

    /// The longest time between SIGTERM and SIGKILL of any task.
    pub(crate) fn longest_kill_grace(&self) -> Duration {
        self.instances
            .values()
            .map(|instance| kill_grace(&instance.app))
            .max()
            .unwrap_or(DEFAULT_KILL_GRACE)
    }

    /// Whether no instance is left.
    pub(crate) fn is_idle(&self) -> bool {
        self.instances.is_empty()
    }

    pub(super) fn instance_of_task(&self, task: &str) -> Option<&Instance> {
        let (id, _) = task.rsplit_once("._app.")?;
        self.instances
            .get(id)
            .filter(|instance| instance.task() == task)
    }

    pub(super) fn instance_of_task_mut(&mut self, task: &str) -> Option<&mut Instance> {
        let (id, _) = task.rsplit_once("._app.")?;
        self.instances
            .get_mut(id)
            .filter(|instance| instance.task() == task)
    }

    fn task_failure(
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
            .placement
            .as_ref()
            .map(|placement| placement.agent)
            .unwrap_or_default();
        self.config.agents.host(agent).to_owned()
    }
}

fn kill_grace(app: &App) -> Duration {
    app.task_kill_grace_period_seconds
        .map_or(DEFAULT_KILL_GRACE, |seconds| {
            Duration::from_secs(seconds.into())
        })
}

fn final_state(
    end: &TaskEnd,
    is_killing: bool,
    unhealthy_reason: Option<&str>,
) -> (TaskState, String) {
    let message = match end {
        TaskEnd::Exited(status) => format!("Command exited with status {status}"),
        TaskEnd::Signalled(signal) => format!("Command terminated with signal {signal}"),
        TaskEnd::Failed(reason) => reason.clone(),
    };
    let state = match end {
        _ if is_killing => TaskState::Killed,
        TaskEnd::Exited(0) => TaskState::Finished,
        TaskEnd::Exited(_) | TaskEnd::Signalled(_) | TaskEnd::Failed(_) => TaskState::Failed,
    };
    match unhealthy_reason {
        Some(reason) => (
            state,
            format!("Task was killed since health check failed. Reason: {reason}"),
        ),
        None => (state, message),
    }
}
