//! The start order that dependencies define.

use std::collections::{BTreeMap, BTreeSet};

use crate::group::Group;
use crate::path_id::PathId;

/// A cycle of dependencies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Dependency graph has cyclic dependencies.")]
pub struct CycleError {
    /// The apps in or behind the cycle.
    pub apps: Vec<PathId>,
}

/// Returns all apps below `root` in layers; each layer depends only on earlier ones. A dependency on a
/// group means all its apps, and a group's dependencies apply to all its apps. Unknown ids are ignored.
///
/// # Errors
/// [`CycleError`] if the dependencies have a cycle.
pub fn dependency_layers(root: &Group) -> Result<Vec<Vec<PathId>>, CycleError> {
    let names: Vec<PathId> = root
        .all_apps()
        .into_iter()
        .map(|app| app.id.clone())
        .collect();
    let mut needs = BTreeMap::new();
    collect_dependencies(root, &BTreeSet::new(), &names, &mut needs);
    let mut done: BTreeSet<PathId> = BTreeSet::new();
    let mut layers = Vec::new();
    while !needs.is_empty() {
        let is_free = |id: &&PathId| needs.get(*id).is_some_and(|needed| needed.is_subset(&done));
        let layer: Vec<PathId> = names.iter().filter(is_free).cloned().collect();
        if layer.is_empty() {
            return Err(CycleError {
                apps: needs.into_keys().collect(),
            });
        }
        for id in &layer {
            needs.remove(id);
        }
        done.extend(layer.iter().cloned());
        layers.push(layer);
    }
    Ok(layers)
}

fn collect_dependencies(
    group: &Group,
    from_above: &BTreeSet<PathId>,
    names: &[PathId],
    needs: &mut BTreeMap<PathId, BTreeSet<PathId>>,
) {
    let apps_of = |id: &PathId| {
        names
            .iter()
            .filter(|name| *name == id || name.is_below(id))
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut inherited = from_above.clone();
    inherited.extend(
        group
            .dependencies
            .iter()
            .map(|id| id.resolve(&group.id))
            .flat_map(|id| apps_of(&id)),
    );
    for app in &group.apps {
        let own = app
            .dependencies
            .iter()
            .map(|id| id.resolve(&group.id))
            .flat_map(|id| apps_of(&id));
        needs.insert(
            app.id.clone(),
            inherited.iter().cloned().chain(own).collect(),
        );
    }
    for inner in &group.groups {
        collect_dependencies(inner, &inherited, names, needs);
    }
}
