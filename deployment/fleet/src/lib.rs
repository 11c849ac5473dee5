//! The fleet on Marathon: renders and checks the definitions, deploys, follows and stops them.
//!
//! Terms: the *fleet configuration* (`fleet.toml`) describes one installation; a *definition* is one app as
//! Marathon accepts it; *peers* are nodes of one cluster, of which at most one may be down; to *follow* is
//! to poll a deployment until every app is healthy and ready.
//!
//! Guarantees: every wait polls Marathon, ends at a limit, and reports what it waited for. An
//! outage of Marathon up to the client's limit ends no command, and does not count against a wait.
//! Every definition that is sent to Marathon has passed the checks of `fleet validate`.
//!
//! Must not know: what the services do, except the names of their settings and their drain times.

pub mod changes;
pub mod check;
pub mod client;
pub mod config;
pub mod down;
pub mod error;
pub mod events;
pub mod failure;
pub mod follow;
pub mod logs;
pub mod preflight;
pub mod progress;
pub mod render;
pub mod status;
mod table;
pub mod up;

pub use error::FleetError;

/// The label whose value names the cluster that a node belongs to.
pub const PEERS_LABEL: &str = "moodvane.peers";
