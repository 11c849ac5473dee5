//! A world: its cities and the sequence of its events.

use moodvane_model::{City, HourSlot, Timestamp};

use crate::effects::{EffectSizes, PlantedEffects};
use crate::mood::{CityMood, ConfoundedMood, MeanMood};
use crate::rng::{KeyedRng, Purpose, derive_seed};
use crate::schedule::Schedule;
use crate::simple::SimpleClimate;
use crate::weather::Weather;

/// What moves the moods of posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorldModel {
    /// The mood follows the weather at the time of a post, and nothing else
    /// ([`simple_mean_mood`](crate::simple_mean_mood)). All cities have equally many posts at all hours.
    Simple,
    /// Planted effects under planted confounders. The mean mood of a city in an hour is, in classes,
    ///
    /// ```text
    /// 2.0 - 0.15 · winter + 0.12 · cos(2π · (local hour - 16) / 24) + weekday + holiday
    ///     + 0.05 · news + 0.10 · noise
    ///     + wet_hour · wet + wet_hour_before · (wet hours of the 3 before) + heat · [T ≥ 30 °C] + cold · [T < 0 °C]
    /// ```
    ///
    /// with winter from 1 in the coldest time of the year to -1 in the warmest; weekdays from -0.04
    /// (Monday) to 0.10 (Saturday); a holiday of all cities on each date with a probability of 1/30, of
    /// 0.25; news, which all cities share, and noise of each city of variance 1. Weather has the same
    /// cycles, so that a simple comparison of wet and dry hours is wrong.
    ///
    /// A fifth of the posts of a wet hour speak of the rain; their mean mood is lower by 0.8. Cities have
    /// fewer posts at night, and none in some 4.5 % of the hours: single ones, and outages of 30 hours.
    Confounded(EffectSizes),
}

/// The configuration of a world.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldConfig {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Start of the events. Weather has no start.
    pub start: Timestamp,
    /// Events per hour, noise included; at least one.
    pub events_per_hour: u32,
    /// The share of events that are noise, 0.0 to 1.0. A confounded world has more of it at night.
    pub noise_share: f64,
    /// The cities, without duplicates.
    pub cities: Vec<City>,
    /// What moves the moods.
    pub model: WorldModel,
}

/// What an event is.
#[derive(Debug, Clone)]
pub enum Draw {
    /// No post of a city, with the numbers that decide what it is.
    Noise(KeyedRng),
    /// No post, because people of all cities are asleep or silent.
    Quiet,
    /// An English post that names a city.
    Post(PostDraw),
}

/// A post.
#[derive(Debug, Clone)]
pub struct PostDraw {
    /// The index of the city in the configuration.
    pub city: usize,
    /// The class, 0 to 4.
    pub mood: u8,
    /// Whether it speaks of the rain.
    pub is_talk: bool,
    /// The numbers that decide its text.
    pub rng: KeyedRng,
}

/// A simulated world.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    noise_share: f64,
    schedule: Schedule,
    cities: Vec<City>,
    moods: Vec<CityMood>,
}

impl World {
    /// The world of a configuration.
    #[must_use]
    pub fn new(config: &WorldConfig) -> Self {
        let seed = config.seed;
        let mood = |(index, city): (usize, &City)| match &config.model {
            WorldModel::Simple => {
                // The first city has the seed's own weather, whatever its id.
                let seed = match index {
                    0 => seed,
                    _ => derive_seed(seed, city.id.as_str()),
                };
                let climate = SimpleClimate::new(seed, city.latitude, city.longitude);
                CityMood::Simple(climate)
            }
            WorldModel::Confounded(sizes) => {
                let effects = sizes.for_city(seed, city);
                CityMood::Confounded(Box::new(ConfoundedMood::new(seed, city, effects)))
            }
        };
        Self {
            seed,
            noise_share: config.noise_share,
            schedule: Schedule::new(seed, config.start, config.events_per_hour),
            moods: config.cities.iter().enumerate().map(mood).collect(),
            cities: config.cities.clone(),
        }
    }

    /// The times of events.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The cities, in the order of the configuration.
    #[must_use]
    pub fn cities(&self) -> &[City] {
        &self.cities
    }

    /// The weather of a city, by its index.
    #[must_use]
    pub fn weather(&self, city: usize, at: Timestamp) -> Weather {
        match &self.moods[city] {
            CityMood::Simple(climate) => climate.at(at),
            CityMood::Confounded(mood) => mood.climate.at(at),
        }
    }

    /// The mean mood of the posts of a city that do not speak of the weather, 0 to 4.
    #[must_use]
    pub fn mean_mood(&self, city: usize, at: Timestamp) -> f64 {
        self.moods[city].mean(at).mean
    }

    /// The planted effects of a city; `None` in a simple world, whose effects are a line.
    #[must_use]
    pub fn effects(&self, city: usize) -> Option<PlantedEffects> {
        match &self.moods[city] {
            CityMood::Simple(_) => None,
            CityMood::Confounded(mood) => Some(mood.effects),
        }
    }

    /// Event `index`.
    #[must_use]
    pub fn draw(&self, index: u64) -> Draw {
        let at = self.time_of(index);
        let hour = HourSlot::containing(at);
        let activity = |city: usize| self.activity(city, hour);
        self.draw_with(index, activity, |city| self.moods[city].mean(at))
    }

    /// A post of a city in place of event `index`, such as the new text of an earlier post.
    #[must_use]
    pub fn draw_post(&self, index: u64, city: usize) -> PostDraw {
        self.post(index, city, self.moods[city].mean(self.time_of(index)))
    }

    /// The city that the text of a noise event refers to.
    #[must_use]
    pub fn noise_city(&self, index: u64) -> usize {
        KeyedRng::new(self.seed, Purpose::City, index).index(self.cities.len())
    }

    /// Event `index`, by the activity and the mean mood of each city at its time.
    pub(crate) fn draw_with(
        &self,
        index: u64,
        activity: impl Fn(usize) -> f64,
        mood: impl Fn(usize) -> MeanMood,
    ) -> Draw {
        let mut rng = KeyedRng::new(self.seed, Purpose::Event, index);
        if rng.chance(self.noise_share) {
            return Draw::Noise(rng);
        }
        let mut rng = KeyedRng::new(self.seed, Purpose::City, index);
        let city = rng.index(self.cities.len());
        let active = activity(city);
        // A city that is always active needs no further number.
        if active < 1.0 && !rng.chance(active) {
            return Draw::Quiet;
        }
        Draw::Post(self.post(index, city, mood(city)))
    }

    fn post(&self, index: u64, city: usize, mood: MeanMood) -> PostDraw {
        let mut rng = KeyedRng::new(self.seed, Purpose::Text, index);
        let (is_talk, mood) = mood.draw(&mut rng);
        PostDraw {
            city,
            mood,
            is_talk,
            rng,
        }
    }

    pub(crate) fn activity(&self, city: usize, hour: HourSlot) -> f64 {
        match &self.moods[city] {
            CityMood::Simple(_) => 1.0,
            CityMood::Confounded(mood) => mood.activity(hour),
        }
    }

    pub(crate) fn hour_mood(&self, city: usize, hour: HourSlot) -> Option<MeanMood> {
        match &self.moods[city] {
            CityMood::Simple(_) => None,
            mood @ CityMood::Confounded(_) => Some(mood.mean(hour.start())),
        }
    }

    pub(crate) fn time_of(&self, index: u64) -> Timestamp {
        let ms = self.schedule.time_of(index) / 1_000;
        chrono::DateTime::from_timestamp_millis(ms)
            .unwrap_or_default()
            .into()
    }
}
