//! Health and readiness of running tasks: when they are asked, and what follows from the answers.

use std::time::Duration;

use moodvane_marathon_api::{
    App, Event, HealthCheck, HealthCheckResult, HealthProtocol, ReadinessCheck,
    ReadinessCheckResult, ReadinessResponse, Timestamp,
};

use super::instance::{Goal, Instance, State};
use super::probes::{health_probe, readiness_probe};
use super::{Core, Effect};

/// Nothing is asked oftener, whatever a definition says.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// So much of a readiness check's answer is kept.
const KEPT_BODY: usize = 4096;

/// Which question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeId {
    /// The health check with this number.
    Health(usize),
    /// The readiness check.
    Ready,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An HTTP answer.
    Http {
        status: u16,
        content_type: String,
        body: String,
    },
    /// The connection was taken, or the command ended well.
    Good,
    /// No answer, or a wrong one.
    Failed(String),
}

/// What a health check knows of a task.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    check: HealthCheck,
    started: Timestamp,
    /// When it is asked next; none while it is being asked.
    due: Option<Timestamp>,
    health: Option<HealthCheckResult>,
}

/// What the readiness check knows of a task.
#[derive(Debug, Clone)]
pub(super) struct Readiness {
    check: ReadinessCheck,
    due: Option<Timestamp>,
    pub(super) ready: bool,
    last: Option<ReadinessResponse>,
}

impl Checked {
    pub(super) fn is_alive(&self) -> bool {
        self.health.as_ref().is_some_and(|health| health.alive)
    }

    pub(super) fn health(&self) -> Option<&HealthCheckResult> {
        self.health.as_ref()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due
    }

    /// Takes an answer in. Whether the check spoke otherwise before, and whether the task is to be killed.
    fn answered(
        &mut self,
        instance: &str,
        outcome: &Outcome,
        now: Timestamp,
    ) -> (bool, Option<String>) {
        self.due =
            Some(now.after(
                Duration::from_secs(self.check.interval_seconds.into()).max(SHORTEST_INTERVAL),
            ));
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
            Outcome::Good => None,
            // A redirection is an answer of a living task, for Marathon too.
            Outcome::Http {
                status: 200..=399, ..
            } => None,
            Outcome::Http {
                status: 100..=199, ..
            } if self.check.ignore_http1xx => return (false, None),
            Outcome::Http { status, .. } => Some(format!("HTTP status {status}")),
            Outcome::Failed(why) => Some(why.clone()),
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

impl Readiness {
    pub(super) fn next(&self) -> Option<Timestamp> {
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

    fn answered(&mut self, outcome: Outcome, now: Timestamp) {
        let interval =
            Duration::from_secs(self.check.interval_seconds.into()).max(SHORTEST_INTERVAL);
        self.due = Some(now.after(interval));
        if let Outcome::Http {
            status,
            content_type,
            mut body,
        } = outcome
        {
            self.ready = self.check.http_status_codes_for_ready.contains(&status);
            let end = (0..=KEPT_BODY.min(body.len()))
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
pub(super) fn checks_of(app: &App, now: Timestamp) -> Vec<Checked> {
    let one = |check: &HealthCheck| {
        use HealthProtocol as P;
        // The delay is Mesos'; Marathon's own checks begin at once and rely on the grace.
        let by_mesos = matches!(
            check.protocol,
            P::MesosHttp | P::MesosHttps | P::MesosTcp | P::Command
        );
        let delay = if by_mesos { check.delay_seconds } else { 0 };
        let due = Some(now.after(Duration::from_secs(delay.into())));
        Checked {
            check: check.clone(),
            started: now,
            due,
            health: None,
        }
    };
    app.health_checks.iter().map(one).collect()
}

/// The readiness check of a task that starts now; validation lets no app have two.
pub(super) fn readiness_of(app: &App, now: Timestamp) -> Option<Readiness> {
    let check = app.readiness_checks.first()?.clone();
    Some(Readiness {
        check,
        due: Some(now),
        ready: false,
        last: None,
    })
}

impl Core {
    /// Asks whatever is due.
    pub(super) fn probe_due(&mut self, now: Timestamp) {
        let mut effects = Vec::new();
        for instance in self
            .instances
            .values_mut()
            .filter(|instance| instance.state == State::Running)
        {
            let place = instance.place.clone();
            let agent = place.as_ref().map(|place| place.agent).unwrap_or_default();
            let host = self.config.agents.host(agent).to_owned();
            let ports = place.map(|place| place.ports).unwrap_or_default();
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
                    probe: ProbeId::Ready,
                    request,
                    timeout,
                });
            }
        }
        self.effects.extend(effects);
    }

    pub(super) fn probed(&mut self, task: &str, probe: ProbeId, outcome: Outcome, now: Timestamp) {
        let Some(instance) = self
            .instance_of_mut(task)
            .filter(|instance| instance.state == State::Running)
        else {
            return;
        };
        match probe {
            ProbeId::Ready => {
                if let Some(readiness) = instance.readiness.as_mut() {
                    readiness.answered(outcome, now);
                }
            }
            ProbeId::Health(index) => {
                let id = instance.id.clone();
                let Some(checked) = instance.checks.get_mut(index) else {
                    return;
                };
                let (changed, kill) = checked.answered(&id, &outcome, now);
                if changed {
                    self.tell_health(&id, now);
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
        instance.blamed = Some(why.clone());
        let instance = instance.clone();
        self.events.push(Event::UnhealthyInstanceKillEvent {
            app_id: instance.app.id.clone(),
            task_id: instance.task(),
            instance_id: instance.id.clone(),
            version: instance.version(),
            reason: why,
            host: self.host_of(&instance),
            slave_id: Some(super::tasks::agent_of(&instance)),
            timestamp: now,
        });
        self.end_instance(id, Goal::Run, now);
    }

    fn tell_health(&mut self, id: &str, now: Timestamp) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let alive = instance.checks.iter().all(Checked::is_alive);
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

    /// What the readiness checks of an app's tasks say.
    pub(super) fn readiness_results(&self, instances: &[&Instance]) -> Vec<ReadinessCheckResult> {
        let one =
            |instance: &&Instance| Some(instance.readiness.as_ref()?.result(&instance.task()));
        instances.iter().filter_map(one).collect()
    }
}
