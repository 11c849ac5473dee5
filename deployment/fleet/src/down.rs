//! Stopping a group, in the reverse of the order in which it starts.
//!
//! Guarantee: it returns when Marathon knows no living task of the group any more and launches none, or
//! with the tasks that still run. Definitions and volumes stay unless their removal is asked for.

use std::collections::BTreeMap;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, Group, PathId, dependency_layers};
use tokio::time::Instant;

use crate::client::{AppInfo, ClientError, MarathonClient};
use crate::error::FleetError;
use crate::events::EventListener;
use crate::follow::Reporter;
use crate::follow::is_living;
use crate::table::Table;
use crate::up::PEERS_LABEL;

/// How a group is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownOptions {
    /// For how long it is waited.
    pub timeout: Duration,
    /// Whether definitions go too, and with them the volumes and all that is on them.
    pub remove: bool,
}

/// What was stopped together, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The apps' names.
    pub apps: Vec<String>,
    /// How many tasks they had.
    pub tasks: usize,
    /// From the request until the last had ended.
    pub took: Duration,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownReport {
    /// Wave by wave.
    pub waves: Vec<Wave>,
    /// From the beginning until nothing ran, as Marathon says.
    pub total: Duration,
    /// Whether definitions and volumes were removed.
    pub removed: bool,
}

/// Stops everything below `group`.
///
/// # Errors
/// [`FleetError::StillRunning`] where something does not end in time.
pub async fn down(
    marathon: &Arc<MarathonClient>,
    group: &PathId,
    options: DownOptions,
    say: Reporter<'_>,
) -> Result<DownReport, FleetError> {
    let begun = Instant::now();
    let end = Shutdown {
        marathon,
        events: EventListener::start(marathon),
        begun,
        timeout: options.timeout,
    };
    let apps = marathon.apps(group).await?;
    let mut waves = Vec::new();
    for ids in waves_of(&apps, group) {
        let since = Instant::now();
        let of = |info: &&AppInfo| ids.contains(&info.app.id);
        let tasks = apps.iter().filter(of).map(living).sum();
        // Whatever is being deployed is not wanted any more. One deployment each: within one, Marathon would end
        // peers that wait for each other's start one after the other.
        for id in &ids {
            marathon.scale(slice::from_ref(id), 0, true).await?;
        }
        end.until_none_lives(&|app: &PathId| ids.contains(app))
            .await?;
        let names: Vec<String> = ids.iter().map(|id| id.last().to_owned()).collect();
        say(&format!(
            "{:7.1} s  stopped {}",
            begun.elapsed().as_secs_f64(),
            names.join(", ")
        ));
        waves.push(Wave {
            apps: names,
            tasks,
            took: since.elapsed(),
        });
    }
    end.until_none_lives(&|app: &PathId| app.is_below(group))
        .await?;
    if options.remove {
        remove(&end, group).await?;
    }
    Ok(DownReport {
        waves,
        total: begun.elapsed(),
        removed: options.remove,
    })
}

async fn remove(end: &Shutdown<'_>, group: &PathId) -> Result<(), FleetError> {
    end.marathon.delete_group(group).await?;
    while !end.marathon.apps(group).await?.is_empty() {
        if end.is_over() {
            return Err(end.still(vec![format!("the definitions in {group}")]));
        }
        end.events.wait().await;
    }
    end.until_none_lives(&|app: &PathId| app.is_below(group))
        .await
}

/// Waiting for an end.
struct Shutdown<'m> {
    marathon: &'m MarathonClient,
    events: EventListener,
    begun: Instant,
    timeout: Duration,
}

impl Shutdown<'_> {
    /// Waits until no chosen app has a living task, or one that is to be launched.
    async fn until_none_lives(
        &self,
        chosen: &(dyn Fn(&PathId) -> bool + Sync),
    ) -> Result<(), FleetError> {
        loop {
            let left = match self.left(chosen).await {
                Ok(left) if left.is_empty() => return Ok(()),
                Ok(left) => left,
                Err(error) if error.is_transient() && !self.is_over() => vec![error.to_string()],
                Err(error) => return Err(error.into()),
            };
            if self.is_over() {
                return Err(self.still(left));
            }
            self.events.wait().await;
        }
    }

    async fn left(
        &self,
        chosen: &(dyn Fn(&PathId) -> bool + Sync),
    ) -> Result<Vec<String>, ClientError> {
        let tasks = self.marathon.all_tasks().await?;
        let living = tasks
            .iter()
            .filter(|task| chosen(&task.app_id) && is_living(task));
        let mut left: Vec<String> = living
            .map(|task| format!("{} on {}", task.id, task.host))
            .collect();
        if left.is_empty() {
            let queue = self.marathon.queue().await?;
            let waiting = queue
                .iter()
                .filter(|item| item.count > 0 && chosen(&item.app.id));
            left.extend(waiting.map(|item| format!("{} in the launch queue", item.app.id)));
        }
        Ok(left)
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.timeout
    }

    fn still(&self, tasks: Vec<String>) -> FleetError {
        FleetError::StillRunning {
            after_s: self.begun.elapsed().as_secs(),
            tasks,
        }
    }
}

fn living(info: &AppInfo) -> usize {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    tasks.iter().filter(|task| is_living(task)).count()
}

/// Who is stopped together: everyone before what it needs. Peers start one after the other and are
/// stopped at once.
fn waves_of(apps: &[AppInfo], group: &PathId) -> Vec<Vec<PathId>> {
    let peers: BTreeMap<&PathId, &String> = apps
        .iter()
        .filter_map(|info| Some((&info.app.id, info.app.labels.get(PEERS_LABEL)?)))
        .collect();
    let without_peers = |info: &AppInfo| {
        let mut app: App = info.app.clone();
        let own = peers.get(&info.app.id);
        app.dependencies
            .retain(|needed| own.is_none() || peers.get(needed) != own);
        app
    };
    let mut root = Group::empty(group.clone());
    root.apps = apps.iter().map(without_peers).collect();
    match dependency_layers(&root) {
        Ok(mut layers) => {
            layers.reverse();
            layers
        }
        // Marathon refuses cycles; without an order all are stopped at once.
        Err(_) => vec![apps.iter().map(|info| info.app.id.clone()).collect()],
    }
}

impl std::fmt::Display for DownReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = Table::new(&["stopped", ">tasks", ">s"]);
        for wave in &self.waves {
            let took = format!("{:.1}", wave.took.as_secs_f64());
            table.row(vec![wave.apps.join(", "), wave.tasks.to_string(), took]);
        }
        write!(f, "{table}")?;
        let what = if self.removed {
            "nothing runs, definitions and volumes are gone"
        } else {
            "nothing runs"
        };
        writeln!(f, "{what}: {:.1} s", self.total.as_secs_f64())
    }
}
