//! What every service's `main` shares: configuration, logging, metrics, readiness, signals, clock.
//!
//! Terms: *settings* are the configuration's layers laid over each other (the default, a file, the
//! environment, flags); a *fault* is one thing that is wrong with them; a *check* is one condition
//! of being ready.
//!
//! Guarantee (I9): settings are read and checked without opening a port or a connection, and every
//! fault is reported at once, with its key and where it came from.
//!
//! This crate must not know any service: each reads its own section. It reads `[data]`,
//! `[logging]` and `[[city]]`.

mod cities;
mod clock;
mod data;
mod fault;
mod logging;
pub mod metrics;
mod readiness;
mod secret;
mod section;
mod settings;
mod signals;

pub use cities::read_cities;
pub use clock::{Clock, ManualClock, Sleep, SystemClock, VirtualClock};
pub use data::read_data_dir;
pub use fault::SettingsError;
pub use logging::{LogFormat, LoggingConfig, LoggingError, init_logging};
pub use readiness::{Check, Readiness};
pub use section::Section;
pub use settings::{DEFAULT_CONFIG, Settings};
pub use signals::cancel_on_signal;
