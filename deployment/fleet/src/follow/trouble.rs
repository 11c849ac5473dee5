//! What is known of apps that did not come up: their tasks, how the last one failed, why the next one does
//! not start, and the end of its log.

use std::collections::BTreeMap;
use std::fmt;

use moodvane_marathon_api::{PathId, QueueItem};

use super::{Progress, Snapshot, Stage};
use crate::client::{AppInfo, MarathonClient};
use crate::logs;

/// The lines of a log that are shown.
const LOG_LINES: usize = 15;

/// Why what was to come up did not.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureReport {
    /// In one line.
    pub why: String,
    /// App by app.
    pub apps: Vec<AppFailure>,
}

/// What is known of one app that did not come up.
#[derive(Debug, Clone, PartialEq)]
pub struct AppFailure {
    /// Which.
    pub app: PathId,
    /// How far it came.
    pub stage: Stage,
    /// Its tasks, one a line.
    pub tasks: Vec<String>,
    /// How the last one failed.
    pub failure: Option<String>,
    /// Why the next one does not start.
    pub waits: Option<String>,
    /// The end of the log, or why there is none.
    pub log: Vec<String>,
}

impl fmt::Display for FailureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        for app in &self.apps {
            write!(f, "\n\n{}: {}", app.app, app.stage)?;
            for task in &app.tasks {
                write!(f, "\n  task {task}")?;
            }
            if let Some(failure) = &app.failure {
                write!(f, "\n  last failure: {failure}")?;
            }
            if let Some(waits) = &app.waits {
                write!(f, "\n  not launched: {waits}")?;
            }
            for line in &app.log {
                write!(f, "\n  | {line}")?;
            }
        }
        Ok(())
    }
}

/// Asks for everything that may explain it. What cannot be had is said instead: this is told on the way
/// out, and must not fail itself.
pub(super) async fn gather(
    marathon: &MarathonClient,
    why: String,
    look: &Snapshot,
    progress: &BTreeMap<PathId, Progress>,
    chosen: &(dyn Fn(&PathId) -> bool + Sync),
) -> FailureReport {
    let queue = marathon.queue().await.unwrap_or_default();
    let mut apps = Vec::new();
    let waiting = look.apps.iter().filter(|info| chosen(&info.app.id));
    for info in waiting {
        let Some(known) = progress.get(&info.app.id) else {
            continue;
        };
        // An app that waits for others has no trouble of its own.
        let is_held =
            known.stage == Stage::Waiting && known.failures.is_empty() && !waits_in(&queue, info);
        if known.stage == Stage::Ready || is_held {
            continue;
        }
        apps.push(of_app(marathon, info, known, &queue).await);
    }
    FailureReport { why, apps }
}

fn waits_in(queue: &[QueueItem], info: &AppInfo) -> bool {
    queue.iter().any(|item| item.app.id == info.app.id)
}

async fn of_app(
    marathon: &MarathonClient,
    info: &AppInfo,
    known: &Progress,
    queue: &[QueueItem],
) -> AppFailure {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let told = |task: &moodvane_marathon_api::Task| {
        let cause = task
            .health_check_results
            .iter()
            .find_map(|health| health.last_failure_cause.clone());
        let health = match (task.health_check_results.is_empty(), task.is_healthy()) {
            (true, _) => "not checked yet".to_owned(),
            (false, true) => "healthy".to_owned(),
            (false, false) => format!(
                "unhealthy: {}",
                cause.unwrap_or_else(|| "no cause given".to_owned())
            ),
        };
        format!("{} on {}: {}, {health}", task.id, task.host, task.state)
    };
    let failure = info.last_task_failure.as_ref();
    let subject = failure
        .map(|failure| (failure.task_id.clone(), failure.host.clone()))
        .or_else(|| {
            tasks
                .first()
                .map(|task| (task.id.clone(), task.host.clone()))
        });
    let log = match subject {
        None => Vec::new(),
        Some((task, host)) => match logs::tail(marathon, &task, &host, LOG_LINES).await {
            Ok(lines) => lines,
            Err(why) => vec![format!("no log: {why}")],
        },
    };
    AppFailure {
        app: info.app.id.clone(),
        stage: known.stage,
        tasks: tasks.iter().map(told).collect(),
        failure: failure.map(|last| {
            format!(
                "{} of {} on {}: {}",
                last.state, last.task_id, last.host, last.message
            )
        }),
        waits: queue
            .iter()
            .find(|item| item.app.id == info.app.id)
            .map(why_queued),
        log,
    }
}

fn why_queued(item: &QueueItem) -> String {
    if item.delay.time_left_seconds > 0 {
        return format!(
            "the next launch waits {} s more after failures",
            item.delay.time_left_seconds
        );
    }
    let summary = &item.processed_offers_summary;
    let declined: Vec<String> = summary
        .reject_summary_last_offers
        .iter()
        .filter(|reason| reason.declined > 0)
        .map(|reason| reason.reason.clone())
        .collect();
    match declined.is_empty() {
        true => format!(
            "no agent has offered its resources ({} offers seen)",
            summary.processed_offers_count
        ),
        false => format!("the agents' offers do not do: {}", declined.join(", ")),
    }
}
