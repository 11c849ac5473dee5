//! What runs, in a table.

use moodvane_marathon_api::{Deployment, TaskState};

use crate::client::AppInfo;
use crate::table::Table;

/// One row for each app, and a line for each deployment that is under way.
#[must_use]
pub fn status(apps: &[AppInfo], deployments: &[Deployment]) -> String {
    let mut table = Table::new(&[
        "app",
        ">instances",
        ">running",
        ">healthy",
        "image",
        "hosts",
        "last failure",
    ]);
    for info in apps {
        table.row(row(info));
    }
    let mut text = table.to_string();
    for deployment in deployments {
        let acts: Vec<String> = deployment
            .current_actions
            .iter()
            .map(|one| format!("{} {}", one.action.action, one.action.app))
            .collect();
        text.push_str(&format!(
            "deployment {}: step {} of {}: {}\n",
            deployment.id,
            deployment.current_step,
            deployment.total_steps,
            acts.join(", ")
        ));
    }
    text
}

fn row(info: &AppInfo) -> Vec<String> {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let running: Vec<_> = tasks
        .iter()
        .filter(|task| task.state == TaskState::Running)
        .collect();
    let image = info
        .app
        .container
        .as_ref()
        .and_then(|container| container.docker.as_ref());
    let mut hosts: Vec<String> = running
        .iter()
        .map(|task| match task.ports.first() {
            Some(port) => format!("{}:{port}", task.host),
            None => task.host.clone(),
        })
        .collect();
    hosts.sort();
    let failure = info.last_task_failure.as_ref();
    vec![
        info.app.id.last().to_owned(),
        info.app.instances.to_string(),
        running.len().to_string(),
        match info.app.health_checks.is_empty() {
            true => "-".to_owned(),
            false => running
                .iter()
                .filter(|task| task.is_healthy())
                .count()
                .to_string(),
        },
        image.map_or_else(|| "-".to_owned(), |docker| docker.image.clone()),
        hosts.join(" "),
        failure.map_or_else(String::new, |last| {
            format!("{} {}: {}", last.timestamp, last.state, last.message)
        }),
    ]
}
