//! Recovers tasks that an earlier process left running.

use std::collections::BTreeMap;
use std::sync::Arc;

use moodvane_marathon_api::{App, PathId, Timestamp};

use super::Core;
use super::checks::{health_states, readiness_state};
use super::instance::{Instance, Placement, State};

/// A running task, as the runtime found it.
#[derive(Debug, Clone)]
pub(crate) struct RecoveredTask {
    pub(crate) instance: String,
    pub(crate) attempt: u32,
    pub(crate) slot: u32,
    pub(crate) app: App,
    pub(crate) host: String,
    pub(crate) ports: Vec<u16>,
    pub(crate) groups: BTreeMap<PathId, Vec<PathId>>,
}

impl Core {
    /// Adds running tasks. The desired state becomes the latest version of each of their apps; apps without a
    /// task and deployments in progress are lost.
    pub(crate) fn recover(&mut self, tasks: Vec<RecoveredTask>, now: Timestamp) {
        let mut desired = self.desired.clone();
        for found in &tasks {
            let version = found.app.version.unwrap_or(now);
            desired.version = desired.version.max(version);
            desired.ensure_group(&found.app.id.parent(), version);
            for (group, dependencies) in &found.groups {
                desired
                    .ensure_group(group, version)
                    .dependencies
                    .clone_from(dependencies);
            }
            let latest = desired
                .apps
                .entry(found.app.id.clone())
                .or_insert_with(|| found.app.clone());
            if latest.version < found.app.version {
                *latest = found.app.clone();
            }
        }
        for app in desired.apps.values() {
            self.targets.insert(app.id.clone(), Arc::new(app.clone()));
        }
        self.commit(desired);
        for found in tasks {
            let placement = Placement {
                agent: self.config.agents.index_of(&found.host),
                ports: found.ports,
            };
            let mut instance =
                Instance::new(found.instance.clone(), Arc::new(found.app), found.slot, now);
            instance.attempt = found.attempt;
            instance.placement = Some(placement);
            instance.state = State::Running;
            instance.staged_at = Some(now);
            instance.started_at = Some(now);
            instance.checks = health_states(&instance.app, now);
            instance.readiness = readiness_state(&instance.app, now);
            self.instances.insert(found.instance, instance);
        }
    }
}
