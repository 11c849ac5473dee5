//! Services for a load balancer, from labels, and the tasks that serve them.
//!
//! The labels are marathon-lb's: `HAPROXY_GROUP`, and for the port with index *n* `HAPROXY_n_PORT`,
//! `_VHOST`, `_MODE`, `_BALANCE`, `_ENABLED`, `_BACKEND_HTTP_OPTIONS` and
//! `_BACKEND_HTTP_HEALTHCHECK_OPTIONS`.

use moodvane_marathon_api::App;

use super::Core;
use super::instance::Instance;

/// A port of an app behind the load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// The app and the port's index: `moodvane_server_0`.
    pub(crate) name: String,
    /// The port of the load balancer.
    pub(crate) port: u16,
    /// Virtual hosts at the shared port.
    pub(crate) hosts: Vec<String>,
    /// Whether the mode is HTTP; TCP otherwise.
    pub(crate) is_http: bool,
    /// The balancing algorithm.
    pub(crate) balance: String,
    /// Lines for the backend.
    pub(crate) lines: Vec<String>,
    /// The tasks that serve it.
    pub(crate) servers: Vec<Server>,
}

/// A task behind a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    pub(crate) task: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Service {
    /// Whether `other` differs at most in its tasks.
    pub(crate) fn has_same_config(&self, other: &Self) -> bool {
        let without_servers = |service: &Self| Self {
            servers: Vec::new(),
            ..service.clone()
        };
        without_servers(self) == without_servers(other)
    }
}

impl Core {
    /// The services of a group, by name.
    pub(crate) fn services(&self, group: &str) -> Vec<Service> {
        let apps = self.desired.apps.values();
        let each =
            apps.flat_map(|app| (0..app.service_ports().len()).map(move |index| (app, index)));
        each.filter(|(app, index)| is_in_group(app, *index, group))
            .filter_map(|(app, index)| self.service(app, index))
            .collect()
    }

    fn service(&self, app: &App, index: usize) -> Option<Service> {
        let label = |name: &str| {
            app.labels
                .get(&format!("HAPROXY_{index}_{name}"))
                .map(String::as_str)
        };
        let port = label("PORT").map_or_else(
            || app.service_ports().get(index).copied(),
            |text| text.parse().ok(),
        )?;
        let is_http = match label("MODE") {
            Some(mode) => mode.eq_ignore_ascii_case("http"),
            None => label("VHOST").is_some(),
        };
        let lines = ["BACKEND_HTTP_OPTIONS", "BACKEND_HTTP_HEALTHCHECK_OPTIONS"]
            .iter()
            .filter_map(|name| label(name));
        let mut servers: Vec<_> = self
            .instances_of(&app.id)
            .filter_map(|instance| self.server(instance, index))
            .collect();
        servers.sort();
        Some(Service {
            name: format!("{}_{index}", app.id.safe_path()),
            port,
            hosts: label("VHOST")
                .map(|hosts| {
                    hosts
                        .split(',')
                        .map(|host| host.trim().to_owned())
                        .collect()
                })
                .unwrap_or_default(),
            is_http,
            balance: label("BALANCE").unwrap_or("roundrobin").to_owned(),
            lines: lines
                .flat_map(str::lines)
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect(),
            servers,
        })
    }

    /// The address of a task that is available.
    fn server(&self, instance: &Instance, index: usize) -> Option<Server> {
        let port = *instance.placement.as_ref()?.ports.get(index)?;
        instance.is_available().then(|| Server {
            task: instance.task(),
            host: self.host_of(instance),
            port,
        })
    }
}

fn is_in_group(app: &App, index: usize, group: &str) -> bool {
    let own = app.labels.get(&format!("HAPROXY_{index}_GROUP"));
    let groups = own.or_else(|| app.labels.get("HAPROXY_GROUP"));
    let enabled = app
        .labels
        .get(&format!("HAPROXY_{index}_ENABLED"))
        .is_none_or(|enabled| enabled != "false");
    enabled && groups.is_some_and(|groups| groups.split(',').any(|one| one.trim() == group))
}
