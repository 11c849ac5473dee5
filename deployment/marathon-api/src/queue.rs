//! The launch queue: what waits to be started, and for how long.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::timestamp::Timestamp;

/// The answer to `GET /v2/queue`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// What waits.
    pub queue: Vec<QueueItem>,
}

/// An app with instances to be started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueItem {
    /// How many.
    pub count: u32,
    /// The role of their resources.
    pub role: String,
    /// For how long.
    pub delay: Delay,
    /// Since when.
    pub since: Timestamp,
    /// What kept them from starting.
    pub processed_offers_summary: OffersSummary,
    /// The app.
    pub app: App,
}

/// How long a launch waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delay {
    /// From now.
    pub time_left_seconds: u64,
    /// Whether it waits for something else than the time.
    pub overdue: bool,
}

/// The offers of resources that were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OffersSummary {
    /// How many.
    pub processed_offers_count: u32,
    /// How many of them did not do.
    pub unused_offers_count: u32,
    /// When one last did not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_unused_offer_at: Option<Timestamp>,
    /// When one last did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_offer_at: Option<Timestamp>,
    /// Why, of the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject_summary_last_offers: Vec<RejectReason>,
    /// Why, of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject_summary_launch_attempt: Vec<RejectReason>,
}

/// How often one reason kept an offer from being used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectReason {
    /// The reason, as `InsufficientCpus`.
    pub reason: String,
    /// How often it was why.
    pub declined: u32,
    /// How often it was asked.
    pub processed: u32,
}
