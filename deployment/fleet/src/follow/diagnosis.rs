//! Collects what explains why apps are not ready: tasks, the last failure, launch blockers, the log's end.

use std::collections::BTreeMap;

use moodvane_marathon_api::{AppInfo, PathId, QueueItem, Task};

use super::{Selector, Snapshot};
use crate::client::{MarathonClient, error_chain};
use crate::failure::AppFailure;
use crate::logs;
use crate::progress::{Progress, Stage};

/// The number of log lines in a report.
const LOG_LINES: usize = 15;

/// Diagnoses the selected apps that are not ready. It never fails: a missing part is reported as missing,
/// because the report itself explains a failure.
pub(super) async fn diagnose(
    marathon: &MarathonClient,
    snapshot: &Snapshot,
    progress: &BTreeMap<PathId, Progress>,
    selected: Selector<'_>,
) -> Vec<AppFailure> {
    let queue = marathon.queue().await.unwrap_or_default();
    let mut apps = Vec::new();
    for info in snapshot.apps.iter().filter(|info| selected(&info.app.id)) {
        let Some(progress) = progress.get(&info.app.id) else {
            continue;
        };
        let queued = queue.iter().find(|item| item.app.id == info.app.id);
        // An app that only waits for its dependencies has not failed.
        let is_blocked =
            progress.stage == Stage::Waiting && progress.failures.is_empty() && queued.is_none();
        if progress.stage == Stage::Ready || is_blocked {
            continue;
        }
        apps.push(diagnose_app(marathon, info, progress.stage, queued).await);
    }
    apps
}

async fn diagnose_app(
    marathon: &MarathonClient,
    info: &AppInfo,
    stage: Stage,
    queued: Option<&QueueItem>,
) -> AppFailure {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let last = info.last_task_failure.as_ref();
    AppFailure {
        app: info.app.id.clone(),
        stage,
        tasks: tasks.iter().map(describe_task).collect(),
        last_failure: last.map(|last| {
            format!(
                "{} of {} on {}: {}",
                last.state, last.task_id, last.host, last.message
            )
        }),
        launch_blocker: queued.map(launch_blocker),
        log: log_tail(marathon, info).await,
    }
}

/// The end of the log of the task that failed last, else of the first task.
async fn log_tail(marathon: &MarathonClient, info: &AppInfo) -> Vec<String> {
    let failed = info.last_task_failure.as_ref();
    let failed = failed.map(|failure| (&failure.task_id, &failure.host));
    let first = info.tasks.iter().flatten().next();
    let Some((task, host)) = failed.or_else(|| first.map(|task| (&task.id, &task.host))) else {
        return Vec::new();
    };
    match logs::tail(marathon, task, host, LOG_LINES).await {
        Ok(lines) => lines,
        Err(error) => vec![format!("no log: {}", error_chain(&error))],
    }
}

fn describe_task(task: &Task) -> String {
    let mut results = task.health_check_results.iter();
    let cause = results.find_map(|result| result.last_failure_cause.as_deref());
    let health = match (task.health_check_results.is_empty(), task.is_healthy()) {
        (true, _) => "not checked yet".to_owned(),
        (false, true) => "healthy".to_owned(),
        (false, false) => format!("unhealthy: {}", cause.unwrap_or("no cause given")),
    };
    format!("{} on {}: {}, {health}", task.id, task.host, task.state)
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
