//! Slots for tasks in HAProxy's backends. A task gets and releases a slot at run time; only a change of the
//! services needs a reload.

use std::collections::BTreeMap;

use crate::core::{Server, Service};

/// Least number of slots of a backend.
const MIN_SLOTS: usize = 8;

/// The slots of every service, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots(BTreeMap<String, Vec<Option<Server>>>);

impl Slots {
    /// Slots for all tasks of `services`, and as many spare ones.
    pub(super) fn new(services: &[Service]) -> Self {
        let slots = |service: &Service| {
            let mut slots: Vec<Option<Server>> =
                service.servers.iter().cloned().map(Some).collect();
            slots.resize((2 * slots.len()).max(MIN_SLOTS), None);
            (service.name.clone(), slots)
        };
        Self(services.iter().map(slots).collect())
    }

    /// The slots of one service, as names and tasks.
    pub(super) fn servers<'a>(
        &'a self,
        service: &str,
    ) -> impl Iterator<Item = (String, Option<&'a Server>)> {
        let slots = self.0.get(service).map(Vec::as_slice).unwrap_or_default();
        slots
            .iter()
            .enumerate()
            .map(|(index, server)| (slot_name(index), server.as_ref()))
    }

    /// Assigns slots to the tasks of `services`. Returns the commands for HAProxy, or `None` without a free slot.
    pub(super) fn assign(&mut self, services: &[Service]) -> Option<Vec<String>> {
        let mut assigned = self.clone();
        let mut commands = Vec::new();
        for service in services {
            let slots = assigned.0.get_mut(&service.name)?;
            // New tasks get their slots before old ones release theirs, so that a backend never becomes empty.
            let added = service
                .servers
                .iter()
                .filter(|server| !slots.iter().flatten().any(|assigned| assigned == *server));
            for server in added.cloned().collect::<Vec<_>>() {
                let free = slots.iter().position(Option::is_none)?;
                let name = format!("{}/{}", service.name, slot_name(free));
                let Server { host, port, .. } = &server;
                commands.push(format!("set server {name} addr {host} port {port}"));
                commands.push(format!("set server {name} state ready"));
                if let Some(slot) = slots.get_mut(free) {
                    *slot = Some(server);
                }
            }
            for (index, slot) in slots.iter_mut().enumerate() {
                if slot
                    .as_ref()
                    .is_some_and(|server| !service.servers.contains(server))
                {
                    commands.push(format!(
                        "set server {}/{} state maint",
                        service.name,
                        slot_name(index)
                    ));
                    *slot = None;
                }
            }
        }
        *self = assigned;
        Some(commands)
    }
}

fn slot_name(index: usize) -> String {
    format!("task{}", index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(ports: &[u16]) -> Service {
        Service {
            name: "a_0".to_owned(),
            port: 10_080,
            hosts: Vec::new(),
            is_http: true,
            balance: "roundrobin".to_owned(),
            lines: Vec::new(),
            servers: ports
                .iter()
                .map(|port| Server {
                    task: format!("t{port}"),
                    host: "127.0.0.1".to_owned(),
                    port: *port,
                })
                .collect(),
        }
    }

    #[test]
    fn assigns_new_task_before_releasing_old_slot() {
        let mut slots = Slots::new(&[service(&[1, 2])]);
        assert_eq!(slots.assign(&[service(&[1, 2])]), Some(Vec::new()));
        let expected = [
            "set server a_0/task3 addr 127.0.0.1 port 3",
            "set server a_0/task3 state ready",
            "set server a_0/task1 state maint",
        ];
        assert_eq!(slots.assign(&[service(&[2, 3])]).unwrap(), expected);
        // A released slot is reused.
        assert_eq!(
            slots.assign(&[service(&[2, 3, 4])]).unwrap()[0],
            "set server a_0/task1 addr 127.0.0.1 port 4"
        );
    }

    #[test]
    fn assigns_nothing_without_free_slot() {
        let mut slots = Slots::new(&[service(&[1])]);
        let before = slots.clone();
        assert_eq!(slots.assign(&[service(&[1, 2, 3, 4, 5, 6, 7, 8, 9])]), None);
        assert_eq!(
            slots.assign(&[Service {
                name: "other".to_owned(),
                ..service(&[])
            }]),
            None
        );
        assert_eq!(slots, before);
    }
}
