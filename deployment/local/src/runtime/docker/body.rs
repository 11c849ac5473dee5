//! Maps a launch to the engine's description of a container.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, Mount, MountType, MountVolumeOptions, PortBinding,
};
use moodvane_marathon_api::{PortProtocol, ReadMode};

use super::engine::Engine;
use super::{NAME_LABEL, TASK_LABEL, TaskLabel};
use crate::core::Launch;
use crate::runtime::{RuntimeError, parameters};

/// The task's folder in a container, as in Mesos.
const SANDBOX: &str = "/mnt/mesos/sandbox";

impl Engine {
    pub(super) fn container_body(
        &self,
        launch: &Launch,
    ) -> Result<ContainerCreateBody, RuntimeError> {
        let app = &launch.app;
        let label = TaskLabel {
            task: launch.task.clone(),
            instance: launch.instance.clone(),
            attempt: launch.attempt,
            slot: launch.slot,
            app: app.as_ref().clone(),
            host: launch.host.clone(),
            ports: launch.ports.clone(),
            groups: launch.groups.clone(),
        };
        let task_label = serde_json::to_string(&label)
            .map_err(|error| RuntimeError::Parameter(error.to_string()))?;
        let labels = HashMap::from([
            (NAME_LABEL.to_owned(), self.name.clone()),
            (TASK_LABEL.to_owned(), task_label),
        ]);
        let mut env: Vec<String> = launch
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        env.push(format!("MESOS_SANDBOX={SANDBOX}"));
        let mut body = ContainerCreateBody {
            image: app
                .container
                .as_ref()
                .and_then(|container| Some(container.docker.as_ref()?.image.clone())),
            env: Some(env),
            labels: Some(labels),
            user: app.user.clone(),
            tty: app.tty,
            ..Default::default()
        };
        // As in Mesos: `cmd` replaces the entry point by a shell; `args` are arguments of the entry point.
        match &app.cmd {
            Some(line) => {
                body.entrypoint = Some(vec!["/bin/sh".to_owned()]);
                body.cmd = Some(vec!["-c".to_owned(), line.clone()]);
            }
            None if !app.args.is_empty() => body.cmd = Some(app.args.clone()),
            None => {}
        }
        let mut host = self.host_config(launch, &mut body);
        for docker in app
            .container
            .iter()
            .filter_map(|container| container.docker.as_ref())
        {
            parameters::apply(&docker.parameters, &mut body, &mut host)?;
        }
        body.host_config = Some(host);
        Ok(body)
    }

    // CPUs and megabytes are small numbers; a cast of a float saturates.
    #[allow(clippy::cast_possible_truncation)]
    fn host_config(&self, launch: &Launch, body: &mut ContainerCreateBody) -> HostConfig {
        let app = &launch.app;
        let in_host_network = app.uses_host_network();
        let mut host = HostConfig {
            cpu_shares: Some(((app.cpus * 1024.0) as i64).max(2)),
            memory: Some((app.mem * f64::from(1 << 20)) as i64).filter(|bytes| *bytes > 0),
            network_mode: Some(if in_host_network { "host" } else { "bridge" }.to_owned()),
            mounts: Some(self.mounts(launch)),
            ..Default::default()
        };
        host.privileged = app
            .container
            .as_ref()
            .and_then(|container| Some(container.docker.as_ref()?.privileged));
        if in_host_network {
            return host;
        }
        let mut bindings = HashMap::new();
        for (mapping, port) in app.port_mappings().iter().zip(&launch.ports) {
            let inside = if mapping.container_port == 0 {
                *port
            } else {
                mapping.container_port
            };
            let protocols: &[&str] = match mapping.protocol {
                PortProtocol::Tcp => &["tcp"],
                PortProtocol::Udp => &["udp"],
                PortProtocol::Both => &["tcp", "udp"],
            };
            for protocol in protocols {
                let name = format!("{inside}/{protocol}");
                body.exposed_ports
                    .get_or_insert_default()
                    .push(name.clone());
                let binding = PortBinding {
                    host_ip: Some(launch.host.clone()),
                    host_port: Some(port.to_string()),
                };
                bindings.insert(name, Some(vec![binding]));
            }
        }
        host.port_bindings = Some(bindings);
        host
    }

    fn mounts(&self, launch: &Launch) -> Vec<Mount> {
        let labels = HashMap::from([(NAME_LABEL.to_owned(), self.name.clone())]);
        let persistent = launch.mounts.iter().map(|mount| Mount {
            typ: Some(MountType::VOLUME),
            source: Some(self.volume_name(&mount.name)),
            target: Some(inside(&mount.path)),
            read_only: Some(mount.read_only),
            volume_options: Some(MountVolumeOptions {
                labels: Some(labels.clone()),
                ..Default::default()
            }),
            ..Default::default()
        });
        let volumes = launch
            .app
            .container
            .iter()
            .flat_map(|container| &container.volumes);
        let host_volumes = volumes.filter_map(|volume| {
            Some(Mount {
                typ: Some(MountType::BIND),
                source: Some(
                    volume
                        .host_path
                        .clone()
                        .filter(|path| path.starts_with('/'))?,
                ),
                target: Some(inside(&volume.container_path)),
                read_only: Some(volume.mode == Some(ReadMode::ReadOnly)),
                ..Default::default()
            })
        });
        persistent.chain(host_volumes).collect()
    }
}

/// Resolves a relative path in the task's folder.
fn inside(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{SANDBOX}/{path}")
    }
}
