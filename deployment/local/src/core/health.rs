//! Health and readiness of running tasks: starts due checks, and acts on their results.

use std::time::Duration;

use moodvane_marathon_api::{Event, ReadinessCheckResult, Timestamp};

use super::checks::{HealthState, ProbeId, ProbeOutcome};
use super::emit::agent_of;
use super::instance::{Goal, Instance, State};
use super::probes::{health_probe, readiness_probe};
use super::{Core, Effect};

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
            for (index, state) in instance.checks.iter_mut().enumerate() {
                if is_due(&mut state.due) {
                    let timeout = Duration::from_secs(state.check.timeout_seconds.max(1).into());
                    let request = health_probe(&state.check, &app, &host, &ports);
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
                let Some(state) = instance.checks.get_mut(index) else {
                    return;
                };
                let (changed, kill) = state.record(&id, &outcome, now);
                let reports = state.reports_of_change();
                if changed {
                    self.emit_health_changed(&id, reports, now);
                }
                if let Some(reason) = kill {
                    self.kill_unhealthy(&id, reason, now);
                }
            }
        }
    }

    fn kill_unhealthy(&mut self, id: &str, reason: String, now: Timestamp) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.unhealthy_reason = Some(reason.clone());
        let instance = instance.clone();
        self.events.push(Event::UnhealthyInstanceKillEvent {
            app_id: instance.app.id.clone(),
            task_id: instance.task(),
            instance_id: instance.id.clone(),
            version: instance.version(),
            reason,
            host: self.host_of(&instance),
            slave_id: Some(agent_of(&instance)),
            timestamp: now,
        });
        self.stop_instance(id, Goal::Run, now);
    }

    fn emit_health_changed(&mut self, id: &str, reports: usize, now: Timestamp) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let alive = instance.checks.iter().all(HealthState::is_alive);
        let (instance_id, app, version) = (
            instance.id.clone(),
            instance.app.id.clone(),
            instance.version(),
        );
        let changed = Event::InstanceHealthChangedEvent {
            instance_id: instance_id.clone(),
            run_spec_id: app.clone(),
            healthy: alive,
            run_spec_version: version,
            timestamp: now,
        };
        self.events.extend(std::iter::repeat_n(changed, reports));
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
        let result =
            |instance: &&Instance| Some(instance.readiness.as_ref()?.result(&instance.task()));
        instances.iter().filter_map(result).collect()
    }
}
