//! The services as processes of their own, on real Kafka and real Cassandra.

#![allow(clippy::unwrap_used)]

mod lost_disks;
mod processes;
mod rescore;
#[path = "../support/mod.rs"]
mod support;
mod world;
