//! Normalization after parsing: defaults that depend on other fields, and legacy fields.
//!
//! Bounds of single numbers are checked here too, because Marathon reports them as shape errors.

use serde_json::{Value, json};

use crate::app::App;
use crate::app_parts::Artifact;
use crate::container::{Container, Network, PortDefinition, PortMapping};
use crate::enums::{HealthProtocol, NetworkMode, PortProtocol};
use crate::error::Violation;
use crate::group::GroupUpdate;

/// Endings of the archives that Mesos extracts.
const ARCHIVES: [&str; 7] = [
    ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip",
];

/// Inserts the strategies that Marathon chooses for an app with a persistent volume that has none,
/// in an app or in all apps of a group.
pub(crate) fn default_strategies(value: &mut Value) {
    for members in ["apps", "groups"] {
        let members = value.get_mut(members).and_then(Value::as_array_mut);
        members.into_iter().flatten().for_each(default_strategies);
    }
    let volumes = value
        .pointer("/container/volumes")
        .and_then(Value::as_array);
    let mut volumes = volumes.into_iter().flatten();
    if !volumes.any(|volume| volume.get("persistent").is_some_and(Value::is_object)) {
        return;
    }
    let defaults = [
        (
            "upgradeStrategy",
            json!({ "minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.0 }),
        ),
        ("unreachableStrategy", json!("disabled")),
    ];
    for (key, default) in defaults {
        if let Some(app) = value.as_object_mut()
            && app.get(key).is_none_or(Value::is_null)
        {
            app.insert(key.to_owned(), default);
        }
    }
}

pub(crate) fn normalize_group(
    group: &mut GroupUpdate,
    path: &str,
    violations: &mut Vec<Violation>,
) {
    if group
        .scale_by
        .is_some_and(|factor| factor.is_nan() || factor < 0.0)
    {
        violations.push(Violation::new(format!("{path}/scaleBy"), "error.min"));
    }
    for (index, member) in group.apps.iter_mut().flatten().enumerate() {
        normalize_app(member, &format!("{path}/apps({index})"), violations);
    }
    for (index, member) in group.groups.iter_mut().flatten().enumerate() {
        normalize_group(member, &format!("{path}/groups({index})"), violations);
    }
}

pub(crate) fn normalize_app(app: &mut App, path: &str, violations: &mut Vec<Violation>) {
    check_bounds(app, path, violations);
    if app.fetch.is_empty() {
        app.fetch = app.uris.drain(..).map(artifact).collect();
    }
    default_networks(app);
    default_ports(app);
    for check in &mut app.health_checks {
        let by_port = check.protocol != HealthProtocol::Command;
        if by_port && check.port.is_none() && check.port_index.is_none() {
            check.port_index = Some(0);
        }
    }
}

fn check_bounds(app: &App, path: &str, violations: &mut Vec<Violation>) {
    let least = [
        ("cpus", app.cpus, 0.001),
        ("mem", app.mem, 0.0),
        ("disk", app.disk, 0.0),
        ("backoffFactor", app.backoff_factor, 1.0),
    ];
    for (name, value, bound) in least {
        if value.is_nan() || value < bound {
            violations.push(Violation::new(format!("{path}/{name}"), "error.min"));
        }
    }
    let strategy = app.upgrade_strategy;
    let shares = [
        ("maximumOverCapacity", strategy.maximum_over_capacity),
        ("minimumHealthCapacity", strategy.minimum_health_capacity),
    ];
    for (name, share) in shares {
        if !(0.0..=1.0).contains(&share) {
            let error = if share > 1.0 {
                "error.max"
            } else {
                "error.min"
            };
            violations.push(Violation::new(
                format!("{path}/upgradeStrategy/{name}"),
                error,
            ));
        }
    }
    if app.cmd.as_deref() == Some("") {
        violations.push(Violation::new(format!("{path}/cmd"), "error.minLength"));
    }
    for (index, check) in app.readiness_checks.iter().enumerate() {
        if check.timeout_seconds == 0 {
            violations.push(Violation::new(
                format!("{path}/readinessChecks({index})/timeoutSeconds"),
                "error.min",
            ));
        }
    }
}

fn artifact(uri: String) -> Artifact {
    Artifact {
        extract: ARCHIVES.iter().any(|ending| uri.ends_with(ending)),
        uri,
        executable: false,
        cache: false,
        dest_path: None,
    }
}

fn default_networks(app: &mut App) {
    let legacy = app
        .container
        .as_mut()
        .and_then(|container| container.docker.as_mut()?.network.take());
    if !app.networks.is_empty() {
        return;
    }
    let mode = match legacy.as_deref() {
        Some(word) if word.eq_ignore_ascii_case("BRIDGE") => NetworkMode::Bridge,
        Some(word) if word.eq_ignore_ascii_case("USER") => NetworkMode::Container,
        _ => NetworkMode::Host,
    };
    app.networks = vec![Network::new(mode)];
}

fn default_ports(app: &mut App) {
    let legacy = app.ports.take();
    let in_host_network = app.uses_host_network();
    if let Some(container) = app.container.as_mut() {
        default_mappings(container, in_host_network);
    }
    if let (Some(ports), Some(definitions)) = (&legacy, &app.port_definitions) {
        let defined = definitions.iter().map(|definition| definition.port);
        if !defined.eq(ports.iter().copied()) {
            // `validate_app` rejects the contradiction.
            app.ports = legacy;
            return;
        }
    }
    if !in_host_network {
        app.port_definitions = None;
        return;
    }
    if app.port_definitions.is_none() {
        let named = |port| PortDefinition {
            port,
            labels: Default::default(),
            name: None,
            protocol: PortProtocol::Tcp,
        };
        let default = || {
            vec![PortDefinition {
                name: Some("default".to_owned()),
                ..named(0)
            }]
        };
        app.port_definitions =
            Some(legacy.map_or_else(default, |ports| ports.into_iter().map(named).collect()));
    }
}

fn default_mappings(container: &mut Container, in_host_network: bool) {
    let legacy = container
        .docker
        .as_mut()
        .and_then(|docker| docker.port_mappings.take());
    if container.port_mappings.is_none() {
        container.port_mappings = legacy;
    }
    if container.port_mappings.is_none() && !in_host_network {
        container.port_mappings = Some(vec![PortMapping {
            container_port: 0,
            host_port: Some(0),
            labels: Default::default(),
            name: Some("default".to_owned()),
            protocol: PortProtocol::Tcp,
            service_port: 0,
            network_names: Vec::new(),
        }]);
    }
}
