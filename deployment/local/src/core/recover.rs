//! Tasks that were running before this process: they are taken over as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use moodvane_marathon_api::{App, PathId, Timestamp};

use super::Core;
use super::health::{checks_of, readiness_of};
use super::instance::{Instance, Place, State};

/// A running task as the runtime found it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) instance: String,
    pub(crate) attempt: u32,
    pub(crate) slot: u32,
    pub(crate) app: App,
    pub(crate) host: String,
    pub(crate) ports: Vec<u16>,
    pub(crate) groups: BTreeMap<PathId, Vec<PathId>>,
}

impl Core {
    /// Takes tasks over. What is desired is what they run, in the latest version of each app; an app
    /// without a task is forgotten, and so is a deployment that was under way.
    pub(crate) fn take_over(&mut self, tasks: Vec<Found>, now: Timestamp) {
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
            self.actual.insert(app.id.clone(), Arc::new(app.clone()));
        }
        self.remember(desired);
        for found in tasks {
            let place = Place {
                agent: self.config.agents.with_host(&found.host),
                ports: found.ports,
            };
            let mut instance =
                Instance::new(found.instance.clone(), Arc::new(found.app), found.slot, now);
            instance.attempt = found.attempt;
            instance.place = Some(place);
            instance.state = State::Running;
            instance.staged_at = Some(now);
            instance.started_at = Some(now);
            instance.checks = checks_of(&instance.app, now);
            instance.readiness = readiness_of(&instance.app, now);
            self.instances.insert(found.instance, instance);
        }
    }
}
