//! What an hour row says of its hour.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_analysis::{
    AnalysisError, HourTemperature, StrayBound, feeling, feeling_error, reading, temperature,
};
use moodvane_model::{
    CityId, HourRow, HourSlot, Observation, Readings, Score, Sentiment, SourceId, Sums, Variable,
};
use proptest::prelude::*;

fn hour() -> HourSlot {
    "2018-01-01 02".parse().unwrap()
}

fn empty() -> HourRow {
    HourRow::empty(CityId::parse("new-york").unwrap(), hour())
}

fn with_posts(mut row: HourRow, source: &str, classes: &[u8]) -> HourRow {
    let mut sums = Sums::default();
    for class in classes {
        let score = Score::new(Sentiment::try_from(*class).unwrap(), 2.0);
        sums.add_post(hour().start(), Some(score));
    }
    row.add(SourceId::parse(source).unwrap(), &sums);
    row
}

fn with_weather(mut row: HourRow, source: &str, celsius: &[f64]) -> HourRow {
    let source = SourceId::parse(source).unwrap();
    let mut sums = Sums::default();
    for value in celsius {
        let observation = Observation {
            city: row.city,
            source,
            observed_at: hour().start(),
            received_at: hour().start(),
            readings: Readings::new(*value).unwrap(),
        };
        sums.add_observation(hour().start(), &observation);
    }
    row.add(source, &sums);
    row
}

/// The temperature, the names used and the names left out.
fn of(sources: &[(&str, &[f64])]) -> Option<(f64, String, String)> {
    let row = sources.iter().fold(empty(), |row, (name, values)| {
        with_weather(row, name, values)
    });
    let HourTemperature {
        celsius,
        used,
        left_out,
    } = temperature(&row, StrayBound::STANDARD)?;
    let names = |ids: &[SourceId]| ids.iter().map(SourceId::as_str).collect::<String>();
    Some((celsius, names(&used), names(&left_out)))
}

#[test]
fn feeling_is_the_mean_class_of_all_scored_posts_of_all_sources() {
    let row = with_posts(with_posts(empty(), "x", &[1, 2]), "bluesky", &[2]);
    assert_eq!(feeling(&row), Some(5.0 / 3.0));
}

#[test]
fn an_hour_without_scored_posts_has_no_feeling() {
    let mut unscored = Sums::default();
    unscored.add_post(hour().start(), None);
    let mut row = with_weather(empty(), "open-meteo", &[7.0]);
    row.add(SourceId::parse("bluesky").unwrap(), &unscored);
    assert_eq!(feeling(&row), None);
    assert_eq!(feeling(&empty()), None);
}

#[test]
fn a_post_without_a_score_does_not_count_in_the_feeling() {
    let mut row = with_posts(empty(), "x", &[4]);
    let mut unscored = Sums::default();
    unscored.add_post(hour().start(), None);
    row.add(SourceId::parse("x").unwrap(), &unscored);
    assert_eq!(feeling(&row), Some(4.0));
}

#[test]
fn temperature_is_the_mean_of_the_sources_that_do_not_stray() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a [f64])], (f64, &'a str, &'a str));
    let cases: [Case<'_>; 9] = [
        ("one source", &[("a", &[6.0, 8.0])], (7.0, "a", "")),
        (
            "a source has one voice however often it was heard",
            &[("a", &[6.0, 6.0, 6.0]), ("b", &[8.0])],
            (7.0, "ab", ""),
        ),
        (
            "of two nobody knows which is wrong",
            &[("a", &[0.0]), ("b", &[30.0])],
            (15.0, "ab", ""),
        ),
        (
            "of three one strays",
            &[("a", &[7.0]), ("b", &[8.0]), ("c", &[30.0])],
            (7.5, "ab", "c"),
        ),
        (
            "exactly at the bound stays",
            &[("a", &[7.0]), ("b", &[7.0]), ("c", &[12.0])],
            (26.0 / 3.0, "abc", ""),
        ),
        (
            "two stray on either side",
            &[("a", &[-10.0]), ("b", &[8.0]), ("c", &[30.0])],
            (8.0, "b", "ac"),
        ),
        (
            "two stray together",
            &[
                ("a", &[30.0]),
                ("b", &[8.0]),
                ("c", &[9.0]),
                ("d", &[10.0]),
                ("e", &[30.0]),
            ],
            (9.0, "bcd", "ae"),
        ),
        (
            "of two equal camps none is outvoted",
            &[("a", &[0.0]), ("b", &[0.0]), ("c", &[20.0]), ("d", &[20.0])],
            (10.0, "abcd", ""),
        ),
        (
            "all equal",
            &[("a", &[7.0]), ("b", &[7.0]), ("c", &[7.0])],
            (7.0, "abc", ""),
        ),
    ];
    for (name, sources, (celsius, used, left_out)) in cases {
        let found = of(sources).unwrap();
        let expected = (celsius, used.to_owned(), left_out.to_owned());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_source_without_a_temperature_has_no_voice() {
    let row = with_posts(
        with_weather(empty(), "open-meteo", &[7.0]),
        "bluesky",
        &[2, 3],
    );
    let found = temperature(&row, StrayBound::STANDARD).unwrap();
    assert_eq!(found.celsius, 7.0);
    assert_eq!(found.used.len(), 1);
    assert_eq!(
        temperature(&with_posts(empty(), "x", &[1]), StrayBound::STANDARD),
        None
    );
    assert_eq!(of(&[]), None);
}

#[test]
fn a_bound_must_be_a_number_above_zero() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            matches!(StrayBound::new(bad), Err(AnalysisError::StrayBound(_))),
            "{bad}"
        );
    }
    assert_eq!(StrayBound::new(2.5).unwrap().celsius(), 2.5);
    let error = StrayBound::new(-1.0).unwrap_err().to_string();
    assert_eq!(
        error,
        "-1 is not a bound for stray temperatures: it must be a number above 0, in °C"
    );
}

proptest! {
    #[test]
    fn every_source_is_either_used_or_left_out_and_the_result_lies_among_the_used(
        means in proptest::collection::vec(-50i32..50, 1..8), bound in 0.5f64..20.0,
    ) {
        let row = means.iter().enumerate().fold(empty(), |row, (i, mean)| {
            with_weather(row, &format!("s{i}"), &[f64::from(*mean)])
        });
        let found = temperature(&row, StrayBound::new(bound).unwrap()).unwrap();
        let mean_of = |id: &SourceId| {
            f64::from(means[id.as_str()[1..].parse::<usize>().unwrap()])
        };
        prop_assert_eq!(found.used.len() + found.left_out.len(), means.len());
        prop_assert!(!found.used.is_empty());
        let low = found.used.iter().map(mean_of).fold(f64::INFINITY, f64::min);
        let high = found.used.iter().map(mean_of).fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((low - 1e-9..=high + 1e-9).contains(&found.celsius));
    }
}

#[test]
fn the_standard_error_is_that_of_the_classes() {
    // Classes 1 2 2 3: mean 2, variance 2/3; the root of 2/3 over 4 is 0.408.
    let row = with_posts(empty(), "a", &[1, 2]);
    let row = with_posts(row, "b", &[2, 3]);
    let error = feeling_error(&row).unwrap();
    assert!((error - (1.0f64 / 6.0).sqrt()).abs() < 1e-15, "{error}");
    assert_eq!(feeling_error(&with_posts(empty(), "a", &[4])), None);
    assert_eq!(feeling_error(&with_posts(empty(), "a", &[4, 4])), Some(0.0));
}

#[test]
fn the_reading_of_the_temperature_is_the_temperature_and_others_use_every_source() {
    let mut row = with_weather(empty(), "a", &[10.0]);
    row = with_weather(row, "b", &[11.0]);
    row = with_weather(row, "c", &[30.0]);
    let found = reading(&row, Variable::Temperature, StrayBound::STANDARD).unwrap();
    let expected = temperature(&row, StrayBound::STANDARD).unwrap();
    assert_eq!(found.value, expected.celsius);
    assert_eq!(found.left_out, expected.left_out);
    assert_eq!(found.left_out.len(), 1);
    assert_eq!(reading(&row, Variable::Wind, StrayBound::STANDARD), None);
}
