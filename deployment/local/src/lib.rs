//! The part of Marathon's API that `fleet` calls, on one machine: a stand-in for a cluster, for
//! development and tests. Many machines are Mesos and Marathon.
//!
//! `core` decides, and knows neither time nor engine. `runtime` runs tasks as it is told. `driver`
//! stands between the two and has the clock. `api` is HTTP. `proxy` keeps an HAProxy at the ports that
//! the marathon-lb labels name.
//!
//! Guarantee: what is asked for and not done is refused with a sentence, never taken silently.

mod api;
mod core;
mod driver;
mod options;
mod probe;
mod proxy;
mod run;
mod runtime;

pub use options::{Options, RuntimeKind};
pub use run::{run, serve};
