//! How a task is asked whether it lives and whether it can work.

use moodvane_marathon_api::{App, HealthCheck, HealthProtocol};

use super::Subject;

/// A task must be seen to be up within seconds: a check each so many, the first as soon.
const LONGEST_INTERVAL: u32 = 5;
const LONGEST_DELAY: u32 = 5;

fn is_by_mesos(check: &HealthCheck) -> bool {
    use HealthProtocol::{Command, MesosHttp, MesosHttps, MesosTcp};
    [Command, MesosHttp, MesosHttps, MesosTcp].contains(&check.protocol)
}

/// One health check, done by the agent: Marathon takes no more of these, and others go through the master.
pub(super) fn one_health_check(subject: &Subject<'_>) -> Vec<String> {
    let checks = &subject.app.health_checks;
    let by_mesos = checks.iter().filter(|check| is_by_mesos(check)).count();
    match (checks.len(), by_mesos) {
        (1, 1) => Vec::new(),
        (0, _) => vec!["has no health check: a task that hangs would stay".to_owned()],
        (_, 0) => vec![
            "is checked by Marathon; a check must be MESOS_HTTP, MESOS_TCP or COMMAND".to_owned(),
        ],
        _ => vec![format!(
            "has {} health checks, and Marathon takes one by Mesos",
            checks.len()
        )],
    }
}

/// The port of a check is one of the app's, and a path begins with a slash.
pub(super) fn port_exists(subject: &Subject<'_>) -> Vec<String> {
    let ports = subject.app.port_names().len();
    let wrong = |check: &HealthCheck| {
        if check.protocol == HealthProtocol::Command {
            return None;
        }
        let index = check.port_index.unwrap_or(0);
        if check.port.is_none() && index >= ports {
            return Some(format!(
                "the check is of port {index}, but there are {ports} ports, from 0 on"
            ));
        }
        let path = check.path.as_deref().unwrap_or("/");
        (!path.starts_with('/')).then(|| format!("the check's path {path} must begin with a slash"))
    };
    subject.app.health_checks.iter().filter_map(wrong).collect()
}

/// Checks are quick enough for restarts in seconds.
pub(super) fn pace(subject: &Subject<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for check in &subject.app.health_checks {
        if check.delay_seconds > LONGEST_DELAY {
            wrong.push(format!(
                "delaySeconds is {} (15 where it is not said): {LONGEST_DELAY} at most, or each restart takes as long",
                check.delay_seconds
            ));
        }
        if !(1..=LONGEST_INTERVAL).contains(&check.interval_seconds) {
            wrong.push(format!(
                "intervalSeconds is {}: 1 to {LONGEST_INTERVAL}",
                check.interval_seconds
            ));
        }
        if check.max_consecutive_failures == 0 {
            wrong.push(
                "maxConsecutiveFailures is 0: a task that hangs would never be replaced".to_owned(),
            );
        }
        if check.grace_period_seconds == 0 {
            wrong
                .push("gracePeriodSeconds is 0: a task would be killed while it starts".to_owned());
        }
    }
    wrong
}

/// A service of ours is asked for readiness, at a port by its name, and quickly.
pub(super) fn readiness(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let Some(check) = app.readiness_checks.first() else {
        return match subject.service() {
            Some(_) => vec![
                "has no readiness check: a deployment would go on before it can work".to_owned(),
            ],
            None => Vec::new(),
        };
    };
    let mut wrong = Vec::new();
    if !names(app).contains(&check.port_name.as_str()) {
        wrong.push(format!(
            "the readiness check's port {} is none of: {}",
            check.port_name,
            names(app).join(", ")
        ));
    }
    if check.timeout_seconds >= check.interval_seconds {
        wrong.push(format!(
            "the readiness check's timeoutSeconds ({}) must be less than intervalSeconds ({})",
            check.timeout_seconds, check.interval_seconds
        ));
    }
    if check.interval_seconds > LONGEST_INTERVAL {
        wrong.push(format!(
            "the readiness check's intervalSeconds is {} (30 where it is not said): {LONGEST_INTERVAL} at most",
            check.interval_seconds
        ));
    }
    wrong
}

fn names(app: &App) -> Vec<&str> {
    app.port_names().into_iter().flatten().collect()
}
