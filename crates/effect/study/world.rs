//! Worlds with planted effects of the weather, under everything that confounds them.
#![allow(dead_code, reason = "each study uses a part")]

use std::f64::consts::TAU;

use moodvane_effect::{CityHours, EffectHour, HourFeeling, LocalTime};
use moodvane_model::{CityId, HourSlot};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// 2025-01-01 00 UTC, a Wednesday.
const FIRST: u32 = 482_136;
/// A wet hour, with all else equal.
pub(crate) const RAIN: f64 = -0.08;
/// Each wet hour one to three hours before.
pub(crate) const RAIN_BEFORE: f64 = -0.02;
/// From 30 °C on.
pub(crate) const HEAT: f64 = -0.10;
/// Below 0 °C.
pub(crate) const COLD: f64 = -0.05;
/// The standard deviation of the classes of posts in an hour.
const POST_DEVIATION: f64 = 1.0;

/// What a world is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) cities: usize,
    pub(crate) hours: usize,
    pub(crate) has_effects: bool,
    /// The coefficient of the hourly noise of the feeling.
    pub(crate) persistence: f64,
}

/// The hours of a world, once with the posts about the weather and once without them.
pub(crate) struct Hours {
    pub(crate) without_talk: Vec<CityHours>,
    pub(crate) with_talk: Vec<CityHours>,
}

pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// A normal deviate (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// An AR(1) series of variance 1, from its stationary distribution.
    pub(crate) fn ar(&mut self, n: usize, phi: f64) -> Vec<f64> {
        let noise = (1.0 - phi * phi).sqrt();
        let mut at = self.normal();
        let mut next = || {
            let following = phi * at + noise * self.normal();
            std::mem::replace(&mut at, following)
        };
        (0..n).map(|_| next()).collect()
    }
}

/// What moves all cities at once.
struct Common {
    noise: Vec<f64>,
    /// The holidays, as days since the first.
    holidays: Vec<usize>,
}

impl World {
    pub(crate) fn hours(&self, seed: u64) -> Hours {
        let mut random = Random::new(seed.wrapping_mul(1_000_003) ^ self.hours as u64);
        let days = self.hours / 24;
        let common = Common {
            noise: random.ar(self.hours, 0.9),
            holidays: (0..days / 30)
                .map(|_| (random.uniform() * days as f64) as usize)
                .collect(),
        };
        let (mut without_talk, mut with_talk) = (Vec::new(), Vec::new());
        for index in 0..self.cities {
            let city = CityId::parse(&format!("city-{index}")).unwrap_or_else(|_| unreachable!());
            let [without, with] = self.city(&mut random, &common, index);
            without_talk.push(CityHours {
                city,
                hours: without,
            });
            with_talk.push(CityHours { city, hours: with });
        }
        Hours {
            without_talk,
            with_talk,
        }
    }

    fn city(&self, random: &mut Random, common: &Common, index: usize) -> [Vec<EffectHour>; 2] {
        let weather = self.weather(random, index);
        let noise = random.ar(self.hours, self.persistence);
        let (mut without, mut with) = (Vec::new(), Vec::new());
        let mut outage = 0usize;
        for (t, values) in weather.iter().enumerate() {
            if random.uniform() < 0.0005 {
                outage = 30;
            }
            outage = outage.saturating_sub(1);
            let hour = HourSlot::from_index(FIRST + t as u32).unwrap_or_else(|_| unreachable!());
            let local = LocalTime::from_utc(hour, -(index as i8 % 8));
            let posts = self.posts(random, local);
            let feeling = self.confounders(local, t, common)
                + self.effect(&weather, t)
                + 0.10 * noise[t]
                + random.normal() * POST_DEVIATION / (posts as f64).sqrt();
            let is_wet = values[2] >= 0.1;
            // A fifth of the posts of wet hours is about the rain, and gloomy.
            let talk = if is_wet { -0.10 } else { 0.0 };
            if outage > 0 || random.uniform() < 0.03 {
                continue;
            }
            let row = |mean: f64| EffectHour {
                hour,
                local,
                feeling: (posts > 0).then_some(HourFeeling {
                    mean,
                    posts,
                    standard_error: Some(POST_DEVIATION / (posts as f64).sqrt()),
                }),
                weather: values.map(Some),
            };
            without.push(row(feeling));
            with.push(row(feeling + talk));
        }
        [without, with]
    }

    /// Temperature, humidity, precipitation, wind, cloud and pressure of each hour: a synoptic state,
    /// a daily and a yearly cycle; winters are wet.
    fn weather(&self, random: &mut Random, index: usize) -> Vec<[f64; 6]> {
        let synoptic = random.ar(self.hours, 0.98);
        let [warmth, shower, damp, wind] =
            [0.97, 0.85, 0.9, 0.9].map(|phi| random.ar(self.hours, phi));
        (0..self.hours)
            .map(|t| {
                let (year, day) = cycles(t);
                let temperature = 15.0 + index as f64 % 3.0 - 12.0 * year.cos() - 4.0 * day.cos()
                    + 4.0 * warmth[t]
                    - 1.5 * synoptic[t];
                let rain = 0.7 * synoptic[t] + 0.7 * shower[t] + 0.3 * year.cos() + 0.2 * day.sin();
                let excess = rain - 1.2;
                let precipitation = if excess > 0.0 {
                    0.1 + 4.0 * excess * excess
                } else {
                    0.0
                };
                let humidity = 62.0 + 10.0 * damp[t] + 8.0 * synoptic[t] + 6.0 * day.cos();
                let cloud = 50.0 + 30.0 * rain + 12.0 * damp[t];
                [
                    temperature,
                    humidity.clamp(5.0, 100.0),
                    precipitation,
                    (4.0 + 2.0 * wind[t] + synoptic[t]).max(0.0),
                    cloud.clamp(0.0, 100.0),
                    1013.0 - 8.0 * synoptic[t],
                ]
            })
            .collect()
    }

    fn posts(&self, random: &mut Random, local: LocalTime) -> u64 {
        let hour = f64::from(local.hour().hour_of_day());
        let mean = 35.0 - 25.0 * (TAU * (hour - 3.0) / 24.0).cos();
        (mean * (0.5 + random.uniform())) as u64
    }

    /// Season, time of day, days of the week, holidays and news.
    fn confounders(&self, local: LocalTime, t: usize, common: &Common) -> f64 {
        let (year, _) = cycles(t);
        let hour = TAU * f64::from(local.hour().hour_of_day()) / 24.0;
        let is_weekend = local.hour().day_of_week() >= 5;
        let is_holiday = common.holidays.contains(&(t / 24));
        2.0 - 0.15 * year.cos() - 0.12 * (hour - 1.0).cos()
            + if is_weekend { 0.10 } else { 0.0 }
            + if is_holiday { 0.25 } else { 0.0 }
            + 0.05 * common.noise[t]
    }

    /// The planted effects.
    fn effect(&self, weather: &[[f64; 6]], t: usize) -> f64 {
        if !self.has_effects {
            return 0.0;
        }
        let wet = |t: usize| f64::from(u8::from(weather[t][2] >= 0.1));
        let before: f64 = (1..=3).filter_map(|lag| t.checked_sub(lag)).map(wet).sum();
        RAIN * wet(t) + RAIN_BEFORE * before + temperature_effect(weather[t][0])
    }
}

/// The planted effect of a temperature in °C.
pub(crate) fn temperature_effect(celsius: f64) -> f64 {
    if celsius >= 30.0 {
        HEAT
    } else if celsius < 0.0 {
        COLD
    } else {
        0.0
    }
}

/// The angles of the year and of the day.
fn cycles(t: usize) -> (f64, f64) {
    (
        TAU * (t as f64 / 24.0 - 15.0) / 365.25,
        TAU * (t as f64 - 3.0) / 24.0,
    )
}
