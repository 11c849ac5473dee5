//! Properties of relations, and a small version of the coverage study.
#![allow(clippy::unwrap_used)]

#[path = "../study/series.rs"]
mod series;

use moodvane_analysis::{
    Adjustment, Conclusion, InsufficientData, LocalHour, MIN_HOURS, PairedHour, RelationOptions,
    Weighting, compare_wet_dry, relate,
};
use series::PROCESSES;

fn process(name: &str) -> &'static series::Process {
    PROCESSES
        .iter()
        .find(|process| process.name == name)
        .unwrap()
}

fn hours(n: usize) -> Vec<PairedHour> {
    process("AR(1), φ = 0.5, ρ = 0.5").series(1, n)
}

/// `study/coverage.md` is the full study: 1,000 series per row. The bound is 95 % less twice the
/// standard error of 200 series.
#[test]
fn intervals_cover_truth_in_at_least_95_percent() {
    for name in [
        "AR(1), φ = 0, ρ = 0",
        "AR(1), φ = 0.5, ρ = 0.5",
        "AR(1), φ = 0.9, ρ = 0",
        "AR(1), φ = 0.9, ρ = 0.5",
    ] {
        let process = process(name);
        let covered = (0..200)
            .filter_map(|seed| relate(&process.series(seed, 168), RelationOptions::UNADJUSTED).ok())
            .filter(|found| (found.pearson.low..=found.pearson.high).contains(&process.truth))
            .count();
        assert!(covered >= 184, "{name}: {covered} of 200");
    }
}

#[test]
fn result_is_independent_of_order_and_duplicates() {
    let hours = hours(200);
    let mut reversed = hours.clone();
    reversed.reverse();
    reversed.extend_from_slice(&hours[..20]);
    let once = relate(&hours, RelationOptions::UNADJUSTED).unwrap();
    assert_eq!(relate(&hours, RelationOptions::UNADJUSTED).unwrap(), once);
    assert_eq!(
        relate(&reversed, RelationOptions::UNADJUSTED).unwrap(),
        once,
        "order, duplicates"
    );
}

#[test]
fn unit_of_weather_changes_only_slope() {
    let celsius = hours(200);
    let mut fahrenheit = celsius.clone();
    for hour in &mut fahrenheit {
        hour.weather = hour.weather * 1.8 + 32.0;
    }
    let one = relate(&celsius, RelationOptions::UNADJUSTED).unwrap();
    let other = relate(&fahrenheit, RelationOptions::UNADJUSTED).unwrap();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(one.pearson.low, other.pearson.low));
    assert!(close(one.pearson.high, other.pearson.high));
    assert!(close(one.slope.value, other.slope.value * 1.8));
    assert!(close(one.slope.high, other.slope.high * 1.8));
    assert_eq!(one.conclusion(), Conclusion::Rises);
}

#[test]
fn gaps_preserve_time_distance() {
    // Every second hour of an autocorrelated series: consecutive values are two hours apart.
    let all = process("AR(1), φ = 0.9, ρ = 0").series(3, 400);
    let halved: Vec<PairedHour> = all.iter().step_by(2).copied().collect();
    let mut closed = halved.clone();
    for (hour, place) in closed.iter_mut().zip(&all) {
        hour.hour = place.hour;
    }
    let open = relate(&halved, RelationOptions::UNADJUSTED).unwrap();
    let closed = relate(&closed, RelationOptions::UNADJUSTED).unwrap();
    assert_eq!(open.pearson.value, closed.pearson.value);
    assert!(open.block_hours > closed.block_hours);
    // Every second hour carries most of the information, since consecutive hours are alike.
    let whole = relate(&all, RelationOptions::UNADJUSTED).unwrap();
    assert!(open.effective_sample_size > 0.6 * whole.effective_sample_size);
}

#[test]
fn min_posts_and_weighting_reduce_influence_of_small_hours() {
    let mut hours = hours(200);
    for (i, hour) in hours.iter_mut().enumerate() {
        hour.posts = if i % 4 == 0 { 1 } else { 100 };
        if i % 4 == 0 {
            hour.feeling = -hour.feeling;
        }
    }
    let r = |min_posts, weighting| {
        let options = RelationOptions {
            min_posts,
            weighting,
            ..RelationOptions::UNADJUSTED
        };
        relate(&hours, options).unwrap().pearson.value
    };
    let without = r(50, Weighting::Equal);
    assert!((r(1, Weighting::Posts) - without).abs() < 0.02);
    assert!(r(1, Weighting::Equal) < without - 0.1);
}

#[test]
fn shared_daily_cycle_is_no_relation() {
    let hours = process("daily cycle in both series and AR(1), φ = 0.8").series(5, 720);
    let found = |adjustment| {
        let options = RelationOptions {
            adjustment,
            ..RelationOptions::UNADJUSTED
        };
        relate(&hours, options).unwrap()
    };
    let kept = found(Adjustment::None);
    // The feeling relates to the weather of the next day as much as to that of its own.
    assert!(kept.pearson.value > 0.2, "{kept:?}");
    assert_eq!(kept.conclusion(), Conclusion::Undecided);
    for adjustment in [Adjustment::HourOfDay, Adjustment::HourOfDayAndDayOfWeek] {
        let adjusted = found(adjustment);
        assert!(adjusted.pearson.value.abs() < 0.1, "{adjusted:?}");
        assert_eq!(adjusted.conclusion(), Conclusion::Undecided);
    }
}

#[test]
fn strong_autocorrelation_is_insufficient_data() {
    // About 4 % of such weeks have an effective sample size below 6.
    let process = process("AR(1), φ = 0.97, ρ = 0");
    let mut errors = (0..400)
        .filter_map(|seed| relate(&process.series(seed, 168), RelationOptions::UNADJUSTED).err());
    let is_size = |error: &InsufficientData| {
        matches!(
            error,
            InsufficientData::EffectiveSampleSize { have: 168, .. }
        )
    };
    let error = errors.find(is_size).unwrap();
    assert!(
        error.additional_hours().is_some_and(|more| more > 0),
        "{error}"
    );
}

/// A spike, or rain in one or two hours, among posts whose classes are drawn at random.
#[test]
fn rain_in_few_hours_or_spike_makes_no_relation() {
    let claims = |weather: fn(&mut series::Random, &mut [PairedHour])| {
        let mut found = [0; 2];
        for span in 0..120 {
            let mut random = series::Random::new(span);
            let mut hours = series::hours(&[0.0; 240], &[0.0; 240]);
            for hour in &mut hours {
                let posts =
                    [(); 4].map(|()| [4.0, 3.0, 2.0, 0.0, 0.0, 2.0, 4.0, 1.0][random.below(8)]);
                hour.feeling = posts.iter().sum::<f64>() / 4.0;
            }
            weather(&mut random, &mut hours);
            match relate(&hours, RelationOptions::UNADJUSTED) {
                Ok(relation) if relation.conclusion() == Conclusion::Undecided => {}
                Ok(_) => found[0] += 1,
                Err(_) => found[1] += 1,
            }
        }
        found
    };
    let one_wet_hour = claims(|random, hours| hours[random.below(240)].weather = 2.0);
    assert_eq!(one_wet_hour, [0, 120]);
    let two_wet_hours = claims(|random, hours| {
        for half in [0, 120] {
            hours[half + random.below(120)].weather = 0.5 + 5.5 * random.uniform();
        }
    });
    assert_eq!(two_wet_hours, [0, 120]);
    let [claimed, insufficient] = claims(|random, hours| {
        hours
            .iter_mut()
            .for_each(|hour| hour.weather = 10.0 + 3.0 * random.normal());
        hours[random.below(240)].weather = 60.0;
    });
    assert!(
        claimed <= 6 && insufficient < 12,
        "{claimed} {insufficient}"
    );
}

#[test]
fn undecided_relation_reports_additional_hours() {
    let few = process("AR(1), φ = 0.9, ρ = 0").series(4, 168);
    let found = relate(&few, RelationOptions::UNADJUSTED).unwrap();
    assert_eq!(found.conclusion(), Conclusion::Undecided);
    // 783 independent hours are needed; 100 of these have an effective sample size of only 10.
    assert!(
        (4_000..20_000).contains(&found.additional_hours()),
        "{found:?}"
    );
    let many = process("AR(1), φ = 0, ρ = 0").series(4, 2_000);
    assert_eq!(
        relate(&many, RelationOptions::UNADJUSTED)
            .unwrap()
            .additional_hours(),
        0
    );
}

#[test]
fn requires_min_hours() {
    let hours = process("AR(1), φ = 0, ρ = 0.5").series(2, MIN_HOURS);
    relate(&hours, RelationOptions::UNADJUSTED).unwrap();
    let error = relate(&hours[1..], RelationOptions::UNADJUSTED).unwrap_err();
    let expected = InsufficientData::Hours {
        have: MIN_HOURS - 1,
        need: MIN_HOURS,
    };
    assert_eq!(error, expected);
    assert_eq!(error.additional_hours(), Some(1));
}

#[test]
fn single_wet_spell_is_not_significant() {
    // The effect of a single spell is indistinguishable from that of its day.
    let mut hours = process("AR(1), φ = 0.9, ρ = 0").series(9, 400);
    for (i, hour) in hours.iter_mut().enumerate() {
        hour.weather = if (200..230).contains(&i) { 1.0 } else { 0.0 };
    }
    match compare_wet_dry(&hours, RelationOptions::UNADJUSTED) {
        Ok(found) => assert!(found.p_value > 0.05, "{found:?}"),
        Err(error) => assert!(error.additional_hours().is_some(), "{error}"),
    }
}

#[test]
fn ignores_non_finite_values_and_offset_without_adjustment() {
    let mut hours = hours(100);
    let without = relate(&hours[1..], RelationOptions::UNADJUSTED).unwrap();
    hours[0].weather = f64::NAN;
    assert_eq!(
        relate(&hours, RelationOptions::UNADJUSTED).unwrap(),
        without
    );
    hours[0].local = LocalHour::from_utc(hours[0].hour, 5);
    assert_eq!(
        relate(&hours, RelationOptions::UNADJUSTED).unwrap(),
        without
    );
}
