//! The simulated agents of one machine, and the reasons why a task is not placed.
//!
//! Agent *k* is the loopback address `127.0.0.k`. All agents are this machine and share its resources. They
//! give constraints on `hostname` a meaning, and let several tasks use the same fixed port if they listen
//! on `$HOST`.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use moodvane_marathon_api::{App, Constraint, OffersSummary, Operator, RejectReason, Timestamp};

/// The simulated agents.
#[derive(Debug, Clone)]
pub(crate) struct Agents {
    hosts: Vec<String>,
}

/// Resources of all agents together; a running task reserves what it requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// CPUs.
    pub(crate) cpus: f64,
    /// Memory, in MB.
    pub(crate) mem: f64,
}

/// Why no agent's offer matches a task, in Marathon's order and terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NoOfferMatchReason {
    Constraint,
    Cpus,
    Memory,
    Ports,
}

impl Agents {
    /// `count` agents, at least 1 and at most 254.
    pub(crate) fn new(count: u8) -> Self {
        Self {
            hosts: (1..=count.clamp(1, 254))
                .map(|number| format!("127.0.0.{number}"))
                .collect(),
        }
    }

    pub(super) fn host(&self, agent: usize) -> &str {
        self.hosts.get(agent).map_or("127.0.0.1", String::as_str)
    }

    /// The index of the agent with this address, or of the first agent.
    pub(super) fn index_of(&self, host: &str) -> usize {
        self.hosts
            .iter()
            .position(|other| other == host)
            .unwrap_or_default()
    }

    /// The first agent that the constraints of `app` allow, given the agents of its other tasks.
    pub(super) fn choose(
        &self,
        app: &App,
        siblings: &[usize],
        bound: Option<usize>,
    ) -> Option<usize> {
        let allows = |agent: &usize| {
            app.constraints
                .iter()
                .all(|constraint| self.allows(constraint, *agent, siblings))
        };
        match bound {
            // An instance with persistent volumes returns to its agent.
            Some(agent) => Some(agent).filter(|agent| *agent < self.hosts.len()),
            None => (0..self.hosts.len()).find(allows),
        }
    }

    fn allows(&self, constraint: &Constraint, agent: usize, siblings: &[usize]) -> bool {
        if constraint.field != "hostname" && constraint.field != "@hostname" {
            // Agents have no other attribute.
            return constraint.operator == Operator::Unlike;
        }
        let host = self.host(agent);
        let here = siblings.iter().filter(|other| **other == agent).count();
        let value = constraint.value.as_deref().unwrap_or_default();
        match constraint.operator {
            Operator::Unique => here == 0,
            Operator::Cluster if value.is_empty() => siblings.iter().all(|other| *other == agent),
            Operator::Cluster | Operator::Is => host == value,
            Operator::GroupBy => {
                let fewest = (0..self.hosts.len())
                    .map(|agent| siblings.iter().filter(|other| **other == agent).count())
                    .min();
                fewest == Some(here)
            }
            Operator::MaxPer => value.parse::<usize>().is_ok_and(|most| here < most),
            Operator::Like => matches_any_name(host, value),
            Operator::Unlike => !matches_any_name(host, value),
        }
    }
}

/// Matches a list of names separated by `|`; other patterns have been rejected before.
fn matches_any_name(host: &str, value: &str) -> bool {
    value
        .split('|')
        .any(|name| name.replace("\\.", ".") == host)
}

impl Capacity {
    pub(super) fn check_room<'a>(
        &self,
        app: &App,
        others: impl Iterator<Item = &'a App>,
    ) -> Result<(), NoOfferMatchReason> {
        let (cpus, mem) = others.fold((app.cpus, app.mem), |(cpus, mem), other| {
            (cpus + other.cpus, mem + other.mem)
        });
        if cpus > self.cpus {
            return Err(NoOfferMatchReason::Cpus);
        }
        if mem > self.mem {
            Err(NoOfferMatchReason::Memory)
        } else {
            Ok(())
        }
    }
}

/// Delay until a launch without a matching offer is retried.
const RETRY: Duration = Duration::from_secs(1);

/// Counts the offers that did not match an instance, by reason.
#[derive(Debug, Clone, Default)]
pub(super) struct OfferStats {
    counts: BTreeMap<NoOfferMatchReason, u32>,
    last: Option<(NoOfferMatchReason, Timestamp)>,
    launched: Option<Timestamp>,
}

/// Marathon's names of the reasons; `None` for a reason that does not occur here.
static REASON_NAMES: LazyLock<[(&str, Option<NoOfferMatchReason>); 10]> = LazyLock::new(|| {
    [
        ("UnfulfilledRole", None),
        (
            "UnfulfilledConstraint",
            Some(NoOfferMatchReason::Constraint),
        ),
        ("NoCorrespondingReservationFound", None),
        ("AgentMaintenance", None),
        ("InsufficientCpus", Some(NoOfferMatchReason::Cpus)),
        ("InsufficientMemory", Some(NoOfferMatchReason::Memory)),
        ("InsufficientDisk", None),
        ("InsufficientGpus", None),
        ("InsufficientPorts", Some(NoOfferMatchReason::Ports)),
        ("DeclinedScarceResources", None),
    ]
});

impl OfferStats {
    pub(super) fn record_declined(&mut self, reason: NoOfferMatchReason, now: Timestamp) {
        let count = self.counts.entry(reason).or_default();
        *count = count.saturating_add(1);
        self.last = Some((reason, now));
    }

    /// Resets the counts after a launch.
    pub(super) fn record_launched(&mut self, now: Timestamp) {
        *self = Self {
            launched: Some(now),
            ..Self::default()
        };
    }

    /// When to retry: another process may have freed a port.
    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.last.map(|(_, at)| at.after(RETRY))
    }

    pub(super) fn has_declined(&self) -> bool {
        self.last.is_some()
    }

    pub(super) fn summary(&self) -> OffersSummary {
        let total: u32 = self.counts.values().sum();
        let last = self.last.map(|(reason, _)| reason);
        let row = |name: &str, declined: u32, processed: u32| RejectReason {
            reason: name.to_owned(),
            declined,
            processed,
        };
        let all = REASON_NAMES.iter().map(|(name, reason)| {
            row(
                name,
                reason
                    .and_then(|reason| self.counts.get(&reason).copied())
                    .unwrap_or_default(),
                total,
            )
        });
        let latest = REASON_NAMES.iter().map(|(name, reason)| {
            row(
                name,
                u32::from(reason.is_some() && *reason == last),
                u32::from(last.is_some()),
            )
        });
        OffersSummary {
            processed_offers_count: total,
            unused_offers_count: total,
            last_unused_offer_at: self.last.map(|(_, at)| at),
            last_used_offer_at: self.launched,
            reject_summary_last_offers: latest.collect(),
            reject_summary_launch_attempt: all.collect(),
        }
    }
}
