//! The feeling of hour rows.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use moodvane_analysis::{Feeling, FeelingEstimator, feeling};
use moodvane_model::{
    Calibration, CityId, HourRow, HourSlot, Score, Sentiment, SourceId, Sums, ValueHistogram,
    WeatherTalk,
};

fn hour() -> HourSlot {
    "2018-01-01 02".parse().unwrap()
}

fn empty() -> HourRow {
    HourRow::empty(CityId::parse("new-york").unwrap(), hour())
}

/// Adds posts with these classes and values; those below 0 speak of the weather.
fn with_posts(mut row: HourRow, source: &str, posts: &[(u8, f64)]) -> HourRow {
    let mut sums = Sums::default();
    for (class, value) in posts {
        let score = Score::new(Sentiment::try_from(*class).unwrap(), value.abs());
        sums.add_post(hour().start(), Some(score.with_weather_talk(*value < 0.0)));
    }
    row.add(SourceId::parse(source).unwrap(), &sums);
    row
}

fn with_unscored_post(mut row: HourRow) -> HourRow {
    let mut sums = Sums::default();
    sums.add_post(hour().start(), None);
    row.add(SourceId::parse("bluesky").unwrap(), &sums);
    row
}

/// The row as a fold of version 1 wrote it.
fn without_values(mut row: HourRow) -> HourRow {
    for sums in row.sources.values_mut() {
        sums.posts.values = ValueHistogram::default();
    }
    row
}

/// A scorer whose values lie half way between the class and neutral.
fn calibration() -> Arc<Calibration> {
    let mut calibration = Calibration::default();
    for label in Sentiment::ALL {
        for n in 0..200 {
            let value = 1.0 + 0.5 * f64::from(label.class()) + 0.003 * f64::from(n - 100);
            calibration.add(label, Score::new(label, value));
        }
    }
    Arc::new(calibration)
}

#[test]
fn feeling_is_mean_class_where_scorer_has_no_calibration() {
    let row = with_posts(empty(), "x", &[(1, 2.0), (2, 2.0)]);
    let row = with_posts(row, "bluesky", &[(2, 2.0)]);
    let found = feeling(&with_unscored_post(row)).unwrap();
    assert_eq!(
        (found.value, found.direct, found.posts),
        (5.0 / 3.0, 5.0 / 3.0, 3)
    );
    assert_eq!(found.distribution, [0.0, 1.0 / 3.0, 2.0 / 3.0, 0.0, 0.0]);
}

#[test]
fn feeling_is_none_without_scored_posts() {
    assert_eq!(feeling(&with_unscored_post(empty())), None);
    assert_eq!(feeling(&empty()), None);
}

#[test]
fn standard_error_of_mean_class_follows_class_variance() {
    // Classes 1 2 2 3: mean 2, variance 2/3; the root of 2/3 over 4 is 0.408.
    type Case<'a> = (&'a [(u8, f64)], Option<f64>);
    let cases: [Case<'_>; 3] = [
        (
            &[(1, 2.0), (2, 2.0), (2, 2.0), (3, 2.0)],
            Some((1.0_f64 / 6.0).sqrt()),
        ),
        (&[(4, 2.0)], None),
        (&[(4, 2.0), (4, 2.0)], Some(0.0)),
    ];
    for (posts, expected) in cases {
        let found = feeling(&with_posts(empty(), "a", posts)).unwrap();
        match (found.standard_error, expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found}"),
            (found, expected) => assert_eq!(found, expected),
        }
    }
}

#[test]
fn feeling_is_quantified_where_scorer_has_calibration() {
    let row = with_posts(empty(), "x", &[(2, 2.5); 40]);
    let row = with_posts(row, "bluesky", &[(2, 2.5); 60]);
    let row = HourRow {
        calibration: Some(calibration()),
        ..row
    };
    let Feeling {
        value,
        direct,
        distribution,
        posts,
        ..
    } = feeling(&row).unwrap();
    // A value of 2.5 is what posts of class 3 have.
    assert!((direct - 3.0).abs() < 0.05, "{direct}");
    assert!(
        (2.7..3.0).contains(&value) && distribution[3] > 0.8,
        "{value} {distribution:?}"
    );
    assert_eq!(posts, 100);
}

#[test]
fn talk_selects_posts_and_old_rows_do_not_tell_them_apart() {
    let posts = [(1, -1.0), (1, -1.0), (3, 3.0), (4, 3.0), (4, 3.0)];
    let row = with_posts(empty(), "x", &posts);
    let old = without_values(with_posts(empty(), "x", &posts));
    let of = |row: &HourRow, talk| {
        let found = FeelingEstimator::default().estimate(row, talk);
        found.map(|f| (f.posts, f.value))
    };
    let cases = [
        (
            WeatherTalk::All,
            Some((5, 13.0 / 5.0)),
            Some((5, 13.0 / 5.0)),
        ),
        (WeatherTalk::Without, Some((3, 11.0 / 3.0)), None),
        (WeatherTalk::Only, Some((2, 1.0)), None),
    ];
    for (talk, new, from_old) in cases {
        assert_eq!(
            (of(&row, talk), of(&old, talk)),
            (new, from_old),
            "{talk:?}"
        );
    }
}

#[test]
fn rows_of_two_runs_use_their_own_calibrations() {
    let quantified = HourRow {
        calibration: Some(calibration()),
        ..with_posts(empty(), "x", &[(2, 2.5); 50])
    };
    let counted = with_posts(empty(), "x", &[(2, 2.5); 50]);
    let mut estimator = FeelingEstimator::default();
    for row in [&quantified, &counted, &quantified] {
        assert_eq!(estimator.estimate(row, WeatherTalk::All), feeling(row));
    }
}

#[test]
fn direct_estimate_alone_equals_estimate_of_feeling() {
    let posts = [(0, 0.4), (2, 2.0), (3, -2.6), (4, 3.9)];
    let counted = with_posts(empty(), "x", &posts);
    let mut quantified = counted.clone();
    quantified.calibration = Some(calibration());
    let mut estimator = FeelingEstimator::default();
    for row in [&counted, &quantified, &with_unscored_post(empty())] {
        for talk in [WeatherTalk::All, WeatherTalk::Without, WeatherTalk::Only] {
            let feeling = estimator.estimate(row, talk);
            let expected = feeling.map(|f| (f.direct, f.direct_standard_error, f.posts));
            let direct = estimator.direct(row, talk);
            let found = direct.map(|d| (d.value, d.standard_error, d.posts));
            assert_eq!(found, expected, "{talk:?}");
        }
    }
}

#[test]
fn median_of_posts_is_median_of_classes_or_of_calibrated_values() {
    let row = with_posts(empty(), "x", &[(1, 1.9), (1, 1.9), (4, 2.5)]);
    let mut estimator = FeelingEstimator::default();
    // The median is three quarters of the way through the posts of class 1.
    assert_eq!(estimator.median(&row, WeatherTalk::All), Some(1.25));
    assert_eq!(estimator.median(&row, WeatherTalk::Only), None);
    let mut calibrated = row;
    calibrated.calibration = Some(calibration());
    // The cell from 1.8 to 2.0, of which three quarters, on a scale of half.
    let median = estimator.median(&calibrated, WeatherTalk::All).unwrap();
    assert!((median - 1.9).abs() < 0.02, "{median}");
}
