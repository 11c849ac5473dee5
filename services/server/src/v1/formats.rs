//! Hours as JSON, NDJSON, CSV and Parquet.

pub(super) mod parquet;

use serde::Serialize;
use utoipa::ToSchema;

use super::hour::{Hour, Reading};
use crate::query::Choice;

/// The format of the hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Format {
    Json,
    Csv,
    Ndjson,
    Parquet,
}

impl Choice for Format {
    const ALL: &[(&str, Self)] = &[
        ("json", Self::Json),
        ("csv", Self::Csv),
        ("ndjson", Self::Ndjson),
        ("parquet", Self::Parquet),
    ];
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

pub(super) fn json(page: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(page)?)
}

/// One line of JSON for each hour.
pub(super) fn ndjson(hours: &[Hour]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    for hour in hours {
        serde_json::to_writer(&mut out, hour)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// A table with a header (RFC 4180). Unknown values are empty; names are separated by spaces.
pub(super) fn csv(hours: &[Hour]) -> anyhow::Result<Vec<u8>> {
    let mut out = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    out.write_record(HEADER)?;
    for hour in hours {
        out.serialize(CsvLine::new(hour))?;
    }
    Ok(out.into_inner()?)
}

const HEADER: [&str; 21] = [
    "hour",
    "posts",
    "unscored",
    "feeling",
    "standard_error",
    "share_0",
    "share_1",
    "share_2",
    "share_3",
    "share_4",
    "temperature_c",
    "humidity_percent",
    "precipitation_mm_per_h",
    "wind_m_per_s",
    "cloud_percent",
    "pressure_hpa",
    "minutes_by_source",
    "temperatures_left_out",
    "direct_feeling",
    "direct_standard_error",
    "weather_talk_posts",
];

#[derive(Serialize)]
struct CsvLine<'a> {
    hour: &'a str,
    posts: u64,
    unscored: u64,
    feeling: Option<f64>,
    standard_error: Option<f64>,
    shares: [Option<f64>; 5],
    weather: [Option<f64>; 6],
    minutes: String,
    excluded: String,
    direct_feeling: Option<f64>,
    direct_standard_error: Option<f64>,
    weather_talk_posts: Option<u64>,
}

impl<'a> CsvLine<'a> {
    fn new(hour: &'a Hour) -> Self {
        let minutes = hour.sources.iter();
        let minutes: Vec<String> = minutes.map(|s| format!("{}:{}", s.id, s.minutes)).collect();
        let value = |reading: Option<&Reading>| reading.map(|reading| reading.value);
        let temperature = hour.weather.temperature.as_ref();
        Self {
            hour: &hour.hour,
            posts: hour.posts,
            unscored: hour.unscored,
            feeling: hour.feeling,
            standard_error: hour.standard_error,
            shares: hour.shares.map_or([None; 5], |shares| shares.map(Some)),
            weather: hour.weather.all().map(|(_, reading)| value(reading)),
            minutes: minutes.join(" "),
            excluded: temperature.map_or(String::new(), |t| t.left_out.join(" ")),
            direct_feeling: hour.direct_feeling,
            direct_standard_error: hour.direct_standard_error,
            weather_talk_posts: hour.weather_talk_posts,
        }
    }
}
