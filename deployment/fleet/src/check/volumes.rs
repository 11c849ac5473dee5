//! What outlives a task.

use moodvane_marathon_api::{UnreachableStrategy, Volume};

use super::Subject;

fn volumes<'a>(subject: &Subject<'a>) -> &'a [Volume] {
    subject
        .app
        .container
        .as_ref()
        .map(|container| container.volumes.as_slice())
        .unwrap_or_default()
}

/// What has a persistent volume is waited for and never beside itself; anything else is replaced.
pub(super) fn held(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let is_held = volumes(subject)
        .iter()
        .any(|volume| volume.persistent.is_some());
    let is_waited_for = matches!(app.unreachable_strategy, UnreachableStrategy::Disabled(_));
    let mut wrong = Vec::new();
    if is_held && !is_waited_for {
        wrong.push(
            "unreachableStrategy must be disabled: with an expunged instance its volume is destroyed".to_owned(),
        );
    }
    if is_held && app.upgrade_strategy.maximum_over_capacity > 0.0 {
        wrong.push(
            "maximumOverCapacity must be 0: a second instance would get a volume of its own"
                .to_owned(),
        );
    }
    if !is_held && is_waited_for {
        wrong.push(
            "unreachableStrategy is disabled: with its agent away it would not be replaced"
                .to_owned(),
        );
    }
    for volume in volumes(subject)
        .iter()
        .filter(|volume| volume.persistent.is_some())
    {
        if volume.container_path.contains('/') {
            let path = &volume.container_path;
            wrong.push(format!(
                "the persistent volume {path} must have a name without slashes"
            ));
        }
    }
    wrong
}

/// What is written to disk lies on a volume.
pub(super) fn data_is_mounted(subject: &Subject<'_>) -> Vec<String> {
    let folder = match subject.service() {
        // Only the ingester keeps something: its spool.
        Some("ingester") => subject
            .variable("MOODVANE_DATA__DIR")
            .unwrap_or("moodvane-data"),
        Some(_) => return Vec::new(),
        None => match subject.variable("KAFKA_LOG_DIRS") {
            Some(folder) => folder,
            None if subject.variable("CASSANDRA_SEEDS").is_some() => "/var/lib/cassandra",
            None => return Vec::new(),
        },
    };
    let names: Vec<&str> = volumes(subject)
        .iter()
        .filter(|volume| volume.persistent.is_some())
        .map(|volume| volume.container_path.as_str())
        .collect();
    let is_mounted = volumes(subject).iter().any(|volume| {
        let keeps = volume
            .host_path
            .as_deref()
            .is_some_and(|host| names.contains(&host) || host.starts_with('/'));
        keeps
            && (folder == volume.container_path
                || folder.starts_with(&format!("{}/", volume.container_path)))
    });
    if is_mounted {
        return Vec::new();
    }
    vec![format!(
        "writes to {folder}, which is on no volume: what is there would be lost with the task"
    )]
}
