//! Placement, upgrades, relaunch and load balancing of tasks.

use moodvane_marathon_api::Operator;

use super::Subject;

/// A failed task must not stay down for minutes.
const MAX_LAUNCH_DELAY_S: u32 = 60;

/// There are enough agents for instances on different hosts, also during an upgrade.
pub(super) fn has_enough_agents(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let Some(agents) = subject.agents else {
        return Vec::new();
    };
    let mut constraints = app.constraints.iter();
    let is_unique =
        constraints.any(|one| one.field == "hostname" && one.operator == Operator::Unique);
    let extra =
        (f64::from(app.instances) * app.upgrade_strategy.maximum_over_capacity).floor() as u32;
    let needed = app.instances + extra;
    if !is_unique || needed <= agents {
        return Vec::new();
    }
    vec![format!(
        "needs {needed} agents for instances on different hosts during an upgrade, but there are {agents} agents: Marathon would wait forever"
    )]
}

/// An upgrade keeps some instances running, and can start.
pub(super) fn upgrade_keeps_serving(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let strategy = app.upgrade_strategy;
    let instances = f64::from(app.instances);
    let mut problems = Vec::new();
    if app.instances > 1 && strategy.minimum_health_capacity <= 0.0 {
        problems.push(
            "minimumHealthCapacity is 0: an upgrade would stop all instances at once".to_owned(),
        );
    }
    let cannot_stop_any = strategy.minimum_health_capacity * instances > instances - 1.0;
    let cannot_start_any = strategy.maximum_over_capacity * instances < 1.0;
    if app.instances > 0 && cannot_stop_any && cannot_start_any {
        problems.push(
            "an upgrade can neither stop an instance (minimumHealthCapacity) nor start one (maximumOverCapacity), so it would never start"
                .to_owned(),
        );
    }
    problems
}

/// A failed task is relaunched within a minute, however often it failed.
pub(super) fn backoff_is_short(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let mut problems = Vec::new();
    if app.max_launch_delay_seconds > MAX_LAUNCH_DELAY_S {
        problems.push(format!(
            "maxLaunchDelaySeconds is {}: must be at most {MAX_LAUNCH_DELAY_S}, or a failed service stays down for minutes",
            app.max_launch_delay_seconds
        ));
    }
    if app.backoff_seconds == 0 {
        problems.push(
            "backoffSeconds is 0: a task that fails at once would be relaunched without a delay"
                .to_owned(),
        );
    }
    problems
}

/// Load balancer labels refer to existing ports and have a group.
pub(super) fn balancer_labels_match_ports(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let ports = app.port_names().len();
    let indices = app.labels.keys().filter_map(|label| {
        let rest = label.strip_prefix("HAPROXY_")?;
        rest.split('_').next()?.parse::<usize>().ok()
    });
    let mut problems: Vec<String> = indices
        .filter(|index| *index >= ports)
        .map(|index| {
            format!(
                "HAPROXY_{index}_… refers to port {index}, but there are {ports} ports, from 0 on"
            )
        })
        .collect();
    problems.dedup();
    let mut labels = app.labels.keys();
    let is_balanced = labels.any(|label| label.starts_with("HAPROXY_0_"));
    if is_balanced && !app.labels.contains_key("HAPROXY_GROUP") {
        problems.push(
            "has load balancer labels but no HAPROXY_GROUP: the load balancer would ignore it"
                .to_owned(),
        );
    }
    problems
}
