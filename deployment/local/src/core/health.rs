//! Health and readiness of running tasks: schedules the checks and evaluates their results.

use std::time::Duration;

use moodvane_marathon_api::{
    App, Event, HealthCheck, HealthCheckResult, HealthProtocol, ReadinessCheck,
    ReadinessCheckResult, ReadinessResponse, Timestamp,
};

use super::instance::{Goal, Instance, State};
use super::probes::{health_probe, readiness_probe};
use super::{Core, Effect};

/// Lower limit of every check's interval.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// Longest part of a readiness check's response body that is kept.
const MAX_KEPT_BODY_BYTES: usize = 4096;

/// Identifies a check of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeId {
    /// The health check with this index.
    Health(usize),
    /// The readiness check.
    Readiness,
}

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProbeOutcome {
    /// An HTTP response.
    Http {
        status: u16,
        content_type: String,
        body: String,
    },
    /// The connection was accepted, or the command exited with status 0.
    Success,
    /// No response, or an invalid one.
    Failed(String),
}

/// State of one health check of a task.
#[derive(Debug, Clone)]
pub(super) struct HealthState {
    check: HealthCheck,
    started: Timestamp,
    /// When the check is due; `None` while it runs.
    due: Option<Timestamp>,
    health: Option<HealthCheckResult>,
}

/// State of the readiness check of a task.
#[derive(Debug, Clone)]
pub(super) struct ReadinessState {
    check: ReadinessCheck,
    due: Option<Timestamp>,
    pub(super) ready: bool,
    last: Option<ReadinessResponse>,
}

impl HealthState {
    pub(super) fn is_alive(&self) -> bool {
        self.health.as_ref().is_some_and(|health| health.alive)
    }

    pub(super) fn health(&self) -> Option<&HealthCheckResult> {
        self.health.as_ref()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Records a result. Returns whether the health changed, and the reason to kill the task, if any.
    fn record(
        &mut self,
        instance: &str,
        outcome: &ProbeOutcome,
        now: Timestamp,
    ) -> (bool, Option<String>) {
        self.due = Some(
            now.after(Duration::from_secs(self.check.interval_seconds.into()).max(MIN_INTERVAL)),
        );
        let before = self.health.as_ref().map(|health| health.alive);
        let health = self.health.get_or_insert_with(|| HealthCheckResult {
            alive: false,
            consecutive_failures: 0,
            first_success: None,
            instance_id: format!("instance [{instance}]"),
            last_success: None,
            last_failure: None,
            last_failure_cause: None,
        });
        let why = match outcome {
            ProbeOutcome::Success => None,
            // Marathon accepts redirects too.
            ProbeOutcome::Http {
                status: 200..=399, ..
            } => None,
            ProbeOutcome::Http {
                status: 100..=199, ..
            } if self.check.ignore_http1xx => return (false, None),
            ProbeOutcome::Http { status, .. } => Some(format!("HTTP status {status}")),
            ProbeOutcome::Failed(why) => Some(why.clone()),
        };
        let Some(why) = why else {
            health.alive = true;
            health.consecutive_failures = 0;
            health.first_success.get_or_insert(now);
            health.last_success = Some(now);
            return (before != Some(true), None);
        };
        health.alive = false;
        health.last_failure = Some(now);
        health.last_failure_cause = Some(why.clone());
        let grace = Duration::from_secs(self.check.grace_period_seconds.into());
        if health.first_success.is_none() && now.since(self.started) < grace {
            return (before != Some(false), None);
        }
        health.consecutive_failures = health.consecutive_failures.saturating_add(1);
        let most = self.check.max_consecutive_failures;
        let kill = most > 0 && health.consecutive_failures >= most;
        (before != Some(false), kill.then_some(why))
    }
}

impl ReadinessState {
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.filter(|_| !self.ready)
    }

    pub(super) fn result(&self, task: &str) -> ReadinessCheckResult {
        ReadinessCheckResult {
            name: self.check.name.clone(),
            task_id: task.to_owned(),
            ready: self.ready,
            last_response: self
                .last
                .clone()
                .filter(|_| self.check.preserve_last_response),
        }
    }

    fn record(&mut self, outcome: ProbeOutcome, now: Timestamp) {
        let interval = Duration::from_secs(self.check.interval_seconds.into()).max(MIN_INTERVAL);
        self.due = Some(now.after(interval));
        if let ProbeOutcome::Http {
            status,
            content_type,
            mut body,
        } = outcome
        {
            self.ready = self.check.http_status_codes_for_ready.contains(&status);
            let end = (0..=MAX_KEPT_BODY_BYTES.min(body.len()))
                .rev()
                .find(|end| body.is_char_boundary(*end));
            body.truncate(end.unwrap_or_default());
            self.last = Some(ReadinessResponse {
                status,
                content_type,
                body,
            });
        }
    }
}

/// The health checks of a task that starts now.
pub(super) fn health_states(app: &App, now: Timestamp) -> Vec<HealthState> {
    let one = |check: &HealthCheck| {
        use HealthProtocol as P;
        // `delaySeconds` applies to checks by Mesos; Marathon's own start at once and rely on the grace period.
        let by_mesos = matches!(
            check.protocol,
            P::MesosHttp | P::MesosHttps | P::MesosTcp | P::Command
        );
        let delay = if by_mesos { check.delay_seconds } else { 0 };
        let due = Some(now.after(Duration::from_secs(delay.into())));
        HealthState {
            check: check.clone(),
            started: now,
            due,
            health: None,
        }
    };
    app.health_checks.iter().map(one).collect()
}

/// The readiness check of a task that starts now; validation allows at most one.
pub(super) fn readiness_state(app: &App, now: Timestamp) -> Option<ReadinessState> {
    let check = app.readiness_checks.first()?.clone();
    Some(ReadinessState {
        check,
        due: Some(now),
        ready: false,
        last: None,
    })
}

impl Core {
    /// Starts every check that is due.
    pub(super) fn send_due_probes(&mut self, now: Timestamp) {
        let mut effects = Vec::new();
        for instance in self
            .instances
            .values_mut()
            .filter(|instance| instance.state == State::Running)
        {
            let placement = instance.placement.clone();
            let agent = placement
                .as_ref()
                .map(|placement| placement.agent)
                .unwrap_or_default();
            let host = self.config.agents.host(agent).to_owned();
            let ports = placement
                .map(|placement| placement.ports)
                .unwrap_or_default();
            let (task, app) = (instance.task(), instance.app.clone());
            let is_due = |due: &mut Option<Timestamp>| due.take_if(|due| *due <= now).is_some();
            for (index, checked) in instance.checks.iter_mut().enumerate() {
                if is_due(&mut checked.due) {
                    let timeout = Duration::from_secs(checked.check.timeout_seconds.max(1).into());
                    let request = health_probe(&checked.check, &app, &host, &ports);
                    effects.push(Effect::Probe {
                        task: task.clone(),
                        probe: ProbeId::Health(index),
                        request,
                        timeout,
                    });
                }
            }
            if let Some(readiness) = instance
                .readiness
                .as_mut()
                .filter(|readiness| !readiness.ready)
                && is_due(&mut readiness.due)
            {
                let timeout = Duration::from_secs(readiness.check.timeout_seconds.max(1).into());
                let request = readiness_probe(&readiness.check, &app, &host, &ports);
                effects.push(Effect::Probe {
                    task: task.clone(),
                    probe: ProbeId::Readiness,
                    request,
                    timeout,
                });
            }
        }
        self.effects.extend(effects);
    }

    pub(super) fn handle_probed(
        &mut self,
        task: &str,
        probe: ProbeId,
        outcome: ProbeOutcome,
        now: Timestamp,
    ) {
        let Some(instance) = self
            .instance_of_task_mut(task)
            .filter(|instance| instance.state == State::Running)
        else {
            return;
        };
        match probe {
            ProbeId::Readiness => {
                if let Some(readiness) = instance.readiness.as_mut() {
                    readiness.record(outcome, now);
                }
            }
            ProbeId::Health(index) => {
                let id = instance.id.clone();
                let Some(checked) = instance.checks.get_mut(index) else {
                    return;
                };
                let (changed, kill) = checked.record(&id, &outcome, now);
                if changed {
                    self.emit_health_changed(&id, now);
                }
                if let Some(why) = kill {
                    self.kill_unhealthy(&id, why, now);
                }
            }
        }
    }

    fn kill_unhealthy(&mut self, id: &str, why: String, now: Timestamp) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.unhealthy_reason = Some(why.clone());
        let instance = instance.clone();
        self.events.push(Event::UnhealthyInstanceKillEvent {
            app_id: instance.app.id.clone(),
            task_id: instance.task(),
            instance_id: instance.id.clone(),
            version: instance.version(),
            reason: why,
            host: self.host_of(&instance),
            slave_id: Some(super::emit::agent_of(&instance)),
            timestamp: now,
        });
        self.stop_instance(id, Goal::Run, now);
    }

    fn emit_health_changed(&mut self, id: &str, now: Timestamp) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let alive = instance.checks.iter().all(HealthState::is_alive);
        let (instance_id, app, version) = (
            instance.id.clone(),
            instance.app.id.clone(),
            instance.version(),
        );
        self.events.push(Event::InstanceHealthChangedEvent {
            instance_id: instance_id.clone(),
            run_spec_id: app.clone(),
            healthy: alive,
            run_spec_version: version,
            timestamp: now,
        });
        self.events.push(Event::HealthStatusChangedEvent {
            app_id: app,
            instance_id,
            version,
            alive,
            timestamp: now,
        });
    }

    /// Readiness results of an app's tasks.
    pub(super) fn readiness_results(&self, instances: &[&Instance]) -> Vec<ReadinessCheckResult> {
        let one =
            |instance: &&Instance| Some(instance.readiness.as_ref()?.result(&instance.task()));
        instances.iter().filter_map(one).collect()
    }
}
