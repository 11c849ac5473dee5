//! Nodes of a cluster must agree with each other, and clients must use addresses of nodes.

use std::collections::BTreeSet;

use moodvane_marathon_api::{App, Operator};

use super::{Subject, plain_value};
use crate::PEERS_LABEL;

const VOTERS: &str = "KAFKA_CONTROLLER_QUORUM_VOTERS";
const NODE_ID: &str = "KAFKA_NODE_ID";
const KAFKA_ADDRESS: &str = "KAFKA_ADVERTISED_LISTENERS";
const CASSANDRA_ADDRESS: &str = "CASSANDRA_BROADCAST_ADDRESS";

/// A Kafka node is a voter with a unique id, and all nodes have the same quorum.
pub(super) fn quorum_is_consistent(subject: &Subject<'_>) -> Vec<String> {
    let Some(voters) = subject.variable(VOTERS) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let node = subject.variable(NODE_ID).unwrap_or_default();
    let mut ids = voters.split(',').filter_map(|voter| voter.split_once('@'));
    if !ids.any(|(id, _)| id == node) {
        problems.push(format!(
            "{NODE_ID} is {node}, which is not among the voters {voters}"
        ));
    }
    for key in [VOTERS, "CLUSTER_ID"] {
        let values = subject.all.iter().filter_map(|app| plain_value(app, key));
        if values.collect::<BTreeSet<_>>().len() > 1 {
            problems.push(format!(
                "{key} differs among the nodes, which would form several clusters"
            ));
        }
    }
    let has_same_id =
        |app: &&App| plain_value(app, VOTERS).is_some() && plain_value(app, NODE_ID) == Some(node);
    if subject.all.iter().filter(has_same_id).count() > 1 {
        problems.push(format!("{NODE_ID} {node} is used by another node"));
    }
    problems
}

/// Clients use addresses of nodes, and a replication factor of at most the number of nodes.
pub(super) fn addresses_are_nodes(subject: &Subject<'_>) -> Vec<String> {
    if subject.service().is_none() {
        return Vec::new();
    }
    let brokers = addresses(subject.all, KAFKA_ADDRESS, |listener| {
        listener.rsplit("://").next().unwrap_or_default()
    });
    let nodes = addresses(subject.all, CASSANDRA_ADDRESS, |address| address);
    let mut problems = unknown_addresses(
        subject,
        "MOODVANE_EVENTLOG__KAFKA__BOOTSTRAP_SERVERS",
        &brokers,
        |address| address,
    );
    problems.extend(unknown_addresses(
        subject,
        "MOODVANE_STORE__CASSANDRA__CONTACT_POINTS",
        &nodes,
        |address| address.rsplit_once(':').map_or(address, |(host, _)| host),
    ));
    problems.extend(excessive_replication(
        subject,
        "MOODVANE_EVENTLOG__KAFKA__REPLICATION",
        brokers.len(),
    ));
    problems.extend(excessive_replication(
        subject,
        "MOODVANE_STORE__CASSANDRA__REPLICATION_FACTOR",
        nodes.len(),
    ));
    problems
}

fn addresses(apps: &[App], variable: &str, address: fn(&str) -> &str) -> BTreeSet<String> {
    apps.iter()
        .filter_map(|app| plain_value(app, variable))
        .flat_map(|value| value.split(','))
        .map(|value| address(value).to_owned())
        .collect()
}

fn unknown_addresses(
    subject: &Subject<'_>,
    variable: &str,
    nodes: &BTreeSet<String>,
    node_address: fn(&str) -> &str,
) -> Vec<String> {
    if nodes.is_empty() {
        return Vec::new();
    }
    let value = subject.variable(variable).unwrap_or_default();
    let unknown = value
        .split(',')
        .filter(|address| !nodes.contains(node_address(address)));
    let known: Vec<&str> = nodes.iter().map(String::as_str).collect();
    unknown
        .map(|address| {
            format!(
                "{variable} has {address}, which is no node of the group; nodes: {}",
                known.join(", ")
            )
        })
        .collect()
}

fn excessive_replication(subject: &Subject<'_>, variable: &str, nodes: usize) -> Option<String> {
    let replication: usize = subject.variable(variable)?.parse().ok()?;
    (nodes > 0 && replication > nodes)
        .then(|| format!("{variable} is {replication}, but the group has {nodes} nodes"))
}

/// Peers that are bound to hosts are bound to different ones.
pub(super) fn peers_are_apart(subject: &Subject<'_>) -> Vec<String> {
    let Some(cluster) = subject.app.labels.get(PEERS_LABEL) else {
        return Vec::new();
    };
    let Some(host) = bound_host(subject.app) else {
        return Vec::new();
    };
    let peers = subject.all.iter().filter(|app| {
        app.id != subject.app.id
            && app.labels.get(PEERS_LABEL) == Some(cluster)
            && bound_host(app) == Some(host)
    });
    peers
        .map(|peer| {
            format!(
                "shares {host} with {}: the loss of one host would stop both",
                peer.id
            )
        })
        .collect()
}

/// The host that the constraints bind an app to.
pub(super) fn bound_host(app: &App) -> Option<&str> {
    let constraint = app.constraints.iter().find(|one| {
        one.field == "hostname"
            && [Operator::Cluster, Operator::Like, Operator::Is].contains(&one.operator)
    });
    constraint?.value.as_deref()
}
