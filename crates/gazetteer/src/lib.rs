//! The world's largest cities, so that a configuration needs only their names.
//!
//! Terms: an *id* identifies a city, such as `birmingham-uk`; its *names in posts* assign a post to
//! it; a *qualified* name adds a country or a region, as in `birmingham, al` or `nice france`. The
//! *folded* form of a text is in lower case, without accents, and with one space between words.
//!
//! Guarantees: ids are unique, no name in posts belongs to two cities, and no name in posts contains
//! another city's as whole words. Ambiguous and common words are in no list without a qualifier;
//! `study/make.py` states the rule. [`find`] never chooses among several cities.
//!
//! Source: [GeoNames](https://www.geonames.org), CC BY 4.0; the README has the attribution.
//!
//! Must not know: configuration files, sources, posts. The whole list is in the binary; it is parsed
//! at the first use, once.
//!
//! ```
//! use moodvane_gazetteer::find;
//!
//! let chicago = find("Chicago, IL").map_err(|e| e.to_string())?;
//! assert_eq!(chicago.city().zone.name(), "America/Chicago");
//! assert_eq!(find("são paulo").map(|found| found.city().id), find("SAO PAULO").map(|found| found.city().id));
//! assert!(find("birmingham").is_err_and(|error| error.to_string().contains("birmingham-uk")));
//! # Ok::<(), String>(())
//! ```

mod entry;
mod error;
mod find;
mod fold;
mod list;

pub use entry::{GazetteerCity, Region};
pub use error::GazetteerError;
pub use find::{find, find_all, get};
pub use list::cities;
