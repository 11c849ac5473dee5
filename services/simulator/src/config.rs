//! What is to be simulated.

use std::path::PathBuf;
use std::time::Duration;

use moodvane_model::{City, EventTimeBounds, SourceId, Timestamp};

use crate::MAX_POSTS_PER_HOUR;
use crate::error::SimulatorError;
use crate::weather::Climate;

/// The longest disorder that can be asked for.
const MAX_DISORDER: Duration = Duration::from_secs(3_600);

/// What is to be simulated. Equal configurations give equal streams and weather.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatorConfig {
    /// Decides everything that is drawn.
    pub seed: u64,
    /// When the post stream begins. Weather has no beginning.
    pub start: Timestamp,
    /// Events of the post stream per hour, noise included: 1 to [`MAX_POSTS_PER_HOUR`].
    pub posts_per_hour: u32,
    /// The share of events that are not English posts naming the city, 0.0 to 1.0.
    pub noise_share: f64,
    /// The share of events that are sent a second time a little later, 0.0 to 1.0.
    pub duplicate_share: f64,
    /// How long after its time an event may be sent, so that later ones overtake it; at most an
    /// hour.
    pub disorder: Duration,
    /// The city that posts and weather are of; it must have a name.
    pub city: City,
    /// The source that the client takes the weather for; the truth names temperatures by it.
    pub weather_source: SourceId,
    /// How often `current` weather changes, in seconds: 60 to 3600, a divisor of 3600 in whole
    /// minutes. Open-Meteo's is 900.
    pub interval_s: u32,
    /// How long a `current` value is served at least, once it was served: a client that dies before
    /// it stored the value gets it again. At most an hour.
    pub hold: Duration,
    /// Where it is remembered which weather was served, so that the truth outlives the process;
    /// `None` where it need not.
    pub journal: Option<PathBuf>,
    /// Which times the pipeline believes; the truth puts posts into hours by it.
    pub bounds: EventTimeBounds,
}

impl SimulatorConfig {
    /// A city's weather and 1,000 events an hour from `start`, 0.3 of them noise, without
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
            city,
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
    /// [`SimulatorError::Config`] with every fault found.
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        let mut faults = Vec::new();
        if !(1..=MAX_POSTS_PER_HOUR).contains(&self.posts_per_hour) {
            faults.push(format!(
                "posts_per_hour {} must lie in 1 to {MAX_POSTS_PER_HOUR}",
                self.posts_per_hour
            ));
        }
        for (name, share) in [
            ("noise_share", self.noise_share),
            ("duplicate_share", self.duplicate_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                faults.push(format!("{name} {share} must lie in 0.0 to 1.0"));
            }
        }
        for (name, span) in [("disorder", self.disorder), ("hold", self.hold)] {
            if span > MAX_DISORDER {
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
        if self.city.names.is_empty() {
            faults.push(nameless(&self.city));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(SimulatorError::Config(faults.join("; ")))
        }
    }

    pub(crate) fn climate(&self) -> Climate {
        Climate::new(self.seed, self.city.latitude, self.city.longitude)
    }
}

/// The fault of a city without names.
pub(crate) fn nameless(city: &City) -> String {
    format!(
        "city {} must have at least one name, or no post can be about it",
        city.id
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, new_york};

    #[test]
    fn names_every_fault_at_once() {
        let mut city = new_york();
        city.names.clear();
        let bad = SimulatorConfig {
            posts_per_hour: 0,
            noise_share: 1.5,
            duplicate_share: f64::NAN,
            disorder: Duration::from_secs(3_601),
            hold: Duration::MAX,
            interval_s: 90,
            city,
            ..config()
        };
        let error = bad.check().unwrap_err().to_string();
        for part in [
            "posts_per_hour 0",
            "noise_share 1.5",
            "duplicate_share NaN",
            "disorder",
            "hold",
            "interval_s 90",
            "at least one name",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(config().check().is_ok());
    }

    #[test]
    fn an_interval_divides_the_hour_in_whole_minutes() {
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
            assert_eq!(config.check().is_ok(), good, "{interval_s}");
        }
    }
}
