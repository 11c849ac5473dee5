//! A task must have the time to end as it wants to.

use std::time::Duration;

use super::Subject;
use super::environment::settings;

/// Between the end of a drain and SIGKILL: connections are closed, the process ends.
const MARGIN: Duration = Duration::from_secs(2);
/// What Kafka takes to hand over its partitions, and Cassandra to write what it holds in memory.
const SERVERS: Duration = Duration::from_secs(30);

/// The kill grace period is longer than the drain that the settings allow.
pub(super) fn grace_above_drain(subject: &Subject<'_>) -> Vec<String> {
    let Some(grace) = subject.app.task_kill_grace_period_seconds else {
        return vec![
            "has no taskKillGracePeriodSeconds, and Mesos' few seconds cut a drain short"
                .to_owned(),
        ];
    };
    let (drain, margin, whose) = match subject.service() {
        Some(service) => {
            let key = "drain_ms";
            let drain = settings(subject.app)
                .section(service)
                .millis(key, 0..=600_000);
            (
                drain.unwrap_or_default(),
                MARGIN,
                format!("{service}.{key}"),
            )
        }
        None => (SERVERS, Duration::ZERO, "an orderly end".to_owned()),
    };
    let needed = (drain + margin).as_secs_f64().ceil() as u32;
    if grace >= needed {
        return Vec::new();
    }
    vec![format!(
        "taskKillGracePeriodSeconds is {grace}, but {whose} may take {:.1} s: it must be {needed} at least",
        drain.as_secs_f64()
    )]
}
