//! What is wanted: apps and groups, flat, by absolute name.

use std::collections::BTreeMap;

use moodvane_marathon_api::{App, Group, PathId, Timestamp};

/// A group's own facts; its members are found by their names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupFacts {
    pub(crate) dependencies: Vec<PathId>,
    pub(crate) enforce_role: Option<bool>,
    pub(crate) version: Timestamp,
}

/// One version of all that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Desired {
    pub(crate) apps: BTreeMap<PathId, App>,
    pub(crate) groups: BTreeMap<PathId, GroupFacts>,
    pub(crate) version: Timestamp,
}

impl Desired {
    pub(super) fn empty(now: Timestamp) -> Self {
        let root = GroupFacts {
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

    /// Makes sure that a group and all above it are there.
    pub(super) fn ensure_group(&mut self, id: &PathId, version: Timestamp) -> &mut GroupFacts {
        if !id.is_root() {
            self.ensure_group(&id.parent(), version);
        }
        self.groups.entry(id.clone()).or_insert_with(|| GroupFacts {
            dependencies: Vec::new(),
            // Marathon tells it of the groups directly below `/`.
            enforce_role: (id.parts().len() == 1).then_some(false),
            version,
        })
    }

    /// Removes a group with all in it; `/` stays, empty.
    pub(super) fn remove_group(&mut self, id: &PathId) {
        self.apps.retain(|app, _| !app.is_below(id));
        self.groups
            .retain(|group, _| group.is_root() || !(group == id || group.is_below(id)));
    }

    /// The group as a tree, or none where there is no such group.
    pub(crate) fn tree(&self, id: &PathId) -> Option<Group> {
        let facts = self.groups.get(id)?;
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
            groups: inner.filter_map(|group| self.tree(group)).collect(),
            dependencies: facts.dependencies.clone(),
            version: Some(facts.version),
            enforce_role: facts.enforce_role,
        })
    }
}
