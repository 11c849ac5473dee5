//! Collects what explains why apps are not ready, and what to do: the deployments that hold them,
//! tasks, the last failure, launch blockers, the log's end.

use std::collections::BTreeMap;
use std::time::Duration;

use moodvane_marathon_api::{App, AppInfo, Deployment, PathId, QueueItem, Task};

use super::{Selector, Snapshot};
use crate::client::{MarathonClient, error_chain};
use crate::failure::{AppFailure, FailureReport};
use crate::logs;
use crate::preflight::has_persistent_volume;
use crate::progress::{Progress, Stage, affects, is_active, is_current};

/// The number of log lines in a report.
const LOG_LINES: usize = 15;
const NO_OFFERS: &str = "Marathon processed no offer: check that Mesos has agents with resources for its role; if the \
    apps of other groups wait too, its launch queue may have ended";
const NO_OFFERS_FOR_VOLUMES: &str = "Marathon processed no offer, and these apps have volumes: the likely cause is a \
    Marathon without --mesos_authentication_principal or --mesos_role; without a principal its launch queue ends at the \
    first volume, for all groups, until it restarts with the flag (see marathon/README.md)";

/// The input of a report.
pub(super) struct Diagnosis<'d> {
    pub(super) marathon: &'d MarathonClient,
    pub(super) snapshot: &'d Snapshot,
    pub(super) progress: &'d BTreeMap<PathId, Progress>,
    pub(super) elapsed: Duration,
}

impl Diagnosis<'_> {
    /// Diagnoses the selected apps that are not ready. It never fails: a missing part is reported
    /// as missing, because the report itself explains a failure.
    pub(super) async fn report(&self, reason: String, selected: Selector<'_>) -> FailureReport {
        let queue = self.marathon.queue().await.unwrap_or_default();
        let mut apps = Vec::new();
        let mut advice = self.deployment_advice(selected);
        for info in &self.snapshot.apps {
            let Some(progress) = self.progress.get(&info.app.id) else {
                continue;
            };
            let queued = queue.iter().find(|item| item.app.id == info.app.id);
            // An app that only waits for its dependencies has not failed.
            let is_blocked = progress.stage == Stage::Waiting
                && progress.failures.is_empty()
                && queued.is_none()
                && self.holders(&info.app.id).next().is_some();
            if !selected(&info.app.id) || progress.stage == Stage::Ready || is_blocked {
                continue;
            }
            match self.advice(info, progress, queued) {
                Some(line) if !advice.contains(&line) => advice.push(line),
                _ => {}
            }
            apps.push(self.diagnose_app(info, progress.stage, queued).await);
        }
        FailureReport {
            reason,
            apps,
            advice,
        }
    }

    /// The running deployments that act on an app, now or later.
    fn holders<'a>(&'a self, app: &'a PathId) -> impl Iterator<Item = &'a Deployment> {
        let deployments = self.snapshot.deployments.iter();
        deployments.filter(move |deployment| affects(deployment, app))
    }

    fn deployment_advice(&self, selected: Selector<'_>) -> Vec<String> {
        let advice = |deployment: &Deployment| {
            let held = deployment.affected_apps.iter().filter(|id| selected(id));
            let held: Vec<&str> = held.map(PathId::last).collect();
            (!held.is_empty()).then(|| {
                format!(
                    "{} holds {}: the same command waits for it again, --force overrides it",
                    describe_deployment(deployment),
                    held.join(", ")
                )
            })
        };
        let deployments = self.snapshot.deployments.iter();
        deployments.filter_map(advice).collect()
    }

    fn advice(
        &self,
        info: &AppInfo,
        progress: &Progress,
        queued: Option<&QueueItem>,
    ) -> Option<String> {
        let name = info.app.id.last();
        if progress
            .lost_health_check(&info.app, self.elapsed)
            .is_some()
        {
            return Some(format!(
                "Marathon reports no health of {name}: it loses the check of a task that had no result yet when its \
                 leader changed; `fleet restart {name} --force` replaces the tasks"
            ));
        }
        if let Some(queued) = queued {
            let has_offers = queued.processed_offers_summary.processed_offers_count > 0;
            let is_delayed = queued.delay.time_left_seconds > 0;
            return match (has_offers || is_delayed, has_persistent_volume(&info.app)) {
                (true, _) => None,
                (false, true) => Some(NO_OFFERS_FOR_VOLUMES.to_owned()),
                (false, false) => Some(NO_OFFERS.to_owned()),
            };
        }
        if self.holders(&info.app.id).next().is_some() || !progress.failures.is_empty() {
            return None;
        }
        let tasks = info.tasks.as_deref().unwrap_or_default();
        let is_outdated = |task: &Task| is_active(task) && !is_current(task, &info.app);
        if tasks.iter().any(is_outdated) {
            return Some(format!(
                "no deployment replaces the tasks of {name} that run an earlier version: `fleet restart {name}` does"
            ));
        }
        (progress.stage < Stage::Running).then(|| {
            format!(
                "no deployment starts {name}, and it is not in the launch queue: `fleet restart {name}` starts it; \
                 Marathon itself looks for missing tasks every 5 minutes (--scale_apps_interval)"
            )
        })
    }

    async fn diagnose_app(
        &self,
        info: &AppInfo,
        stage: Stage,
        queued: Option<&QueueItem>,
    ) -> AppFailure {
        let tasks = info.tasks.as_deref().unwrap_or_default();
        let last = info.last_task_failure.as_ref();
        let holders = self.holders(&info.app.id);
        AppFailure {
            app: info.app.id.clone(),
            stage,
            deployments: holders.map(describe_deployment).collect(),
            tasks: tasks
                .iter()
                .map(|task| describe_task(task, &info.app))
                .collect(),
            last_failure: last.map(|last| {
                format!(
                    "{} of {} on {}: {}",
                    last.state, last.task_id, last.host, last.message
                )
            }),
            launch_blocker: queued.map(launch_blocker),
            log: self.log_tail(info).await,
        }
    }

    /// The end of the log of the task that failed last, else of the first task.
    async fn log_tail(&self, info: &AppInfo) -> Vec<String> {
        let failed = info.last_task_failure.as_ref();
        let failed = failed.map(|failure| (&failure.task_id, &failure.host));
        let first = info.tasks.iter().flatten().next();
        let Some((task, host)) = failed.or_else(|| first.map(|task| (&task.id, &task.host))) else {
            return Vec::new();
        };
        match logs::tail(self.marathon, task, host, LOG_LINES).await {
            Ok(lines) => lines,
            Err(error) => vec![format!("no log: {}", error_chain(&error))],
        }
    }
}

fn describe_deployment(deployment: &Deployment) -> String {
    let actions = deployment.current_actions.iter();
    let actions: Vec<String> = actions
        .map(|one| format!("{} {}", one.action.action, one.action.app.last()))
        .collect();
    format!(
        "deployment {} (step {} of {}: {})",
        deployment.id,
        deployment.current_step,
        deployment.total_steps,
        actions.join(", ")
    )
}

fn describe_task(task: &Task, app: &App) -> String {
    let mut results = task.health_check_results.iter();
    let cause = results.find_map(|result| result.last_failure_cause.as_deref());
    let health = match (task.health_check_results.is_empty(), task.is_healthy()) {
        (true, _) => "not checked yet".to_owned(),
        (false, true) => "healthy".to_owned(),
        (false, false) => format!("unhealthy: {}", cause.unwrap_or("no cause given")),
    };
    let version = match is_current(task, app) {
        true => "",
        false => ", of an earlier version",
    };
    format!(
        "{} on {}: {}, {health}{version}",
        task.id, task.host, task.state
    )
}

fn launch_blocker(item: &QueueItem) -> String {
    if item.delay.time_left_seconds > 0 {
        return format!(
            "launch delay after failures, {} s left",
            item.delay.time_left_seconds
        );
    }
    let summary = &item.processed_offers_summary;
    let declined: Vec<&str> = summary
        .reject_summary_last_offers
        .iter()
        .filter(|reason| reason.declined > 0)
        .map(|reason| reason.reason.as_str())
        .collect();
    match declined.is_empty() {
        true => format!(
            "no agent offered its resources ({} offers processed)",
            summary.processed_offers_count
        ),
        false => format!("offers declined: {}", declined.join(", ")),
    }
}
