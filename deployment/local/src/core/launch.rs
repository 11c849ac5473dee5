//! Launches: placement on an agent, ports, volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use moodvane_marathon_api::{App, Condition, PathId, ReadMode, Timestamp, Volume};

use super::agents::NoOfferMatchReason;
use super::desired::DesiredState;
use super::instance::{Instance, Placement, State};
use super::{Core, Effect, RequestError, environment};

/// Mesos' default range of task ports.
pub(super) const FIRST_PORT: u16 = 31_000;
const LAST_PORT: u16 = 32_000;
/// Marathon's default range of service ports.
const FIRST_SERVICE_PORT: u16 = 10_000;
const LAST_SERVICE_PORT: u16 = 20_000;

/// A task to launch.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// Its id.
    pub(crate) task: String,
    /// The id of its instance.
    pub(crate) instance: String,
    /// Its number within the instance.
    pub(crate) attempt: u32,
    /// The slot of its instance.
    pub(crate) slot: u32,
    /// The definition that it runs.
    pub(crate) app: Arc<App>,
    /// The address of its agent.
    pub(crate) host: String,
    /// Its host ports, in the order of the definition.
    pub(crate) ports: Vec<u16>,
    /// Its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// Its persistent volumes.
    pub(crate) mounts: Vec<Mount>,
    /// Dependencies of the groups above it, for a recovery.
    pub(crate) groups: BTreeMap<PathId, Vec<PathId>>,
}

/// A persistent volume of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Its name on the host.
    pub(crate) name: String,
    /// Its path in the task, absolute or relative to the task's folder.
    pub(crate) path: String,
    /// Whether the task mounts it read-only.
    pub(crate) read_only: bool,
}

impl Core {
    /// Launches scheduled instances whose delay is over and that an agent can run.
    pub(super) fn launch_due(&mut self, now: Timestamp) {
        let waiting: Vec<String> = self
            .instances
            .values()
            .filter(|instance| instance.is_scheduled())
            .map(|instance| instance.id.clone())
            .collect();
        for id in waiting {
            let Some(instance) = self.instances.get(&id).cloned() else {
                continue;
            };
            if self
                .launch_delays
                .delayed_until(&instance.app.id)
                .is_some_and(|until| until > now)
            {
                continue;
            }
            match self.find_placement(&instance) {
                Ok(placement) => self.launch(&instance, placement, now),
                Err(reason) => {
                    if let Some(instance) = self.instances.get_mut(&id) {
                        instance.offers.record_declined(reason, now);
                    }
                }
            }
        }
    }

    fn launch(&mut self, instance: &Instance, placement: Placement, now: Timestamp) {
        let host = self.config.agents.host(placement.agent).to_owned();
        let task = instance.task();
        let launch = Launch {
            env: environment::task_environment(&instance.app, &task, &host, &placement.ports),
            mounts: mounts(instance),
            groups: self.group_dependencies(&instance.app.id),
            instance: instance.id.clone(),
            attempt: instance.attempt,
            slot: instance.slot,
            app: Arc::clone(&instance.app),
            ports: placement.ports.clone(),
            host,
            task,
        };
        if let Some(instance) = self.instances.get_mut(&instance.id) {
            instance.placement = Some(placement);
            instance.state = State::Launching;
            instance.staged_at = Some(now);
            instance.last_state = None;
            instance.offers.record_launched(now);
        }
        self.effects.push(Effect::Launch(Box::new(launch)));
        self.emit_instance_changed(&instance.id, Condition::Provisioned, now);
    }

    fn find_placement(&mut self, instance: &Instance) -> Result<Placement, NoOfferMatchReason> {
        let app = &instance.app;
        let others: Vec<&Instance> = self
            .instances
            .values()
            .filter(|other| other.placement.is_some() && other.id != instance.id)
            .collect();
        self.config.capacity.check_room(
            app,
            others
                .iter()
                .filter(|other| !other.is_scheduled())
                .map(|other| other.app.as_ref()),
        )?;
        // Persistent volumes bind the instance to its agent.
        let bound = instance
            .placement
            .as_ref()
            .filter(|_| instance.is_resident())
            .map(|placement| placement.agent);
        let siblings: Vec<usize> = others
            .iter()
            .filter(|other| other.app.id == app.id && !other.is_scheduled())
            .filter_map(|other| other.placement.as_ref().map(|placement| placement.agent))
            .collect();
        let agent = self
            .config
            .agents
            .choose(app, &siblings, bound)
            .ok_or(NoOfferMatchReason::Constraint)?;
        let taken: BTreeSet<(usize, u16)> = others
            .iter()
            .filter(|other| !other.is_scheduled())
            .filter_map(|other| other.placement.as_ref())
            .flat_map(|placement| placement.ports.iter().map(|port| (placement.agent, *port)))
            .collect();
        let mut ports = Vec::new();
        for requested in requested_ports(app) {
            let port = match requested {
                // A fixed port belongs to one agent.
                Some(port) if taken.contains(&(agent, port)) => {
                    return Err(NoOfferMatchReason::Ports);
                }
                Some(port) => port,
                // An assigned port is unique on the machine, because a task may listen on all addresses.
                None => self.free_port(|port| {
                    taken.iter().any(|(_, other)| *other == port) || ports.contains(&port)
                })?,
            };
            ports.push(port);
        }
        Ok(Placement { agent, ports })
    }

    fn free_port(&mut self, is_taken: impl Fn(u16) -> bool) -> Result<u16, NoOfferMatchReason> {
        for _ in FIRST_PORT..=LAST_PORT {
            let port = self.next_port;
            self.next_port = if port >= LAST_PORT {
                FIRST_PORT
            } else {
                port + 1
            };
            if !is_taken(port) && (self.config.is_port_free)(port) {
                return Ok(port);
            }
        }
        Err(NoOfferMatchReason::Ports)
    }

    /// Replaces every service port 0 by the app's previous port, or by a free one.
    pub(super) fn assign_service_ports(
        &self,
        app: &mut App,
        before: Option<&App>,
        desired: &DesiredState,
    ) -> Result<(), RequestError> {
        let taken: BTreeSet<u16> = desired
            .apps
            .values()
            .filter(|other| other.id != app.id)
            .flat_map(App::service_ports)
            .collect();
        let own: BTreeSet<u16> = app.service_ports().into_iter().collect();
        let had = before.map(App::service_ports).unwrap_or_default();
        let mut given: BTreeSet<u16> = BTreeSet::new();
        let mut assign = |index: usize, port: &mut u16| -> Result<(), RequestError> {
            if *port != 0 {
                return Ok(());
            }
            let is_free = |port: &u16| {
                *port != 0 && !taken.contains(port) && !own.contains(port) && !given.contains(port)
            };
            let previous = had.get(index).copied().filter(is_free);
            let free = previous.or_else(|| (FIRST_SERVICE_PORT..=LAST_SERVICE_PORT).find(is_free));
            *port = free.ok_or_else(|| {
                RequestError::invalid("/portDefinitions", "no service port is free")
            })?;
            given.insert(*port);
            Ok(())
        };
        if app.uses_host_network() {
            let ports = app.port_definitions.iter_mut().flatten();
            return ports
                .enumerate()
                .try_for_each(|(index, definition)| assign(index, &mut definition.port));
        }
        let mappings = app
            .container
            .iter_mut()
            .filter_map(|container| container.port_mappings.as_mut())
            .flatten();
        mappings
            .enumerate()
            .try_for_each(|(index, mapping)| assign(index, &mut mapping.service_port))
    }

    fn group_dependencies(&self, app: &PathId) -> BTreeMap<PathId, Vec<PathId>> {
        let above = self
            .desired
            .groups
            .iter()
            .filter(|(id, facts)| app.is_below(id) && !facts.dependencies.is_empty());
        above
            .map(|(id, facts)| (id.clone(), facts.dependencies.clone()))
            .collect()
    }
}

/// The requested host ports; `None` for any port.
fn requested_ports(app: &App) -> Vec<Option<u16>> {
    let fixed = |port: u16| (port != 0).then_some(port);
    if app.uses_host_network() {
        let definitions = app.port_definitions.iter().flatten();
        return definitions
            .map(|port| fixed(port.port).filter(|_| app.require_ports))
            .collect();
    }
    app.port_mappings()
        .iter()
        .map(|mapping| fixed(mapping.host_port.unwrap_or_default()))
        .collect()
}

fn mounts(instance: &Instance) -> Vec<Mount> {
    let volumes: Vec<&Volume> = instance
        .app
        .container
        .iter()
        .flat_map(|container| &container.volumes)
        .collect();
    let persistent = volumes.iter().filter(|volume| volume.persistent.is_some());
    persistent
        .flat_map(|persistent| {
            // As in Mesos, a volume whose `hostPath` names a persistent volume mounts it at its own path.
            let named =
                |volume: &&&Volume| volume.host_path.as_ref() == Some(&persistent.container_path);
            let mut at: Vec<&Volume> = volumes.iter().filter(named).copied().collect();
            if at.is_empty() {
                at.push(persistent);
            }
            let name = volume_name(instance, &persistent.container_path);
            at.into_iter().map(move |volume| Mount {
                name: name.clone(),
                path: volume.container_path.clone(),
                read_only: volume.mode == Some(ReadMode::ReadOnly),
            })
        })
        .collect()
}

/// A stable name of app, slot and path, so that the next task of the slot finds the volume.
fn volume_name(instance: &Instance, path: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
            c
        } else {
            '_'
        }
    };
    let path: String = path.trim_matches('/').chars().map(plain).collect();
    format!(
        "fleet-local.{}.{}.{path}",
        instance.app.id.safe_path(),
        instance.slot
    )
}

/// The names of all persistent volumes of an instance.
pub(super) fn volume_names(instance: &Instance) -> Vec<String> {
    let names: BTreeSet<String> = mounts(instance)
        .into_iter()
        .map(|mount| mount.name)
        .collect();
    names.into_iter().collect()
}
