//! Events of tasks and instances for the event stream.

use moodvane_marathon_api::{Condition, Event, IpAddress, IpProtocol, TaskState, Timestamp};

use super::Core;
use super::instance::Instance;

/// Prefix of agent ids, as in Marathon's local mode.
pub(super) const AGENT: &str = "local-S";

impl Core {
    /// Emits an event of a request, such as `api_post_event`.
    pub(crate) fn emit(&mut self, event: impl FnOnce(Timestamp) -> Event, now: Timestamp) {
        self.events.push(event(now));
    }

    pub(super) fn emit_status_update(
        &mut self,
        id: &str,
        state: TaskState,
        message: &str,
        now: Timestamp,
    ) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let host = self.host_of(instance);
        let event = Event::StatusUpdateEvent {
            slave_id: agent_of(instance),
            task_id: instance.task(),
            task_status: state,
            message: message.to_owned(),
            app_id: instance.app.id.clone(),
            ip_addresses: addresses(&host),
            host,
            ports: instance
                .placement
                .as_ref()
                .map(|placement| placement.ports.clone())
                .unwrap_or_default(),
            version: instance.version(),
            timestamp: now,
        };
        self.events.push(event);
    }

    pub(super) fn emit_instance_changed(&mut self, id: &str, condition: Condition, now: Timestamp) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let placed = instance.placement.is_some() && condition != Condition::Scheduled;
        let event = Event::InstanceChangedEvent {
            instance_id: instance.id.clone(),
            condition,
            run_spec_id: instance.app.id.clone(),
            agent_id: placed.then(|| agent_of(instance)),
            host: placed.then(|| self.host_of(instance)),
            run_spec_version: instance.version(),
            timestamp: now,
        };
        self.events.push(event);
    }
}

pub(super) fn agent_of(instance: &Instance) -> String {
    format!(
        "{AGENT}{}",
        instance
            .placement
            .as_ref()
            .map(|placement| placement.agent)
            .unwrap_or_default()
    )
}

pub(super) fn addresses(host: &str) -> Vec<IpAddress> {
    vec![IpAddress {
        ip_address: host.to_owned(),
        protocol: IpProtocol::Ipv4,
    }]
}
