//! The state machine: desired apps, their instances, and the deployments between the two.
//!
//! An [`Input`] and the time go in; [`Effect`]s and events come out. The same inputs at the same times
//! give the same outputs, so that every rule is tested without waiting.
//!
//! Guarantee: an instance is in one state at a time, and every launch is answered by one end. What a
//! deployment has to wait for (health, readiness, an end) is asked of the instances themselves, never
//! remembered beside them.
//!
//! This module must not know Docker, processes, HTTP or a clock.

mod agents;
mod backoff;
mod change;
mod converge;
mod deploy;
mod desired;
mod environment;
mod error;
mod health;
mod instance;
mod launch;
mod plan;
mod probes;
mod recover;
mod refuse;
mod services;
mod tasks;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, Event, PathId, TaskFailure, Timestamp};

pub(crate) use agents::{Agents, Capacity};
pub(crate) use change::Force;
pub(crate) use desired::Desired;
pub(crate) use error::RequestError;
pub(crate) use health::{Outcome, ProbeId};
pub(crate) use launch::Launch;
pub(crate) use probes::Probe;
pub(crate) use recover::Found;
#[cfg(test)]
pub(crate) use refuse::PARAMETERS;
pub(crate) use services::Service;
pub(crate) use tasks::Kill;
pub(crate) use view::{Embed, Filter};

use backoff::Backoffs;
use deploy::Deploying;
use instance::Instance;

/// So many versions of everything are kept; an older one cannot be gone back to.
const VERSIONS: usize = 50;

/// What the world tells.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// The task runs.
    Started { task: String },
    /// The task could not be started, or ran and ended.
    Ended { task: String, end: End },
    /// A probe came back.
    Probed {
        task: String,
        probe: ProbeId,
        outcome: Outcome,
    },
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this status.
    Exited(i64),
    /// By a signal.
    Signalled(i32),
    /// It never ran, or was lost.
    Failed(String),
}

/// What the world is asked to do.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Start a task.
    Launch(Box<Launch>),
    /// Ask a task to end (SIGTERM).
    Terminate { task: String },
    /// End a task (SIGKILL).
    Kill { task: String },
    /// Ask a task something.
    Probe {
        task: String,
        probe: ProbeId,
        request: Probe,
        timeout: Duration,
    },
    /// Remove what an instance kept.
    RemoveVolumes { names: Vec<String> },
}

/// What the state machine is given once.
pub(crate) struct Config {
    /// The pretended agents.
    pub(crate) agents: Agents,
    /// What they have together.
    pub(crate) capacity: Capacity,
    /// Whether nobody else on the machine holds a port.
    pub(crate) is_free: fn(u16) -> bool,
    /// A new name, never given before.
    pub(crate) new_id: Box<dyn FnMut() -> String + Send>,
    /// Whether tasks are containers; else an image is refused.
    pub(crate) containers: bool,
}

/// The state.
pub(crate) struct Core {
    config: Config,
    desired: Desired,
    history: VecDeque<Desired>,
    app_versions: BTreeMap<PathId, VecDeque<App>>,
    /// What each app has come to: the definition that its instances are brought to.
    actual: BTreeMap<PathId, Arc<App>>,
    instances: BTreeMap<String, Instance>,
    /// Volumes of instances that are gone, while their apps are there.
    detached: BTreeMap<PathId, BTreeSet<String>>,
    /// Numbers of instances that were wiped, by app: not given again while the app is there.
    spent: BTreeSet<(PathId, u32)>,
    deployments: Vec<Deploying>,
    backoffs: Backoffs,
    failures: BTreeMap<PathId, TaskFailure>,
    next_port: u16,
    effects: Vec<Effect>,
    events: Vec<Event>,
}

impl Core {
    pub(crate) fn new(config: Config, now: Timestamp) -> Self {
        Self {
            config,
            desired: Desired::empty(now),
            history: VecDeque::new(),
            app_versions: BTreeMap::new(),
            actual: BTreeMap::new(),
            instances: BTreeMap::new(),
            detached: BTreeMap::new(),
            spent: BTreeSet::new(),
            deployments: Vec::new(),
            backoffs: Backoffs::default(),
            failures: BTreeMap::new(),
            next_port: launch::FIRST_PORT,
            effects: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Takes in what the world tells; [`Core::advance`] draws the conclusions.
    pub(crate) fn input(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Started { task } => self.started(&task, now),
            Input::Ended { task, end } => self.ended(&task, &end, now),
            Input::Probed {
                task,
                probe,
                outcome,
            } => self.probed(&task, probe, outcome, now),
        }
    }

    /// Does all that is due at `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        // A step that ends lets the next begin at once; every turn ends a step, so this ends.
        loop {
            self.converge(now);
            self.launch_due(now);
            self.kill_overdue(now);
            if !self.progress(now) {
                break;
            }
        }
        self.remove_orphans();
        self.probe_due(now);
    }

    /// When [`Core::advance`] has something to do by the time alone.
    pub(crate) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let running = self.instances.values().filter_map(Instance::next_wake);
        let waiting = self
            .instances
            .values()
            .filter(|instance| instance.is_scheduled())
            .filter_map(|instance| {
                let delay = self
                    .backoffs
                    .until(&instance.app.id)
                    .filter(|until| *until > now);
                delay.or_else(|| instance.blocked.retry_at())
            });
        running.chain(waiting).min()
    }

    /// What the world has to do, since this was last asked.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What happened, since this was last asked.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Tells an event that only the request knows of.
    pub(crate) fn tell(&mut self, event: impl FnOnce(Timestamp) -> Event, now: Timestamp) {
        self.events.push(event(now));
    }

    /// The desired state.
    pub(crate) fn desired(&self) -> &Desired {
        &self.desired
    }

    fn of_app<'a>(&'a self, id: &'a PathId) -> impl Iterator<Item = &'a Instance> {
        self.instances
            .values()
            .filter(move |instance| instance.app.id == *id)
    }
}

#[cfg(test)]
mod tests;
