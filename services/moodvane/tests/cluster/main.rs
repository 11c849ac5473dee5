//! The services as separate processes, on real Kafka and Cassandra.

#![allow(clippy::unwrap_used)]

mod lost_disks;
mod processes;
mod rescore;
#[path = "../support/mod.rs"]
mod support;
mod world;
