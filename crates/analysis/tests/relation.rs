//! What holds of relations whatever the hours, and a small version of the study of coverage.
#![allow(clippy::unwrap_used)]

#[path = "../study/series.rs"]
mod series;

use moodvane_analysis::{
    Conclusion, Cycles, MIN_HOURS, Options, PairedHour, Phase, TooLittle, Weighting, relate,
    wet_against_dry,
};
use series::WORLDS;

fn world(name: &str) -> &'static series::World {
    WORLDS.iter().find(|world| world.name == name).unwrap()
}

fn hours(n: usize) -> Vec<PairedHour> {
    world("AR(1), φ = 0.5, ρ = 0.5").series(1, n)
}

/// The whole study is `study/coverage.md`: 1,000 series per cell.
#[test]
fn intervals_have_the_truth_about_95_times_in_100() {
    for name in [
        "AR(1), φ = 0, ρ = 0",
        "AR(1), φ = 0.5, ρ = 0.5",
        "AR(1), φ = 0.9, ρ = 0",
        "AR(1), φ = 0.9, ρ = 0.5",
    ] {
        let world = world(name);
        let covered = (0..200)
            .filter_map(|seed| relate(&world.series(seed, 168), Options::PLAIN).ok())
            .filter(|found| (found.pearson.low..=found.pearson.high).contains(&world.truth))
            .count();
        assert!((184..=196).contains(&covered), "{name}: {covered} of 200");
    }
}

#[test]
fn equal_hours_give_equal_bits_whatever_their_order() {
    let hours = hours(200);
    let mut turned = hours.clone();
    turned.reverse();
    turned.extend_from_slice(&hours[..20]);
    let once = relate(&hours, Options::PLAIN).unwrap();
    assert_eq!(relate(&hours, Options::PLAIN).unwrap(), once);
    assert_eq!(
        relate(&turned, Options::PLAIN).unwrap(),
        once,
        "order, copies"
    );
}

#[test]
fn units_change_the_slope_alone() {
    let celsius = hours(200);
    let mut fahrenheit = celsius.clone();
    for hour in &mut fahrenheit {
        hour.weather = hour.weather * 1.8 + 32.0;
    }
    let one = relate(&celsius, Options::PLAIN).unwrap();
    let other = relate(&fahrenheit, Options::PLAIN).unwrap();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(one.pearson.low, other.pearson.low));
    assert!(close(one.pearson.high, other.pearson.high));
    assert!(close(one.slope.value, other.slope.value * 1.8));
    assert!(close(one.slope.high, other.slope.high * 1.8));
    assert_eq!(one.conclusion(), Conclusion::Rises);
}

#[test]
fn a_gap_is_time_and_not_a_neighbourhood() {
    // Every second hour of a persistent series: neighbours are two hours apart, and are known to be.
    let all = world("AR(1), φ = 0.9, ρ = 0").series(3, 400);
    let halved: Vec<PairedHour> = all.iter().step_by(2).copied().collect();
    let mut closed = halved.clone();
    for (hour, place) in closed.iter_mut().zip(&all) {
        hour.hour = place.hour;
    }
    let open = relate(&halved, Options::PLAIN).unwrap();
    let closed = relate(&closed, Options::PLAIN).unwrap();
    assert_eq!(open.pearson.value, closed.pearson.value);
    assert!(open.block_hours > closed.block_hours);
    // Taking every second hour away takes away little, since neighbours say the same.
    let whole = relate(&all, Options::PLAIN).unwrap();
    assert!(open.independent_hours > 0.6 * whole.independent_hours);
}

#[test]
fn hours_of_few_posts_can_be_left_out_or_count_less() {
    let mut hours = hours(200);
    for (i, hour) in hours.iter_mut().enumerate() {
        hour.posts = if i % 4 == 0 { 1 } else { 100 };
        if i % 4 == 0 {
            hour.feeling = -hour.feeling;
        }
    }
    let r = |min_posts, weighting| {
        let options = Options {
            min_posts,
            weighting,
            ..Options::PLAIN
        };
        relate(&hours, options).unwrap().pearson.value
    };
    let without = r(50, Weighting::Equal);
    assert!((r(1, Weighting::Posts) - without).abs() < 0.02);
    assert!(r(1, Weighting::Equal) < without - 0.1);
}

#[test]
fn a_shared_daily_cycle_is_no_relation_once_it_is_taken_out() {
    let hours = world("daily cycle on both sides and AR(1), φ = 0.8").series(5, 720);
    let found = |cycles| {
        let options = Options {
            cycles,
            ..Options::PLAIN
        };
        relate(&hours, options).unwrap().conclusion()
    };
    assert_eq!(found(Cycles::Keep), Conclusion::Rises);
    assert_eq!(found(Cycles::Daily), Conclusion::Undecided);
    assert_eq!(found(Cycles::DailyAndWeekly), Conclusion::Undecided);
}

#[test]
fn an_undecided_relation_says_how_many_hours_more_it_would_take() {
    let few = world("AR(1), φ = 0.9, ρ = 0").series(4, 168);
    let found = relate(&few, Options::PLAIN).unwrap();
    assert_eq!(found.conclusion(), Conclusion::Undecided);
    // 783 independent hours, of which a hundred hours have but ten.
    assert!((4_000..20_000).contains(&found.more_hours()), "{found:?}");
    let many = world("AR(1), φ = 0, ρ = 0").series(4, 2_000);
    assert_eq!(relate(&many, Options::PLAIN).unwrap().more_hours(), 0);
}

#[test]
fn the_fewest_hours_are_enough_and_one_fewer_is_not() {
    let hours = world("AR(1), φ = 0, ρ = 0.5").series(2, MIN_HOURS);
    relate(&hours, Options::PLAIN).unwrap();
    let refused = relate(&hours[1..], Options::PLAIN).unwrap_err();
    let expected = TooLittle::Hours {
        have: MIN_HOURS - 1,
        need: MIN_HOURS,
    };
    assert_eq!(refused, expected);
    assert_eq!(refused.more_hours(), Some(1));
}

#[test]
fn one_long_spell_of_rain_is_not_taken_for_many() {
    // One spell cannot tell the rain's effect from that of the day it fell on.
    let mut hours = world("AR(1), φ = 0.9, ρ = 0").series(9, 400);
    for (i, hour) in hours.iter_mut().enumerate() {
        hour.weather = if (200..230).contains(&i) { 1.0 } else { 0.0 };
    }
    match wet_against_dry(&hours, Options::PLAIN) {
        Ok(found) => assert!(found.p_value > 0.05, "{found:?}"),
        Err(refused) => assert!(refused.more_hours().is_some(), "{refused}"),
    }
}

#[test]
fn values_that_are_no_numbers_are_left_out() {
    let mut hours = hours(100);
    let without = relate(&hours[1..], Options::PLAIN).unwrap();
    hours[0].weather = f64::NAN;
    assert_eq!(relate(&hours, Options::PLAIN).unwrap(), without);
    hours[0].phase = Phase::at(hours[0].hour, 5);
    assert_eq!(relate(&hours, Options::PLAIN).unwrap(), without);
}
