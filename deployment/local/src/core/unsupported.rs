//! Rejects definitions with features that `fleet local` does not support.

use std::fmt::Display;

use moodvane_marathon_api::{
    App, BodyError, Container, Docker, EngineType, EnvValue, IpProtocol, NetworkMode, Operator,
    Violation, Volume,
};

/// Options of `docker run` that the Docker runtime supports.
pub(crate) const SUPPORTED_PARAMETERS: [&str; 14] = [
    "read-only",
    "tmpfs",
    "user",
    "ulimit",
    "cap-add",
    "cap-drop",
    "security-opt",
    "init",
    "stop-signal",
    "label",
    "shm-size",
    "hostname",
    "add-host",
    "volume",
];

/// Collects violations of an app at `path` in the request's body.
struct Violations<'a> {
    path: &'a str,
    found: Vec<Violation>,
}

impl Violations<'_> {
    fn add(&mut self, field: impl Display, feature: impl Display) {
        self.found.push(Violation::new(
            format!("{}/{field}", self.path),
            format!("fleet local does not support {feature}"),
        ));
    }
}

/// Rejects an app with unsupported features; `containers` says whether the runtime is Docker.
///
/// # Errors
/// Returns [`BodyError::InvalidObject`] with all unsupported fields.
pub(super) fn reject_unsupported(app: &App, containers: bool, path: &str) -> Result<(), BodyError> {
    let mut violations = Violations {
        path,
        found: Vec::new(),
    };
    check_features(app, &mut violations);
    check_constraints(app, &mut violations);
    match &app.container {
        Some(container) => check_container(container, containers, &mut violations),
        None => check_process(app, containers, &mut violations),
    }
    if violations.found.is_empty() {
        Ok(())
    } else {
        Err(BodyError::InvalidObject(violations.found))
    }
}

fn check_features(app: &App, violations: &mut Violations<'_>) {
    if app.gpus > 0 {
        violations.add("gpus", "GPUs");
    }
    let uses_secret = app
        .env
        .values()
        .any(|value| matches!(value, EnvValue::Secret { .. }));
    if !app.secrets.is_empty() || uses_secret {
        violations.add(
            "secrets",
            "secrets; pass the value in the environment or in a file",
        );
    }
    if !app.fetch.is_empty() {
        violations.add(
            "fetch",
            "fetching of artifacts; add them to the image or mount them",
        );
    }
    if app.check.is_some() {
        violations.add("check", "checks without a consequence; use healthChecks");
    }
    let mut health_checks = app.health_checks.iter();
    if health_checks.any(|check| check.ip_protocol == IpProtocol::Ipv6) {
        violations.add("healthChecks", "health checks over IPv6");
    }
    if app.resource_limits.is_some() {
        violations.add(
            "resourceLimits",
            "limits above the requested resources; mem is the limit",
        );
    }
    if !matches!(app.executor.as_str(), "" | "//cmd") {
        violations.add("executor", "custom executors");
    }
    let mut networks = app.networks.iter();
    if networks.any(|network| network.mode == NetworkMode::Container) {
        violations.add("networks", "named networks; use host or container/bridge");
    }
}

fn check_constraints(app: &App, violations: &mut Violations<'_>) {
    let is_list = |value: &str| {
        value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.|\\".contains(c))
    };
    for (index, constraint) in app.constraints.iter().enumerate() {
        let is_pattern = matches!(constraint.operator, Operator::Like | Operator::Unlike);
        if is_pattern && !constraint.value.as_deref().is_some_and(is_list) {
            violations.add(
                format_args!("constraints({index})"),
                "patterns; list the agents, separated by |",
            );
        }
    }
}

fn check_process(app: &App, containers: bool, violations: &mut Violations<'_>) {
    if !app.uses_host_network() {
        violations.add("networks", "a network of its own without a container");
    }
    if !containers && app.user.is_some() {
        violations.add("user", "another user for a plain process");
    }
}

fn check_container(container: &Container, containers: bool, violations: &mut Violations<'_>) {
    match &container.docker {
        Some(_) if !containers => violations.add(
            "container/docker",
            "images without a Docker engine; use --runtime docker",
        ),
        None if container.engine == EngineType::Docker && containers => {
            violations.add("container/docker", "a container without an image");
        }
        Some(_) | None => {}
    }
    if container.linux_info.is_some() {
        violations.add("container/linuxInfo", "options of the Mesos containerizer");
    }
    if let Some(docker) = &container.docker {
        check_docker(docker, violations);
    }
    for (index, volume) in container.volumes.iter().enumerate() {
        check_volume(volume, index, &container.volumes, containers, violations);
    }
}

fn check_docker(docker: &Docker, violations: &mut Violations<'_>) {
    if docker.pull_config.is_some() {
        violations.add(
            "container/docker/pullConfig",
            "secrets of registries; log the engine in instead",
        );
    }
    for parameter in &docker.parameters {
        if !SUPPORTED_PARAMETERS.contains(&parameter.key.as_str()) {
            violations.add(
                "container/docker/parameters",
                format_args!(
                    "the option {}; supported are {}",
                    parameter.key,
                    SUPPORTED_PARAMETERS.join(", ")
                ),
            );
        }
    }
}

fn check_volume(
    volume: &Volume,
    index: usize,
    all: &[Volume],
    containers: bool,
    violations: &mut Violations<'_>,
) {
    let field = format!("container/volumes({index})");
    let is_persistent = |path: &String| {
        all.iter()
            .any(|other| other.persistent.is_some() && other.container_path == *path)
    };
    if let Some(path) = &volume.host_path {
        if !containers {
            violations.add(
                &field,
                "a folder of the host for a plain process, which sees them all",
            );
        } else if !path.starts_with('/') && !is_persistent(path) {
            violations.add(
                &field,
                "a relative hostPath other than a persistent volume's containerPath",
            );
        }
    }
    if volume.external.is_some() || volume.secret.is_some() {
        violations.add(&field, "external volumes and secrets");
    }
}
