//! The vocabulary of Moodvane: what a post, an observation, an hour and its sums are.
//!
//! Terms: an *observation* is one weather reading of one source; a *post* is one message that
//! belongs to a city; an *hour slot* is one UTC hour; *sums* are what an hour is folded into; a
//! *partial hour* is the part of an hour that one partition and one source contributed; an *hour
//! row* is all partial hours of a city and hour, merged; a *run* is the identity of a fold.
//!
//! Guarantee: a value of one of these types is valid. Whatever comes from outside is checked where
//! it is parsed, so nothing above needs to check again. All sums are integers, so that merging is
//! exact, associative and commutative.
//!
//! This crate does no I/O, reads no clock and knows nothing of Kafka, Cassandra, SQLite or HTTP.

mod city;
mod error;
mod hour;
mod observation;
mod partial;
mod post;
mod run;
mod sentiment;
mod slug;
mod sums;
mod time;
mod topic;
mod variable;
mod wire;

pub use city::{City, MAX_CITY_NAMES};
pub use error::{DecodeError, ErrorChain, ModelError};
pub use hour::{EventTimeBounds, HourRange, HourSlot};
pub use observation::{Observation, Readings};
pub use partial::{Anchor, HourRow, PartialHour, PartialKey, Progress, ProgressKey};
pub use post::{Language, MAX_POST_ID_BYTES, MAX_POST_TEXT_BYTES, Post};
pub use run::{FOLD_VERSION, RunId, RunSpec};
pub use sentiment::{Score, Sentiment};
pub use slug::{CityId, SourceId};
pub use sums::{MinuteSet, PostSums, Sums, VariableSums, WeatherSums};
pub use time::Timestamp;
pub use topic::{Incarnation, Offset, Partition, Topic};
pub use variable::{Quantity, Variable};
pub use wire::WIRE_VERSION;
