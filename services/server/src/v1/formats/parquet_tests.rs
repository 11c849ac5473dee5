//! Reads the file back with the crate and compares it with CSV.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use axum::body::Bytes;
use moodvane_analysis::{FeelingEstimator, OutlierBound};
use moodvane_model::{
    CityId, HourRow, HourSlot, Observation, Readings, Score, Sentiment, SourceId, Sums, Variable,
    WeatherTalk,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::*;
use crate::v1::hour::HourOptions;
use crate::zone::Zone;

/// An hour without anything, one with posts, one with weather, one with both.
fn rows() -> Vec<HourRow> {
    let first: HourSlot = "2018-11-04 04".parse().unwrap();
    let row = |hours, posts: &[u8], celsius: &[(&str, f64)]| {
        let hour = first.checked_add(hours).unwrap();
        let mut row = HourRow::empty(CityId::parse("new-york").unwrap(), hour);
        let mut sums = Sums::default();
        for class in posts {
            let class = Sentiment::try_from(*class).unwrap();
            sums.add_post(hour.start(), Some(Score::new(class, 2.0)));
        }
        sums.add_post(hour.start(), None);
        row.add(SourceId::parse("bluesky").unwrap(), &sums);
        for (source, celsius) in celsius {
            let readings = Readings::new(*celsius).unwrap();
            let readings = readings.with(Variable::Precipitation, Some(0.25));
            let observation = Observation {
                city: row.city,
                source: SourceId::parse(source).unwrap(),
                observed_at: hour.start(),
                received_at: hour.start(),
                readings: readings.unwrap(),
            };
            let mut sums = Sums::default();
            sums.add_observation(hour.start(), &observation);
            row.add(observation.source, &sums);
        }
        row
    };
    vec![
        row(0, &[], &[]),
        row(1, &[0, 3, 4], &[]),
        row(2, &[], &[("a", 7.25), ("b", 7.5), ("c", 40.0)]),
        row(3, &[2, 2], &[("a", -3.0)]),
    ]
}

fn hours() -> Vec<Hour> {
    let options = HourOptions {
        bound: OutlierBound::STANDARD,
        zone: Zone::default(),
        talk: WeatherTalk::All,
    };
    let mut estimator = FeelingEstimator::default();
    let rows = rows();
    let hours = rows
        .iter()
        .map(|row| Hour::new(row, &mut estimator, options));
    hours.map(Option::unwrap).collect()
}

fn metadata() -> FileMetadata {
    FileMetadata {
        city: "new-york".to_owned(),
        tz: "UTC".to_owned(),
        talk: "all",
        runs: "r".to_owned(),
    }
}

fn read(bytes: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(bytes)).unwrap()
}

/// A value as CSV has it.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Long(count) => count.to_string(),
        Field::Double(number) => format!("{number:?}"),
        Field::Str(text) => text.clone(),
        Field::TimestampMillis(ms) => {
            let at = DateTime::from_timestamp_millis(*ms).unwrap();
            at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        }
        other => panic!("unexpected field {other:?}"),
    }
}

#[test]
fn file_has_names_and_values_of_csv() {
    let hours = hours();
    let file = read(encode(&hours, metadata()).unwrap());
    let rows = file.get_row_iter(None).unwrap().map(Result::unwrap);
    let found = rows.map(|row| {
        let columns = row.get_column_iter();
        columns
            .map(|(name, field)| (name.clone(), text(field)))
            .collect()
    });
    let found: Vec<Vec<(String, String)>> = found.collect();
    let csv = crate::v1::formats::csv(&hours).unwrap();
    let mut csv = csv::Reader::from_reader(csv.as_slice());
    let names = csv.headers().unwrap().clone();
    let expected = csv.records().map(|record| {
        let record = record.unwrap();
        let cells = names.iter().zip(record.iter());
        cells
            .map(|(name, cell)| (name.to_owned(), cell.to_owned()))
            .collect()
    });
    assert_eq!(found, expected.collect::<Vec<Vec<_>>>());
    assert_eq!(found.len(), 4);
}

#[test]
fn columns_are_typed_and_metadata_name_origin() {
    for hours in [hours(), Vec::new()] {
        let file = read(encode(&hours, metadata()).unwrap());
        let file = file.metadata().file_metadata();
        let columns = file.schema_descr().columns().iter();
        let shown = columns.map(|c| {
            let optional = c.self_type().is_optional();
            format!("{} {} {optional}", c.name(), c.physical_type())
        });
        let shown: Vec<_> = shown.collect();
        assert_eq!(
            shown[..4],
            [
                "hour INT64 false",
                "posts INT64 false",
                "unscored INT64 false",
                "feeling DOUBLE true",
            ]
        );
        assert_eq!(shown[10], "temperature_c DOUBLE true");
        assert_eq!(shown[16], "minutes_by_source BYTE_ARRAY false");
        assert_eq!(shown[20], "weather_talk_posts INT64 true");
        let hour = file.schema_descr().column(0).logical_type_ref().cloned();
        assert_eq!(hour, Some(LogicalType::timestamp(true, TimeUnit::MILLIS)));
        let pairs = file.key_value_metadata().unwrap().iter();
        let pairs: BTreeMap<_, _> = pairs
            .map(|pair| (pair.key.as_str(), pair.value.as_deref().unwrap()))
            .collect();
        assert_eq!(pairs["moodvane.city"], "new-york");
        assert_eq!(pairs["moodvane.runs"], "r");
        assert_eq!(pairs["moodvane.version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(
            (pairs["moodvane.tz"], pairs["moodvane.talk"]),
            ("UTC", "all")
        );
    }
}
