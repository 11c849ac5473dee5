//! Deploys a group, whatever its current state.
//!
//! Guarantees: a deployment is idempotent; deployments of an interrupted run are awaited and completed. Of
//! peers, at most one is replaced at a time: the next only when the previous one is healthy again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::CellAlignment::{Left, Right};
use moodvane_marathon_api::{ActionName, App, DryRunPlan, PathId, Timestamp};
use serde_json::json;

use crate::PEERS_LABEL;
use crate::client::{ClientError, MarathonClient, StartedDeployment};
use crate::error::FleetError;
use crate::failure::FailureReport;
use crate::follow::{FollowLimits, Follower, Reporter};
use crate::progress::{Progress, Stage};
use crate::render::RenderedGroup;
use crate::table;

/// Options of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpOptions {
    /// When to give up.
    pub limits: FollowLimits,
    /// Whether to override running deployments instead of waiting for them.
    pub force: bool,
    /// Whether to roll back a failed change.
    pub rollback: bool,
}

/// The result of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct UpReport {
    /// The steps and their durations.
    pub steps: Vec<(String, Duration)>,
    /// The progress of each app.
    pub apps: Vec<Progress>,
    /// The total duration.
    pub total: Duration,
}

/// Deploys `rendered` and waits until all apps are ready.
///
/// # Errors
/// [`FleetError`]; [`FleetError::NotReady`] if an app does not become ready.
pub async fn up(
    marathon: &Arc<MarathonClient>,
    rendered: &RenderedGroup,
    options: UpOptions,
    reporter: Reporter<'_>,
) -> Result<UpReport, FleetError> {
    let parsed = rendered.parse()?;
    let group = parsed.id.unwrap_or_else(PathId::root);
    let apps = parsed.apps.unwrap_or_default();
    let before = marathon.group_version(&group).await?;
    let mut rollout = Rollout::start(marathon, &group, options, reporter, before).await?;
    let mut steps = Vec::new();
    let plan = marathon.dry_run_group(&group, rendered.json()).await?;
    for (peers, ids) in rolling_restarts(&plan, &apps) {
        reporter(&format!("{peers}: replacing peers one at a time"));
        for id in ids {
            let body = rendered.app(&id.to_string()).cloned().unwrap_or_default();
            let put = async |force| marathon.put_app(&id, &body, force).await;
            let took = rollout.apply(put, Some(&id)).await?;
            steps.push((format!("replace {}", id.last()), took));
        }
    }
    let put = async |force| marathon.put_group(&group, rendered.json(), force).await;
    let took = rollout.apply(put, None).await?;
    steps.push(("deploy the group".to_owned(), took));
    let follower = rollout.follower;
    let changes = follower.foreign_changes(&apps).await?;
    if !changes.is_empty() {
        let reason = format!(
            "all apps are ready, but another client changed the group meanwhile: {}",
            changes.join("; ")
        );
        let report = FailureReport::without_apps(reason);
        return Err(FleetError::NotReady(Box::new(report)));
    }
    Ok(UpReport {
        steps,
        apps: follower.progress().into_iter().cloned().collect(),
        total: follower.elapsed(),
    })
}

/// Sends one change of `app` and waits until the app is ready.
///
/// # Errors
/// [`FleetError`]; [`FleetError::NotReady`] if the app does not become ready.
pub async fn change_app(
    marathon: &Arc<MarathonClient>,
    (group, app): (&PathId, &PathId),
    options: UpOptions,
    reporter: Reporter<'_>,
    send: impl AsyncFn(bool) -> Result<StartedDeployment, ClientError>,
) -> Result<UpReport, FleetError> {
    let before = marathon.group_version(group).await?;
    let mut rollout = Rollout::start(marathon, group, options, reporter, before).await?;
    rollout.apply(send, Some(app)).await?;
    let progress = rollout.follower.progress();
    let of_app = progress.into_iter().filter(|one| one.id == *app);
    Ok(UpReport {
        steps: Vec::new(),
        apps: of_app.cloned().collect(),
        total: rollout.follower.elapsed(),
    })
}

/// Applies changes to a group, one after the other.
struct Rollout<'r> {
    follower: Follower<'r>,
    options: UpOptions,
    /// The group's version before the first change; `None` if the group is new.
    before: Option<Timestamp>,
}

impl<'r> Rollout<'r> {
    async fn start(
        marathon: &Arc<MarathonClient>,
        group: &PathId,
        options: UpOptions,
        reporter: Reporter<'r>,
        before: Option<Timestamp>,
    ) -> Result<Self, FleetError> {
        Ok(Self {
            follower: Follower::start(marathon, group, options.limits, reporter).await?,
            options,
            before,
        })
    }

    /// Sends a change, waits until `app` or the whole group is ready, and returns how long that took.
    async fn apply(
        &mut self,
        send: impl AsyncFn(bool) -> Result<StartedDeployment, ClientError>,
        app: Option<&PathId>,
    ) -> Result<Duration, FleetError> {
        let started = self.follower.elapsed();
        let deployment = self.send_when_unlocked(send).await?;
        let result = match app {
            Some(app) => self.follower.wait_until_app_ready(app).await,
            None => self.follower.wait_until_ready().await,
        };
        match result {
            Ok(()) => Ok(self.follower.elapsed() - started),
            Err(FleetError::NotReady(report)) => {
                Err(self.handle_failure(*report, deployment).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a change. If other deployments lock its apps, waits for them and retries.
    async fn send_when_unlocked(
        &mut self,
        send: impl AsyncFn(bool) -> Result<StartedDeployment, ClientError>,
    ) -> Result<StartedDeployment, FleetError> {
        loop {
            match send(self.options.force).await {
                Ok(deployment) => return Ok(deployment),
                Err(ClientError::Locked { deployments, .. }) => {
                    let ids = deployments.join(", ");
                    self.follower
                        .report(&format!("waiting for running deployments: {ids}"));
                    self.follower.wait_for_deployments(&deployments).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Rolls a failed change back if the options say so, and returns the error with the outcome.
    async fn handle_failure(
        &mut self,
        mut report: FailureReport,
        deployment: StartedDeployment,
    ) -> Result<FleetError, FleetError> {
        let outcome = if self.options.rollback {
            self.follower
                .report(&format!("{}; rolling back", report.reason));
            match self.roll_back(deployment).await? {
                None => "there is no earlier version to roll back to",
                Some(true) => "rolled back",
                Some(false) => "the roll-back did not finish in time",
            }
        } else {
            "not rolled back (--rollback does)"
        };
        report.reason = format!("{}; {outcome}", report.reason);
        Ok(FleetError::NotReady(Box::new(report)))
    }

    /// Returns whether the roll-back finished in time; `None` if there is nothing to roll back to.
    async fn roll_back(
        &mut self,
        deployment: StartedDeployment,
    ) -> Result<Option<bool>, FleetError> {
        let marathon = Arc::clone(self.follower.marathon());
        let rollback = match marathon.roll_back(&deployment.id).await? {
            Some(rollback) => rollback,
            // The deployment has finished: its apps were ready for a moment.
            None => {
                let Some(version) = self.before else {
                    return Ok(None);
                };
                let body = json!({ "version": version });
                let group = self.follower.group().clone();
                marathon.put_group(&group, &body, true).await?
            }
        };
        self.follower.restart_limits();
        let result = self.follower.wait_for_deployments(&[rollback.id]).await;
        Ok(Some(result.is_ok()))
    }
}

/// Returns the peers of which the plan would replace several at once, by cluster.
fn rolling_restarts(plan: &DryRunPlan, apps: &[App]) -> BTreeMap<String, Vec<PathId>> {
    let is_replaced = |app: &App| {
        let mut actions = plan.steps.iter().flat_map(|step| &step.actions);
        actions.any(|action| action.action == ActionName::Restart && action.app == app.id)
    };
    let mut restarts: BTreeMap<String, Vec<PathId>> = BTreeMap::new();
    for app in apps.iter().filter(|app| is_replaced(app)) {
        if let Some(cluster) = app.labels.get(PEERS_LABEL) {
            let ids = restarts.entry(cluster.clone()).or_default();
            ids.push(app.id.clone());
        }
    }
    restarts.retain(|_, ids| ids.len() > 1);
    restarts
}

impl fmt::Display for UpReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |at: Option<Duration>| {
            at.map_or_else(|| "-".to_owned(), |at| format!("{:.1}", at.as_secs_f64()))
        };
        let mut table = table::with_columns(&[
            ("app", Left),
            ("instances", Right),
            ("launched s", Right),
            ("running s", Right),
            ("healthy s", Right),
            ("ready s", Right),
            ("failures", Right),
        ]);
        for app in &self.apps {
            let mut cells = vec![app.id.last().to_owned(), app.instances.to_string()];
            if app.stage == Stage::Ready && !app.has_changed() {
                cells.push("unchanged".to_owned());
            } else {
                cells.extend(app.reached.iter().map(|at| seconds(*at)));
                cells.push(app.failures.len().to_string());
            }
            table.add_row(cells);
        }
        writeln!(f, "{}", table.trim_fmt())?;
        for (step, took) in &self.steps {
            writeln!(f, "{step}: {:.1} s", took.as_secs_f64())?;
        }
        writeln!(f, "total: {:.1} s", self.total.as_secs_f64())
    }
}
