//! Where tasks run, how they are replaced, and how soon again.

use moodvane_marathon_api::Operator;

use super::Subject;

/// Twice the seed's whole relaunch; a task that failed must not be away for minutes.
const LONGEST_DELAY: u32 = 60;

/// Instances that must be on different hosts have as many, while they are replaced too.
pub(super) fn room_for_unique(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let Some(agents) = subject.agents else {
        return Vec::new();
    };
    let is_unique = app
        .constraints
        .iter()
        .any(|one| one.field == "hostname" && one.operator == Operator::Unique);
    let extra =
        (f64::from(app.instances) * app.upgrade_strategy.maximum_over_capacity).floor() as u32;
    let most = app.instances + extra;
    if !is_unique || most <= agents {
        return Vec::new();
    }
    vec![format!(
        "{most} instances (while it is upgraded) on different hosts, but there are {agents} agents: Marathon would wait for ever"
    )]
}

/// An upgrade leaves some instances serving, and a single one is not run twice.
pub(super) fn upgrade_keeps_serving(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let strategy = app.upgrade_strategy;
    let mut wrong = Vec::new();
    if app.instances > 1 && strategy.minimum_health_capacity <= 0.0 {
        wrong.push(
            "minimumHealthCapacity is 0: an upgrade would stop all instances at once".to_owned(),
        );
    }
    let none_may_go = strategy.minimum_health_capacity * f64::from(app.instances)
        > f64::from(app.instances) - 1.0;
    let none_may_come = strategy.maximum_over_capacity * f64::from(app.instances) < 1.0;
    if app.instances > 0 && none_may_go && none_may_come {
        wrong.push(
            "no instance may go (minimumHealthCapacity) and none may come (maximumOverCapacity): an upgrade would never begin"
                .to_owned(),
        );
    }
    wrong
}

/// A failed task is launched again within seconds, however often it failed.
pub(super) fn backoff(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let mut wrong = Vec::new();
    if app.max_launch_delay_seconds > LONGEST_DELAY {
        wrong.push(format!(
            "maxLaunchDelaySeconds is {}: {LONGEST_DELAY} at most, or a service that failed stays away for minutes",
            app.max_launch_delay_seconds
        ));
    }
    if app.backoff_seconds == 0 {
        wrong.push(
            "backoffSeconds is 0: a task that fails at once would be launched without a pause"
                .to_owned(),
        );
    }
    wrong
}

/// The load balancer's labels speak of ports that there are.
pub(super) fn balancer_labels(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    let ports = app.port_names().len();
    let indices = app.labels.keys().filter_map(|label| {
        let rest = label.strip_prefix("HAPROXY_")?;
        rest.split('_').next()?.parse::<usize>().ok()
    });
    let mut wrong: Vec<String> = indices
        .filter(|index| *index >= ports)
        .map(|index| {
            format!("HAPROXY_{index}_… is of port {index}, but there are {ports} ports, from 0 on")
        })
        .collect();
    wrong.dedup();
    let speaks = app
        .labels
        .keys()
        .any(|label| label.starts_with("HAPROXY_0_"));
    if speaks && !app.labels.contains_key("HAPROXY_GROUP") {
        wrong.push(
            "has labels of the load balancer, but no HAPROXY_GROUP: it would be passed over"
                .to_owned(),
        );
    }
    wrong
}
