//! The status of the fleet as a table.

use comfy_table::CellAlignment::{Left, Right};
use moodvane_marathon_api::{AppInfo, Deployment, TaskState};

use crate::table;

/// Returns a table with one row per app, and one line per running deployment.
#[must_use]
pub fn status(apps: &[AppInfo], deployments: &[Deployment]) -> String {
    let mut table = table::with_columns(&[
        ("app", Left),
        ("instances", Right),
        ("running", Right),
        ("healthy", Right),
        ("image", Left),
        ("hosts", Left),
        ("last failure", Left),
    ]);
    table.add_rows(apps.iter().map(row));
    let mut text = table.trim_fmt();
    text.push('\n');
    for deployment in deployments {
        text.push_str(&describe(deployment));
        text.push('\n');
    }
    text
}

fn describe(deployment: &Deployment) -> String {
    let actions: Vec<String> = deployment
        .current_actions
        .iter()
        .map(|one| format!("{} {}", one.action.action, one.action.app))
        .collect();
    format!(
        "deployment {}: step {} of {}: {}",
        deployment.id,
        deployment.current_step,
        deployment.total_steps,
        actions.join(", ")
    )
}

fn row(info: &AppInfo) -> Vec<String> {
    let tasks = info.tasks.as_deref().unwrap_or_default();
    let running = || tasks.iter().filter(|task| task.state == TaskState::Running);
    let healthy = running().filter(|task| task.is_healthy()).count();
    let docker = info
        .app
        .container
        .as_ref()
        .and_then(|container| container.docker.as_ref());
    let mut hosts: Vec<String> = running()
        .map(|task| match task.ports.first() {
            Some(port) => format!("{}:{port}", task.host),
            None => task.host.clone(),
        })
        .collect();
    hosts.sort();
    let last_failure = info.last_task_failure.as_ref();
    vec![
        info.app.id.last().to_owned(),
        info.app.instances.to_string(),
        running().count().to_string(),
        match info.app.health_checks.is_empty() {
            true => "-".to_owned(),
            false => healthy.to_string(),
        },
        docker.map_or_else(|| "-".to_owned(), |docker| docker.image.clone()),
        hosts.join(" "),
        last_failure.map_or_else(String::new, |last| {
            format!("{} {}: {}", last.timestamp, last.state, last.message)
        }),
    ]
}
