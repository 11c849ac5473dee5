//! Follows deployments until every app of a group is ready.
//!
//! Terms: an app is *ready* when all its instances run the requested version, their health checks succeed,
//! and no deployment affects it; a deployment completes an app only when its readiness checks have
//! succeeded.
//!
//! Guarantee: the wait ends with readiness, with a [`FailureReport`](crate::failure::FailureReport) when an
//! app fails repeatedly or the time is up, or with the error of an unreachable Marathon.

mod diagnosis;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, AppInfo, Deployment, PathId};
use tokio::time::Instant;

use crate::client::{ClientError, MarathonClient, error_chain};
use crate::error::FleetError;
use crate::events::EventListener;
use crate::progress::{Progress, Stage, first_difference};

/// When to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowLimits {
    /// The maximum duration.
    pub timeout: Duration,
    /// The number of task failures after which an app has failed.
    pub max_failures: usize,
}

/// Receives progress lines for people.
pub type Reporter<'r> = &'r (dyn Fn(&str) + Send + Sync);

/// Selects apps by id.
type Selector<'s> = &'s (dyn Fn(&PathId) -> bool + Sync);

/// Follows the apps of one group.
pub struct Follower<'r> {
    marathon: Arc<MarathonClient>,
    events: EventListener,
    group: PathId,
    limits: FollowLimits,
    started: Instant,
    apps: BTreeMap<PathId, Progress>,
    reporter: Reporter<'r>,
}

/// The state of Marathon at one moment.
struct Snapshot {
    apps: Vec<AppInfo>,
    deployments: Vec<Deployment>,
}

impl<'r> Follower<'r> {
    /// Starts to follow `group`.
    ///
    /// # Errors
    /// [`FleetError::Client`] if Marathon does not respond.
    pub async fn start(
        marathon: &Arc<MarathonClient>,
        group: &PathId,
        limits: FollowLimits,
        reporter: Reporter<'r>,
    ) -> Result<Self, FleetError> {
        let mut follower = Self {
            marathon: Arc::clone(marathon),
            events: EventListener::start(marathon),
            group: group.clone(),
            limits,
            started: Instant::now(),
            apps: BTreeMap::new(),
            reporter,
        };
        let snapshot = follower.snapshot().await?;
        for info in &snapshot.apps {
            let progress = Progress::of_existing_app(info, &snapshot.deployments);
            follower.apps.insert(info.app.id.clone(), progress);
        }
        Ok(follower)
    }

    /// The group.
    #[must_use]
    pub fn group(&self) -> &PathId {
        &self.group
    }

    pub(crate) fn marathon(&self) -> &Arc<MarathonClient> {
        &self.marathon
    }

    pub(crate) fn report(&self, line: &str) {
        (self.reporter)(line);
    }

    /// Grants the full limits again, for a roll-back after a failure.
    pub fn restart_limits(&mut self) {
        self.limits.timeout += self.started.elapsed();
        self.apps.values_mut().for_each(Progress::reset_failures);
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The progress of each app.
    #[must_use]
    pub fn progress(&self) -> Vec<&Progress> {
        self.apps.values().collect()
    }

    /// Waits until every app of the group is ready.
    ///
    /// # Errors
    /// [`FleetError::NotReady`] if one does not become ready.
    pub async fn wait_until_ready(&mut self) -> Result<(), FleetError> {
        let group = self.group.clone();
        self.wait_for_apps(&|id: &PathId| id.is_below(&group)).await
    }

    /// Waits until one app is ready.
    ///
    /// # Errors
    /// [`FleetError::NotReady`] if it does not become ready.
    pub async fn wait_until_app_ready(&mut self, app: &PathId) -> Result<(), FleetError> {
        self.wait_for_apps(&|id: &PathId| id == app).await
    }

    async fn wait_for_apps(&mut self, selected: Selector<'_>) -> Result<(), FleetError> {
        loop {
            let snapshot = match self.snapshot().await {
                Ok(snapshot) => snapshot,
                Err(error) if error.is_transient() && !self.is_timed_out() => {
                    self.report(&format!("{}; retrying", error_chain(&error)));
                    self.events.wait().await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.update(&snapshot);
            let is_deploying = snapshot
                .deployments
                .iter()
                .any(|deployment| deployment.affected_apps.iter().any(selected));
            let mut apps = snapshot.apps.iter().filter(|info| selected(&info.app.id));
            let is_ready = apps.all(|info| self.is_at(&info.app.id, Stage::Ready));
            if is_ready && !is_deploying {
                return Ok(());
            }
            if let Some(reason) = self.give_up_reason(selected) {
                let reason = format!("{reason} after {:.1} s", self.elapsed().as_secs_f64());
                return Err(self.failure(reason, &snapshot, selected).await);
            }
            self.events.wait().await;
        }
    }

    /// Waits until these deployments have finished, with success or not.
    ///
    /// # Errors
    /// [`FleetError::NotReady`] if they do not finish in time.
    pub async fn wait_for_deployments(&mut self, ids: &[String]) -> Result<(), FleetError> {
        loop {
            let snapshot = self.snapshot().await?;
            self.update(&snapshot);
            let mut running = snapshot.deployments.iter().map(|one| &one.id);
            if !running.any(|id| ids.contains(id)) {
                return Ok(());
            }
            let reason = self.give_up_reason(&|id: &PathId| id.is_below(&self.group));
            if let Some(reason) = reason {
                let selected = |id: &PathId| self.apps.contains_key(id);
                return Err(self.failure(reason, &snapshot, &selected).await);
            }
            self.events.wait().await;
        }
    }

    /// Returns the differences between the requested apps and Marathon's, once all are ready. Another
    /// client has made them meanwhile.
    ///
    /// # Errors
    /// [`FleetError::Client`] if Marathon does not respond.
    pub async fn foreign_changes(&self, requested: &[App]) -> Result<Vec<String>, ClientError> {
        let snapshot = self.snapshot().await?;
        let difference = |app: &App| match snapshot.apps.iter().find(|info| info.app.id == app.id) {
            None => Some(format!("{} is missing", app.id)),
            Some(info) => first_difference(app, &info.app)
                .map(|field| format!("{} has a different {field}", app.id)),
        };
        Ok(requested.iter().filter_map(difference).collect())
    }

    async fn snapshot(&self) -> Result<Snapshot, ClientError> {
        // Deployments first: one that finishes between the two requests counts as running and is polled again.
        let deployments = self.marathon.deployments().await?;
        let apps = self.marathon.apps(&self.group).await?;
        Ok(Snapshot { apps, deployments })
    }

    fn update(&mut self, snapshot: &Snapshot) {
        let elapsed = self.started.elapsed();
        for info in &snapshot.apps {
            let id = info.app.id.clone();
            let progress = self
                .apps
                .entry(id)
                .or_insert_with(|| Progress::of_new_app(info));
            if let Some(summary) = progress.update(info, &snapshot.deployments, elapsed) {
                (self.reporter)(&format!(
                    "{:7.1} s  {:<24} {summary}",
                    elapsed.as_secs_f64(),
                    info.app.id.last()
                ));
            }
        }
        let exists = |id: &PathId| snapshot.apps.iter().any(|info| info.app.id == *id);
        self.apps.retain(|id, _| exists(id));
    }

    fn is_at(&self, id: &PathId, stage: Stage) -> bool {
        self.apps
            .get(id)
            .is_some_and(|progress| progress.stage == stage)
    }

    fn is_timed_out(&self) -> bool {
        self.started.elapsed() >= self.limits.timeout
    }

    fn give_up_reason(&self, selected: Selector<'_>) -> Option<String> {
        let mut apps = self.apps.values().filter(|app| selected(&app.id));
        let failed = apps.find(|app| app.failures.len() >= self.limits.max_failures);
        if let Some(app) = failed {
            let times = app.failures.len();
            return Some(format!("{} failed {times} times, giving up", app.id));
        }
        if !self.is_timed_out() {
            return None;
        }
        let apps = self.apps.values().filter(|app| selected(&app.id));
        Some(match apps.filter(|app| app.stage < Stage::Ready).count() {
            0 => "deployments are still running".to_owned(),
            count => format!("{count} apps are not ready"),
        })
    }

    async fn failure(
        &self,
        reason: String,
        snapshot: &Snapshot,
        selected: Selector<'_>,
    ) -> FleetError {
        let apps = diagnosis::diagnose(&self.marathon, snapshot, &self.apps, selected).await;
        FleetError::NotReady(Box::new(crate::failure::FailureReport { reason, apps }))
    }
}
