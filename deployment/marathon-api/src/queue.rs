//! The launch queue: instances that wait for their launch.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::timestamp::Timestamp;

/// Response to `GET /v2/queue`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// The queued apps.
    pub queue: Vec<QueueItem>,
}

/// An app with instances to launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueItem {
    /// Number of instances.
    pub count: u32,
    /// Role of the resources.
    pub role: String,
    /// The launch delay.
    pub delay: QueueDelay,
    /// When the app was queued.
    pub since: Timestamp,
    /// Why offers were declined.
    pub processed_offers_summary: OffersSummary,
    /// The app.
    pub app: App,
}

/// The delay of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueDelay {
    /// Remaining seconds.
    pub time_left_seconds: u64,
    /// Whether the delay is over and the launch waits for offers.
    pub overdue: bool,
}

/// The processed resource offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OffersSummary {
    /// Number of processed offers.
    pub processed_offers_count: u32,
    /// Number of unused offers.
    pub unused_offers_count: u32,
    /// Time of the last unused offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_unused_offer_at: Option<Timestamp>,
    /// Time of the last used offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_offer_at: Option<Timestamp>,
    /// Reject reasons of the last offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject_summary_last_offers: Vec<RejectReason>,
    /// Reject reasons since the launch attempt began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject_summary_launch_attempt: Vec<RejectReason>,
}

/// How often one reason declined an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectReason {
    /// The reason, such as `InsufficientCpus`.
    pub reason: String,
    /// Declined offers.
    pub declined: u32,
    /// Processed offers.
    pub processed: u32,
}
