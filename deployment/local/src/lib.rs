//! A stand-in for Marathon on one machine, for development and tests. Production means Marathon (on Mesos);
//! no part of the product depends on this crate.
//!
//! Terms: Marathon's own. An *app* has *instances*; an instance runs one *task* at a time; a *deployment*
//! brings the instances to the desired state in steps.
//!
//! `core` is a state machine without I/O. `runtime` runs tasks. `driver` connects the two and has the clock.
//! `api` serves HTTP. `proxy` runs an HAProxy for the ports of the marathon-lb labels.
//!
//! Guarantee: a request for an unsupported feature fails with an error that names the field; no field of a
//! definition is ignored silently.
//!
//! Must not know: Moodvane's services.

mod api;
mod core;
mod driver;
mod error_chain;
mod options;
mod probe;
mod proxy;
mod run;
mod runtime;

pub use options::{Options, RuntimeKind};
pub use run::{run, serve};
