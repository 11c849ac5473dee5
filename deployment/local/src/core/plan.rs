//! The steps from one desired state to another.
//!
//! What is gone stops, each before what it depends on. What is new is made known, all at once. Then
//! everything changed is scaled or restarted, each after what it depends on.

use std::collections::BTreeSet;

use moodvane_marathon_api::{Action, ActionName, App, CycleError, PathId, Step, dependency_layers};

use super::desired::Desired;

/// The steps; none where nothing changes.
pub(super) fn steps(from: &Desired, to: &Desired) -> Result<Vec<Step>, CycleError> {
    let starts = layers_of(to)?;
    let mut stops = layers_of(from)?;
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
            .map(|layer| step(layer, |id| change(from.apps.get(id), to.apps.get(id)?))),
    );
    steps.retain(|step| !step.actions.is_empty());
    Ok(steps)
}

/// The apps that the steps name.
pub(super) fn affected(steps: &[Step]) -> BTreeSet<PathId> {
    steps
        .iter()
        .flat_map(|step| &step.actions)
        .map(|action| action.app.clone())
        .collect()
}

fn layers_of(desired: &Desired) -> Result<Vec<Vec<PathId>>, CycleError> {
    desired
        .tree(&PathId::root())
        .map_or(Ok(Vec::new()), |root| dependency_layers(&root))
}

fn change(from: Option<&App>, to: &App) -> Option<ActionName> {
    let Some(from) = from else {
        return Some(ActionName::Scale);
    };
    let changed = |app: &App| app.version_info.map(|info| info.last_config_change_at);
    if changed(from) != changed(to) {
        return Some(ActionName::Restart);
    }
    (from.instances != to.instances).then_some(ActionName::Scale)
}

fn step(layer: &[PathId], action: impl Fn(&PathId) -> Option<ActionName>) -> Step {
    let one = |id: &PathId| {
        action(id).map(|action| Action {
            action,
            app: id.clone(),
        })
    };
    Step {
        actions: layer.iter().filter_map(one).collect(),
    }
}
