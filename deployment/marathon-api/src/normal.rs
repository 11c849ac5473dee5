//! What is read, brought to one form: defaults that depend on other fields, and fields of old.
//!
//! Bounds of single numbers are checked here too: for Marathon they belong to the shape.

use crate::app::App;
use crate::app_parts::Artifact;
use crate::container::{Container, Network, PortDefinition, PortMapping};
use crate::group::GroupUpdate;
use crate::refused::Violation;
use crate::words::{HealthProtocol, NetworkMode, PortProtocol};

pub(crate) fn group(group: &mut GroupUpdate, place: &str, wrong: &mut Vec<Violation>) {
    if group
        .scale_by
        .is_some_and(|factor| factor.is_nan() || factor < 0.0)
    {
        wrong.push(Violation::new(format!("{place}/scaleBy"), "error.min"));
    }
    for (index, member) in group.apps.iter_mut().flatten().enumerate() {
        app(member, &format!("{place}/apps({index})"), wrong);
    }
    for (index, member) in group.groups.iter_mut().flatten().enumerate() {
        self::group(member, &format!("{place}/groups({index})"), wrong);
    }
}

pub(crate) fn app(app: &mut App, place: &str, wrong: &mut Vec<Violation>) {
    bounds(app, place, wrong);
    if app.fetch.is_empty() {
        app.fetch = app.uris.drain(..).map(artifact).collect();
    }
    networks(app);
    ports(app);
    for check in &mut app.health_checks {
        let by_port = check.protocol != HealthProtocol::Command;
        if by_port && check.port.is_none() && check.port_index.is_none() {
            check.port_index = Some(0);
        }
    }
}

fn bounds(app: &App, place: &str, wrong: &mut Vec<Violation>) {
    let least = [
        ("cpus", app.cpus, 0.001),
        ("mem", app.mem, 0.0),
        ("disk", app.disk, 0.0),
        ("backoffFactor", app.backoff_factor, 1.0),
    ];
    for (name, value, bound) in least {
        if value.is_nan() || value < bound {
            wrong.push(Violation::new(format!("{place}/{name}"), "error.min"));
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
            wrong.push(Violation::new(
                format!("{place}/upgradeStrategy/{name}"),
                error,
            ));
        }
    }
    if app.cmd.as_deref() == Some("") {
        wrong.push(Violation::new(format!("{place}/cmd"), "error.minLength"));
    }
    for (index, check) in app.readiness_checks.iter().enumerate() {
        if check.timeout_seconds == 0 {
            wrong.push(Violation::new(
                format!("{place}/readinessChecks({index})/timeoutSeconds"),
                "error.min",
            ));
        }
    }
}

fn artifact(uri: String) -> Artifact {
    Artifact {
        uri,
        extract: true,
        executable: false,
        cache: false,
        dest_path: None,
    }
}

fn networks(app: &mut App) {
    let of_old = app
        .container
        .as_mut()
        .and_then(|container| container.docker.as_mut()?.network.take());
    if !app.networks.is_empty() {
        return;
    }
    let mode = match of_old.as_deref() {
        Some(word) if word.eq_ignore_ascii_case("BRIDGE") => NetworkMode::Bridge,
        Some(word) if word.eq_ignore_ascii_case("USER") => NetworkMode::Container,
        _ => NetworkMode::Host,
    };
    app.networks = vec![Network::of(mode)];
}

fn ports(app: &mut App) {
    let of_old = app.ports.take();
    let in_host_network = app.in_host_network();
    if let Some(container) = app.container.as_mut() {
        mappings(container, in_host_network);
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
            Some(of_old.map_or_else(default, |ports| ports.into_iter().map(named).collect()));
    }
}

fn mappings(container: &mut Container, in_host_network: bool) {
    let of_old = container
        .docker
        .as_mut()
        .and_then(|docker| docker.port_mappings.take());
    if container.port_mappings.is_none() {
        container.port_mappings = of_old;
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
