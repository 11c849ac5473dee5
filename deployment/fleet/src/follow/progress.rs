//! How far one app has come.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use moodvane_marathon_api::{App, Deployment, PathId, Task, TaskState};

use crate::client::AppInfo;

/// How far an app has come. Later ones are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing of the version asked for is there.
    Waiting,
    /// Some of it is being launched.
    Launched,
    /// All of it runs.
    Running,
    /// All of it is healthy.
    Healthy,
    /// No deployment acts on it any more.
    Ready,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Waiting => "waiting",
            Self::Launched => "launched",
            Self::Running => "running",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
        })
    }
}

/// How far one app has come, and when it came to each stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Which.
    pub id: PathId,
    /// How many instances there are to be.
    pub wanted: u32,
    /// Its stage.
    pub stage: Stage,
    /// When it first came to each stage, from the second on.
    pub reached: [Option<Duration>; 4],
    /// The tasks of it that failed meanwhile.
    pub failures: BTreeSet<String>,
    known_failure: Option<String>,
    shown: Option<String>,
}

/// What is there of an app.
struct Count {
    living: u32,
    running: u32,
    healthy: u32,
}

impl Progress {
    /// An app that has just come to be.
    pub(super) fn new(info: &AppInfo) -> Self {
        Self {
            id: info.app.id.clone(),
            wanted: info.app.instances,
            stage: Stage::Waiting,
            reached: [None; 4],
            failures: BTreeSet::new(),
            known_failure: None,
            // What waits is not worth a line.
            shown: Some(Stage::Waiting.to_string()),
        }
    }

    /// An app as it is before anything is done.
    pub(super) fn before(info: &AppInfo, deployments: &[Deployment]) -> Self {
        let mut progress = Self::new(info);
        progress.known_failure = failure(info);
        progress.stage = stage(info, deployments);
        progress.shown = Some(told(info, progress.stage));
        progress
    }

    /// Notes how the app is now, and returns what is new about it.
    pub(super) fn note(
        &mut self,
        info: &AppInfo,
        deployments: &[Deployment],
        elapsed: Duration,
    ) -> Option<String> {
        self.wanted = info.app.instances;
        self.stage = stage(info, deployments);
        if let Some(task) = failure(info).filter(|task| Some(task) != self.known_failure.as_ref()) {
            self.failures.insert(task);
        }
        let told = told(info, self.stage);
        if self.shown.as_ref() == Some(&told) {
            return None;
        }
        let passed = [
            Stage::Launched,
            Stage::Running,
            Stage::Healthy,
            Stage::Ready,
        ];
        for (reached, _) in self
            .reached
            .iter_mut()
            .zip(passed)
            .filter(|(_, stage)| *stage <= self.stage)
        {
            reached.get_or_insert(elapsed);
        }
        self.shown = Some(told.clone());
        Some(told)
    }

    /// Forgets its failures.
    pub(super) fn forgive(&mut self) {
        self.known_failure = self.failures.pop_last().or(self.known_failure.take());
        self.failures.clear();
    }

    /// Whether anything happened to it while it was watched.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.reached.iter().any(Option::is_some)
    }
}

fn failure(info: &AppInfo) -> Option<String> {
    info.last_task_failure
        .as_ref()
        .map(|failure| failure.task_id.clone())
}

fn told(info: &AppInfo, stage: Stage) -> String {
    let count = count(info);
    let (done, what) = match stage {
        Stage::Waiting => return stage.to_string(),
        Stage::Launched => (count.running, "running"),
        Stage::Running => (count.healthy, "healthy"),
        Stage::Healthy | Stage::Ready => (
            count.healthy,
            if stage == Stage::Ready {
                "ready"
            } else {
                "healthy"
            },
        ),
    };
    format!("{done}/{} {what}", info.app.instances)
}

fn stage(info: &AppInfo, deployments: &[Deployment]) -> Stage {
    let Count {
        living,
        running,
        healthy,
    } = count(info);
    let wanted = info.app.instances;
    if wanted == 0 && living > 0 {
        return Stage::Launched;
    }
    if running < wanted {
        return if living == 0 {
            Stage::Waiting
        } else {
            Stage::Launched
        };
    }
    if healthy < wanted {
        return Stage::Running;
    }
    match deployments
        .iter()
        .any(|deployment| acts_on(deployment, &info.app.id))
    {
        true => Stage::Healthy,
        false => Stage::Ready,
    }
}

fn count(info: &AppInfo) -> Count {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let current = || {
        tasks
            .iter()
            .filter(|task| is_living(task) && is_current(task, &info.app))
    };
    let running = || current().filter(|task| task.state == TaskState::Running);
    let checked = !info.app.health_checks.is_empty();
    let size = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Count {
        living: size(if info.app.instances == 0 {
            tasks.iter().filter(|task| is_living(task)).count()
        } else {
            current().count()
        }),
        running: size(running().count()),
        healthy: size(
            running()
                .filter(|task| !checked || task.is_healthy())
                .count(),
        ),
    }
}

/// Whether the task takes a place, on its way in or out.
pub(crate) fn is_living(task: &Task) -> bool {
    use TaskState::{Dropped, Error, Failed, Finished, Gone, Killed};
    ![Error, Failed, Finished, Killed, Gone, Dropped].contains(&task.state)
}

/// Whether the task runs what the app says now; a change of scale alone leaves it so.
fn is_current(task: &Task, app: &App) -> bool {
    let since = app
        .version_info
        .map(|info| info.last_config_change_at)
        .or(app.version);
    match (task.version, since) {
        (Some(version), Some(since)) => version >= since,
        _ => true,
    }
}

/// Whether the deployment does something to the app, now or later.
fn acts_on(deployment: &Deployment, app: &PathId) -> bool {
    let later = deployment
        .steps
        .iter()
        .skip(deployment.current_step.saturating_sub(1));
    later
        .flat_map(|step| &step.actions)
        .any(|action| action.app == *app)
}

/// The first of the things that matter in which two definitions differ.
pub(super) fn difference(asked: &App, is: &App) -> Option<&'static str> {
    let image = |app: &App| {
        app.container
            .as_ref()
            .and_then(|one| Some(one.docker.as_ref()?.image.clone()))
    };
    let amount = |a: f64, b: f64| (a - b).abs() > 1e-9;
    let fields = [
        ("image", image(asked) != image(is)),
        ("scale", asked.instances != is.instances),
        ("environment", asked.env != is.env),
        ("dependencies", asked.dependencies != is.dependencies),
        ("mem", amount(asked.mem, is.mem)),
        ("cpus", amount(asked.cpus, is.cpus)),
    ];
    fields
        .into_iter()
        .find(|(_, differs)| *differs)
        .map(|(name, _)| name)
}
