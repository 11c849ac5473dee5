//! Parses any bytes as a file of posts or weather: TSV, CSV and JSONL.

#![no_main]

use chrono::TimeDelta;
use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::{CITY, check_format, check_omitted, check_readings, selections, source};
use moodvane_upstream::table::{
    MissingMarkers, PostColumns, PostTableFormat, PostTableSpec, PrecipitationUnit, RecordReader,
    TableKind, TemperatureUnit, TimeFormat,
    WeatherColumns, WeatherTableFormat, WeatherTableSpec,
};

/// A small record limit, so that the fuzzer reaches it.
const LIMIT: usize = 1_024;

fn posts() -> PostTableSpec {
    let named = |name: &str| name.to_owned();
    PostTableSpec {
        columns: PostColumns {
            id: named("id"),
            text: named("text"),
            time: named("time"),
            language: Some(named("lang")),
            place: Some((named("lat"), named("lon"))),
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::days(-1),
        html_entities: true,
    }
}

fn weather() -> WeatherTableSpec {
    WeatherTableSpec {
        columns: WeatherColumns {
            time: "time".to_owned(),
            temperature: ("temp".to_owned(), TemperatureUnit::Fahrenheit),
            humidity: Some("humid".to_owned()),
            precipitation: Some(("rain".to_owned(), PrecipitationUnit::Inches)),
            wind: None,
            cloud: Some("cloud".to_owned()),
            pressure: None,
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::zero(),
        filters: Vec::new(),
        missing: MissingMarkers::default(),
    }
}

fn read(bytes: &[u8], kind: TableKind) {
    let Ok(mut rows) = RecordReader::with_limit(bytes, kind, LIMIT) else {
        return;
    };
    let header = rows.header().cloned();
    let [all, _] = selections();
    let posts = PostTableFormat::new(source(), all, &posts(), header.as_ref()).ok();
    let weather = WeatherTableFormat::new((CITY.id, source()), &weather(), header.as_ref()).ok();
    let mut at = rows.position();
    while let Ok(Some(record)) = rows.next_record() {
        assert!(record.next_position > at, "the position advances");
        at = record.next_position;
        let Ok(raw) = record.content else {
            continue;
        };
        if let Some(posts) = &posts {
            check_format(posts, &raw);
        }
        if let Some(Ok(seen)) = weather.as_ref().map(|weather| weather.parse(&raw)) {
            check_readings(seen.observation.observed_at, seen.observation.readings);
            check_omitted(seen.observation.readings, &seen.omitted);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for kind in [TableKind::Tsv, TableKind::Csv, TableKind::Jsonl] {
        read(bytes, kind);
    }
});
