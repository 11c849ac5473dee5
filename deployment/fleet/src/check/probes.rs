//! Health checks and readiness checks.

use moodvane_marathon_api::{App, HealthCheck, HealthProtocol};

use super::Subject;

/// Checks must detect a running task within seconds.
const MAX_INTERVAL_S: u32 = 5;
const MAX_DELAY_S: u32 = 5;

fn is_mesos_check(check: &HealthCheck) -> bool {
    use HealthProtocol::{Command, MesosHttp, MesosHttps, MesosTcp};
    [Command, MesosHttp, MesosHttps, MesosTcp].contains(&check.protocol)
}

/// An app has one health check, which the agent runs: Marathon accepts only one of these, and its own checks
/// go through the master.
pub(super) fn has_one_health_check(subject: &Subject<'_>) -> Vec<String> {
    let checks = &subject.app.health_checks;
    let by_mesos = checks.iter().filter(|check| is_mesos_check(check)).count();
    match (checks.len(), by_mesos) {
        (1, 1) => Vec::new(),
        (0, _) => vec!["has no health check: a hanging task would stay".to_owned()],
        (_, 0) => vec![
            "has a health check by Marathon; the protocol must be MESOS_HTTP, MESOS_TCP or COMMAND"
                .to_owned(),
        ],
        _ => vec![format!(
            "has {} health checks, but Marathon accepts one Mesos check",
            checks.len()
        )],
    }
}

/// The port of a check exists, and its path starts with a slash.
pub(super) fn port_exists(subject: &Subject<'_>) -> Vec<String> {
    let ports = subject.app.port_names().len();
    let problem = |check: &HealthCheck| {
        if check.protocol == HealthProtocol::Command {
            return None;
        }
        let index = check.port_index.unwrap_or(0);
        if check.port.is_none() && index >= ports {
            return Some(format!(
                "the health check uses port {index}, but there are {ports} ports, from 0 on"
            ));
        }
        let path = check.path.as_deref().unwrap_or("/");
        (!path.starts_with('/'))
            .then(|| format!("the health check's path {path} must start with a slash"))
    };
    let checks = subject.app.health_checks.iter();
    checks.filter_map(problem).collect()
}

/// Health checks are frequent enough to detect a restart within seconds.
pub(super) fn checks_are_frequent(subject: &Subject<'_>) -> Vec<String> {
    let checks = subject.app.health_checks.iter();
    checks.flat_map(pace_problems).collect()
}

fn pace_problems(check: &HealthCheck) -> Vec<String> {
    let mut problems = Vec::new();
    if check.delay_seconds > MAX_DELAY_S {
        problems.push(format!(
            "delaySeconds is {} (15 by default): must be at most {MAX_DELAY_S}, or each restart takes as long",
            check.delay_seconds
        ));
    }
    if !(1..=MAX_INTERVAL_S).contains(&check.interval_seconds) {
        problems.push(format!(
            "intervalSeconds is {}: must be 1 to {MAX_INTERVAL_S}",
            check.interval_seconds
        ));
    }
    if check.max_consecutive_failures == 0 {
        problems
            .push("maxConsecutiveFailures is 0: a hanging task would never be replaced".to_owned());
    }
    if check.grace_period_seconds == 0 {
        problems
            .push("gracePeriodSeconds is 0: a task would be killed during its start".to_owned());
    }
    problems
}

/// The project's services have a frequent readiness check on a named port.
pub(super) fn has_readiness_check(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let Some(check) = app.readiness_checks.first() else {
        return match subject.service() {
            Some(_) => vec![
                "has no readiness check: a deployment would continue before it is ready".to_owned(),
            ],
            None => Vec::new(),
        };
    };
    let mut problems = Vec::new();
    let names = port_names(app);
    if !names.contains(&check.port_name.as_str()) {
        problems.push(format!(
            "the readiness check's port {} is none of: {}",
            check.port_name,
            names.join(", ")
        ));
    }
    if check.timeout_seconds >= check.interval_seconds {
        problems.push(format!(
            "the readiness check's timeoutSeconds ({}) must be less than intervalSeconds ({})",
            check.timeout_seconds, check.interval_seconds
        ));
    }
    if check.interval_seconds > MAX_INTERVAL_S {
        problems.push(format!(
            "the readiness check's intervalSeconds is {} (30 by default): must be at most {MAX_INTERVAL_S}",
            check.interval_seconds
        ));
    }
    problems
}

fn port_names(app: &App) -> Vec<&str> {
    app.port_names().into_iter().flatten().collect()
}
