//! What every service's `main` shares: configuration, logging, metrics, readiness, signals, clock.
//!
//! Terms: *settings* are the merged layers of the configuration (the default, a file, the
//! environment, flags); a *fault* is one error in them; a *check* is one condition of readiness.
//!
//! Guarantee (I9): settings are read and validated without opening a port or a connection, and all
//! faults are reported together, each with its key and its origin.
//!
//! This crate must not know any service: each reads its own section. This crate reads `[data]`,
//! `[logging]`, `[[city]]` and the plausible event times, which several services share.

mod bounds;
mod cities;
mod clock;
mod data;
mod duplicate_window;
mod entry;
mod error;
mod layers;
mod logging;
pub mod metrics;
mod readiness;
mod redact;
mod secret;
mod section;
mod settings;
mod signals;
mod unknown_keys;

pub use bounds::read_event_time_bounds;
pub use cities::{read_cities, select_cities};
pub use clock::{Clock, ManualClock, Sleep, SystemClock, VirtualClock};
pub use data::read_data_dir;
pub use duplicate_window::read_duplicate_window;
pub use error::SettingsError;
pub use logging::{LogFormat, LoggingConfig, LoggingError, init_logging};
pub use readiness::{Check, Readiness};
pub use section::Section;
pub use settings::{DEFAULT_CONFIG, Settings};
pub use signals::cancel_on_signal;
