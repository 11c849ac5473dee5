//! A task must have enough time for an orderly shutdown.

use std::time::Duration;

use super::Subject;
use super::environment::settings;

/// Time between the end of a drain and SIGKILL, to close connections and exit.
const MARGIN: Duration = Duration::from_secs(2);
/// Time for Kafka to transfer its leaderships, and for Cassandra to flush its memtables.
const SERVER_SHUTDOWN: Duration = Duration::from_secs(30);

/// The kill grace period exceeds the drain time of the settings.
pub(super) fn grace_exceeds_drain(subject: &Subject<'_>) -> Vec<String> {
    let Some(grace) = subject.app.task_kill_grace_period_seconds else {
        return vec![
            "has no taskKillGracePeriodSeconds: Mesos' default of a few seconds interrupts a drain"
                .to_owned(),
        ];
    };
    let (drain, margin, cause) = match subject.service() {
        Some(service) => {
            let key = "drain_ms";
            let settings = settings(subject.app);
            let drain = settings.section(service).millis(key, 0..=600_000);
            let drain = drain.unwrap_or_default();
            (drain, MARGIN, format!("{service}.{key}"))
        }
        None => (
            SERVER_SHUTDOWN,
            Duration::ZERO,
            "an orderly shutdown".to_owned(),
        ),
    };
    let needed = (drain + margin).as_secs_f64().ceil() as u32;
    if grace >= needed {
        return Vec::new();
    }
    vec![format!(
        "taskKillGracePeriodSeconds is {grace}, but {cause} may take {:.1} s: must be at least {needed}",
        drain.as_secs_f64()
    )]
}
