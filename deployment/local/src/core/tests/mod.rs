//! Tests of the state machine in virtual time, with simulated tasks.

mod changes;
mod chaos;
mod deployments;
mod health;
mod launches;
mod refusals;
mod simulation;
mod volumes;
