//! Parsers for social media streams, weather APIs and files: bytes in, posts and observations out.
//!
//! Terms: a *raw message* is one unparsed message of a stream or one row of a file; a *format*
//! parses raw messages into posts; a *selection* decides which cities a post belongs to; a raw
//! message that yields no record is *dropped*, with a reason that is usable as a metric label; a
//! *side value* is a value of an observation other than its temperature, and can be *omitted*
//! alone.
//!
//! Guarantees: no input causes a panic, and every dropped message has a typed reason. Equal
//! messages yield equal records. Values are converted to the units of [`moodvane_model::Variable`].
//! A bad side value costs only itself.
//!
//! Must not know: files, sockets, clocks, tasks, the log, the store, and the rate limits of an
//! upstream. The owner of the connection passes in the bytes.
//!
//! ```
//! use moodvane_model::{City, CityId};
//! use moodvane_upstream::Selection;
//!
//! let names = ["new york".to_owned(), "nyc".to_owned()];
//! let id = CityId::parse("new-york").map_err(|e| e.to_string())?;
//! let city = City::new(id, "New York", &names, (40.7128, -74.006), "America/New_York")
//!     .map_err(|e| e.to_string())?;
//! let selection = Selection::for_cities(&[city]).map_err(|e| e.to_string())?;
//! assert!(selection.matching_cities("Rain over #NYC again", None, None).is_ok());
//! assert!(selection.matching_cities("Rain over the NYCFC match", None, None).is_err());
//! # Ok::<(), String>(())
//! ```

pub mod apixu;
mod drop_reason;
mod entities;
mod error;
mod format;
mod hidden_ranges;
mod html;
pub mod jetstream;
pub mod mastodon;
mod missing;
pub mod nws;
mod omitted;
pub mod open_meteo;
pub mod openweathermap;
mod response;
mod selection;
pub mod sse;
pub mod table;
mod units;
mod url;
pub mod weatherbit;
pub mod weatherstack;
pub mod x;

pub use drop_reason::DropReason;
pub use entities::{UndoneText, undo_html_entities};
pub use error::UpstreamError;
pub use format::{PostFormat, RawMessage};
pub use omitted::{OmitReason, OmittedValue, ParsedWeather};
pub use selection::{MatchedCities, PLACE_RADIUS_KM, Selection, SelectionError};
