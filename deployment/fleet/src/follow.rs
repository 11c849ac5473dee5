//! Follows deployments until every app of a group is ready.
//!
//! Terms: an app is *ready* when all its instances run the requested version, their health checks succeed,
//! and no deployment affects it; a deployment completes an app only when its readiness checks have
//! succeeded.
//!
//! Guarantee: the wait ends with readiness, with a [`FailureReport`](crate::failure::FailureReport)
//! when an app fails repeatedly, Marathon has lost its health check, or the time is up, or with
//! [`FleetError::Lost`] when Marathon is unavailable for longer than the client retries. The time
//! of an outage does not count.

mod diagnosis;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{AppInfo, Deployment, PathId};
use tokio::time::Instant;

use crate::client::{ClientError, MarathonClient};
use crate::error::FleetError;
use crate::events::EventListener;
use crate::progress::{Progress, Stage, affects};

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
    /// The client's outage time at the start.
    outage_before: Duration,
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
            outage_before: marathon.outage_time(),
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
            let snapshot = self.next_snapshot(selected).await?;
            let is_deploying = snapshot
                .deployments
                .iter()
                .any(|deployment| deployment.affected_apps.iter().any(selected));
            let mut apps = snapshot.apps.iter().filter(|info| selected(&info.app.id));
            let is_ready = apps.all(|info| self.is_at(&info.app.id, Stage::Ready));
            if is_ready && !is_deploying {
                return Ok(());
            }
            let timeout_reason = || self.not_ready_reason(selected);
            if let Some(reason) = self.give_up_reason(&snapshot, selected, timeout_reason) {
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
        let group = self.group.clone();
        let in_group = |id: &PathId| id.is_below(&group);
        loop {
            let snapshot = self.next_snapshot(&in_group).await?;
            let running = snapshot.deployments.iter();
            let awaited: Vec<&Deployment> = running.filter(|one| ids.contains(&one.id)).collect();
            if awaited.is_empty() {
                return Ok(());
            }
            let held: BTreeSet<&PathId> =
                awaited.iter().flat_map(|one| &one.affected_apps).collect();
            let timeout_reason = || {
                let names: Vec<&str> = held.iter().map(|id| id.last()).collect();
                format!("a running deployment holds {}", names.join(", "))
            };
            let is_held = |id: &PathId| held.contains(id);
            if let Some(reason) = self.give_up_reason(&snapshot, &is_held, timeout_reason) {
                return Err(self.failure(reason, &snapshot, &is_held).await);
            }
            self.events.wait().await;
        }
    }

    /// The running deployments that act on one of these apps.
    ///
    /// # Errors
    /// [`FleetError::Client`] if Marathon does not respond.
    pub(crate) async fn deployments_of(&self, apps: &[PathId]) -> Result<Vec<String>, FleetError> {
        let running = self.marathon.deployments().await?;
        let acts = |one: &&Deployment| apps.iter().any(|app| affects(one, app));
        Ok(running
            .iter()
            .filter(acts)
            .map(|one| one.id.clone())
            .collect())
    }

    async fn next_snapshot(&mut self, selected: Selector<'_>) -> Result<Snapshot, FleetError> {
        let snapshot = match self.snapshot().await {
            Ok(snapshot) => snapshot,
            Err(source) if source.is_transient() => {
                return Err(FleetError::Lost {
                    waited_for: self.names(selected, |_| true).join(", "),
                    after_s: self.elapsed().as_secs_f64(),
                    source,
                });
            }
            Err(error) => return Err(error.into()),
        };
        self.update(&snapshot);
        Ok(snapshot)
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

    /// Whether an app is ready, as of the last poll.
    pub(crate) fn is_ready(&self, id: &PathId) -> bool {
        self.is_at(id, Stage::Ready)
    }

    fn is_at(&self, id: &PathId, stage: Stage) -> bool {
        self.apps
            .get(id)
            .is_some_and(|progress| progress.stage == stage)
    }

    fn is_timed_out(&self) -> bool {
        let outage = self
            .marathon
            .outage_time()
            .saturating_sub(self.outage_before);
        self.started.elapsed() >= self.limits.timeout + outage
    }

    fn names(&self, selected: Selector<'_>, which: impl Fn(&Progress) -> bool) -> Vec<&str> {
        let apps = self
            .apps
            .values()
            .filter(|app| selected(&app.id) && which(app));
        apps.map(|app| app.id.last()).collect()
    }

    fn not_ready_reason(&self, selected: Selector<'_>) -> String {
        let names = self.names(selected, |app| app.stage < Stage::Ready);
        match names.as_slice() {
            [] => "a deployment still runs".to_owned(),
            [name] => format!("{name} is not ready"),
            names => format!("{} are not ready", names.join(", ")),
        }
    }

    fn give_up_reason(
        &self,
        snapshot: &Snapshot,
        selected: Selector<'_>,
        timeout_reason: impl Fn() -> String,
    ) -> Option<String> {
        let elapsed = self.elapsed();
        let after = format!("after {:.1} s", elapsed.as_secs_f64());
        let mut apps = self.apps.values().filter(|app| selected(&app.id));
        if let Some(app) = apps.find(|app| app.failures.len() >= self.limits.max_failures) {
            let times = app.failures.len();
            return Some(format!(
                "{} failed {times} times, giving up {after}",
                app.id
            ));
        }
        let lost = |info: &AppInfo| {
            let progress = self.apps.get(&info.app.id)?;
            let unchecked = progress.lost_health_check(&info.app, elapsed)?;
            Some(format!(
                "{}: a task runs for {} s without a result of its health check, giving up {after}",
                info.app.id,
                unchecked.as_secs()
            ))
        };
        let mut infos = snapshot.apps.iter().filter(|info| selected(&info.app.id));
        if let Some(reason) = infos.find_map(lost) {
            return Some(reason);
        }
        let reason = || format!("{} {after} (--timeout)", timeout_reason());
        self.is_timed_out().then(reason)
    }

    async fn failure(
        &self,
        reason: String,
        snapshot: &Snapshot,
        selected: Selector<'_>,
    ) -> FleetError {
        let diagnosis = diagnosis::Diagnosis {
            marathon: &self.marathon,
            snapshot,
            progress: &self.apps,
            elapsed: self.elapsed(),
        };
        FleetError::NotReady(Box::new(diagnosis.report(reason, selected).await))
    }
}
