//! The order that dependencies give.

use std::collections::{BTreeMap, BTreeSet};

use crate::group::Group;
use crate::path_id::PathId;

/// Dependencies that lead back to where they began.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Dependency graph has cyclic dependencies.")]
pub struct Cycle {
    /// The apps in it.
    pub apps: Vec<PathId>,
}

/// All apps below `root` in layers: each depends on earlier layers alone. What depends on a group depends
/// on all its apps, and what a group depends on all its apps depend on. A name of nothing is passed over.
///
/// # Errors
/// [`Cycle`] where there is no such order.
pub fn layers(root: &Group) -> Result<Vec<Vec<PathId>>, Cycle> {
    let names: Vec<PathId> = root
        .all_apps()
        .into_iter()
        .map(|app| app.id.clone())
        .collect();
    let mut needs = BTreeMap::new();
    gather(root, &BTreeSet::new(), &names, &mut needs);
    let mut done: BTreeSet<PathId> = BTreeSet::new();
    let mut layers = Vec::new();
    while !needs.is_empty() {
        let is_free = |id: &&PathId| needs.get(*id).is_some_and(|needed| needed.is_subset(&done));
        let layer: Vec<PathId> = names.iter().filter(is_free).cloned().collect();
        if layer.is_empty() {
            return Err(Cycle {
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

fn gather(
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
            .map(|id| id.within(&group.id))
            .flat_map(|id| apps_of(&id)),
    );
    for app in &group.apps {
        let own = app
            .dependencies
            .iter()
            .map(|id| id.within(&group.id))
            .flat_map(|id| apps_of(&id));
        needs.insert(
            app.id.clone(),
            inherited.iter().cloned().chain(own).collect(),
        );
    }
    for inner in &group.groups {
        gather(inner, &inherited, names, needs);
    }
}
