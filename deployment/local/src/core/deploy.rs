//! Deployments: a change under way, step by step.

use std::collections::BTreeSet;
use std::sync::Arc;

use moodvane_marathon_api::{
    ActionName, App, DeploymentResult, Event, PathId, Plan, Step, Timestamp,
};

use super::change::{Force, not_valid};
use super::desired::Desired;
use super::instance::Goal;
use super::{Core, RequestError, plan};

const CANCELLED: &str = "The upgrade has been cancelled";

/// A deployment under way.
#[derive(Debug, Clone)]
pub(super) struct Deploying {
    pub(super) plan: Plan,
    /// What was desired before, to go back to.
    pub(super) from: Desired,
    /// What is desired after.
    pub(super) to: Desired,
    /// Which step, from 0.
    pub(super) step: usize,
}

impl Deploying {
    fn touches(&self, other: &[Step]) -> bool {
        !plan::affected(&self.plan.steps).is_disjoint(&plan::affected(other))
    }

    fn current(&self) -> Option<&Step> {
        self.plan.steps.get(self.step)
    }
}

impl Core {
    /// Makes `desired` what is desired, and begins the deployment that leads there.
    pub(super) fn deploy(
        &mut self,
        desired: Desired,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let steps = plan::steps(&self.desired, &desired)
            .map_err(|cycle| not_valid("/", cycle.to_string()))?;
        let in_the_way: Vec<String> = self
            .deployments
            .iter()
            .filter(|other| other.touches(&steps))
            .map(|other| other.plan.id.clone())
            .collect();
        // As in Marathon, what only stops apps does not wait for what starts them.
        let only_stops = steps
            .iter()
            .flat_map(|step| &step.actions)
            .all(|action| action.action == ActionName::Stop);
        if !in_the_way.is_empty() && force == Force::No && !only_stops {
            return Err(RequestError::Locked(in_the_way));
        }
        let cancelled: BTreeSet<PathId> = in_the_way
            .iter()
            .flat_map(|id| self.cancel(id, now).unwrap_or_default())
            .collect();
        let version = desired.version;
        let plan = Plan {
            id: (self.config.new_id)(),
            steps,
            version,
        };
        let result = DeploymentResult {
            deployment_id: plan.id.clone(),
            version,
        };
        let from = self.desired.clone();
        self.remember(desired.clone());
        self.events.push(Event::GroupChangeSuccess {
            group_id: PathId::root(),
            version,
            timestamp: now,
        });
        let left: Vec<PathId> = cancelled
            .difference(&plan::affected(&plan.steps))
            .cloned()
            .collect();
        self.deployments.push(Deploying {
            plan,
            from,
            to: desired,
            step: 0,
        });
        self.settle(&left, now);
        self.begin_step(&result.deployment_id, now);
        Ok(result)
    }

    /// Ends a deployment where it is. What it did stays.
    pub(crate) fn cancel_deployment(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<(), RequestError> {
        let left = self.cancel(id, now).ok_or_else(|| missing(id))?;
        self.settle(&left, now);
        Ok(())
    }

    /// Ends a deployment, and deploys what it changed as it was before.
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
        let deployment = found.ok_or_else(|| missing(id))?;
        let version = self.next_version(now);
        let mut desired = Desired {
            version,
            ..self.desired.clone()
        };
        for app in plan::affected(&deployment.plan.steps) {
            match deployment.from.apps.get(&app) {
                Some(before) => {
                    desired.ensure_group(&app.parent(), version);
                    let mut before = before.clone();
                    // What may have been replaced is replaced again: this version has not run before.
                    before.version = Some(version);
                    if let Some(info) = before.version_info.as_mut() {
                        info.last_scaling_at = version;
                    }
                    desired.apps.insert(app, before);
                }
                None => drop(desired.apps.remove(&app)),
            }
        }
        self.deploy(desired, Force::Yes, now)
    }

    /// Moves every deployment on by at most one step. Whether one was moved.
    pub(super) fn progress(&mut self, now: Timestamp) -> bool {
        let is_done = |one: &&Deploying| {
            one.current()
                .is_some_and(|step| self.is_done(step, &one.to))
        };
        let done: Vec<String> = self
            .deployments
            .iter()
            .filter(is_done)
            .map(|one| one.plan.id.clone())
            .collect();
        for id in &done {
            self.end_step(id, now);
        }
        !done.is_empty()
    }

    fn end_step(&mut self, id: &str, now: Timestamp) {
        let Some(deployment) = self.deployments.iter_mut().find(|one| one.plan.id == id) else {
            return;
        };
        let (ended, plan) = (deployment.current().cloned(), deployment.plan.clone());
        deployment.step += 1;
        if let Some(step) = ended {
            self.finished(&step, now);
            self.events.push(Event::DeploymentStepSuccess {
                plan,
                current_step: step,
                timestamp: now,
            });
        }
        self.begin_step(id, now);
    }

    fn begin_step(&mut self, id: &str, now: Timestamp) {
        let Some(deployment) = self
            .deployments
            .iter()
            .find(|one| one.plan.id == id)
            .cloned()
        else {
            return;
        };
        let plan = deployment.plan.clone();
        match deployment.current() {
            Some(step) => {
                self.events.push(Event::DeploymentInfo {
                    plan,
                    current_step: step.clone(),
                    timestamp: now,
                });
                self.begin(step, &deployment.to, now);
            }
            None => {
                self.deployments.retain(|one| one.plan.id != id);
                self.events.push(Event::DeploymentSuccess {
                    id: id.to_owned(),
                    plan,
                    timestamp: now,
                });
            }
        }
    }

    fn begin(&mut self, step: &Step, to: &Desired, now: Timestamp) {
        for action in &step.actions {
            let id = &action.app;
            let wanted = to.apps.get(id);
            match action.action {
                ActionName::Stop => self.stop_app(id, now),
                ActionName::Start => {
                    // Known, with no task until its own step.
                    if let Some(app) = wanted {
                        self.actual.insert(
                            id.clone(),
                            Arc::new(App {
                                instances: 0,
                                ..app.clone()
                            }),
                        );
                        self.add_checks(app, now);
                    }
                }
                ActionName::Scale | ActionName::Restart => {
                    if let Some(app) = wanted {
                        if action.action == ActionName::Restart {
                            // A new version is not to wait for the failures of the old one.
                            self.backoffs.reset(id);
                        }
                        self.actual.insert(id.clone(), Arc::new(app.clone()));
                    }
                }
            }
        }
    }

    fn is_done(&self, step: &Step, to: &Desired) -> bool {
        step.actions.iter().all(|action| match action.action {
            ActionName::Start => true,
            ActionName::Stop => self.of_app(&action.app).next().is_none(),
            ActionName::Scale | ActionName::Restart => {
                let Some(app) = to.apps.get(&action.app) else {
                    return true;
                };
                let all = self.of_app(&app.id).collect::<Vec<_>>();
                let good = all
                    .iter()
                    .filter(|one| one.is_good() && one.is_current(app))
                    .count();
                all.len() == good && good == app.instances as usize
            }
        })
    }

    fn finished(&mut self, step: &Step, now: Timestamp) {
        for action in step
            .actions
            .iter()
            .filter(|action| action.action == ActionName::Stop)
        {
            self.backoffs.reset(&action.app);
            self.failures.remove(&action.app);
            self.events.push(Event::AppTerminatedEvent {
                app_id: action.app.clone(),
                timestamp: now,
            });
        }
    }

    fn stop_app(&mut self, id: &PathId, now: Timestamp) {
        if let Some(app) = self.actual.remove(id)
            && !app.health_checks.is_empty()
        {
            self.events.push(Event::RemoveHealthCheckEvent {
                app_id: id.clone(),
                timestamp: now,
            });
        }
        let instances: Vec<String> = self
            .of_app(id)
            .map(|instance| instance.id.clone())
            .collect();
        for instance in instances {
            self.end_instance(&instance, Goal::Remove, now);
        }
    }

    fn add_checks(&mut self, app: &App, now: Timestamp) {
        for check in &app.health_checks {
            self.events.push(Event::AddHealthCheckEvent {
                app_id: app.id.clone(),
                health_check: check.clone(),
                version: super::instance::version_of(app),
                timestamp: now,
            });
        }
    }

    /// Ends a deployment. The apps that it was to change, where there is such a deployment.
    fn cancel(&mut self, id: &str, now: Timestamp) -> Option<Vec<PathId>> {
        let index = self
            .deployments
            .iter()
            .position(|deployment| deployment.plan.id == id)?;
        let plan = self.deployments.remove(index).plan;
        let affected = plan::affected(&plan.steps).into_iter().collect();
        let reason = CANCELLED.to_owned();
        self.events.push(Event::DeploymentFailed {
            id: plan.id.clone(),
            plan,
            reason,
            timestamp: now,
        });
        Some(affected)
    }

    /// Brings apps that no deployment cares for any more to what is desired, all at once. Marathon does
    /// the same, some minutes later.
    fn settle(&mut self, apps: &[PathId], now: Timestamp) {
        for id in apps {
            match self.desired.apps.get(id) {
                Some(app) => drop(self.actual.insert(id.clone(), Arc::new(app.clone()))),
                None => self.stop_app(id, now),
            }
        }
    }
}

fn missing(id: &str) -> RequestError {
    RequestError::NotFound(format!("DeploymentPlan {id} does not exist"))
}
