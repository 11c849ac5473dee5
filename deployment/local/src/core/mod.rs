//! The state machine: the desired state, the instances, and the deployments between the two.
//!
//! It maps [`Input`]s and the time to [`Effect`]s and events. It is deterministic, so every rule is tested
//! in virtual time.
//!
//! Guarantees: an instance is in one state at a time, and every launch ends once. Deployments derive their
//! progress (health, readiness, ends) from the instances and keep no copy of it.
//!
//! Must not know: Docker, processes, HTTP, or a clock.

mod agents;
mod change;
mod checks;
mod converge;
mod deploy;
mod desired;
mod dry_run;
mod emit;
mod environment;
mod error;
mod health;
mod instance;
mod kill;
mod launch;
mod launch_delay;
mod plan;
mod probes;
mod recover;
mod services;
mod tasks;
mod unsupported;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, Event, PathId, TaskFailure, Timestamp};

pub(crate) use agents::{Agents, Capacity};
pub(crate) use change::Force;
pub(crate) use checks::{ProbeId, ProbeOutcome};
pub(crate) use desired::DesiredState;
pub(crate) use error::RequestError;

pub(crate) use kill::KillMode;
pub(crate) use launch::Launch;
pub(crate) use probes::Probe;
pub(crate) use recover::RecoveredTask;
pub(crate) use services::{Server, Service};
#[cfg(test)]
pub(crate) use unsupported::SUPPORTED_PARAMETERS;
pub(crate) use view::{AppFilter, Embed};

use deploy::ActiveDeployment;
use instance::Instance;
use launch_delay::LaunchDelays;

/// The role of apps that name none, as with Marathon's `--mesos_role`. Volumes cannot be reserved
/// for `*`.
pub(crate) const DEFAULT_ROLE: &str = "fleet-local";

/// Number of versions that are kept, of each app and of the desired state.
const MAX_VERSIONS: usize = 50;

/// A report of the runtime or of a check.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// The task runs.
    Started { task: String },
    /// The task failed to start, or ended.
    Ended { task: String, end: TaskEnd },
    /// A check has a result.
    Probed {
        task: String,
        probe: ProbeId,
        outcome: ProbeOutcome,
    },
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TaskEnd {
    /// It exited with this status.
    Exited(i64),
    /// A signal ended it.
    Signalled(i32),
    /// It failed to start, or was lost.
    Failed(String),
}

/// An action for the driver to execute.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Launch a task.
    Launch(Box<Launch>),
    /// Send SIGTERM to a task.
    Terminate { task: String },
    /// Send SIGKILL to a task.
    Kill { task: String },
    /// Run a check of a task.
    Probe {
        task: String,
        probe: ProbeId,
        request: Probe,
        timeout: Duration,
    },
    /// Remove persistent volumes.
    RemoveVolumes { names: Vec<String> },
}

/// Configuration of the state machine.
pub(crate) struct Config {
    /// The simulated agents.
    pub(crate) agents: Agents,
    /// Their resources together.
    pub(crate) capacity: Capacity,
    /// Whether no other process uses a port.
    pub(crate) is_port_free: fn(u16) -> bool,
    /// Returns a new unique id.
    pub(crate) new_id: Box<dyn FnMut() -> String + Send>,
    /// Whether tasks are containers; without, images are rejected.
    pub(crate) containers: bool,
}

/// The state machine.
pub(crate) struct Core {
    config: Config,
    desired: DesiredState,
    history: VecDeque<DesiredState>,
    app_versions: BTreeMap<PathId, VecDeque<App>>,
    /// The definitions to which instances converge; a deployment updates them step by step.
    targets: BTreeMap<PathId, Arc<App>>,
    instances: BTreeMap<String, Instance>,
    /// Volumes of removed instances, by app; kept until the app is deleted.
    detached_volumes: BTreeMap<PathId, BTreeSet<String>>,
    /// Slots of wiped instances, not reused until the app is deleted.
    wiped_slots: BTreeSet<(PathId, u32)>,
    deployments: Vec<ActiveDeployment>,
    launch_delays: LaunchDelays,
    last_failures: BTreeMap<PathId, TaskFailure>,
    next_port: u16,
    effects: Vec<Effect>,
    events: Vec<Event>,
}

impl Core {
    pub(crate) fn new(config: Config, now: Timestamp) -> Self {
        Self {
            config,
            desired: DesiredState::empty(now),
            history: VecDeque::new(),
            app_versions: BTreeMap::new(),
            targets: BTreeMap::new(),
            instances: BTreeMap::new(),
            detached_volumes: BTreeMap::new(),
            wiped_slots: BTreeSet::new(),
            deployments: Vec::new(),
            launch_delays: LaunchDelays::default(),
            last_failures: BTreeMap::new(),
            next_port: launch::FIRST_PORT,
            effects: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Handles an input; [`Core::advance`] draws the consequences.
    pub(crate) fn handle_input(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Started { task } => self.handle_started(&task, now),
            Input::Ended { task, end } => self.handle_ended(&task, &end, now),
            Input::Probed {
                task,
                probe,
                outcome,
            } => self.handle_probed(&task, probe, outcome, now),
        }
    }

    /// Does all that is due at `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        // The end of a step may start the next. Every iteration ends a step, so the loop terminates.
        loop {
            self.converge(now);
            self.launch_due(now);
            self.kill_overdue(now);
            if !self.advance_deployments(now) {
                break;
            }
        }
        self.remove_orphaned_volumes();
        self.send_due_probes(now);
    }

    /// When the next timer is due.
    pub(crate) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let running = self.instances.values().filter_map(Instance::next_wake);
        let waiting = self
            .instances
            .values()
            .filter(|instance| instance.is_scheduled())
            .filter_map(|instance| {
                let delay = self
                    .launch_delays
                    .delayed_until(&instance.app.id)
                    .filter(|until| *until > now);
                delay.or_else(|| instance.offers.retry_at())
            });
        running.chain(waiting).min()
    }

    /// The effects since the last call.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The events since the last call.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The desired state.
    pub(crate) fn desired(&self) -> &DesiredState {
        &self.desired
    }

    fn instances_of<'a>(&'a self, id: &'a PathId) -> impl Iterator<Item = &'a Instance> {
        self.instances
            .values()
            .filter(move |instance| instance.app.id == *id)
    }
}

#[cfg(test)]
mod tests;
