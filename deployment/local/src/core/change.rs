//! Changes of the desired state; one function for each request.

use std::collections::BTreeSet;

use moodvane_marathon_api::{
    App, AppUpdate, DeploymentResult, GroupUpdate, PathId, Step, Timestamp, VersionInfo,
    validate_app, validate_group,
};

use super::desired::DesiredState;
use super::{Core, MAX_VERSIONS, RequestError, plan, unsupported};

/// Whether a change cancels the deployments of the apps that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// Cancels them.
    Yes,
    /// Rejects the change instead.
    No,
}

/// Outcome of a `PUT` of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppPut {
    pub(crate) created: bool,
    pub(crate) result: DeploymentResult,
}

impl Core {
    /// Creates an app.
    pub(crate) fn create_app(
        &mut self,
        mut app: App,
        force: Force,
        now: Timestamp,
    ) -> Result<(App, DeploymentResult), RequestError> {
        app.id = app.id.resolve(&PathId::root());
        if self.desired.apps.contains_key(&app.id) {
            return Err(RequestError::AlreadyExists(app.id));
        }
        let id = app.id.clone();
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        self.insert_app(&mut desired, app, version, "")?;
        let result = self.deploy_version(desired, version, force, now)?;
        let app = self.desired.apps.get(&id).cloned();
        Ok((app.ok_or_else(|| RequestError::app_not_found(&id))?, result))
    }

    /// Updates some fields of an app, or replaces its definition.
    pub(crate) fn put_app(
        &mut self,
        id: &PathId,
        update: &AppUpdate,
        replace: bool,
        force: Force,
        now: Timestamp,
    ) -> Result<AppPut, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        let created = !desired.apps.contains_key(id);
        self.insert_update(&mut desired, id, update, replace, version)?;
        let result = self.deploy_version(desired, version, force, now)?;
        Ok(AppPut { created, result })
    }

    /// Updates several apps in one deployment.
    pub(crate) fn put_apps(
        &mut self,
        updates: &[(PathId, AppUpdate)],
        replace: bool,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        for (id, update) in updates {
            self.insert_update(
                &mut desired,
                &id.resolve(&PathId::root()),
                update,
                replace,
                version,
            )?;
        }
        self.deploy_version(desired, version, force, now)
    }

    /// Replaces all tasks of an app.
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
            .ok_or_else(|| RequestError::app_missing_for_change(id))?;
        set_version(app, version, version);
        self.deploy_version(desired, version, force, now)
    }

    /// Deletes an app.
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
            .ok_or_else(|| RequestError::app_missing_for_change(id))?;
        self.deploy_version(desired, version, force, now)
    }

    /// Deletes a group with its apps and groups.
    pub(crate) fn delete_group(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        if !self.desired.groups.contains_key(id) {
            return Err(RequestError::group_missing_for_change(id));
        }
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        desired.remove_group(id);
        self.deploy_version(desired, version, force, now)
    }

    /// Creates or updates a group.
    pub(crate) fn put_group(
        &mut self,
        id: &PathId,
        update: &GroupUpdate,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let desired = self.desired_with_group(id, update, version)?;
        self.deploy_version(desired, version, force, now)
    }

    /// The steps of [`Core::put_group`], for a dry run.
    pub(crate) fn plan_group(
        &self,
        id: &PathId,
        update: &GroupUpdate,
        now: Timestamp,
    ) -> Result<Vec<Step>, RequestError> {
        let desired = self.desired_with_group(id, update, self.next_version(now))?;
        plan::deployment_steps(&self.desired, &desired)
            .map_err(|cycle| RequestError::invalid("/", cycle.to_string()))
    }

    /// A version later than every earlier one.
    pub(super) fn next_version(&self, now: Timestamp) -> Timestamp {
        now.max(self.desired.version.next())
    }

    fn desired_with_group(
        &self,
        id: &PathId,
        update: &GroupUpdate,
        version: Timestamp,
    ) -> Result<DesiredState, RequestError> {
        validate_group(update, id)?;
        let mut desired = self.desired.clone();
        if let Some(factor) = update.scale_by {
            return self.scale_group(desired, id, factor, version);
        }
        if let Some(earlier) = update.version {
            return self.restore_group(desired, id, earlier, version);
        }
        self.merge_group(&mut desired, id, update, version, "")?;
        Ok(desired)
    }

    fn scale_group(
        &self,
        mut desired: DesiredState,
        id: &PathId,
        factor: f64,
        version: Timestamp,
    ) -> Result<DesiredState, RequestError> {
        if !desired.groups.contains_key(id) {
            return Err(RequestError::group_missing_for_change(id));
        }
        for app in desired.apps.values_mut().filter(|app| app.id.is_below(id)) {
            // The factor is finite and not negative; a cast of a float saturates.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let instances = (f64::from(app.instances) * factor).ceil() as u32;
            if instances != app.instances {
                app.instances = instances;
                let config = config_version(app).unwrap_or(version);
                set_version(app, version, config);
            }
        }
        Ok(desired)
    }

    fn restore_group(
        &self,
        mut desired: DesiredState,
        id: &PathId,
        earlier: Timestamp,
        version: Timestamp,
    ) -> Result<DesiredState, RequestError> {
        let found = self
            .history
            .iter()
            .find(|desired| desired.version == earlier);
        let earlier = found.ok_or_else(|| RequestError::group_missing_for_change(id))?;
        desired.remove_group(id);
        for (name, group) in earlier
            .groups
            .iter()
            .filter(|(name, _)| *name == id || name.is_below(id))
        {
            *desired.ensure_group(name, version) = group.clone();
        }
        for app in earlier.apps.values().filter(|app| app.id.is_below(id)) {
            self.insert_app(&mut desired, app.clone(), version, "")?;
        }
        Ok(desired)
    }

    fn merge_group(
        &self,
        desired: &mut DesiredState,
        id: &PathId,
        update: &GroupUpdate,
        version: Timestamp,
        path: &str,
    ) -> Result<(), RequestError> {
        let group = desired.ensure_group(id, version);
        if let Some(dependencies) = &update.dependencies {
            group.dependencies = dependencies
                .iter()
                .map(|dependency| dependency.resolve(id))
                .collect();
            group.version = version;
        }
        if let Some(enforce) = update.enforce_role {
            group.enforce_role = Some(enforce);
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
                self.insert_app(desired, app, version, &format!("{path}/apps({index})"))?;
            }
        }
        let Some(groups) = &update.groups else {
            return Ok(());
        };
        let inner = |group: &GroupUpdate| group.id.as_ref().map(|name| name.resolve(id));
        let named: BTreeSet<PathId> = groups.iter().filter_map(inner).collect();
        let removed = desired
            .groups
            .keys()
            .filter(|group| !group.is_root() && group.parent() == *id && !named.contains(*group));
        for group in removed.cloned().collect::<Vec<_>>() {
            desired.remove_group(&group);
        }
        for (index, group) in groups.iter().enumerate() {
            if let Some(name) = inner(group) {
                self.merge_group(
                    desired,
                    &name,
                    group,
                    version,
                    &format!("{path}/groups({index})"),
                )?;
            }
        }
        Ok(())
    }

    fn insert_update(
        &self,
        desired: &mut DesiredState,
        id: &PathId,
        update: &AppUpdate,
        replace: bool,
        version: Timestamp,
    ) -> Result<(), RequestError> {
        let app = match (desired.apps.get(id), update.version()) {
            (Some(_), Some(earlier)) => {
                let versions = self.app_versions.get(id);
                let found =
                    versions.and_then(|all| all.iter().find(|app| app.version == Some(earlier)));
                found
                    .cloned()
                    .ok_or_else(|| RequestError::app_missing_for_change(id))?
            }
            (Some(app), None) if !replace => update.apply_to(app)?,
            _ => update.to_app(id)?,
        };
        self.insert_app(desired, app, version, "")
    }

    /// Validates `app` and inserts it with its ports and version. An unchanged app keeps its version.
    fn insert_app(
        &self,
        desired: &mut DesiredState,
        mut app: App,
        version: Timestamp,
        path: &str,
    ) -> Result<(), RequestError> {
        validate_app(&app)?;
        unsupported::reject_unsupported(&app, self.config.containers, path)?;
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
                set_version(&mut app, version, config);
            }
            _ => set_version(&mut app, version, version),
        }
        desired.ensure_group(&group, version);
        desired.apps.insert(app.id.clone(), app);
        Ok(())
    }

    fn deploy_version(
        &mut self,
        desired: DesiredState,
        version: Timestamp,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        self.deploy(DesiredState { version, ..desired }, force, now)
    }

    /// Makes `desired` the desired state and records the versions.
    pub(super) fn commit(&mut self, desired: DesiredState) {
        for app in desired.apps.values() {
            let versions = self.app_versions.entry(app.id.clone()).or_default();
            if versions.front().and_then(|latest| latest.version) != app.version {
                versions.push_front(app.clone());
                versions.truncate(MAX_VERSIONS);
            }
        }
        self.app_versions
            .retain(|id, _| desired.apps.contains_key(id));
        let before = std::mem::replace(&mut self.desired, desired);
        self.history.push_front(before);
        self.history.truncate(MAX_VERSIONS);
    }
}

pub(super) fn config_version(app: &App) -> Option<Timestamp> {
    app.version_info.map(|info| info.last_config_change_at)
}

pub(super) fn set_version(app: &mut App, version: Timestamp, config: Timestamp) {
    app.version = Some(version);
    app.version_info = Some(VersionInfo {
        last_scaling_at: version,
        last_config_change_at: config,
    });
}
