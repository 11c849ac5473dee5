//! The desired state: apps and groups in flat maps by absolute id.

use std::collections::BTreeMap;

use moodvane_marathon_api::{App, Group, PathId, Timestamp};

/// A group without its members, which are found by their ids.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupState {
    pub(crate) dependencies: Vec<PathId>,
    pub(crate) enforce_role: Option<bool>,
    pub(crate) version: Timestamp,
}

/// One version of the desired state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DesiredState {
    pub(crate) apps: BTreeMap<PathId, App>,
    pub(crate) groups: BTreeMap<PathId, GroupState>,
    pub(crate) version: Timestamp,
}

impl DesiredState {
    pub(super) fn empty(now: Timestamp) -> Self {
        let root = GroupState {
            dependencies: Vec::new(),
            enforce_role: None,
            version: now,
        };
        Self {
            apps: BTreeMap::new(),
            groups: BTreeMap::from([(PathId::root(), root)]),
            version: now,
        }
    }

    /// Inserts a group and its parents where they are missing.
    pub(super) fn ensure_group(&mut self, id: &PathId, version: Timestamp) -> &mut GroupState {
        if !id.is_root() {
            self.ensure_group(&id.parent(), version);
        }
        self.groups.entry(id.clone()).or_insert_with(|| GroupState {
            dependencies: Vec::new(),
            // Marathon reports the field for the groups directly below `/`.
            enforce_role: (id.parts().len() == 1).then_some(false),
            version,
        })
    }

    /// Removes a group with its members; `/` stays, empty.
    pub(super) fn remove_group(&mut self, id: &PathId) {
        self.apps.retain(|app, _| !app.is_below(id));
        self.groups
            .retain(|group, _| group.is_root() || !(group == id || group.is_below(id)));
    }

    /// The group with its members, or `None`.
    pub(crate) fn group_tree(&self, id: &PathId) -> Option<Group> {
        let group = self.groups.get(id)?;
        let apps = self
            .apps
            .values()
            .filter(|app| app.id.parent() == *id)
            .cloned()
            .collect();
        let inner = self
            .groups
            .keys()
            .filter(|group| !group.is_root() && group.parent() == *id);
        Some(Group {
            id: id.clone(),
            apps,
            pods: Vec::new(),
            groups: inner.filter_map(|group| self.group_tree(group)).collect(),
            dependencies: group.dependencies.clone(),
            version: Some(group.version),
            enforce_role: group.enforce_role,
        })
    }
}
