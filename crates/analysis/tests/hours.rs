//! The variable means of hour rows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_analysis::{AnalysisError, HourMean, OutlierBound, temperature, variable_mean};
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

fn with_post(mut row: HourRow, source: &str) -> HourRow {
    let mut sums = Sums::default();
    let score = Score::new(Sentiment::Negative, 1.0);
    sums.add_post(hour().start(), Some(score));
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

/// The temperature, the used sources and the excluded sources.
fn temperature_of(sources: &[(&str, &[f64])]) -> Option<(f64, String, String)> {
    let row = sources.iter().fold(empty(), |row, (name, values)| {
        with_weather(row, name, values)
    });
    let HourMean {
        value,
        used_sources,
        excluded_sources,
    } = temperature(&row, OutlierBound::STANDARD)?;
    let names = |ids: &[SourceId]| ids.iter().map(SourceId::as_str).collect::<String>();
    Some((value, names(&used_sources), names(&excluded_sources)))
}

#[test]
fn temperature_excludes_outlier_sources() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a [f64])], (f64, &'a str, &'a str));
    let cases: [Case<'_>; 9] = [
        ("one source", &[("a", &[6.0, 8.0])], (7.0, "a", "")),
        (
            "equal weight for any number of observations",
            &[("a", &[6.0, 6.0, 6.0]), ("b", &[8.0])],
            (7.0, "ab", ""),
        ),
        (
            "two sources are both used",
            &[("a", &[0.0]), ("b", &[30.0])],
            (15.0, "ab", ""),
        ),
        (
            "one outlier of three",
            &[("a", &[7.0]), ("b", &[8.0]), ("c", &[30.0])],
            (7.5, "ab", "c"),
        ),
        (
            "exactly at the bound is used",
            &[("a", &[7.0]), ("b", &[7.0]), ("c", &[12.0])],
            (26.0 / 3.0, "abc", ""),
        ),
        (
            "outliers on both sides",
            &[("a", &[-10.0]), ("b", &[8.0]), ("c", &[30.0])],
            (8.0, "b", "ac"),
        ),
        (
            "two outliers that agree",
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
            "two equal groups are all used",
            &[("a", &[0.0]), ("b", &[0.0]), ("c", &[20.0]), ("d", &[20.0])],
            (10.0, "abcd", ""),
        ),
        (
            "no spread",
            &[("a", &[7.0]), ("b", &[7.0]), ("c", &[7.0])],
            (7.0, "abc", ""),
        ),
    ];
    for (name, sources, (value, used, excluded)) in cases {
        let found = temperature_of(sources).unwrap();
        let expected = (value, used.to_owned(), excluded.to_owned());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn temperature_ignores_sources_without_temperature() {
    let row = with_post(with_weather(empty(), "open-meteo", &[7.0]), "bluesky");
    let found = temperature(&row, OutlierBound::STANDARD).unwrap();
    assert_eq!(found.value, 7.0);
    assert_eq!(found.used_sources.len(), 1);
    assert_eq!(
        temperature(&with_post(empty(), "x"), OutlierBound::STANDARD),
        None
    );
    assert_eq!(temperature_of(&[]), None);
}

#[test]
fn outlier_bound_rejects_non_positive_and_non_finite() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            matches!(OutlierBound::new(bad), Err(AnalysisError::OutlierBound(_))),
            "{bad}"
        );
    }
    assert_eq!(OutlierBound::new(2.5).unwrap().celsius(), 2.5);
    let error = OutlierBound::new(-1.0).unwrap_err().to_string();
    assert_eq!(
        error,
        "-1 is not a bound for outlier temperatures: it must be a number above 0, in °C"
    );
}

proptest! {
    #[test]
    fn temperature_partitions_sources_and_lies_within_used(
        means in proptest::collection::vec(-50i32..50, 1..8), bound in 0.5f64..20.0,
    ) {
        let row = means.iter().enumerate().fold(empty(), |row, (i, mean)| {
            with_weather(row, &format!("s{i}"), &[f64::from(*mean)])
        });
        let found = temperature(&row, OutlierBound::new(bound).unwrap()).unwrap();
        let mean_of = |id: &SourceId| {
            f64::from(means[id.as_str()[1..].parse::<usize>().unwrap()])
        };
        prop_assert_eq!(found.used_sources.len() + found.excluded_sources.len(), means.len());
        prop_assert!(!found.used_sources.is_empty());
        let low = found.used_sources.iter().map(mean_of).fold(f64::INFINITY, f64::min);
        let high = found.used_sources.iter().map(mean_of).fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((low - 1e-9..=high + 1e-9).contains(&found.value));
    }
}

#[test]
fn variable_mean_excludes_outliers_of_temperature() {
    let mut row = with_weather(empty(), "a", &[10.0]);
    row = with_weather(row, "b", &[11.0]);
    row = with_weather(row, "c", &[30.0]);
    let found = variable_mean(&row, Variable::Temperature, OutlierBound::STANDARD).unwrap();
    let expected = temperature(&row, OutlierBound::STANDARD).unwrap();
    assert_eq!(found, expected);
    assert_eq!(found.excluded_sources.len(), 1);
    assert_eq!(
        variable_mean(&row, Variable::Wind, OutlierBound::STANDARD),
        None
    );
}
