//! No task can be given a port that another one listens on.
//!
//! Marathon assigns any of the ports that an agent offers. So a fixed port must not be among them,
//! and an app with a fixed port must not claim it from an agent's offer, for it would have to be
//! offered then.

use std::collections::BTreeSet;

use moodvane_marathon_api::App;

use super::cluster::bound_host;
use super::{Subject, plain_value};

/// The options of Cassandra's JVM that set a port.
const CASSANDRA_PORTS: [&str; 3] = [
    "-Dcassandra.native_transport_port=",
    "-Dcassandra.storage_port=",
    "-Dcassandra.jmx.local.port=",
];

/// Fixed ports are neither offered by agents nor used twice on a host.
pub(super) fn fixed_ports_are_apart(subject: &Subject<'_>) -> Vec<String> {
    let (app, offered) = (subject.app, subject.offered_ports);
    let mut problems = Vec::new();
    let others = || subject.all.iter().filter(|other| other.id != app.id);
    if let Some(required) = required_ports(app).first()
        && let Some(other) = others().find(|other| has_assigned_port(other))
    {
        problems.push(format!(
            "requires port {required} of its agent, but Marathon may assign it to {}: use no portDefinitions and a health check with `port`, on agents that do not offer it",
            other.id
        ));
    }
    let ports = listened_ports(app);
    let among_offered = ports.iter().filter(|port| offered.contains(**port));
    problems.extend(among_offered.map(|port| {
        format!(
            "listens on port {port}, which is among the ports that agents offer ({offered}): Marathon may assign it to another task"
        )
    }));
    let Some(host) = bound_host(app) else {
        return problems;
    };
    for other in others().filter(|other| bound_host(other) == Some(host)) {
        let shared = listened_ports(other);
        problems.extend(
            ports
                .intersection(&shared)
                .map(|port| format!("listens on port {port} of {host}, and so does {}", other.id)),
        );
    }
    problems
}

/// The fixed ports that an app claims from an agent's offer.
fn required_ports(app: &App) -> Vec<u16> {
    if !app.uses_host_network() {
        let mappings = app.port_mappings().iter();
        let fixed = mappings.filter_map(|mapping| mapping.host_port);
        return fixed.filter(|port| *port != 0).collect();
    }
    let definitions = app.port_definitions.iter().flatten();
    let fixed = definitions.map(|definition| definition.port);
    fixed
        .filter(|port| app.require_ports && *port != 0)
        .collect()
}

/// Whether Marathon assigns a port to the tasks.
fn has_assigned_port(app: &App) -> bool {
    app.port_names().len() > required_ports(app).len()
}

/// The fixed ports on which an app's tasks listen, as far as its definition shows them.
fn listened_ports(app: &App) -> BTreeSet<u16> {
    let checked = app.health_checks.iter().filter_map(|check| check.port);
    let mut ports: BTreeSet<u16> = checked.chain(required_ports(app)).collect();
    let listeners = plain_value(app, "KAFKA_LISTENERS").unwrap_or_default();
    let listeners = listeners
        .split(',')
        .filter_map(|one| one.rsplit(':').next());
    ports.extend(listeners.filter_map(|port| port.parse::<u16>().ok()));
    let options = plain_value(app, "JVM_EXTRA_OPTS").unwrap_or_default();
    for option in options.split_whitespace() {
        let value = CASSANDRA_PORTS
            .iter()
            .find_map(|name| option.strip_prefix(name));
        ports.extend(value.and_then(|port| port.parse::<u16>().ok()));
    }
    ports
}
