//! Deploys a group, whatever its current state.
//!
//! Guarantees: a deployment is idempotent, and an unchanged group is not sent to Marathon;
//! deployments of an interrupted run are awaited and completed. Of peers, at most one is replaced
//! at a time: the next only when the previous one is healthy again and no other deployment acts on
//! a peer.

mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, GroupUpdate, MarathonInfo, PathId, Timestamp};
use serde_json::json;

use crate::PEERS_LABEL;
use crate::changes::{Changes, absolute_apps};
use crate::client::{ClientError, MarathonClient, StartedDeployment};
use crate::error::FleetError;
use crate::failure::FailureReport;
use crate::follow::{FollowLimits, Follower, Reporter};
use crate::preflight::{default_role, warnings};
use crate::render::RenderedGroup;

pub use self::report::UpReport;

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
    let request = GroupRequest::new(rendered, read_info(marathon, reporter).await?)?;
    let info = request.info.iter();
    for warning in info.flat_map(|info| warnings(info, &request.apps)) {
        reporter(&format!("warning: {warning}"));
    }
    let deployed = marathon.group(&request.id).await?;
    let before = deployed.as_ref().and_then(|group| group.version);
    let mut rollout = Rollout::start(marathon, &request.id, options, reporter, before).await?;
    let changes = request.changes(marathon).await?;
    let mut steps = Vec::new();
    if changes.is_empty() {
        reporter("the definitions are unchanged, nothing is sent");
        rollout.follower.wait_until_ready().await?;
    } else {
        reporter(&format!("changes: {changes}"));
        rollout
            .replace_peers(&request, &changes, &mut steps)
            .await?;
        rollout.deploy_group(&request, &mut steps).await?;
    }
    let changes = rollout.foreign_changes(&request).await?;
    let follower = rollout.follower;
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

/// Reads Marathon's properties; `None` if the user may not see them.
async fn read_info(
    marathon: &MarathonClient,
    reporter: Reporter<'_>,
) -> Result<Option<MarathonInfo>, ClientError> {
    match marathon.info().await {
        Ok(info) => Ok(Some(info)),
        Err(error @ ClientError::Unauthorized { status: 403, .. }) => {
            reporter(&format!(
                "warning: Marathon's flags are not checked: {error}"
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A group to deploy.
struct GroupRequest<'g> {
    id: PathId,
    group: GroupUpdate,
    /// The apps directly in the group, with absolute ids.
    apps: Vec<App>,
    rendered: &'g RenderedGroup,
    info: Option<MarathonInfo>,
}

impl<'g> GroupRequest<'g> {
    fn new(rendered: &'g RenderedGroup, info: Option<MarathonInfo>) -> Result<Self, FleetError> {
        let group = rendered.parse()?;
        let id = group.id.clone().unwrap_or_else(PathId::root);
        Ok(Self {
            apps: absolute_apps(group.apps.as_deref().unwrap_or_default(), &id),
            id,
            group,
            rendered,
            info,
        })
    }

    fn default_role(&self) -> Option<&str> {
        default_role(self.info.as_ref()?)
    }

    /// Compares the request with Marathon's definitions.
    async fn changes(&self, marathon: &MarathonClient) -> Result<Changes, ClientError> {
        let deployed = marathon.group(&self.id).await?;
        let role = self.default_role();
        Ok(Changes::between(
            &self.group,
            &self.id,
            deployed.as_ref(),
            role,
        ))
    }
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
    let before = marathon.group(group).await?.and_then(|group| group.version);
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
    /// The version of the last change.
    last_change: Option<Timestamp>,
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
            last_change: None,
        })
    }

    /// Replaces changed peers, one at a time.
    async fn replace_peers(
        &mut self,
        request: &GroupRequest<'_>,
        changes: &Changes,
        steps: &mut Vec<(String, Duration)>,
    ) -> Result<(), FleetError> {
        let clusters = replaced_peers(changes, &request.apps);
        let marathon = Arc::clone(self.follower.marathon());
        if !clusters.is_empty() {
            // Marathon checks the whole group before the first peer is replaced. The plan itself is
            // of no use.
            let body = request.rendered.json();
            marathon.dry_run_group(&request.id, body).await?;
        }
        for (cluster, mut ids) in clusters {
            self.follower
                .report(&format!("{cluster}: replacing peers one at a time"));
            // A peer that is down already is replaced first.
            ids.sort_by_key(|id| self.follower.is_ready(id));
            for id in ids {
                self.wait_for_other_peers(&cluster, &id, &request.apps)
                    .await?;
                let body = request.rendered.app(&id.to_string());
                let body = body.cloned().unwrap_or_default();
                let put = async |force| marathon.put_app(&id, &body, force).await;
                let took = self.apply(put, Some(&id)).await?;
                steps.push((format!("replace {}", id.last()), took));
            }
        }
        Ok(())
    }

    /// Waits for deployments of an earlier run that act on a peer of `id`.
    async fn wait_for_other_peers(
        &mut self,
        cluster: &str,
        id: &PathId,
        apps: &[App],
    ) -> Result<(), FleetError> {
        let is_peer = |app: &&App| {
            app.id != *id
                && app
                    .labels
                    .get(PEERS_LABEL)
                    .is_some_and(|name| name == cluster)
        };
        let peers: Vec<PathId> = apps
            .iter()
            .filter(is_peer)
            .map(|app| app.id.clone())
            .collect();
        let running = self.follower.deployments_of(&peers).await?;
        if running.is_empty() || self.options.force {
            return Ok(());
        }
        self.wait_for_deployments(&running).await
    }

    /// Sends what is left to change after the peers.
    async fn deploy_group(
        &mut self,
        request: &GroupRequest<'_>,
        steps: &mut Vec<(String, Duration)>,
    ) -> Result<(), FleetError> {
        let marathon = Arc::clone(self.follower.marathon());
        if request.changes(&marathon).await?.is_empty() {
            return self.follower.wait_until_ready().await;
        }
        let (id, body) = (&request.id, request.rendered.json());
        let put = async |force| marathon.put_group(id, body, force).await;
        let took = self.apply(put, None).await?;
        steps.push(("deploy the group".to_owned(), took));
        Ok(())
    }

    /// Returns what another client has changed meanwhile, once all apps are ready: the apps that
    /// differ from the request and are later than its last change.
    async fn foreign_changes(
        &self,
        request: &GroupRequest<'_>,
    ) -> Result<Vec<String>, ClientError> {
        let deployed = self.follower.marathon().apps(&request.id).await?;
        let difference = |app: &App| {
            let Some(info) = deployed.iter().find(|info| info.app.id == app.id) else {
                return Some(format!("{} is missing", app.id));
            };
            let is_later = match (self.last_change, info.app.version) {
                (Some(ours), Some(version)) => version > ours,
                _ => true,
            };
            let fields = app.differences(&info.app, request.default_role());
            let is_foreign = is_later && !fields.is_empty();
            is_foreign.then(|| format!("{} has a different {}", app.id, fields.join(", ")))
        };
        Ok(request.apps.iter().filter_map(difference).collect())
    }

    /// Sends a change, waits until `app` or the whole group is ready, and returns how long that took.
    async fn apply(
        &mut self,
        send: impl AsyncFn(bool) -> Result<StartedDeployment, ClientError>,
        app: Option<&PathId>,
    ) -> Result<Duration, FleetError> {
        let started = self.follower.elapsed();
        let deployment = self.send_when_unlocked(send).await?;
        self.last_change = deployment.version.max(self.last_change);
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
                    self.wait_for_deployments(&deployments).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn wait_for_deployments(&mut self, ids: &[String]) -> Result<(), FleetError> {
        self.follower.report(&format!(
            "waiting for running deployments: {}; --force overrides them",
            ids.join(", ")
        ));
        self.follower.wait_for_deployments(ids).await
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
                None => "there is no earlier version to roll back to".to_owned(),
                Some(Ok(())) => "rolled back".to_owned(),
                Some(Err(reason)) => format!("the roll-back did not finish: {reason}"),
            }
        } else {
            "not rolled back (--rollback does)".to_owned()
        };
        report.reason = format!("{}; {outcome}", report.reason);
        Ok(FleetError::NotReady(Box::new(report)))
    }

    /// Returns whether the roll-back finished, or why not; `None` if there is nothing to roll back
    /// to.
    async fn roll_back(
        &mut self,
        deployment: StartedDeployment,
    ) -> Result<Option<Result<(), String>>, FleetError> {
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
        match result {
            Ok(()) => Ok(Some(Ok(()))),
            Err(FleetError::NotReady(report)) => Ok(Some(Err(report.reason))),
            Err(error) => Err(error),
        }
    }
}

/// Returns the peers whose tasks the changes replace, by cluster.
fn replaced_peers(changes: &Changes, apps: &[App]) -> BTreeMap<String, Vec<PathId>> {
    let mut clusters: BTreeMap<String, Vec<PathId>> = BTreeMap::new();
    for app in apps.iter().filter(|app| changes.replaces_tasks_of(&app.id)) {
        if let Some(cluster) = app.labels.get(PEERS_LABEL) {
            let ids = clusters.entry(cluster.clone()).or_default();
            ids.push(app.id.clone());
        }
    }
    clusters
}
