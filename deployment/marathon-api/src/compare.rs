//! Comparison of definitions as Marathon compares them.
//!
//! Terms: a *set field* is a list that Marathon stores as a set, such as `dependencies`. It returns
//! such a field in any order and without duplicates.
//!
//! Guarantee: two definitions that Marathon treats as one are equal, whatever the order of their
//! set fields and whichever defaults Marathon filled in.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::app_parts::UnreachableStrategy;
use crate::container::{PersistentVolume, PortDefinition, PortMapping};
use crate::parse::to_json;
use crate::path_id::PathId;

/// The disk type of a persistent volume without a profile.
const ROOT_DISK: &str = "root";
/// The disk type of a persistent volume with a profile.
const PROFILE_DISK: &str = "mount";

impl App {
    /// Returns the definition with its set fields sorted and without duplicates.
    #[must_use]
    pub fn with_sorted_sets(&self) -> Self {
        let mut app = self.clone();
        for_each_set(&mut app, &mut Sort);
        app
    }

    /// Returns the definition as Marathon may return it: each set field has another order, where it
    /// has two or more distinct elements.
    #[must_use]
    pub fn with_reordered_sets(&self) -> Self {
        let mut app = self.clone();
        for_each_set(&mut app, &mut Reorder);
        app
    }

    /// Whether both apps are equal except for scale and version, so that running tasks can stay.
    #[must_use]
    pub fn has_same_run_spec(&self, other: &Self) -> bool {
        let bare = |app: &Self| Self {
            instances: 0,
            version: None,
            version_info: None,
            residency: None,
            ..app.with_sorted_sets()
        };
        bare(self) == bare(other)
    }

    /// Returns the paths of the fields in which the deployed app differs from this requested one,
    /// such as `container/docker/image`.
    ///
    /// Fields that Marathon sets are not compared: versions, service ports requested as 0, and an
    /// unset role, for which Marathon uses `default_role` or the name of the app's top-level group.
    #[must_use]
    pub fn differences(&self, deployed: &Self, default_role: Option<&str>) -> Vec<String> {
        let mut requested = normal_form(self);
        adopt_assigned_ports(&mut requested, deployed);
        adopt_default_role(&mut requested, deployed, default_role);
        let mut paths = Vec::new();
        let deployed = normal_form(deployed);
        collect_differences(&to_json(&requested), &to_json(&deployed), "", &mut paths);
        paths
    }
}

/// Whether two lists of ids are equal as sets.
#[must_use]
pub fn is_same_set(left: &[PathId], right: &[PathId]) -> bool {
    left.iter().collect::<BTreeSet<_>>() == right.iter().collect::<BTreeSet<_>>()
}

/// A change of the order of set fields.
trait SetOrder {
    fn apply<T: Serialize>(&mut self, set: &mut Vec<T>);
}

struct Sort;
struct Reorder;

impl SetOrder for Sort {
    fn apply<T: Serialize>(&mut self, set: &mut Vec<T>) {
        set.sort_by_cached_key(text);
        set.dedup_by_key(|item| text(item));
    }
}

impl SetOrder for Reorder {
    fn apply<T: Serialize>(&mut self, set: &mut Vec<T>) {
        let given: Vec<String> = set.iter().map(text).collect();
        Sort.apply(set);
        if set.iter().map(text).eq(given) {
            set.reverse();
        }
    }
}

fn text<T: Serialize>(item: &T) -> String {
    to_json(item).to_string()
}

/// Applies an order to every set field. Marathon's `AppDefinition` declares these fields as `Set`.
fn for_each_set(app: &mut App, order: &mut impl SetOrder) {
    order.apply(&mut app.constraints);
    order.apply(&mut app.dependencies);
    order.apply(&mut app.health_checks);
    if let Some(roles) = app.accepted_resource_roles.as_mut() {
        order.apply(roles);
    }
    for check in &mut app.readiness_checks {
        order.apply(&mut check.http_status_codes_for_ready);
    }
    for volume in persistent_volumes(app) {
        order.apply(&mut volume.constraints);
    }
}

fn persistent_volumes(app: &mut App) -> impl Iterator<Item = &mut PersistentVolume> {
    let volumes = app
        .container
        .iter_mut()
        .flat_map(|container| &mut container.volumes);
    volumes.filter_map(|volume| volume.persistent.as_mut())
}

/// The form in which equal definitions are equal: sorted sets, explicit defaults, no server-side
/// fields.
fn normal_form(app: &App) -> App {
    let mut app = app.clone();
    app.version = None;
    app.version_info = None;
    // Marathon derives it from the volumes.
    app.residency = None;
    let group = app.id.parent();
    for id in &mut app.dependencies {
        *id = id.resolve(&group);
    }
    if let UnreachableStrategy::Disabled(word) = &mut app.unreachable_strategy {
        word.make_ascii_lowercase();
    }
    app.accepted_resource_roles
        .take_if(|roles| roles.is_empty());
    if let Some(container) = app.container.as_mut() {
        container.port_mappings.take_if(|ports| ports.is_empty());
    }
    for volume in persistent_volumes(&mut app) {
        let default = match volume.profile_name {
            Some(_) => PROFILE_DISK,
            None => ROOT_DISK,
        };
        volume.kind.get_or_insert_with(|| default.to_owned());
    }
    app.with_sorted_sets()
}

/// Replaces service ports requested as 0 by the ports that Marathon assigned.
fn adopt_assigned_ports(requested: &mut App, deployed: &App) {
    let assigned = deployed.port_definitions.iter().flatten();
    let definitions = requested.port_definitions.iter_mut().flatten();
    for (definition, PortDefinition { port, .. }) in definitions.zip(assigned) {
        if definition.port == 0 {
            definition.port = *port;
        }
    }
    let assigned = deployed.port_mappings();
    let container = requested.container.iter_mut();
    let mappings = container.flat_map(|container| container.port_mappings.iter_mut().flatten());
    for (mapping, PortMapping { service_port, .. }) in mappings.zip(assigned) {
        if mapping.service_port == 0 {
            mapping.service_port = *service_port;
        }
    }
}

fn adopt_default_role(requested: &mut App, deployed: &App, default_role: Option<&str>) {
    if requested.role.is_some() {
        return;
    }
    let deployed_role = deployed.role.as_deref();
    let group = requested.id.parts().first().cloned();
    let is_default = default_role.is_none()
        || deployed_role == default_role
        || deployed_role == group.as_deref();
    requested.role = match is_default {
        true => deployed.role.clone(),
        false => default_role.map(str::to_owned),
    };
}

fn collect_differences(requested: &Value, deployed: &Value, path: &str, paths: &mut Vec<String>) {
    if requested == deployed {
        return;
    }
    let (Value::Object(requested), Value::Object(deployed)) = (requested, deployed) else {
        paths.push(path.to_owned());
        return;
    };
    let keys: BTreeSet<&String> = requested.keys().chain(deployed.keys()).collect();
    for key in keys {
        let path = match path {
            "" => key.clone(),
            path => format!("{path}/{key}"),
        };
        match (requested.get(key), deployed.get(key)) {
            (Some(requested), Some(deployed)) => {
                collect_differences(requested, deployed, &path, paths);
            }
            _ => paths.push(path),
        }
    }
}
