//! The environment of a task: the app's own variables and those that Marathon adds.

use std::collections::BTreeMap;

use moodvane_marathon_api::{App, EnvValue};

/// Longer labels are left out, as in Marathon.
const MAX_LABEL_LEN: usize = 512;

/// All variables except `MESOS_SANDBOX`, which the runtime sets.
pub(super) fn task_environment(
    app: &App,
    task: &str,
    host: &str,
    ports: &[u16],
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
    set("HOST", host.to_owned());
    set("MESOS_TASK_ID", task.to_owned());
    set("MARATHON_APP_ID", app.id.to_string());
    set(
        "MARATHON_APP_VERSION",
        super::instance::version_of(app).to_string(),
    );
    set("MARATHON_APP_RESOURCE_CPUS", app.cpus.to_string());
    set("MARATHON_APP_RESOURCE_MEM", app.mem.to_string());
    set("MARATHON_APP_RESOURCE_DISK", app.disk.to_string());
    set("MARATHON_APP_RESOURCE_GPUS", app.gpus.to_string());
    if let Some(docker) = app
        .container
        .as_ref()
        .and_then(|container| container.docker.as_ref())
    {
        set("MARATHON_APP_DOCKER_IMAGE", docker.image.clone());
    }
    let short: Vec<_> = app
        .labels
        .iter()
        .filter(|(_, value)| value.len() <= MAX_LABEL_LEN)
        .collect();
    let names: Vec<String> = short.iter().map(|(name, _)| variable_name(name)).collect();
    set("MARATHON_APP_LABELS", names.join(" "));
    for (name, value) in short {
        set(
            &format!("MARATHON_APP_LABEL_{}", variable_name(name)),
            value.clone(),
        );
    }
    for (name, value) in port_variables(app, ports) {
        set(&name, value.to_string());
    }
    let list: Vec<String> = ports.iter().map(u16::to_string).collect();
    if !list.is_empty() {
        set("PORTS", list.join(","));
    }
    // The app's own variables override Marathon's.
    for (name, value) in &app.env {
        if let EnvValue::Plain(value) = value {
            set(name, value.clone());
        }
    }
    env
}

fn port_variables(app: &App, ports: &[u16]) -> Vec<(String, u16)> {
    let declared: Vec<u16> = if app.uses_host_network() {
        app.service_ports()
    } else {
        app.port_mappings()
            .iter()
            .map(|mapping| mapping.container_port)
            .collect()
    };
    let mut variables = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        if index == 0 {
            variables.push(("PORT".to_owned(), *port));
        }
        variables.push((format!("PORT{index}"), *port));
        if let Some(declared) = declared.get(index).filter(|declared| **declared != 0) {
            variables.push((format!("PORT_{declared}"), *port));
        }
        if let Some(Some(name)) = app.port_names().get(index) {
            variables.push((format!("PORT_{}", variable_name(name)), *port));
        }
    }
    variables
}

fn variable_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}
