//! Persistent volumes and the data on them.

use moodvane_marathon_api::{UnreachableStrategy, Volume};

use super::Subject;

fn volumes<'a>(subject: &Subject<'a>) -> &'a [Volume] {
    let container = subject.app.container.as_ref();
    container
        .map(|container| container.volumes.as_slice())
        .unwrap_or_default()
}

fn persistent<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Volume> {
    let volumes = volumes(subject).iter();
    volumes.filter(|volume| volume.persistent.is_some())
}

/// An app with a persistent volume waits for its agent and never runs twice; other apps are replaced.
pub(super) fn persistent_volume_stays(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let has_volume = persistent(subject).next().is_some();
    let waits = matches!(app.unreachable_strategy, UnreachableStrategy::Disabled(_));
    let mut problems = Vec::new();
    if has_volume && !waits {
        problems.push(
            "unreachableStrategy must be disabled: the volume of an expunged instance is destroyed"
                .to_owned(),
        );
    }
    if has_volume && app.upgrade_strategy.maximum_over_capacity > 0.0 {
        problems.push(
            "maximumOverCapacity must be 0: a second instance would get a separate volume"
                .to_owned(),
        );
    }
    if !has_volume && waits {
        problems.push(
            "unreachableStrategy is disabled: on an unreachable agent it would not be replaced"
                .to_owned(),
        );
    }
    let paths = persistent(subject).map(|volume| &volume.container_path);
    problems.extend(
        paths
            .filter(|path| path.contains('/'))
            .map(|path| format!("the persistent volume {path} must have a name without slashes")),
    );
    problems
}

/// Data is written to a persistent volume or a host path.
pub(super) fn data_is_mounted(subject: &Subject<'_>) -> Vec<String> {
    let Some(folder) = data_folder(subject) else {
        return Vec::new();
    };
    let is_kept = |host: &str| {
        host.starts_with('/') || persistent(subject).any(|volume| volume.container_path == host)
    };
    let contains_folder = |path: &str| folder == path || folder.starts_with(&format!("{path}/"));
    let is_mounted = volumes(subject).iter().any(|volume| {
        volume.host_path.as_deref().is_some_and(is_kept) && contains_folder(&volume.container_path)
    });
    if is_mounted {
        return Vec::new();
    }
    vec![format!(
        "writes to {folder}, which is on no volume: its data would be lost with the task"
    )]
}

fn data_folder<'s>(subject: &'s Subject<'_>) -> Option<&'s str> {
    match subject.service() {
        // The ingester has a spool; the other services are stateless.
        Some("ingester") => Some(
            subject
                .variable("MOODVANE_DATA__DIR")
                .unwrap_or("moodvane-data"),
        ),
        Some(_) => None,
        None => match subject.variable("KAFKA_LOG_DIRS") {
            None if subject.variable("CASSANDRA_SEEDS").is_some() => Some("/var/lib/cassandra"),
            folder => folder,
        },
    }
}
