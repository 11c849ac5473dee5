//! What `fleet local` does not do, and therefore refuses.

use moodvane_marathon_api::{
    App, BodyError, EngineType, EnvValue, IpProtocol, NetworkMode, Operator, Violation,
};

/// Options of `docker run` that the Docker runtime knows.
pub(crate) const PARAMETERS: [&str; 14] = [
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

/// Refuses an app that asks for what is not done here.
///
/// # Errors
/// [`BodyError::InvalidObject`] with everything of that kind.
pub(super) fn what_is_not_done(app: &App, containers: bool, place: &str) -> Result<(), BodyError> {
    let mut wrong = Vec::new();
    let mut refuse = |below: &str, what: &str| {
        wrong.push(Violation::new(
            format!("{place}/{below}"),
            format!("fleet local does not do this: {what}"),
        ));
    };
    if app.gpus > 0 {
        refuse("gpus", "GPUs");
    }
    let uses_secret = app
        .env
        .values()
        .any(|value| matches!(value, EnvValue::Secret { .. }));
    if !app.secrets.is_empty() || uses_secret {
        refuse(
            "secrets",
            "a secret store; give the value by the environment or a file",
        );
    }
    if !app.fetch.is_empty() {
        refuse(
            "fetch",
            "fetching artifacts; put them into the image, or mount them",
        );
    }
    if app.check.is_some() {
        refuse("check", "checks without a consequence; use healthChecks");
    }
    if app
        .health_checks
        .iter()
        .any(|check| check.ip_protocol == IpProtocol::Ipv6)
    {
        refuse("healthChecks", "checks over IPv6");
    }
    if app.resource_limits.is_some() {
        refuse(
            "resourceLimits",
            "limits above what is asked for; mem is the limit",
        );
    }
    if !matches!(app.executor.as_str(), "" | "//cmd") {
        refuse("executor", "executors of your own");
    }
    if app
        .networks
        .iter()
        .any(|network| network.mode == NetworkMode::Container)
    {
        refuse("networks", "named networks; use host or container/bridge");
    }
    for (index, constraint) in app.constraints.iter().enumerate() {
        let matches = matches!(constraint.operator, Operator::Like | Operator::Unlike);
        let is_list = |value: &str| {
            value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.|\\".contains(c))
        };
        if matches && !constraint.value.as_deref().is_some_and(is_list) {
            refuse(
                &format!("constraints({index})"),
                "patterns; name the agents, apart from each other by |",
            );
        }
    }
    container(app, containers, &mut refuse);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(BodyError::InvalidObject(wrong))
    }
}

fn container(app: &App, containers: bool, refuse: &mut impl FnMut(&str, &str)) {
    let Some(container) = &app.container else {
        if !app.uses_host_network() {
            refuse("networks", "a network of its own without a container");
        }
        if containers {
            return;
        }
        if app.user.is_some() {
            refuse("user", "another user for a plain process");
        }
        return;
    };
    match &container.docker {
        Some(_) if !containers => refuse(
            "container/docker",
            "images, without a Docker engine (--runtime docker)",
        ),
        None if container.engine == EngineType::Docker && containers => {
            refuse("container/docker", "a container without an image")
        }
        Some(_) | None => {}
    }
    if container.linux_info.is_some() {
        refuse("container/linuxInfo", "options of the Mesos containerizer");
    }
    if let Some(docker) = &container.docker {
        if docker.pull_config.is_some() {
            refuse(
                "container/docker/pullConfig",
                "a secret store; log the engine in instead",
            );
        }
        for parameter in &docker.parameters {
            if !PARAMETERS.contains(&parameter.key.as_str()) {
                refuse(
                    "container/docker/parameters",
                    &format!(
                        "the option {}; known are {}",
                        parameter.key,
                        PARAMETERS.join(", ")
                    ),
                );
            }
        }
    }
    for (index, volume) in container.volumes.iter().enumerate() {
        let is_kept = |path: &String| {
            container
                .volumes
                .iter()
                .any(|other| other.persistent.is_some() && other.container_path == *path)
        };
        if let Some(path) = &volume.host_path {
            if !containers {
                refuse(
                    &format!("container/volumes({index})"),
                    "a folder of the host for a plain process; it sees them all",
                );
            } else if !path.starts_with('/') && !is_kept(path) {
                refuse(
                    &format!("container/volumes({index})"),
                    "a relative hostPath that is no persistent volume's containerPath",
                );
            }
        }
        if volume.external.is_some() || volume.secret.is_some() {
            refuse(
                &format!("container/volumes({index})"),
                "external volumes and secrets",
            );
        }
    }
}
