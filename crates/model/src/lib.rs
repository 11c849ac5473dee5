//! The vocabulary of Moodvane: the types that all other crates share.
//!
//! # From concept to type
//!
//! | concept | type |
//! | --- | --- |
//! | A **city** whose weather and posts the system observes | [`City`], [`CityId`] |
//! | A **source** of posts or weather, such as `bluesky` or `open-meteo` | [`SourceId`] |
//! | A **post**: one message that is assigned to a city, a record of topic `tweet` | [`Post`], [`Language`] |
//! | An **observation**: one weather measurement, a record of topic `temperature` | [`Observation`], [`Readings`] |
//! | A **weather variable** and a value of it in fixed point | [`Variable`], [`Quantity`] |
//! | A **score**: the sentiment class of a post, a continuous value, and whether it speaks of the weather | [`Score`], [`Sentiment`] |
//! | The **calibration** of a scorer: how its values are distributed in each class of human labels | [`Calibration`], [`ValueHistogram`] |
//! | An **hour**: one UTC hour, and a range of hours | [`HourSlot`], [`HourRange`] |
//! | The **event time** of a record, which determines its hour | [`EventTimeBounds`], [`OutOfBounds`], [`Timestamp`] |
//! | A position in the **log** | [`Topic`], [`Incarnation`], [`Partition`], [`Offset`] |
//! | **Sums**: the mergeable aggregate of an hour's records | [`Sums`], [`PostSums`], [`WeatherSums`], [`VariableSums`], [`MinuteSet`] |
//! | A **partial hour**: the sums that one partition and one source contribute to an hour | [`PartialHour`], [`PartialKey`] |
//! | **Progress**: the committed offset of a partition | [`Progress`], [`ProgressKey`], [`Anchor`] |
//! | An **hour row**: all partial hours of a city and hour, merged by source | [`HourRow`] |
//! | **Weather talk**: whether posts that speak of the weather are included | [`WeatherTalk`] |
//! | The **duplicate window** W, and the records that may repeat within it | [`DuplicateWindow`], [`ResendBudget`] |
//! | A **fold run**: the identity of a fold, by scorer and settings | [`RunSpec`], [`RunId`] |
//! | **Stale** weather: a provider without a recent observation | [`StaleNote`] |
//! | An invalid value, an undecodable record | [`ModelError`], [`DecodeError`] |
//!
//! A record takes this path: [`Post::from_json`] or [`Observation::from_json`] decodes it,
//! [`EventTimeBounds::event_hour`] assigns it to an hour, [`Sums::add_post`] or
//! [`Sums::add_observation`] folds it, and [`HourRow::add`] merges the sums of all partitions.
//!
//! ```
//! use moodvane_model::{EventTimeBounds, Post, Score, Sentiment, Sums};
//!
//! let record = br#"{"v":1,"id":"1","city":"new-york","source":"bluesky","text":"sunny",
//!     "created_at_ms":1514772000000,"received_at_ms":1514772000250}"#;
//! let post = Post::from_json(record)?;
//!
//! let bounds = EventTimeBounds::STANDARD;
//! let hour = bounds.event_hour(post.created_at, post.received_at);
//! assert_eq!(hour.to_string(), "2018-01-01 02");
//!
//! let mut sums = Sums::default();
//! let score = Score::new(Sentiment::Positive, 3.2);
//! sums.add_post(bounds.event_time(post.created_at, post.received_at), Some(score));
//! assert_eq!(sums.posts.scored(), 1);
//! # Ok::<(), moodvane_model::DecodeError>(())
//! ```
//!
//! # Guarantees
//!
//! - A value of one of these types is valid: parsing validates all input, so that other crates need
//!   not check again.
//! - All sums are integers: merging is exact, associative and commutative.
//!
//! # Must not know
//!
//! This crate does no I/O, reads no clock and does not know Kafka, Cassandra, SQLite or HTTP.

mod account;
mod calibration;
mod city;
mod context;
mod duplicate_window;
mod error;
mod hour;
mod observation;
mod partial;
mod post;
mod run;
mod sentiment;
mod slug;
mod source_sums;
mod stale;
mod sums;
mod time;
mod topic;
mod value_histogram;
mod variable;
mod wire;

pub use account::{Account, Example, LeftOut, MAX_EXAMPLES};
pub use calibration::{Calibration, ClassValues};
pub use city::{City, MAX_CITY_NAMES};
pub use context::ContextError;
pub use duplicate_window::{DuplicateWindow, ResendBudget, WindowTooSmallError};
pub use error::{DecodeError, ErrorChain, ModelError};
pub use hour::{EventTimeBounds, HourRange, HourSlot, OutOfBounds};
pub use observation::{DecodedObservation, Observation, Readings};
pub use partial::{Anchor, HourRow, PartialHour, PartialKey, Progress, ProgressKey, WeatherTalk};
pub use post::{Language, MAX_POST_ID_BYTES, MAX_POST_TEXT_BYTES, Post};
pub use run::{FOLD_VERSION, RunId, RunSpec};
pub use sentiment::{Score, Sentiment};
pub use slug::{CityId, SourceId};
pub use source_sums::SourceSums;
pub use stale::{STALE_AFTER_MS, StaleNote};
pub use sums::{MinuteSet, PostSums, Sums, VariableSums, WeatherSums};
pub use time::Timestamp;
pub use topic::{Incarnation, Offset, Partition, Topic};
pub use value_histogram::{VALUE_CELLS, ValueHistogram};
pub use variable::{Quantity, Variable};
pub use wire::WIRE_VERSION;
