//! What every service's `main` shares: flags, settings, the log and the store that they name, the
//! admin endpoints, the `health` command, and exit codes by kind of failure.
//!
//! Terms: a *backend* is the log or the store that the configuration selects; a *probe* is a request
//! of an orchestrator to `/health` or `/ready`.
//!
//! Guarantee: nothing is opened before the whole configuration is read and valid (I9).
//!
//! Errors: these functions are used by `main` alone, so they return `anyhow::Error`; [`exit_code`]
//! prints the chain of causes once.
//!
//! This crate must not know any service.

mod admin;
mod args;
mod backends;
mod health;
pub mod marathon_env;
mod process;
mod scorer;
mod window_contract;

pub use admin::{ProbeConfig, ProbeState, serve_admin, serve_probes};
pub use args::CommonArgs;
pub use backends::{
    Backends, EventLogConfig, SQLITE_FILE, StoreConfig, connect_with_retry, open_sqlite_log,
};
pub use health::{HealthArgs, ProbeResult, ServiceCommand, connect_address};
pub use process::{exit_code, run, start_runtime};
pub use scorer::{ScorerConfig, ScorerKind};
pub use window_contract::{WindowContractError, check_window, declare_budget, declare_window};
