//! Who needs whom.

use moodvane_marathon_api::{Group, PathId, dependency_layers};

use super::Subject;

/// Every dependency is an app of the group.
pub(super) fn known(subject: &Subject<'_>) -> Vec<String> {
    let group = subject.app.id.parent();
    let is_known = |id: &PathId| {
        let id = id.resolve(&group);
        subject
            .all
            .iter()
            .any(|app| app.id == id || app.id.is_below(&id))
    };
    let unknown = subject.app.dependencies.iter().filter(|id| !is_known(id));
    unknown
        .map(|id| format!("depends on {id}, which is not there: Marathon would start it at once"))
        .collect()
}

/// Nobody waits for itself.
pub(super) fn no_cycle(subject: &Subject<'_>) -> Vec<String> {
    let mut root = Group::empty(subject.app.id.parent());
    root.apps = subject.all.to_vec();
    match dependency_layers(&root) {
        Err(cycle) if cycle.apps.contains(&subject.app.id) => {
            let others: Vec<String> = cycle.apps.iter().map(ToString::to_string).collect();
            vec![format!(
                "waits for itself: {} depend on each other, and none would start",
                others.join(", ")
            )]
        }
        _ => Vec::new(),
    }
}
