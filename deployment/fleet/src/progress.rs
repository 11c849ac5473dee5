//! The deployment progress of one app.
//!
//! Terms: a task is *current* if it runs the configuration that the app has now, and *active* if it occupies
//! resources.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use moodvane_marathon_api::{App, AppInfo, Deployment, HealthCheck, PathId, Task, TaskState};

/// The stage of an app. Later stages are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No current task is active.
    Waiting,
    /// Some current tasks are active.
    Launched,
    /// All instances run.
    Running,
    /// All instances are healthy.
    Healthy,
    /// All instances are healthy and no deployment affects the app.
    Ready,
}

/// Time for a health check's result to reach Marathon.
const HEALTH_MARGIN: Duration = Duration::from_secs(15);

const TIMED_STAGES: [Stage; 4] = [
    Stage::Launched,
    Stage::Running,
    Stage::Healthy,
    Stage::Ready,
];

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

/// The progress of one app, and when it reached each stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The app.
    pub id: PathId,
    /// The requested number of instances.
    pub instances: u32,
    /// The current stage.
    pub stage: Stage,
    /// When the app first reached each stage, from [`Stage::Launched`] on.
    pub reached: [Option<Duration>; 4],
    /// The tasks that failed since the start or since the last reset.
    pub failures: BTreeSet<String>,
    known_failure: Option<String>,
    reported: Option<String>,
    /// Since when a running task has no result of its health check.
    unchecked_since: Option<Duration>,
}

struct TaskCounts {
    active: u32,
    running: u32,
    healthy: u32,
}

impl Progress {
    /// The progress of an app that was created after the start.
    pub(crate) fn of_new_app(info: &AppInfo) -> Self {
        Self {
            id: info.app.id.clone(),
            instances: info.app.instances,
            stage: Stage::Waiting,
            reached: [None; 4],
            failures: BTreeSet::new(),
            known_failure: None,
            // A waiting app is not worth a line.
            reported: Some(Stage::Waiting.to_string()),
            unchecked_since: None,
        }
    }

    /// The progress of an app that exists at the start. Its last failure does not count.
    pub(crate) fn of_existing_app(info: &AppInfo, deployments: &[Deployment]) -> Self {
        let stage = stage(info, deployments);
        Self {
            known_failure: last_failed_task(info),
            stage,
            reported: Some(summary(info, stage)),
            ..Self::of_new_app(info)
        }
    }

    /// Updates the progress, and returns a summary if it has changed.
    pub(crate) fn update(
        &mut self,
        info: &AppInfo,
        deployments: &[Deployment],
        elapsed: Duration,
    ) -> Option<String> {
        self.instances = info.app.instances;
        self.stage = stage(info, deployments);
        let failed = last_failed_task(info).filter(|id| Some(id) != self.known_failure.as_ref());
        self.failures.extend(failed);
        self.unchecked_since =
            has_unchecked_task(info).then(|| self.unchecked_since.unwrap_or(elapsed));
        let summary = summary(info, self.stage);
        if self.reported.as_ref() == Some(&summary) {
            return None;
        }
        for (reached, stage) in self.reached.iter_mut().zip(TIMED_STAGES) {
            if stage <= self.stage {
                reached.get_or_insert(elapsed);
            }
        }
        self.reported = Some(summary.clone());
        Some(summary)
    }

    /// How long a running task of the app has had no result of its health check, where that is
    /// longer than the check takes at most. Marathon has lost the check then.
    pub(crate) fn lost_health_check(&self, app: &App, elapsed: Duration) -> Option<Duration> {
        let unchecked = elapsed.saturating_sub(self.unchecked_since?);
        let longest = app.health_checks.iter().map(longest_check).max()?;
        (unchecked > longest).then_some(unchecked)
    }

    /// Forgets the failures.
    pub(crate) fn reset_failures(&mut self) {
        self.known_failure = self.failures.pop_last().or(self.known_failure.take());
        self.failures.clear();
    }

    /// Whether the app changed since the start.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.reached.iter().any(Option::is_some)
    }
}

fn last_failed_task(info: &AppInfo) -> Option<String> {
    let failure = info.last_task_failure.as_ref()?;
    Some(failure.task_id.clone())
}

fn summary(info: &AppInfo, stage: Stage) -> String {
    let counts = count_tasks(info);
    let (done, what) = match stage {
        Stage::Waiting => return stage.to_string(),
        Stage::Launched => (counts.running, "running"),
        Stage::Running | Stage::Healthy => (counts.healthy, "healthy"),
        Stage::Ready => (counts.healthy, "ready"),
    };
    format!("{done}/{} {what}", info.app.instances)
}

fn stage(info: &AppInfo, deployments: &[Deployment]) -> Stage {
    let counts = count_tasks(info);
    let instances = info.app.instances;
    if instances == 0 && counts.active > 0 {
        return Stage::Launched;
    }
    if counts.running < instances {
        return match counts.active {
            0 => Stage::Waiting,
            _ => Stage::Launched,
        };
    }
    if counts.healthy < instances {
        return Stage::Running;
    }
    let affected = |deployment| affects(deployment, &info.app.id);
    match deployments.iter().any(affected) {
        true => Stage::Healthy,
        false => Stage::Ready,
    }
}

fn count_tasks(info: &AppInfo) -> TaskCounts {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let active = || tasks.iter().filter(|task| is_active(task));
    let current = || active().filter(|task| is_current(task, &info.app));
    let running = || current().filter(|task| task.state == TaskState::Running);
    let has_checks = !info.app.health_checks.is_empty();
    let healthy = running().filter(|task| !has_checks || task.is_healthy());
    let to_u32 = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    TaskCounts {
        active: to_u32(match info.app.instances {
            0 => active().count(),
            _ => current().count(),
        }),
        running: to_u32(running().count()),
        healthy: to_u32(healthy.count()),
    }
}

/// Whether a task runs whose health check has no result. Marathon has none before the first success
/// either, as long as failures are in the grace period.
fn has_unchecked_task(info: &AppInfo) -> bool {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let is_unchecked = |task: &Task| {
        task.state == TaskState::Running
            && is_current(task, &info.app)
            && task.health_check_results.is_empty()
    };
    !info.app.health_checks.is_empty() && tasks.iter().any(is_unchecked)
}

/// The longest time from a task's start to the first result of a check.
fn longest_check(check: &HealthCheck) -> Duration {
    let seconds = [
        check.delay_seconds,
        check.grace_period_seconds,
        check.interval_seconds,
        check.timeout_seconds,
    ];
    Duration::from_secs(seconds.into_iter().map(u64::from).sum()) + HEALTH_MARGIN
}

/// Whether the task occupies resources, from its launch until its end.
pub(crate) fn is_active(task: &Task) -> bool {
    use TaskState::{Dropped, Error, Failed, Finished, Gone, Killed};
    ![Error, Failed, Finished, Killed, Gone, Dropped].contains(&task.state)
}

/// Whether the task runs the app's configuration. A change of the scale alone keeps tasks current.
pub(crate) fn is_current(task: &Task, app: &App) -> bool {
    let since = app
        .version_info
        .map(|info| info.last_config_change_at)
        .or(app.version);
    match (task.version, since) {
        (Some(version), Some(since)) => version >= since,
        _ => true,
    }
}

/// Whether the current step or a later one of the deployment acts on the app.
pub(crate) fn affects(deployment: &Deployment, app: &PathId) -> bool {
    let remaining = deployment
        .steps
        .iter()
        .skip(deployment.current_step.saturating_sub(1));
    remaining
        .flat_map(|step| &step.actions)
        .any(|action| action.app == *app)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CHECK_S: u64 = 10 + 1 + 2 + 3;

    /// An app with one running task, and with these results of its health check.
    fn info(results: serde_json::Value) -> AppInfo {
        let version = "2026-11-21T03:29:36.924Z";
        serde_json::from_value(json!({
            "id": "/g/a", "cmd": "x", "version": version,
            "healthChecks": [{ "protocol": "MESOS_TCP", "gracePeriodSeconds": 10, "delaySeconds": 1,
                "intervalSeconds": 2, "timeoutSeconds": 3 }],
            "tasks": [{ "appId": "/g/a", "id": "g_a.instance-1._app.1", "host": "h", "state": "TASK_RUNNING",
                "healthCheckResults": results, "ipAddresses": [], "ports": [], "servicePorts": [],
                "version": version, "localVolumes": [], "role": "*" }],
        }))
        .unwrap()
    }

    #[test]
    fn health_check_is_lost_after_its_longest_duration() {
        let (unchecked, checked) = (
            info(json!([])),
            info(json!([{ "alive": true, "consecutiveFailures": 0, "instanceId": "i" }])),
        );
        let mut progress = Progress::of_new_app(&unchecked);
        let at = Duration::from_secs;
        let longest = CHECK_S + HEALTH_MARGIN.as_secs();
        progress.update(&unchecked, &[], at(100));
        for (elapsed, expected) in [
            (100, None),
            (100 + longest, None),
            (101 + longest, Some(at(1 + longest))),
        ] {
            progress.update(&unchecked, &[], at(elapsed));
            let lost = progress.lost_health_check(&unchecked.app, at(elapsed));
            assert_eq!(lost, expected, "{elapsed}");
        }
        progress.update(&checked, &[], at(200));
        assert_eq!(progress.lost_health_check(&checked.app, at(900)), None);
    }
}
