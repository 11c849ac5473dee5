//! The places for tasks in HAProxy's backends. A task takes a place and leaves it while HAProxy runs: only
//! a change of the services themselves needs a reload.

use std::collections::BTreeMap;

use crate::core::Service;

/// So many places a backend has at least.
const FEWEST: usize = 8;

/// A task: name, address, port.
pub(super) type Server = (String, String, u16);

/// The places of every service, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots(BTreeMap<String, Vec<Option<Server>>>);

impl Slots {
    /// Places for all tasks of `services`, and as many again.
    pub(super) fn of(services: &[Service]) -> Self {
        let places = |service: &Service| {
            let mut places: Vec<Option<Server>> =
                service.servers.iter().cloned().map(Some).collect();
            places.resize((2 * places.len()).max(FEWEST), None);
            (service.name.clone(), places)
        };
        Self(services.iter().map(places).collect())
    }

    /// The places of one service: their names and who has them.
    pub(super) fn places<'a>(
        &'a self,
        service: &str,
    ) -> impl Iterator<Item = (String, Option<&'a Server>)> {
        let places = self.0.get(service).map(Vec::as_slice).unwrap_or_default();
        places
            .iter()
            .enumerate()
            .map(|(index, server)| (place(index), server.as_ref()))
    }

    /// Seats the tasks of `services`, and says what HAProxy has to be told; none where there is no place.
    pub(super) fn seat(&mut self, services: &[Service]) -> Option<Vec<String>> {
        let mut seated = self.clone();
        let mut commands = Vec::new();
        for service in services {
            let places = seated.0.get_mut(&service.name)?;
            // Whoever comes is seated before whoever goes leaves, so that there is always one.
            let come = service
                .servers
                .iter()
                .filter(|server| !places.iter().flatten().any(|seated| seated == *server));
            for server in come.cloned().collect::<Vec<_>>() {
                let free = places.iter().position(Option::is_none)?;
                let (name, (_, host, port)) =
                    (format!("{}/{}", service.name, place(free)), &server);
                commands.push(format!("set server {name} addr {host} port {port}"));
                commands.push(format!("set server {name} state ready"));
                if let Some(seat) = places.get_mut(free) {
                    *seat = Some(server);
                }
            }
            for (index, seat) in places.iter_mut().enumerate() {
                if seat
                    .as_ref()
                    .is_some_and(|server| !service.servers.contains(server))
                {
                    commands.push(format!(
                        "set server {}/{} state maint",
                        service.name,
                        place(index)
                    ));
                    *seat = None;
                }
            }
        }
        *self = seated;
        Some(commands)
    }
}

fn place(index: usize) -> String {
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
                .map(|port| (format!("t{port}"), "127.0.0.1".to_owned(), *port))
                .collect(),
        }
    }

    #[test]
    fn who_comes_is_seated_before_who_goes_leaves() {
        let mut slots = Slots::of(&[service(&[1, 2])]);
        assert_eq!(slots.seat(&[service(&[1, 2])]), Some(Vec::new()));
        let expected = [
            "set server a_0/task3 addr 127.0.0.1 port 3",
            "set server a_0/task3 state ready",
            "set server a_0/task1 state maint",
        ];
        assert_eq!(slots.seat(&[service(&[2, 3])]).unwrap(), expected);
        // The place that was left is taken again.
        assert_eq!(
            slots.seat(&[service(&[2, 3, 4])]).unwrap()[0],
            "set server a_0/task1 addr 127.0.0.1 port 4"
        );
    }

    #[test]
    fn where_there_is_no_place_nothing_is_seated() {
        let mut slots = Slots::of(&[service(&[1])]);
        let before = slots.clone();
        assert_eq!(slots.seat(&[service(&[1, 2, 3, 4, 5, 6, 7, 8, 9])]), None);
        assert_eq!(
            slots.seat(&[Service {
                name: "other".to_owned(),
                ..service(&[])
            }]),
            None
        );
        assert_eq!(slots, before);
    }
}
