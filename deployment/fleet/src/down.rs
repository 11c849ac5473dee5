//! Stops a group in the reverse of its start order.
//!
//! Guarantee: a stop succeeds when no task of the group is active or queued, else it fails with the
//! remaining tasks. Definitions and volumes stay unless their removal is requested. The time of an
//! outage of Marathon does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::CellAlignment::{Left, Right};
use moodvane_marathon_api::{App, AppInfo, Group, PathId, QueueItem, Task, dependency_layers};
use tokio::time::Instant;

use crate::PEERS_LABEL;
use crate::client::{ClientError, MarathonClient};
use crate::error::FleetError;
use crate::events::EventListener;
use crate::follow::Reporter;
use crate::progress::is_active;
use crate::table;

/// Options of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownOptions {
    /// The maximum duration.
    pub timeout: Duration,
    /// Whether to remove the definitions, and with them the volumes and their data.
    pub remove: bool,
}

/// Apps that were stopped together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The names of the apps.
    pub apps: Vec<String>,
    /// The number of their tasks.
    pub tasks: usize,
    /// The time from the request until the last task had ended.
    pub took: Duration,
}

/// The result of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownReport {
    /// The waves, in order.
    pub waves: Vec<Wave>,
    /// The total duration, until Marathon reported no active task.
    pub total: Duration,
    /// Whether definitions and volumes were removed.
    pub removed: bool,
}

/// Stops all apps of `group`.
///
/// # Errors
/// [`FleetError::StillRunning`] if a task does not end in time.
pub async fn down(
    marathon: &Arc<MarathonClient>,
    group: &PathId,
    options: DownOptions,
    reporter: Reporter<'_>,
) -> Result<DownReport, FleetError> {
    let shutdown = Shutdown {
        marathon,
        events: EventListener::start(marathon),
        started: Instant::now(),
        timeout: options.timeout,
        outage_before: marathon.outage_time(),
    };
    let apps = marathon.apps(group).await?;
    let mut waves = Vec::new();
    for ids in stop_order(&apps, group) {
        let wave = shutdown.stop_wave(&apps, &ids).await?;
        reporter(&format!(
            "{:7.1} s  stopped {}",
            shutdown.started.elapsed().as_secs_f64(),
            wave.apps.join(", ")
        ));
        waves.push(wave);
    }
    let in_group = |app: &PathId| app.is_below(group);
    shutdown.wait_until_stopped(&in_group).await?;
    if options.remove {
        shutdown.remove(group).await?;
        shutdown.wait_until_stopped(&in_group).await?;
    }
    Ok(DownReport {
        waves,
        total: shutdown.started.elapsed(),
        removed: options.remove,
    })
}

/// A stop in progress.
struct Shutdown<'m> {
    marathon: &'m MarathonClient,
    events: EventListener,
    started: Instant,
    timeout: Duration,
    /// The client's outage time at the start.
    outage_before: Duration,
}

const CHECK_AGENT: &str = "Mesos kills a task at the end of its grace period, so check its agent, and run \
    `fleet down` again";
const CHECK_DEPLOYMENTS: &str =
    "`fleet status` shows the deployments that hold them; run `fleet down --remove` again";

impl Shutdown<'_> {
    async fn stop_wave(&self, apps: &[AppInfo], ids: &[PathId]) -> Result<Wave, FleetError> {
        let started = Instant::now();
        let in_wave = apps.iter().filter(|info| ids.contains(&info.app.id));
        let tasks = in_wave.map(count_active).sum();
        // Force, because running deployments are obsolete now. One deployment per app: within a single one
        // Marathon stops peers that depend on each other one after the other.
        for id in ids {
            self.marathon.scale(slice::from_ref(id), 0, true).await?;
        }
        self.wait_until_stopped(&|app: &PathId| ids.contains(app))
            .await?;
        Ok(Wave {
            apps: ids.iter().map(|id| id.last().to_owned()).collect(),
            tasks,
            took: started.elapsed(),
        })
    }

    async fn remove(&self, group: &PathId) -> Result<(), FleetError> {
        self.marathon.delete_group(group).await?;
        loop {
            let left = self.marathon.apps(group).await;
            let left = left.map_err(|error| self.lost("the removal of the definitions", error))?;
            if left.is_empty() {
                return Ok(());
            }
            if self.is_timed_out() {
                let names = left.iter().map(|info| info.app.id.to_string()).collect();
                return Err(self.still_running(
                    "the group is not removed",
                    names,
                    CHECK_DEPLOYMENTS,
                ));
            }
            self.events.wait().await;
        }
    }

    /// Waits until no selected app has an active or queued task.
    async fn wait_until_stopped(
        &self,
        selected: &(dyn Fn(&PathId) -> bool + Sync),
    ) -> Result<(), FleetError> {
        loop {
            let remaining = self.remaining(selected).await;
            let remaining = remaining.map_err(|error| self.lost("the end of the tasks", error))?;
            if remaining.is_empty() {
                return Ok(());
            }
            if self.is_timed_out() {
                let (apps, tasks): (BTreeSet<String>, Vec<String>) = remaining.into_iter().unzip();
                let apps: Vec<String> = apps.into_iter().collect();
                return Err(self.still_running(&apps.join(", "), tasks, CHECK_AGENT));
            }
            self.events.wait().await;
        }
    }

    /// The active and queued tasks, each with the name of its app.
    async fn remaining(
        &self,
        selected: &(dyn Fn(&PathId) -> bool + Sync),
    ) -> Result<Vec<(String, String)>, ClientError> {
        let tasks = self.marathon.all_tasks().await?;
        let describe = |task: &Task| {
            let name = task.app_id.last().to_owned();
            (name, format!("{} on {}", task.id, task.host))
        };
        let is_left = |task: &&Task| selected(&task.app_id) && is_active(task);
        let active: Vec<_> = tasks.iter().filter(is_left).map(describe).collect();
        if !active.is_empty() {
            return Ok(active);
        }
        let queue = self.marathon.queue().await?;
        let queued = queue
            .iter()
            .filter(|item| item.count > 0 && selected(&item.app.id));
        let describe = |item: &QueueItem| {
            let name = item.app.id.last().to_owned();
            (name, format!("{} in the launch queue", item.app.id))
        };
        Ok(queued.map(describe).collect())
    }

    fn is_timed_out(&self) -> bool {
        let outage = self
            .marathon
            .outage_time()
            .saturating_sub(self.outage_before);
        self.started.elapsed() >= self.timeout + outage
    }

    fn lost(&self, waited_for: &str, source: ClientError) -> FleetError {
        if !source.is_transient() {
            return source.into();
        }
        FleetError::Lost {
            waited_for: waited_for.to_owned(),
            after_s: self.started.elapsed().as_secs_f64(),
            source,
        }
    }

    fn still_running(&self, what: &str, tasks: Vec<String>, advice: &'static str) -> FleetError {
        FleetError::StillRunning {
            what: what.to_owned(),
            advice,
            after_s: self.started.elapsed().as_secs(),
            tasks,
        }
    }
}

fn count_active(info: &AppInfo) -> usize {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    tasks.iter().filter(|task| is_active(task)).count()
}

/// Returns the waves in stop order: dependents before their dependencies. Peers start one after the other and
/// stop together, so dependencies between peers are ignored.
fn stop_order(apps: &[AppInfo], group: &PathId) -> Vec<Vec<PathId>> {
    let clusters: BTreeMap<&PathId, &String> = apps
        .iter()
        .filter_map(|info| Some((&info.app.id, info.app.labels.get(PEERS_LABEL)?)))
        .collect();
    let without_peers = |info: &AppInfo| {
        let mut app: App = info.app.clone();
        let cluster = clusters.get(&info.app.id);
        app.dependencies
            .retain(|id| cluster.is_none() || clusters.get(id) != cluster);
        app
    };
    let mut root = Group::empty(group.clone());
    root.apps = apps.iter().map(without_peers).collect();
    match dependency_layers(&root) {
        Ok(mut layers) => {
            layers.reverse();
            layers
        }
        // Marathon rejects cycles; without an order all apps are stopped at once.
        Err(_) => vec![apps.iter().map(|info| info.app.id.clone()).collect()],
    }
}

impl fmt::Display for DownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = table::with_columns(&[("stopped", Left), ("tasks", Right), ("s", Right)]);
        for wave in &self.waves {
            let took = format!("{:.1}", wave.took.as_secs_f64());
            table.add_row(vec![wave.apps.join(", "), wave.tasks.to_string(), took]);
        }
        writeln!(f, "{}", table.trim_fmt())?;
        let what = if self.removed {
            "nothing runs, definitions and volumes are removed"
        } else {
            "nothing runs"
        };
        writeln!(f, "{what}: {:.1} s", self.total.as_secs_f64())
    }
}
