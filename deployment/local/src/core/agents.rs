//! The pretended agents of one machine, and what keeps a task from being placed.
//!
//! Agent *k* is the loopback address `127.0.0.k`: all are this machine, and all its resources are one
//! pool. They are there so that constraints on `hostname` mean something, and so that tasks with fixed
//! ports can stand beside each other where they listen on `$HOST`.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use moodvane_marathon_api::{App, Constraint, OffersSummary, Operator, RejectReason, Timestamp};

/// The agents.
#[derive(Debug, Clone)]
pub(crate) struct Agents {
    hosts: Vec<String>,
}

/// What all agents have together; a task takes its part of it while it lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Processors.
    pub(crate) cpus: f64,
    /// Memory, in MB.
    pub(crate) mem: f64,
}

/// Why a task is not placed, in Marathon's order and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Constraint,
    Cpus,
    Memory,
    Ports,
}

impl Agents {
    /// `count` agents, at least one and at most 254.
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

    /// The agent with this address; the first where there is none.
    pub(super) fn with_host(&self, host: &str) -> usize {
        self.hosts
            .iter()
            .position(|other| other == host)
            .unwrap_or_default()
    }

    /// The first agent that `app`'s constraints allow beside its `siblings`.
    pub(super) fn choose(
        &self,
        app: &App,
        siblings: &[usize],
        kept: Option<usize>,
    ) -> Option<usize> {
        let allows = |agent: &usize| {
            app.constraints
                .iter()
                .all(|constraint| self.allows(constraint, *agent, siblings))
        };
        match kept {
            // What the instance kept decides, as long as it is allowed at all.
            Some(agent) => Some(agent).filter(|agent| *agent < self.hosts.len()),
            None => (0..self.hosts.len()).find(allows),
        }
    }

    fn allows(&self, constraint: &Constraint, agent: usize, siblings: &[usize]) -> bool {
        if constraint.field != "hostname" && constraint.field != "@hostname" {
            // No agent has any other attribute.
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
            Operator::Like => is_like(host, value),
            Operator::Unlike => !is_like(host, value),
        }
    }
}

/// A full match with the value as a list of names apart from `|`; more of a pattern is refused before.
fn is_like(host: &str, value: &str) -> bool {
    value
        .split('|')
        .any(|name| name.replace("\\.", ".") == host)
}

impl Capacity {
    pub(super) fn has_room<'a>(
        &self,
        app: &App,
        others: impl Iterator<Item = &'a App>,
    ) -> Result<(), Reason> {
        let (cpus, mem) = others.fold((app.cpus, app.mem), |(cpus, mem), other| {
            (cpus + other.cpus, mem + other.mem)
        });
        if cpus > self.cpus {
            return Err(Reason::Cpus);
        }
        if mem > self.mem {
            Err(Reason::Memory)
        } else {
            Ok(())
        }
    }
}

/// A launch that was not possible is tried again so soon, if nothing happens before.
const RETRY: Duration = Duration::from_secs(1);

/// How often each reason kept an instance from being launched.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocked {
    counts: BTreeMap<Reason, u32>,
    last: Option<(Reason, Timestamp)>,
    launched: Option<Timestamp>,
}

/// The names of Marathon's reasons; this place only ever has some of them.
static NAMES: LazyLock<[(&str, Option<Reason>); 10]> = LazyLock::new(|| {
    [
        ("UnfulfilledRole", None),
        ("UnfulfilledConstraint", Some(Reason::Constraint)),
        ("NoCorrespondingReservationFound", None),
        ("AgentMaintenance", None),
        ("InsufficientCpus", Some(Reason::Cpus)),
        ("InsufficientMemory", Some(Reason::Memory)),
        ("InsufficientDisk", None),
        ("InsufficientGpus", None),
        ("InsufficientPorts", Some(Reason::Ports)),
        ("DeclinedScarceResources", None),
    ]
});

impl Blocked {
    pub(super) fn by(&mut self, reason: Reason, now: Timestamp) {
        let count = self.counts.entry(reason).or_default();
        *count = count.saturating_add(1);
        self.last = Some((reason, now));
    }

    /// It is launched: what kept it from that is over.
    pub(super) fn over(&mut self, now: Timestamp) {
        *self = Self {
            launched: Some(now),
            ..Self::default()
        };
    }

    /// Somebody else on the machine may have let go of what was lacking.
    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.last.map(|(_, at)| at.after(RETRY))
    }

    pub(super) fn is_any(&self) -> bool {
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
        let all = NAMES.iter().map(|(name, reason)| {
            row(
                name,
                reason
                    .and_then(|reason| self.counts.get(&reason).copied())
                    .unwrap_or_default(),
                total,
            )
        });
        let latest = NAMES.iter().map(|(name, reason)| {
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
