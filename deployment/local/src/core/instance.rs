//! An instance of an app, and its current task.

use std::sync::Arc;

use moodvane_marathon_api::{App, Condition, TaskState, Timestamp};

use super::checks::{HealthState, ReadinessState};

/// State of an instance, from its schedule to the end of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for its launch.
    Scheduled { since: Timestamp },
    /// The runtime is launching its task.
    Launching,
    /// Its task runs.
    Running,
    /// Its task got SIGTERM, and gets SIGKILL at `at`.
    Killing { at: Timestamp, forced: bool },
}

/// What happens to an instance after its task ended (Marathon's goal).
#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// Relaunch it.
    Run,
    /// Relaunch it with this definition.
    Upgrade(Arc<App>),
    /// Remove it. Its volumes stay for the next instance with its slot, until the app is deleted.
    Remove,
    /// Remove it with its volumes.
    Wipe,
}

/// The agent and the ports of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) agent: usize,
    pub(super) ports: Vec<u16>,
}

#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// `app.instance-UUID`.
    pub(super) id: String,
    /// The definition that it runs.
    pub(super) app: Arc<App>,
    /// The lowest number that neither another instance of the app nor a wiped one has; names its volumes.
    pub(super) slot: u32,
    /// Number of its task, from 1.
    pub(super) attempt: u32,
    pub(super) state: State,
    pub(super) goal: Goal,
    pub(super) placement: Option<Placement>,
    pub(super) staged_at: Option<Timestamp>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) checks: Vec<HealthState>,
    pub(super) readiness: Option<ReadinessState>,
    /// Why a health check had its task killed; such an end counts as a failure.
    pub(super) unhealthy_reason: Option<String>,
    /// State of its last task, while none runs.
    pub(super) last_state: Option<TaskState>,
    /// Offers that did not match it.
    pub(super) offers: super::agents::OfferStats,
}

impl Instance {
    pub(super) fn new(id: String, app: Arc<App>, slot: u32, now: Timestamp) -> Self {
        Self {
            id,
            app,
            slot,
            attempt: 1,
            state: State::Scheduled { since: now },
            goal: Goal::Run,
            placement: None,
            staged_at: None,
            started_at: None,
            checks: Vec::new(),
            readiness: None,
            unhealthy_reason: None,
            last_state: None,
            offers: super::agents::OfferStats::default(),
        }
    }

    /// The id of its task: `app.instance-UUID._app.N`.
    pub(super) fn task(&self) -> String {
        format!("{}._app.{}", self.id, self.attempt)
    }

    pub(super) fn is_scheduled(&self) -> bool {
        matches!(self.state, State::Scheduled { .. })
    }

    pub(super) fn is_killing(&self) -> bool {
        matches!(self.state, State::Killing { .. })
    }

    pub(super) fn is_being_removed(&self) -> bool {
        matches!(self.goal, Goal::Remove | Goal::Wipe)
    }

    /// Whether its task runs, passes all health checks, and has been ready once.
    pub(super) fn is_available(&self) -> bool {
        self.state == State::Running
            && self.checks.iter().all(HealthState::is_alive)
            && self
                .readiness
                .as_ref()
                .is_none_or(|readiness| readiness.ready)
    }

    /// Whether it runs the definition `app`, apart from the scale.
    pub(super) fn is_current(&self, app: &App) -> bool {
        let changed = |app: &App| app.version_info.map(|info| info.last_config_change_at);
        changed(&self.app) == changed(app)
    }

    /// Whether it has persistent volumes.
    pub(super) fn is_resident(&self) -> bool {
        is_resident(&self.app)
    }

    pub(super) fn version(&self) -> Timestamp {
        version_of(&self.app)
    }

    pub(super) fn task_state(&self) -> TaskState {
        match self.state {
            State::Scheduled { .. } => self.last_state.unwrap_or(TaskState::Staging),
            State::Launching => TaskState::Staging,
            State::Running => TaskState::Running,
            State::Killing { .. } => TaskState::Killing,
        }
    }

    /// When a timer of this instance is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        match self.state {
            State::Killing { at, forced: false } => Some(at),
            State::Running => {
                let checks = self.checks.iter().filter_map(HealthState::next_due);
                checks
                    .chain(self.readiness.as_ref().and_then(ReadinessState::next_due))
                    .min()
            }
            State::Killing { .. } | State::Scheduled { .. } | State::Launching => None,
        }
    }
}

/// Whether the app's instances have persistent volumes.
pub(super) fn is_resident(app: &App) -> bool {
    let volumes = app
        .container
        .as_ref()
        .map(|container| container.volumes.as_slice())
        .unwrap_or_default();
    volumes.iter().any(|volume| volume.persistent.is_some())
}

/// The version of a stored app, which always has one.
pub(super) fn version_of(app: &App) -> Timestamp {
    app.version
        .unwrap_or_else(|| Timestamp::new(Default::default()))
}

pub(super) fn condition_of(state: TaskState) -> Condition {
    match state {
        TaskState::Finished => Condition::Finished,
        TaskState::Killed => Condition::Killed,
        TaskState::Error => Condition::Error,
        _ => Condition::Failed,
    }
}
