//! `kind = "post-file"` and `kind = "weather-file"`.

use std::str::FromStr;
use std::sync::Arc;

use chrono::TimeDelta;
use moodvane_model::{City, CityId, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use moodvane_upstream::table::{
    MissingMarkers, PostColumns, PostTableSpec, RowFilter, TimeFormat, WeatherColumns,
    WeatherTableSpec,
};

use super::fields::read_selection;
use super::input::FileConfig;

const MAX_SHIFT_DAYS: i32 = 36_525;

/// Posts from a TSV, CSV or JSONL file, or from standard input.
#[derive(Debug, Clone)]
pub struct PostFileConfig {
    /// Identifier of the source.
    pub id: SourceId,
    /// Input and replay speed.
    pub file: FileConfig,
    /// Columns and formats of the rows.
    pub spec: PostTableSpec,
    /// Which posts to keep.
    pub selection: Arc<Selection>,
}

/// Weather from a TSV, CSV or JSONL file, or from standard input.
#[derive(Debug, Clone)]
pub struct WeatherFileConfig {
    /// Identifier of the source.
    pub id: SourceId,
    /// Input and replay speed.
    pub file: FileConfig,
    /// Columns and formats of the rows.
    pub spec: WeatherTableSpec,
    /// City of the observations.
    pub city: CityId,
}

impl PostFileConfig {
    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let file = FileConfig::read(section);
        let spec = read_post_spec(section);
        let selection = read_selection(section, cities);
        Some(Self {
            id: id?,
            file: file?,
            spec: spec?,
            selection: selection?,
        })
    }
}

impl WeatherFileConfig {
    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let file = FileConfig::read(section);
        let spec = read_weather_spec(section);
        let city = read_city(section, cities);
        Some(Self {
            id: id?,
            file: file?,
            spec: spec?,
            city: city?,
        })
    }
}

fn read_post_spec(section: &Section<'_>) -> Option<PostTableSpec> {
    let id = section.text_or("id_column", "id");
    let text = section.text_or("text_column", "text");
    let time = section.text_or("time_column", "created_at");
    let html_entities = section.boolean_or("html_entities", true);
    let language = read_optional(section, "language_column");
    let place = read_place(section);
    let format = read_time_format(section);
    let shift = read_shift(section);
    let columns = PostColumns {
        id: id?,
        text: text?,
        time: time?,
        language: language?,
        place: place?,
    };
    Some(PostTableSpec {
        columns,
        time: format?,
        shift: shift?,
        html_entities: html_entities?,
    })
}

fn read_weather_spec(section: &Section<'_>) -> Option<WeatherTableSpec> {
    let time = section.text("time_column");
    let temperature_column = section.text("temperature_column");
    let temperature_unit = section.parse("temperature_unit");
    let humidity = read_optional(section, "humidity_column");
    let precipitation = read_measured(section, "precipitation_column", "precipitation_unit");
    let wind = read_measured(section, "wind_column", "wind_unit");
    let cloud = read_optional(section, "cloud_column");
    let pressure = read_measured(section, "pressure_column", "pressure_unit");
    let format = read_time_format(section);
    let shift = read_shift(section);
    let filters = read_filters(section);
    let missing = read_missing(section);
    let columns = WeatherColumns {
        time: time?,
        temperature: (temperature_column?, temperature_unit?),
        humidity: humidity?,
        precipitation: precipitation?,
        wind: wind?,
        cloud: cloud?,
        pressure: pressure?,
    };
    Some(WeatherTableSpec {
        columns,
        time: format?,
        shift: shift?,
        filters: filters?,
        missing: missing?,
    })
}

/// `missing_values` besides the default markers, or, with `default_missing_values = false`, instead
/// of them.
fn read_missing(section: &Section<'_>) -> Option<MissingMarkers> {
    let own = section.list_or_empty("missing_values");
    let defaults = section.boolean_or("default_missing_values", true);
    MissingMarkers::new(&own?, defaults?)
        .map_err(|error| section.fault("missing_values", error.to_string()))
        .ok()
}

fn read_optional(section: &Section<'_>, key: &str) -> Option<Option<String>> {
    section.parse_optional(key)
}

/// Reads a column and its unit, which must be set together.
fn read_measured<U>(section: &Section<'_>, column: &str, unit: &str) -> Option<Option<(String, U)>>
where
    U: FromStr,
    U::Err: std::fmt::Display,
{
    let name = read_optional(section, column);
    let read = section.parse_optional::<U>(unit);
    match (name?, read?) {
        (Some(name), Some(unit)) => Some(Some((name, unit))),
        (None, None) => Some(None),
        (Some(_), None) => {
            section.fault(unit, format!("is required if {column} is set"));
            None
        }
        (None, Some(_)) => {
            section.fault(column, format!("is required if {unit} is set"));
            None
        }
    }
}

fn read_place(section: &Section<'_>) -> Option<Option<(String, String)>> {
    let latitude = read_optional(section, "latitude_column");
    let longitude = read_optional(section, "longitude_column");
    match (latitude?, longitude?) {
        (Some(latitude), Some(longitude)) => Some(Some((latitude, longitude))),
        (None, None) => Some(None),
        _ => {
            let fault = "latitude_column and longitude_column must be set together";
            section.fault("latitude_column", fault.to_owned());
            None
        }
    }
}

/// `time_format`, and `time_zone` for times without an offset.
fn read_time_format(section: &Section<'_>) -> Option<TimeFormat> {
    let format = section.parse_optional::<TimeFormat>("time_format");
    let zone = section.parse_optional::<String>("time_zone");
    let format = format?.unwrap_or(TimeFormat::RFC3339);
    let Some(zone) = zone? else {
        return Some(format);
    };
    format
        .with_zone_named(&zone)
        .map_err(|error| section.fault("time_zone", error.to_string()))
        .ok()
}

fn read_shift(section: &Section<'_>) -> Option<TimeDelta> {
    let days = section.number_or("shift_days", -MAX_SHIFT_DAYS..=MAX_SHIFT_DAYS, 0)?;
    Some(TimeDelta::days(days.into()))
}

/// `filter = ["origin=JFK"]`: keeps rows with that value in that column.
fn read_filters(section: &Section<'_>) -> Option<Vec<RowFilter>> {
    let read = |part: String| {
        let filter = part.split_once('=').map(|(column, value)| RowFilter {
            column: column.trim().to_owned(),
            value: value.trim().to_owned(),
        });
        let filter = filter.filter(|filter| !filter.column.is_empty());
        if filter.is_none() {
            section.fault("filter", format!("\"{part}\" must look like origin=JFK"));
        }
        filter
    };
    let parts = section.list_or_empty("filter")?;
    let filters: Vec<Option<RowFilter>> = parts.into_iter().map(read).collect();
    filters.into_iter().collect()
}

fn read_city(section: &Section<'_>, cities: &[City]) -> Option<CityId> {
    let named = section.parse_optional::<CityId>("city")?;
    let found = match named {
        Some(id) => cities.iter().find(|city| city.id == id),
        None => cities.first(),
    };
    if found.is_none() {
        section.fault(
            "city",
            "must be the id of one of the configured cities".to_owned(),
        );
    }
    found.map(|city| city.id)
}
