//! The answer recovers planted effects, accounts for every hour, and says what is too little.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "../study/coverage.rs"]
mod coverage;
#[path = "../study/world.rs"]
mod world;

use std::num::NonZeroUsize;

use coverage::Coverage;
use moodvane_effect::{
    Checks, CityHours, EffectError, EffectOptions, Factor, InsufficientEffect, MAX_DRAWS, Term,
    estimate_effect,
};
use moodvane_model::Variable;
use proptest::prelude::*;
use world::{RAIN, World};

const QUICK: EffectOptions = EffectOptions {
    draws: 199,
    shifts: 99,
    ..EffectOptions::STANDARD
};

const fn world(cities: usize, hours: usize) -> World {
    World {
        name: "",
        cities,
        hours,
        has_effects: true,
        persistence: 0.8,
    }
}

#[test]
fn recovers_planted_effects_where_simple_difference_is_wrong() {
    let coverage = Coverage::measure(&world(2, 2520), 0..20, &QUICK);
    assert_eq!(coverage.insufficient, 0);
    assert!((coverage.mean_estimate() - RAIN).abs() < 0.01);
    assert!(coverage.mean_simple() < 2.0 * RAIN);
    assert!(coverage.simple_covers.percent() < 5.0);
    for share in [coverage.rain, coverage.cumulative] {
        assert!(share.percent() >= 80.0, "{share:?}");
    }
    for share in [
        coverage.past,
        coverage.classes,
        coverage.mild,
        coverage.others,
    ] {
        assert!(share.percent() >= 89.0, "{share:?}");
    }
    assert!(coverage.quiet_placebo.percent() >= 80.0);
    assert!(coverage.significant_rain.percent() >= 90.0);
}

#[test]
fn rarely_claims_effects_where_there_are_none() {
    let none = World {
        has_effects: false,
        ..world(2, 2520)
    };
    let coverage = Coverage::measure(&none, 100..120, &QUICK);
    assert!(coverage.significant_rain.percent() <= 20.0);
    assert!(coverage.any_claim.percent() <= 20.0);
    assert!(coverage.significant_shifts.percent() <= 20.0);
}

#[test]
fn result_depends_neither_on_threads_nor_on_order() {
    let hours = world(3, 2016).hours(1).without_talk;
    let expected = estimate_effect(&hours, &QUICK).unwrap();
    for threads in [1, 5] {
        let options = EffectOptions {
            threads: NonZeroUsize::new(threads).unwrap(),
            ..QUICK
        };
        assert_eq!(estimate_effect(&hours, &options).unwrap(), expected);
    }
    let mut reversed = hours.clone();
    reversed.iter_mut().for_each(|city| city.hours.reverse());
    assert_eq!(estimate_effect(&reversed, &QUICK).unwrap(), expected);
    let mut doubled = hours;
    doubled
        .iter_mut()
        .for_each(|city| city.hours.push(city.hours[7]));
    let found = estimate_effect(&doubled, &QUICK).unwrap();
    assert_eq!(found.wet, expected.wet);
    assert_eq!(found.sample.left_out.duplicate, 3);
}

#[test]
fn answer_describes_every_part() {
    let answer = estimate_effect(&world(2, 4368).hours(3).without_talk, &QUICK).unwrap();
    let factors: Vec<Factor> = answer.factors.iter().map(|effect| effect.factor).collect();
    assert_eq!(factors, Factor::ALL);
    for effect in &answer.factors {
        assert!(
            effect.test.is_some() && effect.adjusted_p_value.is_some(),
            "{}",
            effect.factor
        );
        if let Some(reference) = effect.reference {
            assert_eq!(effect.bins[reference].estimate, None);
            let hours: usize = effect.bins.iter().map(|bin| bin.hours).sum();
            assert_eq!(hours, answer.sample.hours);
            let posts: u64 = effect.bins.iter().map(|bin| bin.posts).sum();
            assert_eq!(posts, answer.sample.posts);
        } else {
            assert!(effect.slope.is_some() && effect.bins.is_empty());
        }
    }
    let curve = &answer.factors[0].bins;
    for bin in curve.iter().filter(|bin| bin.estimate.is_some()) {
        let (estimate, band) = (bin.estimate.unwrap(), bin.band.unwrap());
        assert!(band.0 < estimate.low && estimate.high < band.1);
    }
    assert_eq!(
        answer.wet.wet_hours + answer.wet.dry_hours,
        answer.sample.hours
    );
    assert!(answer.scale.standard_deviation > 0.1);
    assert!(answer.scale.saturday_minus_monday.unwrap().is_significant());
    let rain = answer.wet.estimate.value;
    let in_deviations = answer.scale.in_standard_deviations(rain).unwrap();
    assert!((-1.0..-0.1).contains(&in_deviations), "{in_deviations}");
    let of_weekend = answer.scale.share_of_weekend(rain).unwrap();
    assert!((-1.4..-0.4).contains(&of_weekend), "{of_weekend}");
    let lags: Vec<usize> = answer.lags[0]
        .lags
        .iter()
        .map(|lag| lag.window.map_or(0, |w| w.last))
        .collect();
    assert_eq!(lags, [0, 3, 6, 12, 24]);
    assert_eq!(answer.placebo.unwrap().rain.len(), 4);
    assert_eq!(answer.shifts.unwrap().shifts, 99);
    assert_eq!(answer.cities.len(), 2);
    assert!(answer.cities.iter().all(|city| city.effect.is_ok()));
    assert!(answer.sample.has_date_effects && answer.sample.has_hour_of_week_effects);
}

#[test]
fn every_hour_is_used_or_left_out_with_reason() {
    let mut hours = world(2, 2016).hours(5).without_talk;
    let total: usize = hours.iter().map(|city| city.hours.len()).sum();
    let rows = &mut hours[0].hours;
    rows[400].feeling = None;
    rows[401].weather[Variable::Cloud.index()] = None;
    rows[402].weather[Variable::Wind.index()] = Some(f64::NAN);
    rows[403].feeling.as_mut().unwrap().mean = f64::INFINITY;
    let answer = estimate_effect(&hours, &QUICK).unwrap();
    let left_out = answer.sample.left_out;
    assert_eq!(answer.sample.hours + left_out.total(), total);
    assert_eq!(left_out.too_few_posts, 1);
    assert_eq!(left_out.invalid_feeling, 1);
    assert_eq!(left_out.without_variable, [0, 0, 0, 1, 1, 0]);
    assert!(left_out.without_earlier_pressure > 0 && left_out.without_past > 0);
}

#[test]
fn variable_of_few_hours_is_left_out() {
    let mut hours = world(1, 2016).hours(6).without_talk;
    for hour in hours[0].hours.iter_mut().step_by(3) {
        hour.weather[Variable::Humidity.index()] = None;
    }
    let answer = estimate_effect(&hours, &QUICK).unwrap();
    let left_out = answer.sample.left_out_variables[0];
    assert_eq!(left_out.variable, Variable::Humidity);
    assert!((left_out.share - 2.0 / 3.0).abs() < 0.01);
    assert!(
        answer
            .factors
            .iter()
            .all(|effect| effect.factor != Factor::Humidity)
    );
}

#[test]
fn constant_variable_is_dropped() {
    let mut hours = world(1, 2016).hours(7).without_talk;
    for hour in &mut hours[0].hours {
        hour.weather[Variable::Wind.index()] = Some(3.0);
    }
    let answer = estimate_effect(&hours, &QUICK).unwrap();
    assert_eq!(answer.sample.dropped, [Term::Slope(Factor::Wind)]);
}

#[test]
fn too_little_data_has_reason_and_number_of_hours() {
    let insufficient = |hours: &[CityHours]| match estimate_effect(hours, &QUICK) {
        Err(EffectError::Insufficient(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let few = insufficient(&world(1, 300).hours(1).without_talk);
    assert!(
        matches!(few, InsufficientEffect::Hours { need: 336, .. }),
        "{few}"
    );
    let weeks = insufficient(&world(1, 800).hours(1).without_talk);
    assert!(
        matches!(weeks, InsufficientEffect::Weeks { need: 8, .. }),
        "{weeks}"
    );
    assert!(weeks.additional_hours().unwrap() > 200);
    let mut dry = world(1, 2016).hours(1).without_talk;
    for hour in &mut dry[0].hours {
        hour.weather[Variable::Precipitation.index()] = Some(0.0);
    }
    let dry = insufficient(&dry);
    assert!(
        matches!(dry, InsufficientEffect::WetHours { wet: 0, .. }),
        "{dry}"
    );
    let mut unknown = world(1, 2016).hours(1).without_talk;
    for hour in &mut unknown[0].hours {
        hour.weather[Variable::Precipitation.index()] = None;
    }
    let unknown = insufficient(&unknown);
    assert!(
        matches!(unknown, InsufficientEffect::NoPrecipitation { .. }),
        "{unknown}"
    );
    assert!(matches!(
        insufficient(&[]),
        InsufficientEffect::NoPrecipitation { .. } | InsufficientEffect::Hours { have: 0, .. }
    ));
}

#[test]
fn rejects_input_over_limits() {
    let hours = world(1, 48).hours(1).without_talk;
    let cases = [
        ("cities", vec![hours[0].clone(); 101], QUICK),
        (
            "hours of the past",
            hours.clone(),
            EffectOptions {
                lag_hours: 49,
                ..QUICK
            },
        ),
        (
            "draws",
            hours.clone(),
            EffectOptions {
                draws: MAX_DRAWS + 1,
                ..QUICK
            },
        ),
        (
            "shifts",
            hours,
            EffectOptions {
                shifts: MAX_DRAWS + 1,
                ..QUICK
            },
        ),
    ];
    for (expected, hours, options) in cases {
        match estimate_effect(&hours, &options) {
            Err(EffectError::Limit { what, .. }) => assert_eq!(what, expected),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is missing, the answer has no NaN and accounts for every hour, or there is an error.
    #[test]
    fn holes_never_make_nan(
        seed in 0u64..1000,
        cities in 1usize..4,
        weeks in 7usize..12,
        hole in 0usize..6,
        step in 2usize..40,
        lag_hours in 0usize..49,
    ) {
        let mut hours = world(cities, weeks * 168).hours(seed).without_talk;
        for city in &mut hours {
            for hour in city.hours.iter_mut().step_by(step) {
                hour.weather[hole] = None;
            }
            let end = city.hours.len() - step * 3;
            city.hours.drain(end - step * 4..end);
        }
        let total: usize = hours.iter().map(|city| city.hours.len()).sum();
        let options = EffectOptions { lag_hours, checks: Checks::None, ..QUICK };
        if let Ok(answer) = estimate_effect(&hours, &options) {
            prop_assert_eq!(answer.sample.hours + answer.sample.left_out.total(), total);
            let text = format!("{answer:?}");
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
        }
    }
}
