//! One instance: one place in an app's scale, and the task that now fills it.

use std::sync::Arc;

use moodvane_marathon_api::{App, Condition, TaskState, Timestamp};

use super::health::{Checked, Readiness};

/// Where an instance is between waiting and its task's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for its launch.
    Scheduled { since: Timestamp },
    /// Its launch was asked for.
    Launching,
    /// Its task runs.
    Running,
    /// Its task was asked to end, and is ended at the time.
    Killing { at: Timestamp, forced: bool },
}

/// What becomes of an instance whose task ends.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// It is launched again.
    Run,
    /// It is launched again, as this.
    Become(Arc<App>),
    /// It is gone. What it kept waits for the next with its number, as long as the app is there.
    Remove,
    /// It is gone, and what it kept with it.
    Wipe,
}

/// Where a task runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) agent: usize,
    pub(super) ports: Vec<u16>,
}

#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// `app.instance-UUID`.
    pub(super) id: String,
    /// What it runs.
    pub(super) app: Arc<App>,
    /// The lowest number that no other instance of the app has, nor one that was wiped: names what it
    /// keeps.
    pub(super) slot: u32,
    /// Which task it is, from 1.
    pub(super) attempt: u32,
    pub(super) state: State,
    pub(super) goal: Goal,
    pub(super) place: Option<Place>,
    pub(super) staged_at: Option<Timestamp>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) checks: Vec<Checked>,
    pub(super) readiness: Option<Readiness>,
    /// Whether the end that was asked for counts as a failure.
    pub(super) blamed: Option<String>,
    /// How the last task ended, while none runs.
    pub(super) ended: Option<TaskState>,
    /// Why it is not launched, and how often that was looked at.
    pub(super) blocked: super::agents::Blocked,
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
            place: None,
            staged_at: None,
            started_at: None,
            checks: Vec::new(),
            readiness: None,
            blamed: None,
            ended: None,
            blocked: super::agents::Blocked::default(),
        }
    }

    /// The name of its task: `app.instance-UUID._app.N`.
    pub(super) fn task(&self) -> String {
        format!("{}._app.{}", self.id, self.attempt)
    }

    pub(super) fn is_scheduled(&self) -> bool {
        matches!(self.state, State::Scheduled { .. })
    }

    pub(super) fn is_killing(&self) -> bool {
        matches!(self.state, State::Killing { .. })
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.goal, Goal::Remove | Goal::Wipe)
    }

    /// Whether its task runs, is healthy by all its checks, and was once ready.
    pub(super) fn is_good(&self) -> bool {
        self.state == State::Running
            && self.checks.iter().all(Checked::is_alive)
            && self
                .readiness
                .as_ref()
                .is_none_or(|readiness| readiness.ready)
    }

    /// Whether it runs what `app` says, but for the scale.
    pub(super) fn is_current(&self, app: &App) -> bool {
        let changed = |app: &App| app.version_info.map(|info| info.last_config_change_at);
        changed(&self.app) == changed(app)
    }

    /// Whether it keeps something through its tasks.
    pub(super) fn is_resident(&self) -> bool {
        is_resident(&self.app)
    }

    pub(super) fn version(&self) -> Timestamp {
        version_of(&self.app)
    }

    pub(super) fn task_state(&self) -> TaskState {
        match self.state {
            State::Scheduled { .. } => self.ended.unwrap_or(TaskState::Staging),
            State::Launching => TaskState::Staging,
            State::Running => TaskState::Running,
            State::Killing { .. } => TaskState::Killing,
        }
    }

    /// When it has something to do by the time alone.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        match self.state {
            State::Killing { at, forced: false } => Some(at),
            State::Running => {
                let checks = self.checks.iter().filter_map(Checked::next);
                checks
                    .chain(self.readiness.as_ref().and_then(Readiness::next))
                    .min()
            }
            State::Killing { .. } | State::Scheduled { .. } | State::Launching => None,
        }
    }
}

/// Whether the app's instances keep something through their tasks.
pub(super) fn is_resident(app: &App) -> bool {
    let volumes = app
        .container
        .as_ref()
        .map(|container| container.volumes.as_slice())
        .unwrap_or_default();
    volumes.iter().any(|volume| volume.persistent.is_some())
}

/// Every stored app has a version; one without would be of the beginning of time.
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
