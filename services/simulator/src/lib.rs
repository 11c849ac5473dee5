//! The upstreams' own protocols on loopback, with a truth of its own.
//!
//! Terms: *weather* and *events* (posts and noise) are closed-form functions of a seed and of time;
//! the *truth* is what a pipeline that listened must have stored: per hour the distinct posts with
//! their classes, scored directly, and the distinct temperatures that were served.
//!
//! Guarantee: equal configurations give equal worlds, wherever one begins to look. The truth holds
//! what was delivered and what is owed to a client that resumes: it does not depend on copies, on
//! the order of sending, or on who was connected. An event of the future is never sent.
//!
//! A temperature is owed once it was served. An hourly one can be asked for again at any time; a
//! `current` one is served for [`SimulatorConfig::hold`] at least, so that a client that dies before
//! it stored the value gets it again when it comes back within that time.
//!
//! Protocols: `GET /v1/forecast` (Open-Meteo: `current` and `hourly`, `past_days`,
//! `forecast_days`), `GET /data/2.5/weather` (OpenWeatherMap), `/v2.0/current` (Weatherbit),
//! `/v1/current.json` (Apixu), `/current` (Weatherstack), `/points` to `/stations/…/observations` (the
//! National Weather Service): the same weather in other shapes; `GET /subscribe` (Jetstream's websocket: `wantedCollections`, `cursor`),
//! `GET /2/tweets/search/stream` and its rules (X), `GET /api/v1/streaming/…` and `/api/v1/timelines/…`
//! (Mastodon): the same posts in other shapes; `GET /truth` ([`Truth`] as JSON).
//!
//! Faults on demand ([`Simulator::inject`]): refusals, slow answers, streams that stall, break off, or
//! send garbage or what they sent before.
//!
//! Three limits bound what clients can take: the streams that are open at once, the truths that are
//! made at once, and the length of what a client sends.
//!
//! This crate knows nothing of the log, the fold, the store or the sources that listen to it, and
//! shares no code with them but the vocabulary, the clock and the scorer's interface. Its `main`
//! is a service like the others, and takes from `launch` what every service does alike.

mod config;
mod draws;
mod error;
mod faults;
mod feed;
mod jetstream;
mod journal;
mod keyed;
mod ledger;
mod lines;
mod mastodon;
mod naming;
mod nws;
mod open_meteo;
mod pace;
mod phrases;
mod playback;
mod schedule;
mod server;
mod settings;
mod state;
#[cfg(test)]
mod testing;
mod truth;
mod weather;
mod wire;
mod world_file;
mod x;

pub use config::SimulatorConfig;
pub use error::SimulatorError;
pub use faults::{Fault, Upstream};
pub use pace::PacedClock;
pub use server::{Simulator, start};
pub use settings::ServiceConfig;
pub use state::Served;
pub use truth::{
    Difference, Fact, HourTruth, MAX_TRUTH_BYTES, TemperatureTruth, Truth, TruthError,
};
pub use world_file::WorldError;

/// The most events per hour that can be simulated: one each millisecond.
pub const MAX_POSTS_PER_HOUR: u32 = 3_600_000;
