//! Simulated worlds: the weather and the moods of cities as closed-form functions of seed, city and time.
//!
//! Terms: the *mood* of a post is its class, 0 to 4; the *mean mood* of a city is its expectation at a
//! time; an *effect* is what weather adds to the mean mood; a *confounder* moves mood and weather
//! together, or moods alone; an *event* is one place in the stream of posts, of a post or of noise.
//!
//! | concept | item |
//! | --- | --- |
//! | A **world**: cities, their weather, and the sequence of events | [`World`], [`WorldConfig`], [`WorldModel`] |
//! | The **weather** of a city | [`Weather`], [`World::weather`] |
//! | The **planted effects** of a city | [`PlantedEffects`], [`MoodShift`], [`EffectSizes`] |
//! | What an **event** is | [`Draw`], [`PostDraw`], [`Schedule`] |
//! | The **hours** of each city, without texts or servers | [`draw_hours`], [`DrawnHour`] |
//! | Keyed **random numbers** | [`KeyedRng`], [`Purpose`] |
//!
//! # Guarantees
//!
//! - Event `i` depends on seed, configuration and `i` alone; so does weather on seed, city and time.
//! - In a confounded world the mean mood and the rain of a city are constant within an hour, so that the
//!   hour's mean mood is exactly the documented sum ([`WorldModel::Confounded`]).
//! - Numbers do not depend on a library's random generator.
//!
//! # Must not know
//!
//! Texts, scorers, protocols, stores, and the estimators that read its hours.

mod confounders;
mod effects;
mod hours;
mod local;
mod mood;
mod noise;
mod rng;
mod schedule;
mod simple;
mod synoptic;
mod weather;
mod world;

pub use effects::{
    COLD_BELOW_C, EffectError, EffectSizes, HEAT_FROM_C, MoodShift, PlantedEffects,
    WET_HOURS_BEFORE, WET_MM_PER_H,
};
pub use hours::{CityDraws, DrawnHour, MoodSums, draw_hours};
pub use local::LocalClock;
pub use mood::{TALK_SHARE, TALK_SHIFT, simple_mean_mood};
pub use rng::{KeyedRng, Purpose};
pub use schedule::Schedule;
pub use weather::Weather;
pub use world::{Draw, PostDraw, World, WorldConfig, WorldModel};
