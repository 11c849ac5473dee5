//! Configuration of a simulated world.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use moodvane_model::{City, CityId, EventTimeBounds, SourceId, Timestamp};
use moodvane_world::{World, WorldConfig, WorldModel};

use crate::MAX_POSTS_PER_HOUR;
use crate::error::SimulatorError;

/// Limit of the cities of a world.
const MAX_CITIES: usize = 1_000;
/// Upper bound of `disorder` and `hold`.
const MAX_DELAY: Duration = Duration::from_secs(3_600);

/// Configuration of a simulated world. Equal configurations give equal streams and weather.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatorConfig {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Start of the post stream. Weather has no start.
    pub start: Timestamp,
    /// Events of the post stream per hour, noise included: 1 to [`MAX_POSTS_PER_HOUR`].
    pub posts_per_hour: u32,
    /// The share of events that are not English posts naming a city, 0.0 to 1.0. With
    /// [`WorldModel::Confounded`] there are more at night.
    pub noise_share: f64,
    /// The share of events that are sent again a little later, 0.0 to 1.0.
    pub duplicate_share: f64,
    /// Maximum delay of an event after its time, so that later events overtake it; at most an hour.
    pub disorder: Duration,
    /// The cities of posts and weather, at least one; each must have a name.
    pub cities: Vec<City>,
    /// What moves the moods of posts.
    pub model: WorldModel,
    /// The client's source for the weather, under which the truth lists temperatures.
    pub weather_source: SourceId,
    /// Interval of `current` weather in seconds: 60 to 3600, a divisor of 3600 in whole
    /// minutes. Open-Meteo's is 900.
    pub interval_s: u32,
    /// Minimum time for which a `current` value is served after its first request: a client that crashes
    /// before it stored the value receives it again. At most an hour.
    pub hold: Duration,
    /// File that records which weather was served, so that the truth survives a restart; `None` disables
    /// it.
    pub journal: Option<PathBuf>,
    /// The pipeline's bounds for plausible creation times, by which the truth assigns posts to hours.
    pub bounds: EventTimeBounds,
}

impl SimulatorConfig {
    /// One city's weather, a simple model of moods and 1,000 events an hour from `start`, 0.3 of them noise, without
    /// duplicates and in order; current weather each 15 minutes, held for 30 s.
    #[must_use]
    pub fn new(city: City, weather_source: SourceId, start: Timestamp) -> Self {
        Self {
            seed: 1,
            start,
            posts_per_hour: 1_000,
            noise_share: 0.3,
            duplicate_share: 0.0,
            disorder: Duration::ZERO,
            cities: vec![city],
            model: WorldModel::Simple,
            weather_source,
            interval_s: 900,
            hold: Duration::from_secs(30),
            journal: None,
            bounds: EventTimeBounds::STANDARD,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`SimulatorError::Config`] lists every invalid value.
    pub(crate) fn validate(&self) -> Result<(), SimulatorError> {
        let mut faults = Vec::new();
        if !(1..=MAX_POSTS_PER_HOUR).contains(&self.posts_per_hour) {
            faults.push(format!(
                "posts_per_hour {} must be in 1 to {MAX_POSTS_PER_HOUR}",
                self.posts_per_hour
            ));
        }
        for (name, share) in [
            ("noise_share", self.noise_share),
            ("duplicate_share", self.duplicate_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                faults.push(format!("{name} {share} must be in 0.0 to 1.0"));
            }
        }
        for (name, span) in [("disorder", self.disorder), ("hold", self.hold)] {
            if span > MAX_DELAY {
                faults.push(format!("{name} {span:?} must be at most an hour"));
            }
        }
        let minutes = self.interval_s / 60;
        if !self.interval_s.is_multiple_of(60) || minutes == 0 || 60 % minutes != 0 {
            faults.push(format!(
                "interval_s {} must be whole minutes that divide an hour, such as 60 or 900",
                self.interval_s
            ));
        }
        faults.extend(self.city_faults());
        if faults.is_empty() {
            Ok(())
        } else {
            Err(SimulatorError::Config(faults.join("; ")))
        }
    }

    fn city_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=MAX_CITIES).contains(&self.cities.len()) {
            faults.push(format!(
                "{} cities: there must be 1 to {MAX_CITIES}",
                self.cities.len()
            ));
        }
        let nameless = self.cities.iter().filter(|city| city.names.is_empty());
        faults.extend(nameless.map(missing_name));
        let mut ids: BTreeSet<CityId> = BTreeSet::new();
        let repeated = self.cities.iter().filter(|city| !ids.insert(city.id));
        faults.extend(repeated.map(|city| format!("city {} must occur once", city.id)));
        faults
    }

    /// The model of weather and moods.
    pub(crate) fn world(&self) -> World {
        World::new(&WorldConfig {
            seed: self.seed,
            start: self.start,
            events_per_hour: self.posts_per_hour,
            noise_share: self.noise_share,
            cities: self.cities.clone(),
            model: self.model.clone(),
        })
    }
}

/// The error text for a city without names.
pub(crate) fn missing_name(city: &City) -> String {
    format!(
        "city {} must have at least one name: posts mention it by name",
        city.id
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, new_york};

    #[test]
    fn reports_all_invalid_values() {
        let mut city = new_york();
        city.names.clear();
        let bad = SimulatorConfig {
            posts_per_hour: 0,
            noise_share: 1.5,
            duplicate_share: f64::NAN,
            disorder: Duration::from_secs(3_601),
            hold: Duration::MAX,
            interval_s: 90,
            cities: vec![city.clone(), city],
            ..config()
        };
        let error = bad.validate().unwrap_err().to_string();
        for part in [
            "posts_per_hour 0",
            "noise_share 1.5",
            "duplicate_share NaN",
            "disorder",
            "hold",
            "interval_s 90",
            "at least one name",
            "must occur once",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        let none = SimulatorConfig {
            cities: Vec::new(),
            ..config()
        };
        let error = none.validate().unwrap_err().to_string();
        assert!(error.contains("0 cities"), "{error}");
        assert!(config().validate().is_ok());
    }

    #[test]
    fn accepts_only_intervals_dividing_hour() {
        for (interval_s, good) in [
            (60, true),
            (900, true),
            (3_600, true),
            (0, false),
            (59, false),
            (420, false),
            (7_200, false),
            (u32::MAX, false),
        ] {
            let config = SimulatorConfig {
                interval_s,
                ..config()
            };
            assert_eq!(config.validate().is_ok(), good, "{interval_s}");
        }
    }
}
