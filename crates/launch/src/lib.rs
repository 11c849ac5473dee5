//! What every service's `main` does alike: flags, settings, the log and the store that they name,
//! probes and who asks them, and an exit code that says what kind of failure it was.
//!
//! Terms: a *backend* is the log or the store that the configuration chose; a *probe* is a question
//! that an orchestrator asks of a process: alive, ready, what did you count.
//!
//! Guarantee: nothing is opened before the whole configuration was read and found good (I9).
//!
//! This crate must not know any service.

mod allotted;
mod args;
mod backends;
mod exit;
mod health;
mod probe;
mod scorer;

pub use allotted::allotted;
pub use args::Common;
pub use backends::{Backends, LogChoice, SQLITE_FILE, StoreChoice, open_patiently, open_sqlite};
pub use exit::{EXIT_CONFIG, exit_code, run};
pub use health::{Health, HealthArgs, ServiceCommand, reachable};
pub use probe::{ProbeConfig, serve_probes, serve_probes_and};
pub use scorer::{ScorerKind, ScorerPlan, read_scorer};
