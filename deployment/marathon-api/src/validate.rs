//! What a definition may say: Marathon's rules across fields.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app_parts::{Constraint, EnvValue, UnreachableStrategy};
use crate::group::GroupUpdate;
use crate::path_id::PathId;
use crate::refused::{Refused, Violation};
use crate::words::{HealthProtocol, NetworkMode, Operator};

const NOTHING_TO_RUN: &str =
    "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";

/// Whether Marathon would take `app`.
///
/// # Errors
/// [`Refused::NotValid`] with all that is wrong.
pub fn validate_app(app: &App) -> Result<(), Refused> {
    let mut wrong = Vec::new();
    app_rules(app, "", &mut wrong);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Refused::NotValid(wrong))
    }
}

/// Whether Marathon would take `group` inside `base`. Dependencies are judged where all apps are known.
///
/// # Errors
/// [`Refused::NotValid`] with all that is wrong.
pub fn validate_group(group: &GroupUpdate, base: &PathId) -> Result<(), Refused> {
    let mut wrong = Vec::new();
    group_rules(group, base, "", &mut wrong);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Refused::NotValid(wrong))
    }
}

fn group_rules(group: &GroupUpdate, base: &PathId, place: &str, wrong: &mut Vec<Violation>) {
    let id = group
        .id
        .as_ref()
        .map_or_else(|| base.clone(), |id| id.within(base));
    let has_members =
        group.apps.is_some() || group.groups.is_some() || group.dependencies.is_some();
    for (name, given) in [
        ("scaleBy", group.scale_by.is_some()),
        ("version", group.version.is_some()),
    ] {
        if given && has_members {
            wrong.push(Violation::new(
                format!("{place}/{name}"),
                "not allowed in conjunction with other properties.",
            ));
        }
    }
    let mut names = BTreeSet::new();
    let mut member = |member: PathId, place: &str, wrong: &mut Vec<Violation>| {
        if member.parent() != id {
            wrong.push(Violation::new(
                format!("{place}/id"),
                format!("Identifier is not child of '{id}'"),
            ));
        }
        if !names.insert(member.clone()) {
            wrong.push(Violation::new(
                format!("{place}/id"),
                format!("'{member}' is named twice"),
            ));
        }
    };
    for (index, app) in group.apps.iter().flatten().enumerate() {
        let place = format!("{place}/apps({index})");
        member(app.id.within(&id), &place, wrong);
        app_rules(app, &place, wrong);
    }
    for (index, inner) in group.groups.iter().flatten().enumerate() {
        let place = format!("{place}/groups({index})");
        match &inner.id {
            Some(inner_id) => member(inner_id.within(&id), &place, wrong),
            None => wrong.push(Violation::new(format!("{place}/id"), "error.path.missing")),
        }
        group_rules(inner, &id, &place, wrong);
    }
}

fn app_rules(app: &App, place: &str, wrong: &mut Vec<Violation>) {
    let at = |below: &str| format!("{place}/{below}");
    let has_image = app
        .container
        .as_ref()
        .is_some_and(|container| container.docker.is_some());
    let has_both = app.cmd.is_some() && !app.args.is_empty();
    if has_both || (app.cmd.is_none() && app.args.is_empty() && !has_image) {
        wrong.push(Violation::new(at(""), NOTHING_TO_RUN));
    }
    if app.id.parts().is_empty() {
        wrong.push(Violation::new(
            at("id"),
            "Identifier must name an app, not '/'",
        ));
    }
    if !app.uris.is_empty() && !app.fetch.is_empty() {
        wrong.push(Violation::new(
            at("uris"),
            "may not be set in conjunction with fetch",
        ));
    }
    if app.ip_address.is_some() {
        wrong.push(Violation::new(at("ipAddress"), "is of old; use networks"));
    }
    network_rules(app, place, wrong);
    port_rules(app, place, wrong);
    check_rules(app, place, wrong);
    for (name, value) in &app.env {
        match value {
            EnvValue::Secret { secret } if !app.secrets.contains_key(secret) => {
                wrong.push(Violation::new(
                    at(&format!("env({name})/secret")),
                    "references an undefined secret",
                ));
            }
            _ if name.trim().is_empty() => {
                wrong.push(Violation::new(at("env"), "must not be an empty string"))
            }
            EnvValue::Secret { .. } | EnvValue::Plain(_) => {}
        }
    }
    for (index, constraint) in app.constraints.iter().enumerate() {
        if let Some(error) = constraint_error(constraint) {
            wrong.push(Violation::new(at(&format!("constraints({index})")), error));
        }
    }
    match &app.unreachable_strategy {
        UnreachableStrategy::Enabled(times)
            if times.expunge_after_seconds < times.inactive_after_seconds =>
        {
            let error = "inactiveAfterSeconds must be less than or equal to expungeAfterSeconds";
            wrong.push(Violation::new(at("unreachableStrategy"), error));
        }
        UnreachableStrategy::Disabled(word) if !word.eq_ignore_ascii_case("disabled") => {
            wrong.push(Violation::new(
                at("unreachableStrategy"),
                "error.expected.jsobject",
            ));
        }
        UnreachableStrategy::Enabled(_) | UnreachableStrategy::Disabled(_) => {}
    }
    if app.dependencies.contains(&app.id) {
        wrong.push(Violation::new(
            at("dependencies"),
            "Dependency graph has cyclic dependencies.",
        ));
    }
}

fn network_rules(app: &App, place: &str, wrong: &mut Vec<Violation>) {
    for (index, network) in app.networks.iter().enumerate() {
        let at = format!("{place}/networks({index})");
        if network.mode == NetworkMode::Container && network.name.is_none() {
            wrong.push(Violation::new(
                at,
                "Network name must be specified when container network is selected.",
            ));
        } else if network.mode != NetworkMode::Container && network.name.is_some() {
            wrong.push(Violation::new(
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
        wrong.push(Violation::new(
            format!("{place}/networks"),
            "Host networking stands alone.",
        ));
    }
    if host > 0 && !app.port_mappings().is_empty() {
        let at = format!("{place}/container/portMappings");
        wrong.push(Violation::new(
            at,
            "not allowed in the host's network; use portDefinitions",
        ));
    }
}

fn port_rules(app: &App, place: &str, wrong: &mut Vec<Violation>) {
    let field = if app.in_host_network() {
        "portDefinitions"
    } else {
        "container/portMappings"
    };
    let names: Vec<&str> = app.port_names().into_iter().flatten().collect();
    if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
        wrong.push(Violation::new(
            format!("{place}/{field}"),
            "Port names must be unique.",
        ));
    }
    let ports: Vec<u16> = app
        .service_ports()
        .into_iter()
        .filter(|port| *port != 0)
        .collect();
    if ports.iter().collect::<BTreeSet<_>>().len() != ports.len() {
        wrong.push(Violation::new(
            format!("{place}/{field}"),
            "Ports must be unique.",
        ));
    }
}

fn check_rules(app: &App, place: &str, wrong: &mut Vec<Violation>) {
    let names = app.port_names();
    for (index, check) in app.health_checks.iter().enumerate() {
        let at = format!("{place}/healthChecks({index})");
        let by_command = check.protocol == HealthProtocol::Command;
        if by_command != check.command.is_some() {
            wrong.push(Violation::new(
                &at,
                "a command belongs to the protocol COMMAND, and to no other",
            ));
        }
        if check.port_index.is_some_and(|index| index >= names.len()) {
            let error = "Health check port indices must address an element of the ports array or container port mappings.";
            wrong.push(Violation::new(&at, error));
        }
    }
    for (index, check) in app.readiness_checks.iter().enumerate() {
        let at = format!("{place}/readinessChecks({index})");
        if !names.contains(&Some(check.port_name.as_str())) {
            let error = format!(
                "No port definition reference for portName {}",
                check.port_name
            );
            wrong.push(Violation::new(format!("{at}/portName"), error));
        }
        if check.timeout_seconds >= check.interval_seconds {
            wrong.push(Violation::new(
                format!("{at}/timeoutSeconds"),
                "Timeout must be less than interval",
            ));
        }
    }
    if app.readiness_checks.len() > 1 {
        let error = "more than one readiness check is not allowed";
        wrong.push(Violation::new(format!("{place}/readinessChecks"), error));
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
