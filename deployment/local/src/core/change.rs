//! Changes of the desired state; one function for each request.

use std::collections::BTreeSet;

use moodvane_marathon_api::{
    App, AppUpdate, DeploymentResult, Event, GroupUpdate, PathId, Timestamp, VersionInfo,
    validate_app, validate_group,
};

use super::desired::DesiredState;
use super::{Core, DEFAULT_ROLE, MAX_VERSIONS, RequestError, unsupported};

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
    /// Applies `edit` to the desired state and deploys the result. The events of the change name
    /// `group`.
    pub(super) fn change(
        &mut self,
        group: &PathId,
        (force, now): (Force, Timestamp),
        edit: impl FnOnce(&Self, &mut DesiredState, Timestamp) -> Result<(), RequestError>,
    ) -> Result<DeploymentResult, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired.clone();
        let result = edit(self, &mut desired, version)
            .and_then(|()| self.deploy(DesiredState { version, ..desired }, force, now));
        let group_id = group.clone();
        match &result {
            Ok(_) => self.events.push(Event::GroupChangeSuccess {
                group_id,
                version,
                timestamp: now,
            }),
            Err(error) if error.is_refusal() => self.events.push(Event::GroupChangeFailed {
                group_id,
                version,
                reason: error.to_string(),
                timestamp: now,
            }),
            Err(_) => {}
        }
        result
    }

    /// Creates an app.
    pub(crate) fn create_app(
        &mut self,
        mut app: App,
        force: Force,
        now: Timestamp,
    ) -> Result<(App, DeploymentResult), RequestError> {
        app.id = app.id.resolve(&PathId::root());
        let id = app.id.clone();
        let result = self.change(&id.parent(), (force, now), |core, desired, version| {
            if desired.apps.contains_key(&app.id) {
                return Err(RequestError::AlreadyExists(app.id));
            }
            core.insert_app(desired, app, version, "")
        })?;
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
        let created = !self.desired.apps.contains_key(id);
        let result = self.change(&id.parent(), (force, now), |core, desired, version| {
            core.insert_update(desired, id, update, replace, version)
        })?;
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
        let root = PathId::root();
        self.change(&root, (force, now), |core, desired, version| {
            updates.iter().try_for_each(|(id, update)| {
                core.insert_update(desired, &id.resolve(&root), update, replace, version)
            })
        })
    }

    /// Replaces all tasks of an app.
    pub(crate) fn restart_app(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        self.change(&id.parent(), (force, now), |_, desired, version| {
            let app = desired.apps.get_mut(id);
            let app = app.ok_or_else(|| RequestError::app_missing_for_change(id))?;
            set_version(app, version, version);
            Ok(())
        })
    }

    /// Deletes an app.
    pub(crate) fn delete_app(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        self.change(&id.parent(), (force, now), |_, desired, _| {
            let removed = desired.apps.remove(id);
            removed.ok_or_else(|| RequestError::app_missing_for_change(id))?;
            Ok(())
        })
    }

    /// Deletes a group with its apps and groups.
    pub(crate) fn delete_group(
        &mut self,
        id: &PathId,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        self.change(&id.parent(), (force, now), |_, desired, _| {
            if !desired.groups.contains_key(id) {
                return Err(RequestError::group_missing_for_change(id));
            }
            desired.remove_group(id);
            Ok(())
        })
    }

    /// Creates or updates a group.
    pub(crate) fn put_group(
        &mut self,
        id: &PathId,
        update: &GroupUpdate,
        force: Force,
        now: Timestamp,
    ) -> Result<DeploymentResult, RequestError> {
        self.change(&id.parent(), (force, now), |core, desired, version| {
            *desired = core.desired_with_group(id, update, version)?;
            Ok(())
        })
    }

    /// A version later than every earlier one.
    pub(super) fn next_version(&self, now: Timestamp) -> Timestamp {
        now.max(self.desired.version.next())
    }

    pub(super) fn desired_with_group(
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
        if !replace {
            update.check_version()?;
        }
        let app = match (desired.apps.get(id), update.version()) {
            // A replacement ignores the version, as in Marathon.
            (Some(_), Some(earlier)) if !replace => {
                let versions = self.app_versions.get(id);
                let found =
                    versions.and_then(|all| all.iter().find(|app| app.version == Some(earlier)));
                found
                    .cloned()
                    .ok_or_else(|| RequestError::app_missing_for_change(id))?
            }
            (Some(app), _) if !replace => update.apply_to(app)?,
            _ => update.to_app(id)?,
        };
        self.insert_app(desired, app, version, "")
    }

    /// Validates `app` and inserts it with its ports and version. An unchanged app keeps its version.
    fn insert_app(
        &self,
        desired: &mut DesiredState,
        app: App,
        version: Timestamp,
        path: &str,
    ) -> Result<(), RequestError> {
        validate_app(&app)?;
        unsupported::reject_unsupported(&app, self.config.containers, path)?;
        let mut app = complete(app);
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
        desired.ensure_group(&app.id.parent(), version);
        // Marathon stores sets and returns them in any order.
        desired
            .apps
            .insert(app.id.clone(), app.with_reordered_sets());
        Ok(())
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

/// Resolves the app's dependencies and inserts the default role.
pub(super) fn complete(mut app: App) -> App {
    let group = app.id.parent();
    for dependency in &mut app.dependencies {
        *dependency = dependency.resolve(&group);
    }
    app.role.get_or_insert_with(|| DEFAULT_ROLE.to_owned());
    app
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
