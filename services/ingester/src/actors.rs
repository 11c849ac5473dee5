//! The supervision tree as an operator sees it.
//!
//! Terms: the root is the dispatcher; each source is its child; formatters and the publisher stand
//! beside it. Guarantee: a snapshot never waits for an actor.

use std::collections::BTreeMap;

use moodvane_model::{CityId, Timestamp};
use serde::Serialize;

use crate::formatter::PoolStatus;
use crate::status::SourceStatus;

const DISPATCHER: &str = "dispatcher";

/// The whole tree; each parent precedes its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActorTree {
    /// The actors.
    pub actors: Vec<ActorStatus>,
}

impl ActorTree {
    /// The tree before the ingester has started.
    pub(crate) const EMPTY: Self = Self { actors: Vec::new() };
}

/// One actor, or one pool of actors of the same kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActorStatus {
    /// Its name; for a source, the source id.
    pub name: String,
    /// The supervisor that starts and restarts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<&'static str>,
    /// Its state.
    pub state: &'static str,
    /// When the next attempt starts, in a state that waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Restarts since the ingester started.
    pub restarts: u64,
    /// For a source of weather that is stale: the time of the provider's latest observation, the
    /// oldest of all cities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<String>,
    /// The cities whose weather is stale, each with the time of the latest observation.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stale: BTreeMap<String, String>,
    /// The latest error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When records of it were acknowledged last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// Its queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<MailboxStatus>,
    /// The size of a pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<PoolSize>,
}

/// Messages that an actor has queued or is processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MailboxStatus {
    /// The number of messages.
    pub waiting: u64,
    /// The number at which senders have to wait.
    pub capacity: u64,
}

/// The size of a pool of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PoolSize {
    /// The current size.
    pub now: usize,
    /// The minimum.
    pub least: usize,
    /// The maximum.
    pub most: usize,
}

impl ActorStatus {
    fn named(name: &str, parent: Option<&'static str>, state: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            parent,
            state,
            until: None,
            restarts: 0,
            stale_since: None,
            stale: BTreeMap::new(),
            last_error: None,
            last_success: None,
            mailbox: None,
            members: None,
        }
    }

    pub(crate) fn supervisor(running: bool) -> Self {
        Self::named(DISPATCHER, None, state_name(running))
    }

    pub(crate) fn publisher(running: bool, mailbox: MailboxStatus) -> Self {
        Self {
            mailbox: Some(mailbox),
            ..Self::named("publisher", None, state_name(running))
        }
    }

    pub(crate) fn formatters(pool: Option<PoolStatus>) -> Self {
        let status = Self::named("formatters", None, state_name(pool.is_some()));
        let Some(pool) = pool else {
            return status;
        };
        Self {
            mailbox: Some(MailboxStatus {
                waiting: pool.pending_chunks as u64,
                capacity: (pool.size * pool.mailbox_capacity) as u64,
            }),
            members: Some(PoolSize {
                now: pool.size,
                least: pool.min,
                most: pool.max,
            }),
            ..status
        }
    }

    /// A source. Its queue is its batches in flight; at `capacity` the source stops reading.
    pub(crate) fn source(status: SourceStatus, capacity: usize) -> Self {
        Self {
            until: status.state.until().map(|at| at.to_string()),
            restarts: status.restarts,
            stale_since: status.stale.values().min().map(Timestamp::to_string),
            stale: stale_cities(&status),
            last_error: status.last_error,
            last_success: status.last_success.map(|at| at.to_string()),
            mailbox: Some(MailboxStatus {
                waiting: status.in_flight,
                capacity: capacity as u64,
            }),
            ..Self::named(status.id.as_str(), Some(DISPATCHER), status.state.name())
        }
    }
}

fn stale_cities(status: &SourceStatus) -> BTreeMap<String, String> {
    let named = |(city, since): (&CityId, &Timestamp)| (city.to_string(), since.to_string());
    status.stale.iter().map(named).collect()
}

fn state_name(running: bool) -> &'static str {
    if running { "running" } else { "stopped" }
}
