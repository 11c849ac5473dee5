//! Nodes that form a cluster say the same of each other, and clients say what nodes say.

use std::collections::BTreeSet;

use moodvane_marathon_api::{App, Operator};

use super::{Subject, plain};
use crate::up::PEERS_LABEL;

const VOTERS: &str = "KAFKA_CONTROLLER_QUORUM_VOTERS";
const ADVERTISED: &str = "KAFKA_ADVERTISED_LISTENERS";

/// A Kafka node is one of its quorum, and all nodes know the same quorum.
pub(super) fn quorum(subject: &Subject<'_>) -> Vec<String> {
    let Some(voters) = subject.variable(VOTERS) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    let node = subject.variable("KAFKA_NODE_ID").unwrap_or_default();
    let ids: Vec<&str> = voters
        .split(',')
        .filter_map(|voter| Some(voter.split_once('@')?.0))
        .collect();
    if !ids.contains(&node) {
        wrong.push(format!(
            "KAFKA_NODE_ID is {node}, which is not among the voters {voters}"
        ));
    }
    for key in [VOTERS, "CLUSTER_ID"] {
        let said: BTreeSet<&str> = subject
            .all
            .iter()
            .filter_map(|app| plain(app, key))
            .collect();
        if said.len() > 1 {
            wrong.push(format!(
                "{key} differs among the nodes: they would be several clusters"
            ));
        }
    }
    let same =
        |app: &&App| plain(app, VOTERS).is_some() && plain(app, "KAFKA_NODE_ID") == Some(node);
    if subject.all.iter().filter(same).count() > 1 {
        wrong.push(format!("KAFKA_NODE_ID {node} is another node's too"));
    }
    wrong
}

/// Clients come to addresses at which a node answers, and ask for no more copies than there are nodes.
pub(super) fn reach(subject: &Subject<'_>) -> Vec<String> {
    if subject.service().is_none() {
        return Vec::new();
    }
    let brokers = said(subject, ADVERTISED, |listener| {
        listener.rsplit("://").next().unwrap_or_default()
    });
    let nodes = said(subject, "CASSANDRA_BROADCAST_ADDRESS", |address| address);
    let mut wrong = Vec::new();
    let asked = [
        (
            "MOODVANE_EVENTLOG__KAFKA__BOOTSTRAP_SERVERS",
            &brokers,
            false,
        ),
        ("MOODVANE_STORE__CASSANDRA__CONTACT_POINTS", &nodes, true),
    ];
    for (name, known, without_port) in asked {
        for address in subject.variable(name).unwrap_or_default().split(',') {
            let shown = if without_port {
                address.rsplit_once(':').map_or(address, |(host, _)| host)
            } else {
                address
            };
            if !known.is_empty() && !known.contains(shown) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                wrong.push(format!(
                    "{name} names {address}, where no node of the group is: {}",
                    known.join(", ")
                ));
            }
        }
    }
    let copies = [
        ("MOODVANE_EVENTLOG__KAFKA__REPLICATION", &brokers),
        ("MOODVANE_STORE__CASSANDRA__REPLICATION_FACTOR", &nodes),
    ];
    for (name, known) in copies {
        let wanted = subject
            .variable(name)
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(1);
        if !known.is_empty() && wanted > known.len() {
            wrong.push(format!(
                "{name} is {wanted}, but the group has {} nodes",
                known.len()
            ));
        }
    }
    wrong
}

fn said(subject: &Subject<'_>, name: &str, part: fn(&str) -> &str) -> BTreeSet<String> {
    let values = subject.all.iter().filter_map(|app| plain(app, name));
    values
        .flat_map(|value| value.split(','))
        .map(|value| part(value).to_owned())
        .collect()
}

/// Peers are bound to different hosts, where they are bound at all.
pub(super) fn peers_apart(subject: &Subject<'_>) -> Vec<String> {
    let Some(peers) = subject.app.labels.get(PEERS_LABEL) else {
        return Vec::new();
    };
    let Some(host) = host(subject.app) else {
        return Vec::new();
    };
    let others = subject.all.iter().filter(|app| {
        app.id != subject.app.id
            && app.labels.get(PEERS_LABEL) == Some(peers)
            && self::host(app) == Some(host)
    });
    others
        .map(|other| {
            format!(
                "is on {host} as {} is: one host's end would take both",
                other.id
            )
        })
        .collect()
}

fn host(app: &App) -> Option<&str> {
    let bound = app.constraints.iter().find(|one| {
        one.field == "hostname"
            && [Operator::Cluster, Operator::Like, Operator::Is].contains(&one.operator)
    });
    bound?.value.as_deref()
}
