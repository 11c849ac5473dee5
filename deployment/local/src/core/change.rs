//! Changes of the desired state, each as one request of a client.

use std::collections::BTreeSet;

use moodvane_marathon_api::{
    App, AppUpdate, BodyError, DeploymentResult, GroupUpdate, PathId, Step, Timestamp, VersionInfo,
    Violation, validate_app, validate_group,
};

use super::desired::Desired;
use super::{Core, RequestError, VERSIONS, plan, refuse};

/// Whether a change may end the deployments that hold what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// It may.
    Yes,
    /// It is refused instead.
    No,
}

/// What `PUT` on an app did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) created: bool,
    pub(crate) result: DeploymentResult,
}

impl Core {
    /// A new app.
    pub(crate) fn create_app(
        &mut self,
        mut app: App,
        force: Force,
        now: Timestamp,
    ) -> Result<(App, DeploymentResult), RequestError> {
        app.id = app.id.resolve(&PathId::root());
        if self.desired.apps.contains_key(&app.id) {
            return Err(RequestError::Exists(app.id));
        }
        let id = app.id.clone();
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        self.put(&mut desired, app, version, "")?;
        let result = self.change_to(desired, version, force, now)?;
        let app = self.desired.apps.get(&id).cloned();
        Ok((app.ok_or_else(|| RequestError::app_not_found(&id))?, result))
    }

    /// Some fields of an app, or with `whole` all of it.
    pub(crate) fn put_app(
        &mut self,
        id: &PathId,
        update: &AppUpdate,
        whole: bool,
        force: Force,
        now: Timestamp,
    ) -> Result<Put, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        let created = !desired.apps.contains_key(id);
        self.put_update(&mut desired, id, update, whole, version)?;
        let result = self.change_to(desired, version, force, now)?;
        Ok(Put { created, result })
    }

    /// Some fields of several apps, in one deployment.
    pub(crate) fn put_apps(
        &mut self,
        updates: &[(PathId, AppUpdate)],
        whole: bool,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        for (id, update) in updates {
            self.put_update(
                &mut desired,
                &id.resolve(&PathId::root()),
                update,
                whole,
                version,
            )?;
        }
        self.change_to(desired, version, force, now)
    }

    /// All tasks of an app are replaced.
    pub(crate) fn restart_app(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        let app = desired
            .apps
            .get_mut(id)
            .ok_or_else(|| RequestError::no_app_to_change(id))?;
        stamp(app, version, version);
        self.change_to(desired, version, force, now)
    }

    /// An app goes.
    pub(crate) fn delete_app(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        desired
            .apps
            .remove(id)
            .ok_or_else(|| RequestError::no_app_to_change(id))?;
        self.change_to(desired, version, force, now)
    }

    /// A group goes, with all in it.
    pub(crate) fn delete_group(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        if !self.desired.groups.contains_key(id) {
            return Err(RequestError::no_group_to_change(id));
        }
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        desired.remove_group(id);
        self.change_to(desired, version, force, now)
    }

    /// A group as it is to be.
    pub(crate) fn put_group(
        &mut self,
        id: &PathId,
        update: &GroupUpdate,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let desired = self.with_group(id, update, version)?;
        self.change_to(desired, version, force, now)
    }

    /// The steps that [`Core::put_group`] would take.
    pub(crate) fn try_group(
        &self,
        id: &PathId,
        update: &GroupUpdate,
        now: Timestamp,
    ) -> Result<Vec<Step>, RequestError> {
        let desired = self.with_group(id, update, self.next_version(now))?;
        plan::steps(&self.desired, &desired).map_err(|cycle| not_valid("/", cycle.to_string()))
    }

    /// Later than every version before.
    pub(super) fn next_version(&self, now: Timestamp) -> Timestamp {
        now.max(self.desired.version.next())
    }

    fn with_group(
        &self,
        id: &PathId,
        update: &GroupUpdate,
        version: Timestamp,
    ) -> Result<Desired, RequestError> {
        validate_group(update, id)?;
        let mut desired = self.desired.clone();
        if let Some(factor) = update.scale_by {
            return self.scaled(desired, id, factor, version);
        }
        if let Some(earlier) = update.version {
            return self.gone_back(desired, id, earlier, version);
        }
        self.merge(&mut desired, id, update, version, "")?;
        Ok(desired)
    }

    fn scaled(
        &self,
        mut desired: Desired,
        id: &PathId,
        factor: f64,
        version: Timestamp,
    ) -> Result<Desired, RequestError> {
        if !desired.groups.contains_key(id) {
            return Err(RequestError::no_group_to_change(id));
        }
        for app in desired.apps.values_mut().filter(|app| app.id.is_below(id)) {
            // A factor is finite and not below 0, and a cast of a float saturates.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let instances = (f64::from(app.instances) * factor).ceil() as u32;
            if instances != app.instances {
                app.instances = instances;
                let config = config_version(app).unwrap_or(version);
                stamp(app, version, config);
            }
        }
        Ok(desired)
    }

    fn gone_back(
        &self,
        mut desired: Desired,
        id: &PathId,
        earlier: Timestamp,
        version: Timestamp,
    ) -> Result<Desired, RequestError> {
        let known = self
            .history
            .iter()
            .find(|desired| desired.version == earlier);
        let earlier = known.ok_or_else(|| RequestError::no_group_to_change(id))?;
        desired.remove_group(id);
        for (name, facts) in earlier
            .groups
            .iter()
            .filter(|(name, _)| *name == id || name.is_below(id))
        {
            *desired.ensure_group(name, version) = facts.clone();
        }
        for app in earlier.apps.values().filter(|app| app.id.is_below(id)) {
            self.put(&mut desired, app.clone(), version, "")?;
        }
        Ok(desired)
    }

    fn merge(
        &self,
        desired: &mut Desired,
        id: &PathId,
        update: &GroupUpdate,
        version: Timestamp,
        place: &str,
    ) -> Result<(), RequestError> {
        let facts = desired.ensure_group(id, version);
        if let Some(dependencies) = &update.dependencies {
            facts.dependencies = dependencies
                .iter()
                .map(|dependency| dependency.resolve(id))
                .collect();
            facts.version = version;
        }
        if let Some(enforce) = update.enforce_role {
            facts.enforce_role = Some(enforce);
        }
        if let Some(apps) = &update.apps {
            let named: BTreeSet<PathId> = apps.iter().map(|app| app.id.resolve(id)).collect();
            desired
                .apps
                .retain(|app, _| app.parent() != *id || named.contains(app));
            for (index, app) in apps.iter().enumerate() {
                let app = App {
                    id: app.id.resolve(id),
                    ..app.clone()
                };
                self.put(desired, app, version, &format!("{place}/apps({index})"))?;
            }
        }
        let Some(groups) = &update.groups else {
            return Ok(());
        };
        let inner = |group: &GroupUpdate| group.id.as_ref().map(|name| name.resolve(id));
        let named: BTreeSet<PathId> = groups.iter().filter_map(inner).collect();
        let gone = desired
            .groups
            .keys()
            .filter(|group| !group.is_root() && group.parent() == *id && !named.contains(*group));
        for group in gone.cloned().collect::<Vec<_>>() {
            desired.remove_group(&group);
        }
        for (index, group) in groups.iter().enumerate() {
            if let Some(name) = inner(group) {
                self.merge(
                    desired,
                    &name,
                    group,
                    version,
                    &format!("{place}/groups({index})"),
                )?;
            }
        }
        Ok(())
    }

    fn put_update(
        &self,
        desired: &mut Desired,
        id: &PathId,
        update: &AppUpdate,
        whole: bool,
        version: Timestamp,
    ) -> Result<(), RequestError> {
        let app = match (desired.apps.get(id), update.version()) {
            (Some(_), Some(earlier)) => {
                let versions = self.app_versions.get(id);
                let found =
                    versions.and_then(|all| all.iter().find(|app| app.version == Some(earlier)));
                found
                    .cloned()
                    .ok_or_else(|| RequestError::no_app_to_change(id))?
            }
            (Some(app), None) if !whole => update.apply_to(app)?,
            _ => update.to_app(id)?,
        };
        self.put(desired, app, version, "")
    }

    /// Puts `app` in, checked, with its ports and version. An app that is as before keeps its version.
    fn put(
        &self,
        desired: &mut Desired,
        mut app: App,
        version: Timestamp,
        place: &str,
    ) -> Result<(), RequestError> {
        validate_app(&app)?;
        refuse::what_is_not_done(&app, self.config.containers, place)?;
        let group = app.id.parent();
        app.dependencies = app
            .dependencies
            .iter()
            .map(|dependency| dependency.resolve(&group))
            .collect();
        app.role.get_or_insert_with(|| "*".to_owned());
        let before = desired.apps.get(&app.id);
        self.assign_service_ports(&mut app, before, desired)?;
        match before {
            Some(before) if before.has_same_run_spec(&app) && before.instances == app.instances => {
                return Ok(());
            }
            Some(before) if before.has_same_run_spec(&app) => {
                let config = config_version(before).unwrap_or(version);
                stamp(&mut app, version, config);
            }
            _ => stamp(&mut app, version, version),
        }
        desired.ensure_group(&group, version);
        desired.apps.insert(app.id.clone(), app);
        Ok(())
    }

    fn change_to(
        &mut self,
        desired: Desired,
        version: Timestamp,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        self.deploy(Desired { version, ..desired }, force, now)
    }

    /// The change is made: it is what is desired from now on.
    pub(super) fn remember(&mut self, desired: Desired) {
        for app in desired.apps.values() {
            let versions = self.app_versions.entry(app.id.clone()).or_default();
            if versions.front().and_then(|latest| latest.version) != app.version {
                versions.push_front(app.clone());
                versions.truncate(VERSIONS);
            }
        }
        self.app_versions
            .retain(|id, _| desired.apps.contains_key(id));
        let before = std::mem::replace(&mut self.desired, desired);
        self.history.push_front(before);
        self.history.truncate(VERSIONS);
    }
}

pub(super) fn not_valid(path: impl Into<String>, error: impl Into<String>) -> RequestError {
    RequestError::Refused(BodyError::InvalidObject(vec![Violation::new(path, error)]))
}

fn config_version(app: &App) -> Option<Timestamp> {
    app.version_info.map(|info| info.last_config_change_at)
}

fn stamp(app: &mut App, version: Timestamp, config: Timestamp) {
    app.version = Some(version);
    app.version_info = Some(VersionInfo {
        last_scaling_at: version,
        last_config_change_at: config,
    });
}
