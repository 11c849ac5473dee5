//! State of the health and readiness checks of one task, and the evaluation of their results.

use std::time::Duration;

use moodvane_marathon_api::{
    App, HealthCheck, HealthCheckResult, HealthProtocol, ReadinessCheck, ReadinessCheckResult,
    ReadinessResponse, Timestamp,
};

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
    pub(super) check: HealthCheck,
    started: Timestamp,
    /// When the check is due; `None` while it runs.
    pub(super) due: Option<Timestamp>,
    health: Option<HealthCheckResult>,
}

/// State of the readiness check of a task.
#[derive(Debug, Clone)]
pub(super) struct ReadinessState {
    pub(super) check: ReadinessCheck,
    pub(super) due: Option<Timestamp>,
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

    /// How often Marathon reports a change of this check's health. It reports that of a check by
    /// Mesos twice: with the status of the task, and after its evaluation, which ignores failures
    /// before the first success.
    pub(super) fn reports_of_change(&self) -> usize {
        let is_evaluated = self
            .health()
            .is_some_and(|health| health.first_success.is_some());
        match is_by_mesos(&self.check) && is_evaluated {
            true => 2,
            false => 1,
        }
    }

    /// Records a result. Returns whether the health changed, and the reason to kill the task, if any.
    pub(super) fn record(
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
        let reason = match outcome {
            ProbeOutcome::Success => None,
            // Marathon accepts redirects too.
            ProbeOutcome::Http {
                status: 200..=399, ..
            } => None,
            ProbeOutcome::Http {
                status: 100..=199, ..
            } if self.check.ignore_http1xx => return (false, None),
            ProbeOutcome::Http { status, .. } => Some(format!("HTTP status {status}")),
            ProbeOutcome::Failed(reason) => Some(reason.clone()),
        };
        let Some(reason) = reason else {
            health.alive = true;
            health.consecutive_failures = 0;
            health.first_success.get_or_insert(now);
            health.last_success = Some(now);
            return (before != Some(true), None);
        };
        health.alive = false;
        health.last_failure = Some(now);
        health.last_failure_cause = Some(reason.clone());
        let grace = Duration::from_secs(self.check.grace_period_seconds.into());
        if health.first_success.is_none() && now.since(self.started) < grace {
            return (before != Some(false), None);
        }
        health.consecutive_failures = health.consecutive_failures.saturating_add(1);
        let max_failures = self.check.max_consecutive_failures;
        let kill = max_failures > 0 && health.consecutive_failures >= max_failures;
        (before != Some(false), kill.then_some(reason))
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

    pub(super) fn record(&mut self, outcome: ProbeOutcome, now: Timestamp) {
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

fn is_by_mesos(check: &HealthCheck) -> bool {
    use HealthProtocol as P;
    matches!(
        check.protocol,
        P::MesosHttp | P::MesosHttps | P::MesosTcp | P::Command
    )
}

/// The health checks of a task that starts now.
pub(super) fn health_states(app: &App, now: Timestamp) -> Vec<HealthState> {
    let new_state = |check: &HealthCheck| {
        // `delaySeconds` applies to checks by Mesos; Marathon's own start at once and rely on the grace period.
        let delay = match is_by_mesos(check) {
            true => check.delay_seconds,
            false => 0,
        };
        let due = Some(now.after(Duration::from_secs(delay.into())));
        HealthState {
            check: check.clone(),
            started: now,
            due,
            health: None,
        }
    };
    app.health_checks.iter().map(new_state).collect()
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
