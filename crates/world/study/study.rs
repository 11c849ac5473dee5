//! Estimates the planted effects of many worlds, and counts how often intervals contain them and how often
//! checks and claims are wrong. The score of a post is the class that it was drawn with.
#![allow(dead_code, reason = "each study uses a part")]

use moodvane_effect::{
    BinEffect, CityHours, EffectAnswer, EffectError, EffectEstimate, EffectHour, EffectOptions,
    Factor, HourFeeling, LocalTime, WetEffect, estimate_effect,
};
use moodvane_model::{City, CityId, HourRange, HourSlot};
use moodvane_world::{
    CityDraws, DrawnHour, EffectSizes, MoodSums, PlantedEffects, World, WorldConfig, WorldModel,
    draw_hours,
};

/// What a world is like, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// The cities and their effects, in thousandths of a class.
    pub(crate) cities: &'static [(Place, [i16; 4])],
    pub(crate) hours: u32,
    pub(crate) has_effects: bool,
}

/// A city: id, latitude, longitude and zone.
pub(crate) type Place = (&'static str, f64, f64, &'static str);

/// Events an hour and city; a third of them become posts.
const EVENTS_PER_CITY: u32 = 80;
const FIRST_HOUR: &str = "2025-01-01 00";

/// How many of how many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Share {
    pub(crate) count: u32,
    pub(crate) of: u32,
}

impl Share {
    fn add(&mut self, holds: bool) {
        self.count += u32::from(holds);
        self.of += 1;
    }

    /// `NaN` for none.
    pub(crate) fn percent(self) -> f64 {
        100.0 * f64::from(self.count) / f64::from(self.of)
    }
}

/// A sum and the number of its terms.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    sum: f64,
    of: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.of += 1;
    }

    /// `NaN` for none.
    pub(crate) fn value(self) -> f64 {
        self.sum / f64::from(self.of)
    }
}

/// The results of many seeds.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) insufficient: u32,
    /// Of rain: the planted effect, its estimate, and the difference of the means of wet and dry hours.
    pub(crate) planted: Mean,
    pub(crate) estimate: Mean,
    pub(crate) simple: Mean,
    /// The planted effect of heat, its estimate, and the difference of means.
    pub(crate) heat: [Mean; 3],
    /// The wet hour itself.
    pub(crate) wet: Share,
    /// Each wet hour one to three hours before.
    pub(crate) before: Share,
    /// Wet hours farther back, without an effect.
    pub(crate) farther: Share,
    pub(crate) cumulative: Share,
    /// Classes of precipitation.
    pub(crate) classes: Share,
    pub(crate) hot: Share,
    pub(crate) cold: Share,
    /// Bins of temperature without an effect.
    pub(crate) mild: Share,
    /// Humidity, cloud, wind and change of pressure, without an effect.
    pub(crate) others: Share,
    /// Simple differences whose interval, as if hours were independent, contains the effect.
    pub(crate) simple_covers: Share,
    pub(crate) quiet_placebo: Share,
    pub(crate) significant_rain: Share,
    /// Worlds in which any variable is significant after Holm's correction.
    pub(crate) any_claim: Share,
    pub(crate) significant_shifts: Share,
}

impl Setting {
    fn city(&self, index: usize) -> (City, PlantedEffects) {
        let ((id, latitude, longitude, zone), milli) = self.cities[index];
        let parsed = CityId::parse(id).unwrap_or_else(|_| unreachable!());
        let city = City::new(parsed, id, &[], (latitude, longitude), zone);
        let effects = match self.has_effects {
            true => PlantedEffects::from_milli(milli),
            false => PlantedEffects::NONE,
        };
        (city.unwrap_or_else(|_| unreachable!()), effects)
    }

    /// The hours of each city of the world of a seed.
    pub(crate) fn draw(&self, seed: u64) -> Vec<CityDraws> {
        let all: Vec<(City, PlantedEffects)> =
            (0..self.cities.len()).map(|i| self.city(i)).collect();
        let begin: HourSlot = FIRST_HOUR.parse().unwrap_or_else(|_| unreachable!());
        let end = begin.checked_add(self.hours as i32 - 1);
        let range = end.and_then(|end| HourRange::new(begin, end).ok());
        let sizes = all.iter().map(|(city, effects)| (city.id, *effects));
        let world = World::new(&WorldConfig {
            seed,
            start: begin.start(),
            events_per_hour: EVENTS_PER_CITY * all.len() as u32,
            noise_share: 0.3,
            model: WorldModel::Confounded(EffectSizes::ByCity(sizes.collect())),
            cities: all.into_iter().map(|(city, _)| city).collect(),
        });
        draw_hours(&world, range.unwrap_or_else(|| unreachable!()))
    }

    /// Whether the effects are the same in every city, so that the joint estimate has one to recover.
    fn has_equal_effects(&self) -> bool {
        self.cities.windows(2).all(|pair| pair[0].1 == pair[1].1) || !self.has_effects
    }
}

/// The hours that the estimator reads: without the posts about the weather.
pub(crate) fn effect_hours(drawn: &[CityDraws]) -> Vec<CityHours> {
    let row = |hour: &DrawnHour| EffectHour {
        hour: hour.hour,
        local: LocalTime::from_utc(hour.hour, hour.clock.offset_hours),
        feeling: feeling(&hour.without_talk),
        weather: hour.weather.values().map(Some),
    };
    drawn
        .iter()
        .map(|city| CityHours {
            city: city.city,
            hours: city.hours.iter().map(row).collect(),
        })
        .collect()
}

fn feeling(sums: &MoodSums) -> Option<HourFeeling> {
    Some(HourFeeling {
        mean: sums.mean()?,
        posts: sums.posts,
        standard_error: sums.standard_error(),
    })
}

impl Coverage {
    /// Adds the answer of each seed.
    pub(crate) fn measure(
        setting: &Setting,
        seeds: std::ops::Range<u64>,
        options: &EffectOptions,
    ) -> Self {
        let mut coverage = Self::default();
        for seed in seeds {
            let drawn = setting.draw(seed);
            match estimate_effect(&effect_hours(&drawn), options) {
                Ok(answer) => coverage.add(setting, &answer, &drawn),
                Err(EffectError::Insufficient(_)) => coverage.insufficient += 1,
                Err(error) => panic!("{error}"),
            }
        }
        coverage
    }

    fn add(&mut self, setting: &Setting, answer: &EffectAnswer, drawn: &[CityDraws]) {
        for (index, city) in drawn.iter().enumerate() {
            let (_, effects) = setting.city(index);
            let alone = answer.cities.iter().find(|alone| alone.city == city.city);
            let wet = match alone {
                Some(alone) => alone.effect.ok(),
                None => Some(answer.wet),
            };
            self.add_city(city, &effects, wet.as_ref());
        }
        let (_, effects) = setting.city(0);
        if setting.has_equal_effects() {
            self.add_joint(answer, &effects);
        }
        if let Some(placebo) = &answer.placebo {
            self.quiet_placebo.add(placebo.is_quiet());
        }
        let mut adjusted = answer.factors.iter().filter_map(|f| f.adjusted_p_value);
        self.any_claim.add(adjusted.any(|p| p <= 0.05));
        self.significant_rain
            .add(answer.wet.estimate.is_significant());
        if let Some(shifts) = answer.shifts {
            self.significant_shifts.add(shifts.p_value() <= 0.05);
        }
    }

    /// The wet effect of a city alone, and the simple difference of its hours.
    fn add_city(&mut self, city: &CityDraws, effects: &PlantedEffects, wet: Option<&WetEffect>) {
        let planted = effects.wet_hour.classes();
        if let Some(wet) = wet {
            self.planted.add(planted);
            self.estimate.add(wet.estimate.value);
            self.wet.add(covers(&wet.estimate, planted));
        }
        let is_wet = |hour: &DrawnHour| hour.weather.precipitation_mm_h >= 0.1;
        let (simple, error) = simple_difference(city, is_wet);
        self.simple.add(simple);
        self.simple_covers
            .add((simple - planted).abs() <= 1.96 * error);
        let (hot, _) = simple_difference(city, |hour| hour.weather.temperature_c >= 30.0);
        if hot.is_finite() {
            self.heat[0].add(effects.heat.classes());
            self.heat[2].add(hot);
        }
    }

    /// All other effects, of all cities together.
    fn add_joint(&mut self, answer: &EffectAnswer, effects: &PlantedEffects) {
        let (wet, before) = (
            effects.wet_hour.classes(),
            effects.wet_hour_before.classes(),
        );
        let rain = |factor| factor == Factor::Precipitation;
        for profile in answer.lags.iter().filter(|p| rain(p.factor)) {
            for (window, lag) in profile.lags.iter().enumerate().skip(1) {
                match window {
                    1 => self.before.add(covers(&lag.estimate, before)),
                    _ => self.farther.add(covers(&lag.estimate, 0.0)),
                }
            }
            self.cumulative
                .add(covers(&profile.cumulative, wet + 3.0 * before));
        }
        for effect in &answer.factors {
            let estimates = effect.bins.iter().filter_map(|bin| bin.estimate);
            match effect.factor {
                Factor::Temperature => self.add_curve(&effect.bins, effects),
                Factor::Precipitation => {
                    estimates.for_each(|e| self.classes.add(covers(&e, wet)));
                }
                _ => estimates
                    .chain(effect.slope)
                    .for_each(|e| self.others.add(covers(&e, 0.0))),
            }
        }
    }

    /// Bins that contain a threshold have no single effect.
    fn add_curve(&mut self, bins: &[BinEffect], effects: &PlantedEffects) {
        for bin in bins {
            let (low, high) = (bin.low.unwrap_or(-50.0), bin.high.unwrap_or(60.0));
            let Some(estimate) = bin.estimate else {
                continue;
            };
            let planted = effects.temperature_shift(low).classes();
            let is_hot = low >= 30.0;
            let share = if is_hot {
                self.heat[1].add(estimate.value);
                &mut self.hot
            } else if high <= 0.0 {
                &mut self.cold
            } else if low >= 0.0 && high <= 30.0 {
                &mut self.mild
            } else {
                continue;
            };
            share.add(covers(&estimate, planted));
        }
    }
}

fn covers(estimate: &EffectEstimate, planted: f64) -> bool {
    (estimate.low..=estimate.high).contains(&planted)
}

/// The mean of the posts' hours of a group, minus that of the others, and its standard error as if hours
/// were independent; all posts, those about the weather too.
fn simple_difference(city: &CityDraws, is_in_group: impl Fn(&DrawnHour) -> bool) -> (f64, f64) {
    let mut groups = [(0.0, 0.0, 0.0); 2];
    for hour in &city.hours {
        let Some(mean) = hour.all.mean() else {
            continue;
        };
        let group = &mut groups[usize::from(is_in_group(hour))];
        group.0 += 1.0;
        group.1 += mean;
        group.2 += mean * mean;
    }
    let [others, group] =
        groups.map(|(n, sum, squares)| (sum / n, (squares / n - (sum / n).powi(2)) / n));
    (group.0 - others.0, (group.1 + others.1).sqrt())
}
