//! Dependencies between apps.

use moodvane_marathon_api::{Group, PathId, dependency_layers};

use super::Subject;

/// Every dependency is an app or group of the group.
pub(super) fn dependencies_exist(subject: &Subject<'_>) -> Vec<String> {
    let group = subject.app.id.parent();
    let exists = |id: &PathId| {
        let id = id.resolve(&group);
        let mut apps = subject.all.iter();
        apps.any(|app| app.id == id || app.id.is_below(&id))
    };
    let missing = subject.app.dependencies.iter().filter(|id| !exists(id));
    missing
        .map(|id| format!("depends on {id}, which does not exist: Marathon would ignore it"))
        .collect()
}

/// No app depends on itself, directly or through others.
pub(super) fn has_no_cycle(subject: &Subject<'_>) -> Vec<String> {
    let mut root = Group::empty(subject.app.id.parent());
    root.apps = subject.all.to_vec();
    match dependency_layers(&root) {
        Err(cycle) if cycle.apps.contains(&subject.app.id) => {
            let apps: Vec<String> = cycle.apps.iter().map(ToString::to_string).collect();
            vec![format!(
                "cyclic dependencies, so none would start: {}",
                apps.join(", ")
            )]
        }
        _ => Vec::new(),
    }
}
