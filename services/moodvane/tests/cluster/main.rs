//! The services as separate processes, on real Kafka and Cassandra.

#![allow(clippy::unwrap_used)]

mod lost_disks;
mod processes;
#[path = "../support/release_0_1_0.rs"]
mod release_0_1_0;
mod rescore;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;
mod window_contract;
mod world;
