//! Kills by clients, and the reset of the launch delay.

use moodvane_marathon_api::{DeploymentResult, PathId, Task, Timestamp};

use super::change::{Force, config_version, set_version};
use super::instance::{Goal, Instance};
use super::{Core, RequestError};

/// What happens to the instances of killed tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KillMode {
    /// They are relaunched.
    Relaunch,
    /// They are replaced, and their volumes removed.
    Wipe,
}

impl Core {
    /// Kills tasks; ignores unknown ones. Returns the tasks as they were.
    pub(crate) fn kill(&mut self, tasks: &[String], mode: KillMode, now: Timestamp) -> Vec<Task> {
        let ids = self.instances_of_tasks(tasks);
        let views = ids
            .iter()
            .filter_map(|id| self.task_view(id, false))
            .collect();
        for id in ids {
            let goal = if mode == KillMode::Wipe {
                Goal::Wipe
            } else {
                Goal::Run
            };
            self.stop_instance(&id, goal, now);
        }
        views
    }

    /// Kills tasks and reduces the scale of their apps by their number.
    pub(crate) fn kill_and_scale(
        &mut self,
        tasks: &[String],
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let ids = self.instances_of_tasks(tasks);
        let result = self.change(&PathId::root(), (force, now), |core, desired, version| {
            for id in &ids {
                let app = core
                    .instances
                    .get(id)
                    .and_then(|instance| desired.apps.get_mut(&instance.app.id));
                if let Some(app) = app {
                    app.instances = app.instances.saturating_sub(1);
                    let config = config_version(app).unwrap_or(version);
                    set_version(app, version, config);
                }
            }
            Ok(())
        })?;
        for id in ids {
            self.stop_instance(&id, Goal::Remove, now);
        }
        Ok(result)
    }

    /// The ids of an app's tasks that can be killed.
    pub(crate) fn running_task_ids(&self, app: &PathId) -> Vec<String> {
        self.instances_of(app)
            .filter(|instance| !instance.is_scheduled())
            .map(Instance::task)
            .collect()
    }

    /// Resets the launch delay of an app. As in Marathon, it reports an error if no instance waits, but resets
    /// the delay all the same.
    pub(crate) fn reset_delay(&mut self, app: &PathId) -> Result<(), RequestError> {
        self.launch_delays.reset(app);
        if self.instances_of(app).any(Instance::is_scheduled) {
            return Ok(());
        }
        Err(RequestError::NotFound(format!(
            "Application {app} not found in tasks queue."
        )))
    }

    fn instances_of_tasks(&self, tasks: &[String]) -> Vec<String> {
        let running_instance = |task: &String| {
            self.instance_of_task(task)
                .filter(|instance| !instance.is_scheduled())
                .map(|instance| instance.id.clone())
        };
        tasks.iter().filter_map(running_instance).collect()
    }
}
