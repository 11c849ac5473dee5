//! The truth as a specification: what it finds, how it says it, what it refuses to read.

use super::*;
use moodvane_model::{Observation, Readings, Score, Sentiment, Timestamp};

fn city() -> CityId {
    CityId::parse("new-york").unwrap()
}

fn source(name: &str) -> SourceId {
    SourceId::parse(name).unwrap()
}

fn slot(text: &str) -> HourSlot {
    text.parse().unwrap()
}

fn range(begin: &str, end: &str) -> HourRange {
    HourRange::new(slot(begin), slot(end)).unwrap()
}

fn truth() -> Truth {
    let temperature = TemperatureTruth {
        source: source("open-meteo"),
        count: 2,
        sum_micros: 6_500_000,
    };
    let hour = |text: &str| HourTruth {
        hour: slot(text),
        posts: 2,
        class_sum: 5,
        unscored: 1,
        temperature: vec![temperature],
    };
    Truth {
        city: city(),
        complete_through_ms: slot("2018-01-01 05").start().millis(),
        through: Some(slot("2018-01-01 04")),
        hours: vec![hour("2018-01-01 02"), hour("2018-01-01 04")],
    }
}

/// A row with a post of each class, `unscored` posts and the temperatures.
fn row(hour: &str, classes: &[u8], unscored: u32, temperatures: &[f64]) -> HourRow {
    let at = slot(hour).start();
    let (mut posts, mut weather) = (Sums::default(), Sums::default());
    for class in classes {
        let class = Sentiment::try_from(*class).unwrap();
        posts.add_post(at, Some(Score::new(class, 0.0)));
    }
    for _ in 0..unscored {
        posts.add_post(at, None);
    }
    for celsius in temperatures {
        weather.add_observation(at, &observation(at, *celsius));
    }
    let mut row = HourRow::empty(city(), slot(hour));
    row.add(source("bluesky"), &posts);
    row.add(source("open-meteo"), &weather);
    row
}

fn observation(at: Timestamp, celsius: f64) -> Observation {
    Observation {
        city: city(),
        source: source("open-meteo"),
        observed_at: at,
        received_at: at,
        readings: Readings::new(celsius).unwrap(),
    }
}

fn right(hour: &str) -> HourRow {
    row(hour, &[1, 4], 1, &[3.0, 3.5])
}

fn said(rows: &[HourRow], range: HourRange) -> Vec<String> {
    let differences = truth().compare(rows, range);
    differences.iter().map(ToString::to_string).collect()
}

#[test]
fn equal_rows_have_no_difference() {
    let rows = [right("2018-01-01 02"), right("2018-01-01 04")];
    assert_eq!(
        said(&rows, range("2018-01-01 00", "2018-01-01 23")),
        [""; 0]
    );
}

#[test]
fn every_difference_is_named_with_its_hour() {
    let all = range("2018-01-01 00", "2018-01-01 23");
    let good = right("2018-01-01 04");
    for (bad, expected) in [
        (
            row("2018-01-01 02", &[1, 4, 0], 1, &[3.0, 3.5]),
            vec!["2018-01-01 02: 3 posts stored, 2 expected"],
        ),
        (
            row("2018-01-01 02", &[1, 3], 1, &[3.0, 3.5]),
            vec!["2018-01-01 02: class sum 4 stored, 5 expected"],
        ),
        (
            row("2018-01-01 02", &[1, 4], 0, &[3.0, 3.5]),
            vec!["2018-01-01 02: 0 unscored posts stored, 1 expected"],
        ),
        (
            row("2018-01-01 02", &[1, 4], 1, &[3.0]),
            vec![
                "2018-01-01 02: 1 temperatures of open-meteo that sum to 3 °C stored, 2 that sum to 6.5 °C expected",
            ],
        ),
    ] {
        assert_eq!(said(&[bad, good.clone()], all), expected);
    }
}

#[test]
fn missing_unexpected_and_repeated_rows_are_differences() {
    let all = range("2018-01-01 00", "2018-01-01 23");
    assert_eq!(said(&[], all).len(), 8);
    let (two, four) = (right("2018-01-01 02"), right("2018-01-01 04"));
    let unexpected = row("2018-01-01 03", &[2], 0, &[]);
    assert_eq!(
        said(&[two.clone(), unexpected, four.clone()], all),
        [
            "2018-01-01 03: 1 posts stored, 0 expected",
            "2018-01-01 03: class sum 2 stored, 0 expected"
        ]
    );
    assert_eq!(
        said(&[two.clone(), two, four], all),
        ["2018-01-01 02: stored more than once"]
    );
}

#[test]
fn other_hours_and_other_cities_are_not_looked_at() {
    let only = range("2018-01-01 04", "2018-01-01 04");
    let mut elsewhere = right("2018-01-01 04");
    elsewhere.city = CityId::parse("london").unwrap();
    let rows = [row("2018-01-01 02", &[0], 0, &[]), right("2018-01-01 04")];
    assert_eq!(said(&[&rows[..], &[elsewhere]].concat(), only), [""; 0]);
}

#[test]
fn the_final_hours_end_with_the_last_complete_one() {
    let known = truth();
    assert_eq!(
        known.final_hours(),
        Some(range("2018-01-01 02", "2018-01-01 04"))
    );
    let early = Truth {
        through: Some(slot("2018-01-01 01")),
        ..known.clone()
    };
    assert_eq!(early.final_hours(), None);
    let none = Truth {
        through: None,
        ..known
    };
    assert_eq!(none.final_hours(), None);
}

#[test]
fn a_truth_is_written_in_a_known_shape_and_read_back() {
    let mut known = truth();
    known.hours.truncate(1);
    insta::assert_snapshot!(serde_json::to_string(&known).unwrap(), @r#"{"city":"new-york","complete_through_ms":1514782800000,"through":"2018-01-01 04","hours":[{"hour":"2018-01-01 02","posts":2,"class_sum":5,"unscored":1,"temperature":[{"source":"open-meteo","count":2,"sum_micros":6500000}]}]}"#);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    known.save(&path).unwrap();
    assert_eq!(Truth::load(&path).unwrap(), known);
}

#[test]
fn a_file_that_is_no_truth_is_refused_with_its_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    let fault = |json: &str| {
        std::fs::write(&path, json).unwrap();
        Truth::load(&path).unwrap_err().to_string()
    };
    let good = serde_json::to_string(&truth()).unwrap();
    for (json, part) in [
        ("{}".to_owned(), "missing field"),
        (
            good.replace("2018-01-01 02", "2018-13-01 02"),
            "2018-13-01 02",
        ),
        (
            good.replace("2018-01-01 02", "2018-01-01 04"),
            "must come after",
        ),
    ] {
        let error = fault(&json);
        assert!(error.contains(part), "{part} in {error}");
        assert!(error.contains("truth.json"), "{error}");
    }
    let absent = Truth::load(&folder.path().join("absent.json")).unwrap_err();
    assert!(absent.to_string().contains("absent.json"));
}
