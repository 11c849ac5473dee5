//! The fleet on Marathon: its definitions are rendered, checked, brought up, followed and stopped.
//!
//! Words: the *site* is what one installation chooses (`fleet.toml`); a *definition* is one app as Marathon
//! takes it; *peers* are nodes of one cluster, of which no two may be away at once; to *follow* is to
//! watch a deployment until every app is healthy and ready.
//!
//! Guarantee: nothing is slept over. Whatever is waited for is asked for, and every wait has an end and
//! says what it waited for. What is sent to Marathon has passed the same checks as `fleet validate`.
//!
//! This crate must not know what the services do; only their settings' names and how long they drain.

pub mod check;
pub mod client;
pub mod config;
pub mod down;
pub mod error;
pub mod events;
pub mod follow;
pub mod logs;
pub mod render;
pub mod status;
pub mod table;
pub mod up;

pub use error::FleetError;
