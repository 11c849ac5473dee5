//! Deployments: start, progress, cancellation and roll-back.

use std::collections::BTreeSet;
use std::sync::Arc;

use moodvane_marathon_api::{
    ActionName, App, DeploymentResult, Event, PathId, Plan, Step, Timestamp,
};

use super::change::Force;
use super::desired::DesiredState;
use super::instance::Goal;
use super::{Core, RequestError, plan};

const CANCELLED: &str = "The upgrade has been cancelled";

/// A deployment in progress.
#[derive(Debug, Clone)]
pub(super) struct ActiveDeployment {
    pub(super) plan: Plan,
    /// The desired state before, for a roll-back.
    pub(super) from: DesiredState,
    /// The desired state after.
    pub(super) to: DesiredState,
    /// Index of the current step.
    pub(super) step: usize,
}

impl ActiveDeployment {
    fn affects(&self, other: &[Step]) -> bool {
        !plan::affected_apps(&self.plan.steps).is_disjoint(&plan::affected_apps(other))
    }

    fn active_step(&self) -> Option<&Step> {
        self.plan.steps.get(self.step)
    }
}

impl Core {
    /// Commits `desired` and starts its deployment.
    pub(super) fn deploy(
        &mut self,
        desired: DesiredState,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let steps = plan::deployment_steps(&self.desired, &desired)?;
        let conflicting: Vec<String> = self
            .deployments
            .iter()
            .filter(|other| other.affects(&steps))
            .map(|other| other.plan.id.clone())
            .collect();
        // As in Marathon, a deployment that only stops apps cancels conflicting ones without force.
        let only_stops = steps
            .iter()
            .flat_map(|step| &step.actions)
            .all(|action| action.action == ActionName::Stop);
        let version = desired.version;
        let plan = Plan {
            id: (self.config.new_id)(),
            steps,
            version,
        };
        if !conflicting.is_empty() && force == Force::No && !only_stops {
            return Err(self.refuse_locked(plan, conflicting, now));
        }
        let cancelled: BTreeSet<PathId> = conflicting
            .iter()
            .flat_map(|id| self.abort_deployment(id, now).unwrap_or_default())
            .collect();
        let result = DeploymentResult {
            deployment_id: plan.id.clone(),
            version,
        };
        let from = self.desired.clone();
        self.commit(desired.clone());
        let released: Vec<PathId> = cancelled
            .difference(&plan::affected_apps(&plan.steps))
            .cloned()
            .collect();
        self.deployments.push(ActiveDeployment {
            plan,
            from,
            to: desired,
            step: 0,
        });
        self.apply_desired(&released, now);
        self.start_step(&result.deployment_id, now);
        Ok(result)
    }

    fn refuse_locked(
        &mut self,
        plan: Plan,
        conflicting: Vec<String>,
        now: Timestamp,
    ) -> RequestError {
        let error = RequestError::Locked(conflicting);
        self.events.push(Event::DeploymentFailed {
            id: plan.id.clone(),
            plan,
            reason: error.to_string(),
            timestamp: now,
        });
        error
    }

    /// Cancels a deployment. Its changes so far stay.
    pub(crate) fn cancel_deployment(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<(), RequestError> {
        let released = self
            .abort_deployment(id, now)
            .ok_or_else(|| deployment_not_found(id))?;
        self.apply_desired(&released, now);
        Ok(())
    }

    /// Cancels a deployment and deploys the previous definitions of its apps.
    pub(crate) fn roll_back(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let found = self
            .deployments
            .iter()
            .find(|deployment| deployment.plan.id == id)
            .cloned();
        let deployment = found.ok_or_else(|| deployment_not_found(id))?;
        self.change(&PathId::root(), (Force::Yes, now), |_, desired, version| {
            for app in plan::affected_apps(&deployment.plan.steps) {
                match deployment.from.apps.get(&app) {
                    Some(before) => {
                        desired.ensure_group(&app.parent(), version);
                        let mut before = before.clone();
                        // A new version, so that tasks of the cancelled one are replaced.
                        before.version = Some(version);
                        if let Some(info) = before.version_info.as_mut() {
                            info.last_scaling_at = version;
                        }
                        desired.apps.insert(app, before);
                    }
                    None => drop(desired.apps.remove(&app)),
                }
            }
            Ok(())
        })
    }

    /// Advances every deployment by at most one step. Returns whether one advanced.
    pub(super) fn advance_deployments(&mut self, now: Timestamp) -> bool {
        let is_step_done = |deployment: &&ActiveDeployment| {
            deployment
                .active_step()
                .is_some_and(|step| self.is_step_done(step, &deployment.to))
        };
        let done: Vec<String> = self
            .deployments
            .iter()
            .filter(is_step_done)
            .map(|deployment| deployment.plan.id.clone())
            .collect();
        for id in &done {
            self.end_step(id, now);
        }
        !done.is_empty()
    }

    fn end_step(&mut self, id: &str, now: Timestamp) {
        let Some(deployment) = self
            .deployments
            .iter_mut()
            .find(|deployment| deployment.plan.id == id)
        else {
            return;
        };
        let (ended, plan) = (deployment.active_step().cloned(), deployment.plan.clone());
        deployment.step += 1;
        if let Some(step) = ended {
            self.record_stopped(&step, now);
            self.events.push(Event::DeploymentStepSuccess {
                plan,
                current_step: step,
                timestamp: now,
            });
        }
        self.start_step(id, now);
    }

    fn start_step(&mut self, id: &str, now: Timestamp) {
        let Some(deployment) = self
            .deployments
            .iter()
            .find(|deployment| deployment.plan.id == id)
            .cloned()
        else {
            return;
        };
        let plan = deployment.plan.clone();
        match deployment.active_step() {
            Some(step) => {
                self.events.push(Event::DeploymentInfo {
                    plan,
                    current_step: step.clone(),
                    timestamp: now,
                });
                self.apply_step(step, &deployment.to, now);
            }
            None => {
                self.deployments
                    .retain(|deployment| deployment.plan.id != id);
                self.events.push(Event::DeploymentSuccess {
                    id: id.to_owned(),
                    plan,
                    timestamp: now,
                });
            }
        }
    }

    fn apply_step(&mut self, step: &Step, to: &DesiredState, now: Timestamp) {
        for action in &step.actions {
            let id = &action.app;
            let target = to.apps.get(id);
            match action.action {
                ActionName::Stop => self.stop_app(id, now),
                ActionName::Start => {
                    // The app exists without instances until its own step.
                    if let Some(app) = target {
                        self.targets.insert(
                            id.clone(),
                            Arc::new(App {
                                instances: 0,
                                ..app.clone()
                            }),
                        );
                        self.emit_health_checks_added(app, now);
                    }
                }
                ActionName::Scale | ActionName::Restart => {
                    if let Some(app) = target {
                        if action.action == ActionName::Restart {
                            // The failures of the old version must not delay the new one.
                            self.launch_delays.reset(id);
                        }
                        self.targets.insert(id.clone(), Arc::new(app.clone()));
                    }
                }
            }
        }
    }

    fn is_step_done(&self, step: &Step, to: &DesiredState) -> bool {
        step.actions.iter().all(|action| match action.action {
            ActionName::Start => true,
            ActionName::Stop => self.instances_of(&action.app).next().is_none(),
            ActionName::Scale | ActionName::Restart => {
                let Some(app) = to.apps.get(&action.app) else {
                    return true;
                };
                let all = self.instances_of(&app.id).collect::<Vec<_>>();
                let current = all
                    .iter()
                    .filter(|instance| instance.is_available() && instance.is_current(app))
                    .count();
                all.len() == current && current == app.instances as usize
            }
        })
    }

    fn record_stopped(&mut self, step: &Step, now: Timestamp) {
        for action in step
            .actions
            .iter()
            .filter(|action| action.action == ActionName::Stop)
        {
            self.launch_delays.reset(&action.app);
            self.last_failures.remove(&action.app);
            self.events.push(Event::AppTerminatedEvent {
                app_id: action.app.clone(),
                timestamp: now,
            });
        }
    }

    fn stop_app(&mut self, id: &PathId, now: Timestamp) {
        if let Some(app) = self.targets.remove(id)
            && !app.health_checks.is_empty()
        {
            self.events.push(Event::RemoveHealthCheckEvent {
                app_id: id.clone(),
                timestamp: now,
            });
        }
        let instances: Vec<String> = self
            .instances_of(id)
            .map(|instance| instance.id.clone())
            .collect();
        for instance in instances {
            self.stop_instance(&instance, Goal::Remove, now);
        }
    }

    fn emit_health_checks_added(&mut self, app: &App, now: Timestamp) {
        for check in &app.health_checks {
            self.events.push(Event::AddHealthCheckEvent {
                app_id: app.id.clone(),
                health_check: check.clone(),
                version: super::instance::version_of(app),
                timestamp: now,
            });
        }
    }

    /// Removes a deployment. Returns the apps that it affected, or `None` without such a deployment.
    fn abort_deployment(&mut self, id: &str, now: Timestamp) -> Option<Vec<PathId>> {
        let index = self
            .deployments
            .iter()
            .position(|deployment| deployment.plan.id == id)?;
        let plan = self.deployments.remove(index).plan;
        let affected = plan::affected_apps(&plan.steps).into_iter().collect();
        let reason = CANCELLED.to_owned();
        self.events.push(Event::DeploymentFailed {
            id: plan.id.clone(),
            plan,
            reason,
            timestamp: now,
        });
        Some(affected)
    }

    /// Applies the desired state of apps that have no deployment any more, all at once. Marathon does the
    /// same, some minutes later.
    fn apply_desired(&mut self, apps: &[PathId], now: Timestamp) {
        for id in apps {
            match self.desired.apps.get(id) {
                Some(app) => drop(self.targets.insert(id.clone(), Arc::new(app.clone()))),
                None => self.stop_app(id, now),
            }
        }
    }
}

fn deployment_not_found(id: &str) -> RequestError {
    RequestError::NotFound(format!("DeploymentPlan {id} does not exist"))
}
