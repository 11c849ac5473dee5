//! Marathon's validation rules across fields.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app_parts::{Constraint, EnvValue, UnreachableStrategy};
use crate::check::HealthCheck;
use crate::enums::{HealthProtocol, NetworkMode, Operator};
use crate::error::{BodyError, Violation};
use crate::group::GroupUpdate;
use crate::path_id::PathId;

const NOTHING_TO_RUN: &str =
    "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";

/// Checks whether Marathon accepts `app`.
///
/// # Errors
/// [`BodyError::InvalidObject`] with all violations.
pub fn validate_app(app: &App) -> Result<(), BodyError> {
    let mut violations = Vec::new();
    app_rules(app, "", &mut violations);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(BodyError::InvalidObject(violations))
    }
}

/// Checks whether Marathon accepts `group` inside `base`. Dependencies are not checked here: that needs all apps.
///
/// # Errors
/// [`BodyError::InvalidObject`] with all violations.
pub fn validate_group(group: &GroupUpdate, base: &PathId) -> Result<(), BodyError> {
    let mut violations = Vec::new();
    group_rules(group, base, "", &mut violations);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(BodyError::InvalidObject(violations))
    }
}

fn group_rules(group: &GroupUpdate, base: &PathId, path: &str, violations: &mut Vec<Violation>) {
    let id = group
        .id
        .as_ref()
        .map_or_else(|| base.clone(), |id| id.resolve(base));
    let has_members =
        group.apps.is_some() || group.groups.is_some() || group.dependencies.is_some();
    for (name, given) in [
        ("scaleBy", group.scale_by.is_some()),
        ("version", group.version.is_some()),
    ] {
        if given && has_members {
            violations.push(Violation::new(
                format!("{path}/{name}"),
                "not allowed in conjunction with other properties.",
            ));
        }
    }
    let mut names = BTreeSet::new();
    let mut member = |member: PathId, path: &str, violations: &mut Vec<Violation>| {
        if member.parent() != id {
            violations.push(Violation::new(
                format!("{path}/id"),
                format!("Identifier is not child of '{id}'"),
            ));
        }
        if !names.insert(member.clone()) {
            violations.push(Violation::new(
                format!("{path}/id"),
                format!("'{member}' is named twice"),
            ));
        }
    };
    for (index, app) in group.apps.iter().flatten().enumerate() {
        let path = format!("{path}/apps({index})");
        member(app.id.resolve(&id), &path, violations);
        app_rules(app, &path, violations);
    }
    for (index, inner) in group.groups.iter().flatten().enumerate() {
        let path = format!("{path}/groups({index})");
        match &inner.id {
            Some(inner_id) => member(inner_id.resolve(&id), &path, violations),
            None => violations.push(Violation::new(format!("{path}/id"), "error.path.missing")),
        }
        group_rules(inner, &id, &path, violations);
    }
}

fn app_rules(app: &App, path: &str, violations: &mut Vec<Violation>) {
    let at = |below: &str| format!("{path}/{below}");
    let has_image = app
        .container
        .as_ref()
        .is_some_and(|container| container.docker.is_some());
    let has_both = app.cmd.is_some() && !app.args.is_empty();
    if has_both || (app.cmd.is_none() && app.args.is_empty() && !has_image) {
        violations.push(Violation::new(at(""), NOTHING_TO_RUN));
    }
    if app.id.parts().is_empty() {
        violations.push(Violation::new(
            at("id"),
            "Identifier must name an app, not '/'",
        ));
    }
    if !app.uris.is_empty() && !app.fetch.is_empty() {
        violations.push(Violation::new(
            at("uris"),
            "may not be set in conjunction with fetch",
        ));
    }
    if app.ip_address.is_some() {
        violations.push(Violation::new(at("ipAddress"), "is of old; use networks"));
    }
    if app.ports.is_some() {
        violations.push(Violation::new(
            at(""),
            "cannot specify both ports and port definitions",
        ));
    }
    network_rules(app, path, violations);
    port_rules(app, path, violations);
    check_rules(app, path, violations);
    env_rules(app, path, violations);
    for (index, constraint) in app.constraints.iter().enumerate() {
        if let Some(error) = constraint_error(constraint) {
            violations.push(Violation::new(at(&format!("constraints({index})")), error));
        }
    }
    unreachable_rules(app, path, violations);
    if app.dependencies.contains(&app.id) {
        violations.push(Violation::new(
            at("dependencies"),
            "Dependency graph has cyclic dependencies.",
        ));
    }
}

fn env_rules(app: &App, path: &str, violations: &mut Vec<Violation>) {
    let at = |below: &str| format!("{path}/{below}");
    for (name, value) in &app.env {
        match value {
            EnvValue::Secret { secret } if !app.secrets.contains_key(secret) => {
                violations.push(Violation::new(
                    at(&format!("env({name})/secret")),
                    "references an undefined secret",
                ));
            }
            _ if name.trim().is_empty() => {
                violations.push(Violation::new(at("env"), "must not be an empty string"))
            }
            EnvValue::Secret { .. } | EnvValue::Plain(_) => {}
        }
    }
}

fn unreachable_rules(app: &App, path: &str, violations: &mut Vec<Violation>) {
    match &app.unreachable_strategy {
        UnreachableStrategy::Enabled(_) if has_persistent_volume(app) => {
            let error = "unreachableStrategy must be disabled for resident tasks";
            violations.push(Violation::new(format!("{path}/"), error));
        }
        UnreachableStrategy::Enabled(times)
            if times.expunge_after_seconds < times.inactive_after_seconds =>
        {
            let error = "inactiveAfterSeconds must be less than or equal to expungeAfterSeconds";
            violations.push(Violation::new(format!("{path}/unreachableStrategy"), error));
        }
        UnreachableStrategy::Disabled(word) if !word.eq_ignore_ascii_case("disabled") => {
            violations.push(Violation::new(
                format!("{path}/unreachableStrategy"),
                "error.expected.jsobject",
            ));
        }
        UnreachableStrategy::Enabled(_) | UnreachableStrategy::Disabled(_) => {}
    }
}

fn has_persistent_volume(app: &App) -> bool {
    let mut volumes = app
        .container
        .iter()
        .flat_map(|container| &container.volumes);
    volumes.any(|volume| volume.persistent.is_some())
}

fn network_rules(app: &App, path: &str, violations: &mut Vec<Violation>) {
    for (index, network) in app.networks.iter().enumerate() {
        let at = format!("{path}/networks({index})");
        if network.mode == NetworkMode::Container && network.name.is_none() {
            violations.push(Violation::new(
                at,
                "Network name must be specified when container network is selected.",
            ));
        } else if network.mode != NetworkMode::Container && network.name.is_some() {
            violations.push(Violation::new(
                at,
                "Network name may only be specified for a container network.",
            ));
        }
    }
    let host = app
        .networks
        .iter()
        .filter(|network| network.mode == NetworkMode::Host)
        .count();
    if host > 0 && app.networks.len() > 1 {
        violations.push(Violation::new(
            format!("{path}/networks"),
            "Host networking stands alone.",
        ));
    }
    if host > 0 && !app.port_mappings().is_empty() {
        let at = format!("{path}/container/portMappings");
        violations.push(Violation::new(
            at,
            "not allowed in the host's network; use portDefinitions",
        ));
    }
}

fn port_rules(app: &App, path: &str, violations: &mut Vec<Violation>) {
    let field = if app.uses_host_network() {
        "portDefinitions"
    } else {
        "container/portMappings"
    };
    let names: Vec<&str> = app.port_names().into_iter().flatten().collect();
    if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
        violations.push(Violation::new(
            format!("{path}/{field}"),
            "Port names must be unique.",
        ));
    }
    let ports: Vec<u16> = app
        .service_ports()
        .into_iter()
        .filter(|port| *port != 0)
        .collect();
    if ports.iter().collect::<BTreeSet<_>>().len() != ports.len() {
        violations.push(Violation::new(
            format!("{path}/{field}"),
            "Ports must be unique.",
        ));
    }
}

fn check_rules(app: &App, path: &str, violations: &mut Vec<Violation>) {
    let names = app.port_names();
    for (index, check) in app.health_checks.iter().enumerate() {
        let at = format!("{path}/healthChecks({index})");
        let by_command = check.protocol == HealthProtocol::Command;
        if by_command != check.command.is_some() {
            violations.push(Violation::new(
                &at,
                "a command belongs to the protocol COMMAND, and to no other",
            ));
        }
        if check.port_index.is_some_and(|index| index >= names.len()) {
            let error = "Health check port indices must address an element of the ports array or container port mappings.";
            violations.push(Violation::new(&at, error));
        }
    }
    for (index, check) in app.readiness_checks.iter().enumerate() {
        let at = format!("{path}/readinessChecks({index})");
        if !names.contains(&Some(check.port_name.as_str())) {
            let error = format!(
                "No port definition reference for portName {}",
                check.port_name
            );
            violations.push(Violation::new(format!("{at}/portName"), error));
        }
        if check.timeout_seconds >= check.interval_seconds {
            violations.push(Violation::new(
                format!("{at}/timeoutSeconds"),
                "Timeout must be less than interval",
            ));
        }
    }
    let by_mesos = |check: &&HealthCheck| {
        use HealthProtocol::{MesosHttp, MesosHttps, MesosTcp};
        // Marathon counts no command, so that definitions of earlier versions stay valid.
        [MesosHttp, MesosHttps, MesosTcp].contains(&check.protocol)
    };
    if app.health_checks.iter().filter(by_mesos).count() > 1 {
        let error = "AppDefinition can contain at most one Mesos health check";
        violations.push(Violation::new(format!("{path}/"), error));
    }
    if app.readiness_checks.len() > 1 {
        let error = "more than one readiness check is not allowed";
        violations.push(Violation::new(format!("{path}/readinessChecks"), error));
    }
}

fn constraint_error(constraint: &Constraint) -> Option<String> {
    let value = constraint.value.as_deref();
    match (constraint.operator, value) {
        (Operator::Unique, Some(_)) => Some("Value specified but not used".to_owned()),
        (Operator::Like | Operator::Unlike | Operator::MaxPer | Operator::Is, None) => {
            Some(format!("{} needs a value", constraint.operator))
        }
        (Operator::MaxPer | Operator::GroupBy, Some(value)) if value.parse::<u32>().is_err() => {
            Some(format!("{} requires an integer value", constraint.operator))
        }
        _ => None,
    }
}
