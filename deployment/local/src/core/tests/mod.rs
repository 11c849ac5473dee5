//! The state machine in virtual time: a world of tasks that start, answer and end as told.

mod chaos;
mod deployments;
mod health;
mod launches;
mod refusals;
mod world;
