//! What the upstreams' messages mean: raw messages in, the vocabulary's posts and observations out.
//!
//! Terms: a *raw message* is what a stream or a file handed over, not yet understood; a *format*
//! turns raw messages into posts; the *selection* is the rule that says which posts are a city's;
//! a raw message that yields no record is *dropped*, with a reason fit for a metric's label.
//!
//! Guarantees: no input panics or is lost without a typed reason; equal messages give equal
//! records; units are converted here, so that inside everything is in the units of
//! [`moodvane_model::Variable`].
//!
//! This crate opens no file and no socket, reads no clock, starts no task, and knows nothing of the
//! log, the store or how often an upstream may be asked. Whoever owns the connection hands it bytes.
//!
//! ```
//! use moodvane_model::{City, CityId};
//! use moodvane_upstream::Selection;
//!
//! let names = ["new york".to_owned(), "nyc".to_owned()];
//! let id = CityId::parse("new-york").map_err(|e| e.to_string())?;
//! let city = City::new(id, "New York", &names, (40.7128, -74.006), "America/New_York")
//!     .map_err(|e| e.to_string())?;
//! let selection = Selection::cities(&[city]).map_err(|e| e.to_string())?;
//! assert!(selection.of("Rain over #NYC again", None, None).is_ok());
//! assert!(selection.of("Rain over the NYCFC match", None, None).is_err());
//! # Ok::<(), String>(())
//! ```

mod answer;
pub mod apixu;
mod error;
mod format;
mod hidden;
mod html;
pub mod jetstream;
pub mod mastodon;
pub mod nws;
pub mod open_meteo;
pub mod openweathermap;
mod selection;
pub mod sse;
pub mod table;
mod url;
pub mod weatherbit;
pub mod weatherstack;
pub mod x;

pub use error::UpstreamError;
pub use format::{Dropped, PostFormat, Raw};
pub use selection::{Chosen, PLACE_RADIUS_KM, Selection, SelectionError};
