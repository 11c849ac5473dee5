//! The changes between a requested group and the deployed one.
//!
//! They are found in Marathon's definitions. A dry run is no source: Marathon plans it without the
//! versions and ports that it assigns, so that it restarts every app of an unchanged group.
//!
//! Guarantee: a group without changes is not sent to Marathon.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use moodvane_marathon_api::{App, Group, GroupUpdate, PathId, is_same_set};

/// What a deployment of a group would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    added: BTreeSet<PathId>,
    removed: BTreeSet<PathId>,
    /// The changed fields of each app.
    changed: BTreeMap<PathId, Vec<String>>,
    /// The apps whose tasks would be replaced.
    replaced: BTreeSet<PathId>,
    /// Whether groups, dependencies of groups or roles change.
    structure: bool,
}

impl Changes {
    /// Compares `requested` with the deployed group `id`, if it exists. `default_role` is the role
    /// of apps that name none, if known.
    #[must_use]
    pub fn between(
        requested: &GroupUpdate,
        id: &PathId,
        deployed: Option<&Group>,
        default_role: Option<&str>,
    ) -> Self {
        let mut changes = Self::default();
        changes.compare_group(requested, id, deployed, default_role);
        changes
    }

    /// Whether a deployment would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the app has tasks and a deployment would replace them. A change of the scale alone
    /// does not.
    #[must_use]
    pub fn replaces_tasks_of(&self, app: &PathId) -> bool {
        self.replaced.contains(app)
    }

    fn compare_group(
        &mut self,
        requested: &GroupUpdate,
        id: &PathId,
        deployed: Option<&Group>,
        default_role: Option<&str>,
    ) {
        let empty = Group::empty(id.clone());
        let is_command = requested.scale_by.is_some() || requested.version.is_some();
        self.structure |= deployed.is_none() || is_command;
        let deployed = deployed.unwrap_or(&empty);
        if let Some(dependencies) = &requested.dependencies {
            let resolved: Vec<PathId> = dependencies.iter().map(|one| one.resolve(id)).collect();
            self.structure |= !is_same_set(&resolved, &deployed.dependencies);
        }
        if requested.enforce_role.is_some() {
            self.structure |= requested.enforce_role != deployed.enforce_role;
        }
        if let Some(apps) = &requested.apps {
            self.compare_apps(&absolute_apps(apps, id), &deployed.apps, default_role);
        }
        let Some(groups) = &requested.groups else {
            return;
        };
        let mut named = BTreeSet::new();
        for group in groups {
            let Some(name) = &group.id else { continue };
            let name = name.resolve(id);
            let deployed = deployed.groups.iter().find(|one| one.id == name);
            self.compare_group(group, &name, deployed, default_role);
            named.insert(name);
        }
        let mut groups = deployed.groups.iter();
        self.structure |= groups.any(|group| !named.contains(&group.id));
    }

    fn compare_apps(&mut self, requested: &[App], deployed: &[App], default_role: Option<&str>) {
        for app in requested {
            let Some(deployed) = deployed.iter().find(|one| one.id == app.id) else {
                self.added.insert(app.id.clone());
                continue;
            };
            let fields = app.differences(deployed, default_role);
            if deployed.instances > 0 && fields.iter().any(|field| field != "instances") {
                self.replaced.insert(app.id.clone());
            }
            if !fields.is_empty() {
                self.changed.insert(app.id.clone(), fields);
            }
        }
        let is_requested = |id: &PathId| requested.iter().any(|app| app.id == *id);
        let removed = deployed.iter().map(|app| &app.id);
        let removed = removed.filter(|id| !is_requested(id));
        self.removed.extend(removed.cloned());
    }
}

/// The apps of a requested group with absolute ids.
pub(crate) fn absolute_apps(apps: &[App], group: &PathId) -> Vec<App> {
    let absolute = |app: &App| App {
        id: app.id.resolve(group),
        ..app.clone()
    };
    apps.iter().map(absolute).collect()
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (what, ids) in [("new", &self.added), ("removed", &self.removed)] {
            if !ids.is_empty() {
                let names: Vec<&str> = ids.iter().map(PathId::last).collect();
                parts.push(format!("{what}: {}", names.join(", ")));
            }
        }
        let changed = self.changed.iter();
        parts.extend(changed.map(|(id, fields)| format!("{}: {}", id.last(), fields.join(", "))));
        if self.structure && parts.is_empty() {
            parts.push("the group itself".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}
