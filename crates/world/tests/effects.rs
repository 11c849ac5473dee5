//! A world's planted effects are what the estimator of `moodvane-effect` recovers from its hours, and what a
//! simple comparison gets wrong. `examples/effects.rs` measures coverage over many more seeds.

#![allow(clippy::unwrap_used)]

#[path = "../study/study.rs"]
mod study;

use moodvane_effect::{Checks, EffectAnswer, EffectOptions, Factor, estimate_effect};
use study::{Coverage, Place, Setting, effect_hours};

const NORTH: Place = ("a-city", 44.0, -74.0, "America/New_York");
const SOUTH: Place = ("another-city", -38.0, 151.0, "Australia/Sydney");
const EFFECTS: [i16; 4] = [-250, -80, -200, -150];
const SEEDS: u64 = 3;

const YEAR: Setting = Setting {
    name: "a year",
    cities: &[(NORTH, EFFECTS)],
    hours: 8_760,
    has_effects: true,
};

fn options() -> EffectOptions {
    EffectOptions {
        checks: Checks::None,
        draws: 99,
        ..EffectOptions::STANDARD
    }
}

/// The mean over some seeds of each planted effect's estimate: a wet hour, each wet hour before, heat, cold.
fn mean_estimates(setting: &Setting) -> [f64; 4] {
    let mut sums = [0.0; 4];
    for seed in 0..SEEDS {
        let answer = estimate_effect(&effect_hours(&setting.draw(seed)), &options()).unwrap();
        for (sum, value) in sums.iter_mut().zip(estimates(&answer)) {
            *sum += value / SEEDS as f64;
        }
    }
    sums
}

fn estimates(answer: &EffectAnswer) -> [f64; 4] {
    let curve = answer
        .factors
        .iter()
        .find(|f| f.factor == Factor::Temperature);
    let bin = |is_wanted: &dyn Fn(f64, f64) -> bool| {
        let bins = curve.unwrap().bins.iter().rev();
        let mut wanted = bins.filter(|b| {
            is_wanted(
                b.low.unwrap_or(f64::NEG_INFINITY),
                b.high.unwrap_or(f64::INFINITY),
            )
        });
        wanted.find_map(|bin| bin.estimate).unwrap().value
    };
    let rain = answer
        .lags
        .iter()
        .find(|p| p.factor == Factor::Precipitation);
    [
        answer.wet.estimate.value,
        rain.unwrap().lags[1].estimate.value,
        bin(&|low, _| low >= 30.0),
        bin(&|_, high| high <= 0.0),
    ]
}

#[test]
fn estimator_recovers_every_planted_effect() {
    let found = mean_estimates(&YEAR);
    let planted = EFFECTS.map(|milli| f64::from(milli) / 1_000.0);
    for ((found, planted), tolerance) in found.iter().zip(planted).zip([0.03, 0.02, 0.08, 0.06]) {
        assert!((found - planted).abs() < tolerance, "{found} {planted}");
    }
}

#[test]
fn estimator_finds_nothing_where_nothing_is_planted() {
    let none = Setting {
        has_effects: false,
        ..YEAR
    };
    let found = mean_estimates(&none);
    for (found, tolerance) in found.iter().zip([0.03, 0.02, 0.08, 0.06]) {
        assert!(found.abs() < tolerance, "{found}");
    }
}

#[test]
fn simple_difference_is_wrong_with_and_without_effects() {
    for has_effects in [true, false] {
        let setting = Setting {
            cities: &[(NORTH, EFFECTS), (SOUTH, EFFECTS)],
            hours: 13 * 168,
            has_effects,
            ..YEAR
        };
        let coverage = Coverage::measure(&setting, 0..SEEDS, &options());
        assert_eq!(coverage.insufficient, 0);
        assert_eq!(coverage.simple_covers.count, 0);
        let bias = coverage.simple.value() - coverage.planted.value();
        assert!(bias < -0.08, "{bias}");
    }
}
