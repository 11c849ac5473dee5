//! Computes the steps from one desired state to another.
//!
//! Stops deleted apps first, each before its dependencies. Then starts all new apps without instances. Then
//! scales or restarts changed apps, each after its dependencies.

use std::collections::BTreeSet;

use moodvane_marathon_api::{Action, ActionName, App, CycleError, PathId, Step, dependency_layers};

use super::desired::DesiredState;

/// The steps; empty without changes.
pub(super) fn deployment_steps(
    from: &DesiredState,
    to: &DesiredState,
) -> Result<Vec<Step>, CycleError> {
    let starts = layers(to)?;
    let mut stops = layers(from)?;
    stops.reverse();
    let mut steps: Vec<Step> = stops
        .iter()
        .map(|layer| {
            step(layer, |id| {
                (!to.apps.contains_key(id)).then_some(ActionName::Stop)
            })
        })
        .collect();
    let all: Vec<PathId> = starts.iter().flatten().cloned().collect();
    steps.push(step(&all, |id| {
        (!from.apps.contains_key(id)).then_some(ActionName::Start)
    }));
    steps.extend(
        starts
            .iter()
            .map(|layer| step(layer, |id| action_for(from.apps.get(id), to.apps.get(id)?))),
    );
    steps.retain(|step| !step.actions.is_empty());
    Ok(steps)
}

/// The apps that the steps name.
pub(super) fn affected_apps(steps: &[Step]) -> BTreeSet<PathId> {
    steps
        .iter()
        .flat_map(|step| &step.actions)
        .map(|action| action.app.clone())
        .collect()
}

fn layers(desired: &DesiredState) -> Result<Vec<Vec<PathId>>, CycleError> {
    desired
        .group_tree(&PathId::root())
        .map_or(Ok(Vec::new()), |root| dependency_layers(&root))
}

fn action_for(from: Option<&App>, to: &App) -> Option<ActionName> {
    let Some(from) = from else {
        return Some(ActionName::Scale);
    };
    let changed = |app: &App| app.version_info.map(|info| info.last_config_change_at);
    let is_changed = changed(from) != changed(to);
    if is_changed && to.instances > 0 {
        return Some(ActionName::Restart);
    }
    (is_changed || from.instances != to.instances).then_some(ActionName::Scale)
}

fn step(layer: &[PathId], action: impl Fn(&PathId) -> Option<ActionName>) -> Step {
    let named_action = |id: &PathId| {
        action(id).map(|action| Action {
            action,
            app: id.clone(),
        })
    };
    Step {
        actions: layer.iter().filter_map(named_action).collect(),
    }
}
