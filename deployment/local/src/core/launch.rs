//! Launches: where a task runs, on which ports, with what around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use moodvane_marathon_api::{App, Condition, PathId, ReadMode, Timestamp, Volume};

use super::agents::Reason;
use super::change::not_valid;
use super::desired::Desired;
use super::instance::{Instance, Place, State};
use super::{Core, Effect, RequestError, environment};

/// Mesos' own range for the ports of tasks.
pub(super) const FIRST_PORT: u16 = 31_000;
const LAST_PORT: u16 = 32_000;
/// Marathon's own range for ports on the load balancer.
const FIRST_SERVICE_PORT: u16 = 10_000;
const LAST_SERVICE_PORT: u16 = 20_000;

/// A task to be started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// Its name.
    pub(crate) task: String,
    /// Its instance.
    pub(crate) instance: String,
    /// Which task of the instance.
    pub(crate) attempt: u32,
    /// The instance's number within the app.
    pub(crate) slot: u32,
    /// What it runs.
    pub(crate) app: Arc<App>,
    /// The address of its agent.
    pub(crate) host: String,
    /// Its ports on the host, in the app's order.
    pub(crate) ports: Vec<u16>,
    /// Its environment, with `$PORT0` and all.
    pub(crate) env: BTreeMap<String, String>,
    /// What it keeps.
    pub(crate) mounts: Vec<Mount>,
    /// The dependencies of the groups it is in, so that they can be found again.
    pub(crate) groups: BTreeMap<PathId, Vec<PathId>>,
}

/// Something that is kept through an instance's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Its name on the host.
    pub(crate) name: String,
    /// Where the task finds it; relative to its folder, or absolute.
    pub(crate) path: String,
    /// Whether it may only be read.
    pub(crate) read_only: bool,
}

impl Core {
    /// Launches what waits, where its delay is over and there is room.
    pub(super) fn launch_due(&mut self, now: Timestamp) {
        let waiting: Vec<String> = self
            .instances
            .values()
            .filter(|one| one.is_scheduled())
            .map(|one| one.id.clone())
            .collect();
        for id in waiting {
            let Some(instance) = self.instances.get(&id).cloned() else {
                continue;
            };
            if self
                .backoffs
                .until(&instance.app.id)
                .is_some_and(|until| until > now)
            {
                continue;
            }
            match self.place_for(&instance) {
                Ok(place) => self.launch(&instance, place, now),
                Err(reason) => {
                    if let Some(instance) = self.instances.get_mut(&id) {
                        instance.blocked.by(reason, now);
                    }
                }
            }
        }
    }

    fn launch(&mut self, instance: &Instance, place: Place, now: Timestamp) {
        let host = self.config.agents.host(place.agent).to_owned();
        let task = instance.task();
        let launch = Launch {
            env: environment::of(&instance.app, &task, &host, &place.ports),
            mounts: mounts(instance),
            groups: self.group_dependencies(&instance.app.id),
            instance: instance.id.clone(),
            attempt: instance.attempt,
            slot: instance.slot,
            app: Arc::clone(&instance.app),
            ports: place.ports.clone(),
            host,
            task,
        };
        if let Some(instance) = self.instances.get_mut(&instance.id) {
            instance.place = Some(place);
            instance.state = State::Launching;
            instance.staged_at = Some(now);
            instance.ended = None;
            instance.blocked.over(now);
        }
        self.effects.push(Effect::Launch(Box::new(launch)));
        self.tell_instance(&instance.id, Condition::Provisioned, now);
    }

    fn place_for(&mut self, instance: &Instance) -> Result<Place, Reason> {
        let app = &instance.app;
        let others: Vec<&Instance> = self
            .instances
            .values()
            .filter(|one| one.place.is_some() && one.id != instance.id)
            .collect();
        self.config.capacity.has_room(
            app,
            others
                .iter()
                .filter(|one| !one.is_scheduled())
                .map(|one| one.app.as_ref()),
        )?;
        // What it kept is on its agent.
        let kept = instance
            .place
            .as_ref()
            .filter(|_| instance.is_resident())
            .map(|place| place.agent);
        let siblings: Vec<usize> = others
            .iter()
            .filter(|one| one.app.id == app.id && !one.is_scheduled())
            .filter_map(|one| one.place.as_ref().map(|place| place.agent))
            .collect();
        let agent = self
            .config
            .agents
            .choose(app, &siblings, kept)
            .ok_or(Reason::Constraint)?;
        let taken: BTreeSet<(usize, u16)> = others
            .iter()
            .filter(|one| !one.is_scheduled())
            .filter_map(|one| one.place.as_ref())
            .flat_map(|place| place.ports.iter().map(|port| (place.agent, *port)))
            .collect();
        let mut ports = Vec::new();
        for wanted in wanted_ports(app) {
            let port = match wanted {
                // A fixed port is the agent's own, so agents may have the same.
                Some(port) if taken.contains(&(agent, port)) => return Err(Reason::Ports),
                Some(port) => port,
                // Any other is the machine's: a task may listen on all its addresses.
                None => self.free_port(|port| {
                    taken.iter().any(|(_, other)| *other == port) || ports.contains(&port)
                })?,
            };
            ports.push(port);
        }
        Ok(Place { agent, ports })
    }

    fn free_port(&mut self, is_taken: impl Fn(u16) -> bool) -> Result<u16, Reason> {
        for _ in FIRST_PORT..=LAST_PORT {
            let port = self.next_port;
            self.next_port = if port >= LAST_PORT {
                FIRST_PORT
            } else {
                port + 1
            };
            if !is_taken(port) && (self.config.is_free)(port) {
                return Ok(port);
            }
        }
        Err(Reason::Ports)
    }

    /// Gives every port 0 a number on the load balancer: the one it had before, or a free one.
    pub(super) fn assign_service_ports(
        &self,
        app: &mut App,
        before: Option<&App>,
        desired: &Desired,
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
            let kept = had.get(index).copied().filter(is_free);
            let free = kept.or_else(|| (FIRST_SERVICE_PORT..=LAST_SERVICE_PORT).find(is_free));
            *port = free.ok_or_else(|| not_valid("/portDefinitions", "no service port is free"))?;
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

/// The ports of a task: fixed ones, and none for any.
fn wanted_ports(app: &App) -> Vec<Option<u16>> {
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
    let kept = volumes.iter().filter(|volume| volume.persistent.is_some());
    kept.flat_map(|kept| {
        // As in Mesos, a volume of the task's folder comes to another place by a host path that names it.
        let named = |volume: &&&Volume| volume.host_path.as_ref() == Some(&kept.container_path);
        let mut at: Vec<&Volume> = volumes.iter().filter(named).copied().collect();
        if at.is_empty() {
            at.push(kept);
        }
        let name = volume_name(instance, &kept.container_path);
        at.into_iter().map(move |volume| Mount {
            name: name.clone(),
            path: volume.container_path.clone(),
            read_only: volume.mode == Some(ReadMode::ReadOnly),
        })
    })
    .collect()
}

/// Named by app, number and path, so that what was kept is found again.
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

/// The names of all that an instance keeps.
pub(super) fn volume_names(instance: &Instance) -> Vec<String> {
    let names: BTreeSet<String> = mounts(instance)
        .into_iter()
        .map(|mount| mount.name)
        .collect();
    names.into_iter().collect()
}
