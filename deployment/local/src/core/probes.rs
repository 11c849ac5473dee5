//! Requests of health and readiness checks.

use moodvane_marathon_api::{App, HealthCheck, HealthProtocol, ReadinessCheck, Scheme};

/// The request of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// An HTTP request; the certificate is not verified.
    Http {
        tls: bool,
        host: String,
        port: u16,
        path: String,
    },
    /// A TCP connection.
    Tcp { host: String, port: u16 },
    /// A command in the environment of the task.
    Command { line: String },
    /// A check that cannot run.
    Invalid { reason: String },
}

pub(super) fn health_probe(check: &HealthCheck, app: &App, host: &str, ports: &[u16]) -> Probe {
    use HealthProtocol as P;
    if check.protocol == P::Command {
        let line = check
            .command
            .as_ref()
            .map(|command| command.value.clone())
            .unwrap_or_default();
        return Probe::Command { line };
    }
    // A fixed port names the port inside the container; the request goes to its host port.
    let outside = |port: u16| {
        let index = app
            .port_mappings()
            .iter()
            .position(|mapping| mapping.container_port == port);
        index
            .and_then(|index| ports.get(index).copied())
            .unwrap_or(port)
    };
    let fixed = check.port.filter(|port| *port != 0).map(outside);
    let Some(port) = fixed.or_else(|| ports.get(check.port_index.unwrap_or_default()).copied())
    else {
        return Probe::Invalid {
            reason: "the task has no such port".to_owned(),
        };
    };
    let host = host.to_owned();
    let tls = matches!(check.protocol, P::Https | P::MesosHttps);
    match check.protocol {
        P::Tcp | P::MesosTcp => Probe::Tcp { host, port },
        _ => Probe::Http {
            tls,
            host,
            port,
            path: check.path.clone().unwrap_or_else(|| "/".to_owned()),
        },
    }
}

pub(super) fn readiness_probe(
    check: &ReadinessCheck,
    app: &App,
    host: &str,
    ports: &[u16],
) -> Probe {
    let index = app
        .port_names()
        .iter()
        .position(|name| *name == Some(check.port_name.as_str()));
    match index.and_then(|index| ports.get(index)) {
        Some(port) => {
            let tls = check.protocol == Scheme::Https;
            Probe::Http {
                tls,
                host: host.to_owned(),
                port: *port,
                path: check.path.clone(),
            }
        }
        None => Probe::Invalid {
            reason: format!("the task has no port {}", check.port_name),
        },
    }
}
