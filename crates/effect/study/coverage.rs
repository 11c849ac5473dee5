//! Counts how often intervals contain the planted effects, and how often checks and claims are wrong.
#![allow(dead_code, reason = "each study uses a part")]

use moodvane_effect::{
    BinEffect, CityHours, EffectAnswer, EffectError, EffectEstimate, EffectOptions, Factor,
    estimate_effect,
};

use crate::world::{RAIN, RAIN_BEFORE, World, temperature_effect};

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

/// The results of many seeds of a world.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) insufficient: u32,
    /// The sums of the estimates of rain, and of the differences of means of wet and dry hours.
    estimates: f64,
    simple: f64,
    answers: u32,
    /// The wet hour itself.
    pub(crate) rain: Share,
    /// Single windows of past rain.
    pub(crate) past: Share,
    pub(crate) cumulative: Share,
    /// Classes of precipitation.
    pub(crate) classes: Share,
    /// Bins with a planted heat or cold effect.
    pub(crate) extremes: Share,
    /// Bins of temperature without an effect.
    pub(crate) mild: Share,
    /// Whole curves within their band.
    pub(crate) band: Share,
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

impl Coverage {
    /// Adds the answer of each seed.
    pub(crate) fn measure(
        world: &World,
        seeds: std::ops::Range<u64>,
        options: &EffectOptions,
    ) -> Self {
        let mut coverage = Self::default();
        for seed in seeds {
            let hours = world.hours(seed);
            match estimate_effect(&hours.without_talk, options) {
                Ok(answer) => coverage.add(world, &answer, &hours.with_talk),
                Err(EffectError::Insufficient(_)) => coverage.insufficient += 1,
                Err(error) => panic!("{error}"),
            }
        }
        coverage
    }

    pub(crate) fn mean_estimate(&self) -> f64 {
        self.estimates / f64::from(self.answers)
    }

    pub(crate) fn mean_simple(&self) -> f64 {
        self.simple / f64::from(self.answers)
    }

    fn add(&mut self, world: &World, answer: &EffectAnswer, with_talk: &[CityHours]) {
        let planted = |effect: f64| if world.has_effects { effect } else { 0.0 };
        let covers = |e: &EffectEstimate, effect: f64| (e.low..=e.high).contains(&planted(effect));
        self.answers += 1;
        self.estimates += answer.wet.estimate.value;
        self.rain.add(covers(&answer.wet.estimate, RAIN));
        let (simple, error) = simple_difference(with_talk);
        self.simple += simple;
        self.simple_covers
            .add((simple - planted(RAIN)).abs() <= 1.96 * error);
        for profile in answer
            .lags
            .iter()
            .filter(|p| p.factor == Factor::Precipitation)
        {
            for (window, lag) in profile.lags.iter().enumerate().skip(1) {
                let effect = if window == 1 { RAIN_BEFORE } else { 0.0 };
                self.past.add(covers(&lag.estimate, effect));
            }
            self.cumulative
                .add(covers(&profile.cumulative, RAIN + 3.0 * RAIN_BEFORE));
        }
        for effect in &answer.factors {
            match effect.factor {
                Factor::Temperature => self.add_curve(&effect.bins, planted),
                Factor::Precipitation => {
                    let estimates = effect.bins.iter().filter_map(|bin| bin.estimate);
                    estimates.for_each(|e| self.classes.add(covers(&e, RAIN)));
                }
                _ => {
                    let bins = effect.bins.iter().filter_map(|bin| bin.estimate);
                    let estimates = bins.chain(effect.slope);
                    estimates.for_each(|e| self.others.add(covers(&e, 0.0)));
                }
            }
        }
        if let Some(placebo) = &answer.placebo {
            self.quiet_placebo.add(placebo.is_quiet());
        }
        self.significant_rain
            .add(answer.wet.estimate.is_significant());
        let mut adjusted = answer.factors.iter().filter_map(|f| f.adjusted_p_value);
        self.any_claim.add(adjusted.any(|p| p <= 0.05));
        if let Some(shifts) = answer.shifts {
            self.significant_shifts.add(shifts.p_value() <= 0.05);
        }
    }

    /// Bins that contain a threshold have no single effect.
    fn add_curve(&mut self, bins: &[BinEffect], planted: impl Fn(f64) -> f64) {
        let (mut is_covered, mut has_all) = (true, true);
        for bin in bins {
            let (low, high) = (bin.low.unwrap_or(-50.0), bin.high.unwrap_or(50.0));
            let effect = temperature_effect(low);
            let is_mixed = (effect - temperature_effect(high - 0.001)).abs() > 0.0;
            let (Some(estimate), Some(band)) = (bin.estimate, bin.band) else {
                has_all &= effect == 0.0 && !is_mixed;
                continue;
            };
            has_all &= !is_mixed;
            if is_mixed {
                continue;
            }
            let effect_or_none = planted(effect);
            let covers = (estimate.low..=estimate.high).contains(&effect_or_none);
            let share = if effect == 0.0 {
                &mut self.mild
            } else {
                &mut self.extremes
            };
            share.add(covers);
            is_covered &= (band.0..=band.1).contains(&effect_or_none);
        }
        if has_all {
            self.band.add(is_covered);
        }
    }
}

/// The mean of wet hours minus that of dry ones, and its standard error as if hours were independent.
fn simple_difference(cities: &[CityHours]) -> (f64, f64) {
    let mut groups = [(0.0, 0.0, 0.0); 2];
    for hour in cities.iter().flat_map(|city| &city.hours) {
        let (Some(feeling), Some(rain)) = (hour.feeling, hour.weather[2]) else {
            continue;
        };
        let group = &mut groups[usize::from(rain >= 0.1)];
        group.0 += 1.0;
        group.1 += feeling.mean;
        group.2 += feeling.mean * feeling.mean;
    }
    let [dry, wet] =
        groups.map(|(n, sum, squares)| (sum / n, (squares / n - (sum / n).powi(2)) / n));
    (wet.0 - dry.0, (wet.1 + dry.1).sqrt())
}
