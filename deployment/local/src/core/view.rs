//! Views of the state in the API's types.

use moodvane_marathon_api::{
    ActionInfo, ActionName, AppInfo, Deployment, DeploymentRef, Group, PathId, Queue, QueueDelay,
    QueueItem, ReadinessCheckResult, Task, TaskState, Timestamp,
};

use super::deploy::ActiveDeployment;
use super::emit::{addresses, agent_of};
use super::instance::{Instance, State};
use super::{Core, RequestError, plan};

/// Optional parts of an app in a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Embed {
    pub(crate) tasks: bool,
    pub(crate) last_failure: bool,
    pub(crate) readiness: bool,
}

/// Filter of a list of apps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AppFilter {
    pub(crate) id: Option<String>,
    pub(crate) cmd: Option<String>,
    /// Selectors separated by commas: `name` or `name==value`.
    pub(crate) label: Option<String>,
}

impl AppFilter {
    fn matches(&self, app: &moodvane_marathon_api::App) -> bool {
        let contains = |text: &Option<String>, value: &str| {
            text.as_deref().is_none_or(|text| value.contains(text))
        };
        let label = |selector: &str| match selector.split_once("==") {
            Some((name, value)) => app
                .labels
                .get(name.trim())
                .is_some_and(|found| found == value.trim()),
            None => app.labels.contains_key(selector.trim()),
        };
        contains(&self.id, &app.id.to_string())
            && contains(&self.cmd, app.cmd.as_deref().unwrap_or_default())
            && self
                .label
                .as_deref()
                .is_none_or(|all| all.split(',').all(label))
    }
}

impl Core {
    pub(crate) fn apps(&self, filter: &AppFilter, embed: Embed) -> Vec<AppInfo> {
        let matching = self.desired.apps.values().filter(|app| filter.matches(app));
        matching
            .filter_map(|app| self.app(&app.id, embed).ok())
            .collect()
    }

    pub(crate) fn app(&self, id: &PathId, embed: Embed) -> Result<AppInfo, RequestError> {
        let app = self
            .desired
            .apps
            .get(id)
            .ok_or_else(|| RequestError::app_not_found(id))?;
        let all: Vec<&Instance> = self.instances_of(id).collect();
        let count = |rule: &dyn Fn(&Instance) -> bool| {
            u32::try_from(all.iter().filter(|instance| rule(instance)).count()).unwrap_or(u32::MAX)
        };
        let has_checks_running =
            |instance: &Instance| instance.state == State::Running && !instance.checks.is_empty();
        let is_unhealthy = |instance: &Instance| {
            instance
                .checks
                .iter()
                .any(|check| check.health().is_some_and(|health| !health.alive))
        };
        Ok(AppInfo {
            app: app.clone(),
            tasks_staged: count(&|instance| instance.state == State::Launching),
            tasks_running: count(&|instance| instance.state == State::Running),
            tasks_healthy: count(&|instance| {
                has_checks_running(instance)
                    && instance
                        .checks
                        .iter()
                        .all(super::checks::HealthState::is_alive)
            }),
            tasks_unhealthy: count(&|instance| {
                has_checks_running(instance) && is_unhealthy(instance)
            }),
            deployments: self.deployments_of(id),
            readiness_check_results: embed.readiness.then(|| self.readiness_results(&all)),
            tasks: embed.tasks.then(|| {
                all.iter()
                    .filter_map(|instance| self.task_view(&instance.id, false))
                    .collect()
            }),
            last_task_failure: self
                .last_failures
                .get(id)
                .cloned()
                .filter(|_| embed.last_failure),
        })
    }

    pub(crate) fn app_versions(&self, id: &PathId) -> Result<Vec<Timestamp>, RequestError> {
        let versions = self
            .app_versions
            .get(id)
            .ok_or_else(|| RequestError::app_not_found(id))?;
        Ok(versions.iter().filter_map(|app| app.version).collect())
    }

    pub(crate) fn app_version(
        &self,
        id: &PathId,
        version: Timestamp,
    ) -> Result<moodvane_marathon_api::App, RequestError> {
        let versions = self
            .app_versions
            .get(id)
            .ok_or_else(|| RequestError::app_not_found(id))?;
        let found = versions
            .iter()
            .find(|app| app.version == Some(version))
            .cloned();
        found.ok_or_else(|| {
            RequestError::NotFound(format!("App '{id}' does not exist in version {version}"))
        })
    }

    pub(crate) fn app_tasks(&self, id: &PathId) -> Result<Vec<Task>, RequestError> {
        if !self.desired.apps.contains_key(id) {
            return Err(RequestError::app_not_found(id));
        }
        Ok(self
            .instances_of(id)
            .filter_map(|instance| self.task_view(&instance.id, false))
            .collect())
    }

    /// All tasks that are starting or running, optionally only those in `states`.
    pub(crate) fn tasks(&self, states: &[TaskState]) -> Vec<Task> {
        let active = self
            .instances
            .values()
            .filter(|instance| !instance.is_scheduled());
        let matching =
            active.filter(|instance| states.is_empty() || states.contains(&instance.task_state()));
        matching
            .filter_map(|instance| self.task_view(&instance.id, true))
            .collect()
    }

    pub(crate) fn group(&self, id: &PathId) -> Result<Group, RequestError> {
        self.desired
            .group_tree(id)
            .ok_or_else(|| RequestError::group_not_found(id))
    }

    pub(crate) fn group_versions(&self, id: &PathId) -> Result<Vec<Timestamp>, RequestError> {
        self.group(id)?;
        let all = std::iter::once(&self.desired).chain(&self.history);
        Ok(all
            .filter(|desired| desired.groups.contains_key(id))
            .map(|desired| desired.version)
            .collect())
    }

    pub(crate) fn deployments(&self) -> Vec<Deployment> {
        self.deployments
            .iter()
            .map(|active| self.deployment(active))
            .collect()
    }

    pub(crate) fn queue(&self, now: Timestamp) -> Queue {
        let items = self.targets.values().filter_map(|app| {
            let waiting: Vec<&Instance> = self
                .instances_of(&app.id)
                .filter(|instance| instance.is_scheduled())
                .collect();
            let first = *waiting.first()?;
            let since = waiting.iter().filter_map(|instance| match instance.state {
                State::Scheduled { since } => Some(since),
                _ => None,
            });
            let remaining = self
                .launch_delays
                .delayed_until(&app.id)
                .map(|until| until.since(now))
                .unwrap_or_default();
            Some(QueueItem {
                count: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
                role: app.role.clone().unwrap_or_default(),
                delay: QueueDelay {
                    time_left_seconds: remaining.as_secs(),
                    overdue: remaining.is_zero() && first.offers.has_declined(),
                },
                since: since.min().unwrap_or(now),
                processed_offers_summary: first.offers.summary(),
                app: self.desired.apps.get(&app.id).unwrap_or(app).clone(),
            })
        });
        Queue {
            queue: items.collect(),
        }
    }

    /// The task of an instance; `None` if it never had one.
    pub(super) fn task_view(&self, id: &str, with_service_ports: bool) -> Option<Task> {
        let instance = self.instances.get(id)?;
        let placement = instance.placement.as_ref()?;
        let host = self.host_of(instance);
        let is_active = !instance.is_scheduled();
        // A waiting instance shows its last task.
        let task = if is_active {
            instance.task()
        } else {
            format!("{id}._app.{}", instance.attempt.saturating_sub(1))
        };
        Some(Task {
            app_id: instance.app.id.clone(),
            health_check_results: instance
                .checks
                .iter()
                .filter_map(|check| check.health().cloned())
                .collect(),
            ip_addresses: addresses(&host),
            host,
            id: task,
            ports: if is_active {
                placement.ports.clone()
            } else {
                Vec::new()
            },
            service_ports: if with_service_ports {
                instance.app.service_ports()
            } else {
                Vec::new()
            },
            slave_id: Some(agent_of(instance)),
            state: instance.task_state(),
            staged_at: instance.staged_at,
            started_at: instance.started_at,
            version: is_active.then(|| instance.version()),
            local_volumes: Vec::new(),
            role: instance.app.role.clone().unwrap_or_default(),
        })
    }

    fn deployment(&self, active: &ActiveDeployment) -> Deployment {
        let steps = &active.plan.steps;
        let step = active.step;
        let current = steps
            .get(step)
            .map(|step| step.actions.as_slice())
            .unwrap_or_default();
        Deployment {
            id: active.plan.id.clone(),
            steps: steps.clone(),
            version: active.plan.version,
            affected_apps: plan::affected_apps(steps).into_iter().collect(),
            affected_pods: Vec::new(),
            current_actions: current
                .iter()
                .map(|action| ActionInfo {
                    action: action.clone(),
                    readiness_check_results: self.results_for(action.action, &action.app),
                })
                .collect(),
            current_step: step + 1,
            total_steps: steps.len(),
        }
    }

    fn results_for(&self, action: ActionName, app: &PathId) -> Vec<ReadinessCheckResult> {
        match action {
            ActionName::Scale | ActionName::Restart => {
                self.readiness_results(&self.instances_of(app).collect::<Vec<_>>())
            }
            ActionName::Start | ActionName::Stop => Vec::new(),
        }
    }

    fn deployments_of(&self, id: &PathId) -> Vec<DeploymentRef> {
        let affects =
            |active: &&ActiveDeployment| plan::affected_apps(&active.plan.steps).contains(id);
        self.deployments
            .iter()
            .filter(affects)
            .map(|active| DeploymentRef {
                id: active.plan.id.clone(),
            })
            .collect()
    }
}
