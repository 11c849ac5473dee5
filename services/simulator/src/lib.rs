//! Simulates the upstreams' protocols on loopback and keeps the ground truth.
//!
//! Terms: *weather* and *events* (posts and noise) of one or more cities are closed-form functions of a
//! seed and of time (`crates/world`), with the mood of a post as a function of the weather, or with planted
//! effects under planted confounders; the *truth* is what a pipeline that reads the simulator must store: per city and hour the distinct
//! posts with their classes, scored directly, and the distinct temperatures that were served; and the planted
//! effects.
//!
//! Guarantees: equal configurations give equal worlds, independent of the time of the first request.
//! The truth contains what was delivered and what a client that resumes will receive: it does not depend
//! on duplicates, on the order of delivery, or on the connected clients. An event of the future is never
//! sent.
//!
//! A temperature counts once it has been served. A client can request an hourly one again at any time. A
//! `current` one is served for at least [`SimulatorConfig::hold`], so that a client that crashes before it
//! stored the value receives it again if it restarts within that time.
//!
//! Protocols: `GET /v1/forecast` (Open-Meteo: `current` and `hourly`, `past_days`,
//! `forecast_days`), `GET /data/2.5/weather` (OpenWeatherMap), `/v2.0/current` (Weatherbit),
//! `/v1/current.json` (Apixu), `/current` (Weatherstack), `/points` to `/stations/…/observations` (the
//! National Weather Service) serve the same weather in different formats. `GET /subscribe` (Jetstream's
//! websocket: `wantedCollections`, `cursor`), `GET /2/tweets/search/stream` and its rules (X),
//! `GET /api/v1/streaming/…` and `/api/v1/timelines/…` (Mastodon) serve the same posts in different
//! formats. `GET /truth` returns [`Truth`] as JSON.
//!
//! Faults on demand ([`Simulator::inject`]): error statuses, slow responses, streams that stall,
//! disconnect, send garbage or repeat events.
//!
//! Three limits bound the load by clients: the number of open streams, the number of concurrent
//! computations of the truth, and the length of a client's message.
//!
//! This crate must not know the log, the fold, the store or the sources that read it. It shares only the
//! vocabulary, the clock and the scorer's interface with them. Its `main` is a service like the others and
//! uses `launch` for what all services have in common.

mod city_names;
mod config;
mod error;
mod faults;
mod feed;
mod http_stream;
mod jetstream;
mod jetstream_json;
mod journal;
mod keyed;
mod ledger;
mod mastodon;
mod nws;
mod open_meteo;
mod pace;
mod phrases;
mod playback;
mod rain_phrases;
mod server;
mod settings;
mod state;
#[cfg(test)]
mod testing;
mod truth;
mod world_file;
mod x;

pub use config::SimulatorConfig;
pub use error::SimulatorError;
pub use faults::{Fault, Upstream};
pub use moodvane_world::{EffectSizes, MoodShift, PlantedEffects, WorldModel};
pub use pace::PacedClock;
pub use server::{Simulator, start};
pub use settings::ServiceConfig;
pub use state::SimulatorStats;
pub use truth::{
    Difference, HourTruth, MAX_TRUTH_BYTES, Mismatch, TemperatureTruth, Truth, TruthError,
};
pub use world_file::WorldError;

/// The maximum number of events per hour: one per millisecond.
pub const MAX_POSTS_PER_HOUR: u32 = 3_600_000;
