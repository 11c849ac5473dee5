//! The mean mood of a city, and how the mood of a post is drawn from it.

use moodvane_model::{City, HourSlot, Timestamp};

use crate::confounders;
use crate::effects::{PlantedEffects, WET_HOURS_BEFORE};
use crate::local::LocalClock;
use crate::rng::{KeyedRng, derive_seed};
use crate::simple::SimpleClimate;
use crate::synoptic::SynopticClimate;

/// The share of the posts of a wet hour that speak of the rain, in a confounded world.
pub const TALK_SHARE: f64 = 0.2;
/// The mean mood of these posts is lower by this, in classes.
pub const TALK_SHIFT: f64 = -0.8;
/// The mean mood without any effect or confounder.
const NEUTRAL: f64 = 2.0;

/// The mean mood of posts of [`WorldModel::Simple`](crate::WorldModel::Simple), 0.4 to 3.6, by the
/// temperature in °C and the rain in mm/h.
#[must_use]
pub fn simple_mean_mood(temperature_c: f64, rain_mm_h: f64) -> f64 {
    let warmth = 0.05 * (temperature_c.clamp(-10.0, 30.0) - 10.0);
    (2.0 + warmth - 0.9 * rain_mm_h.min(1.0)).clamp(0.4, 3.6)
}

/// The moods of a city at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MeanMood {
    /// Of posts that do not speak of the weather.
    pub(crate) mean: f64,
    /// The share of posts that speak of the rain.
    pub(crate) talk_share: f64,
}

impl MeanMood {
    /// Draws whether a post speaks of the rain, and its mood: binomial with n = 4, so that its
    /// expectation is the mean mood.
    pub(crate) fn draw(self, rng: &mut KeyedRng) -> (bool, u8) {
        let is_talk = self.talk_share > 0.0 && rng.chance(self.talk_share);
        let mean = self.mean + if is_talk { TALK_SHIFT } else { 0.0 };
        let mood = (0..4).filter(|_| rng.chance(mean / 4.0)).count();
        (is_talk, mood as u8)
    }
}

/// A city with its moods.
#[derive(Debug, Clone)]
pub(crate) enum CityMood {
    Simple(SimpleClimate),
    Confounded(Box<ConfoundedMood>),
}

impl CityMood {
    /// The mean mood at a time.
    pub(crate) fn mean(&self, at: Timestamp) -> MeanMood {
        match self {
            Self::Simple(climate) => {
                let (temperature, rain) = climate.temperature_and_rain(at);
                MeanMood {
                    mean: simple_mean_mood(temperature, rain),
                    talk_share: 0.0,
                }
            }
            Self::Confounded(mood) => mood.mean(HourSlot::containing(at)),
        }
    }
}

/// The moods of a city of a confounded world.
#[derive(Debug, Clone)]
pub(crate) struct ConfoundedMood {
    world_seed: u64,
    city_seed: u64,
    city: City,
    pub(crate) climate: SynopticClimate,
    pub(crate) effects: PlantedEffects,
}

impl ConfoundedMood {
    pub(crate) fn new(seed: u64, city: &City, effects: PlantedEffects) -> Self {
        Self {
            world_seed: seed,
            city_seed: derive_seed(seed, city.id.as_str()),
            city: city.clone(),
            climate: SynopticClimate::new(seed, city),
            effects,
        }
    }

    fn mean(&self, hour: HourSlot) -> MeanMood {
        let clock = LocalClock::new(&self.city, hour);
        let winter = self.climate.winter(f64::from(hour.index()));
        let seeds = (self.world_seed, self.city_seed);
        let is_wet = self.climate.is_wet(hour);
        let mean = NEUTRAL
            + confounders::mood_shift(seeds, hour, clock, winter)
            + self.effect(hour, is_wet);
        MeanMood {
            mean,
            talk_share: if is_wet { TALK_SHARE } else { 0.0 },
        }
    }

    /// The sum of the planted effects in classes.
    fn effect(&self, hour: HourSlot, is_wet: bool) -> f64 {
        let effects = &self.effects;
        let wet_before = (1..=WET_HOURS_BEFORE)
            .filter_map(|lag| hour.checked_add(-lag))
            .filter(|before| self.climate.is_wet(*before))
            .count();
        let wet = if is_wet {
            effects.wet_hour.classes()
        } else {
            0.0
        };
        let temperature = effects.temperature_shift(self.climate.hour_temperature(hour));
        wet + effects.wet_hour_before.classes() * wet_before as f64 + temperature.classes()
    }

    /// The share of the city's people that post in an hour, 0 to 1.
    pub(crate) fn activity(&self, hour: HourSlot) -> f64 {
        let clock = LocalClock::new(&self.city, hour);
        confounders::activity(self.city_seed, hour, clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::CityId;

    fn city() -> City {
        let id = CityId::parse("a-city").unwrap();
        City::new(id, "A", &[], (45.0, -74.0), "America/New_York").unwrap()
    }

    fn hours() -> impl Iterator<Item = HourSlot> {
        let first: HourSlot = "2024-01-01 00".parse().unwrap();
        (0..17_000).map(move |n| first.checked_add(n).unwrap())
    }

    #[test]
    fn simple_mean_mood_follows_documented_formula() {
        for (temperature, rain, mean) in [
            (10.0, 0.0, 2.0),
            (30.0, 0.0, 3.0),
            (45.0, 0.0, 3.0),
            (-10.0, 0.0, 1.0),
            (10.0, 0.5, 1.55),
            (10.0, 8.0, 1.1),
            (-20.0, 8.0, 0.4),
        ] {
            assert!((simple_mean_mood(temperature, rain) - mean).abs() < 1e-12);
        }
    }

    #[test]
    fn effects_are_the_difference_to_a_world_without_them() {
        let effects = PlantedEffects::from_milli([-250, -50, -150, -100]);
        let with = ConfoundedMood::new(7, &city(), effects);
        let without = ConfoundedMood::new(7, &city(), PlantedEffects::NONE);
        let mut found = [0; 4];
        for hour in hours() {
            let wet = |lag: i32| with.climate.is_wet(hour.checked_add(-lag).unwrap());
            let before = (1..=3).filter(|lag| wet(*lag)).count();
            let celsius = with.climate.at(hour.start()).temperature_c;
            let expected = -0.25 * f64::from(u8::from(wet(0))) - 0.05 * before as f64
                + if celsius >= 30.0 {
                    -0.15
                } else if celsius < 0.0 {
                    -0.10
                } else {
                    0.0
                };
            let difference = with.mean(hour).mean - without.mean(hour).mean;
            assert!((difference - expected).abs() < 1e-12, "{hour}");
            let cases = [wet(0), before > 0, celsius >= 30.0, celsius < 0.0];
            (0..4).for_each(|i| found[i] += i32::from(cases[i]));
        }
        assert!(found.iter().all(|n| *n > 50), "{found:?}");
    }

    #[test]
    fn mean_mood_never_reaches_the_ends_of_the_scale() {
        for (milli, seed) in [(-300, 1), (300, 2), (-300, 3), (300, 4)] {
            let effects = PlantedEffects::from_milli([milli; 4]);
            let mood = ConfoundedMood::new(seed, &city(), effects);
            for hour in hours() {
                let mean = mood.mean(hour).mean;
                assert!((0.0..4.0).contains(&mean), "{hour} {mean}");
            }
        }
    }

    #[test]
    fn moods_have_their_mean_and_talk_is_gloomy() {
        let mood = MeanMood {
            mean: 1.7,
            talk_share: TALK_SHARE,
        };
        let mut sums = [(0.0, 0.0); 2];
        for index in 0..40_000 {
            let mut rng = KeyedRng::new(1, crate::Purpose::Text, index);
            let (is_talk, class) = mood.draw(&mut rng);
            let sum = &mut sums[usize::from(is_talk)];
            sum.0 += 1.0;
            sum.1 += f64::from(class);
        }
        let [(posts, sum), (talk, gloomy)] = sums;
        assert!((talk / (talk + posts) - TALK_SHARE).abs() < 0.01);
        assert!((sum / posts - 1.7).abs() < 0.02, "{}", sum / posts);
        assert!((gloomy / talk - 0.9).abs() < 0.04, "{}", gloomy / talk);
    }
}
