//! Comparison of rows with the truth, the texts of differences, and truth files.

use super::*;
use moodvane_model::{ErrorChain, Observation, Readings, Score, Sentiment, Timestamp};

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
        effects: None,
        others: Vec::new(),
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

fn expected_row(hour: &str) -> HourRow {
    row(hour, &[1, 4], 1, &[3.0, 3.5])
}

fn describe(rows: &[HourRow], range: HourRange) -> Vec<String> {
    let differences = truth().compare(rows, range);
    differences.iter().map(ToString::to_string).collect()
}

#[test]
fn equal_rows_have_no_difference() {
    let rows = [expected_row("2018-01-01 02"), expected_row("2018-01-01 04")];
    assert_eq!(
        describe(&rows, range("2018-01-01 00", "2018-01-01 23")),
        [""; 0]
    );
}

#[test]
fn reports_each_difference_with_hour() {
    let all = range("2018-01-01 00", "2018-01-01 23");
    let good = expected_row("2018-01-01 04");
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
        assert_eq!(describe(&[bad, good.clone()], all), expected);
    }
}

#[test]
fn reports_missing_unexpected_and_repeated_rows() {
    let all = range("2018-01-01 00", "2018-01-01 23");
    assert_eq!(describe(&[], all).len(), 8);
    let (two, four) = (expected_row("2018-01-01 02"), expected_row("2018-01-01 04"));
    let unexpected = row("2018-01-01 03", &[2], 0, &[]);
    assert_eq!(
        describe(&[two.clone(), unexpected, four.clone()], all),
        [
            "2018-01-01 03: 1 posts stored, 0 expected",
            "2018-01-01 03: class sum 2 stored, 0 expected"
        ]
    );
    assert_eq!(
        describe(&[two.clone(), two, four], all),
        ["2018-01-01 02: stored more than once"]
    );
}

#[test]
fn ignores_other_hours_and_cities() {
    let only = range("2018-01-01 04", "2018-01-01 04");
    let mut elsewhere = expected_row("2018-01-01 04");
    elsewhere.city = CityId::parse("london").unwrap();
    let rows = [
        row("2018-01-01 02", &[0], 0, &[]),
        expected_row("2018-01-01 04"),
    ];
    assert_eq!(describe(&[&rows[..], &[elsewhere]].concat(), only), [""; 0]);
}

#[test]
fn final_hours_end_with_last_complete_hour() {
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
fn file_round_trip_keeps_truth() {
    let mut known = truth();
    known.hours.truncate(1);
    insta::assert_snapshot!(serde_json::to_string(&known).unwrap(), @r#"{"city":"new-york","complete_through_ms":1514782800000,"through":"2018-01-01 04","hours":[{"hour":"2018-01-01 02","posts":2,"class_sum":5,"unscored":1,"temperature":[{"source":"open-meteo","count":2,"sum_micros":6500000}]}]}"#);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    known.save(&path).unwrap();
    assert_eq!(Truth::load(&path).unwrap(), known);
}

#[test]
fn rejects_invalid_file_with_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    let fault = |json: &str| {
        std::fs::write(&path, json).unwrap();
        ErrorChain(&Truth::load(&path).unwrap_err()).to_string()
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
