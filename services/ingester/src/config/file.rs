//! The sources that are files.

use std::str::FromStr;
use std::sync::Arc;

use chrono::TimeDelta;
use moodvane_model::{City, CityId, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use moodvane_upstream::table::{
    PostColumns, PostTableSpec, RowFilter, TimeFormat, WeatherColumns, WeatherTableSpec,
};

use super::input::FileConfig;
use super::live::read_selection;

const MAX_SHIFT_DAYS: i32 = 36_525;

/// Posts from a TSV, CSV or JSONL file, or from standard input.
#[derive(Debug, Clone)]
pub struct PostFileConfig {
    /// The source's identifier.
    pub id: SourceId,
    /// What is read, and how fast.
    pub file: FileConfig,
    /// What its rows say.
    pub spec: PostTableSpec,
    /// Which posts are taken.
    pub selection: Arc<Selection>,
}

/// Weather from a TSV, CSV or JSONL file, or from standard input.
#[derive(Debug, Clone)]
pub struct WeatherFileConfig {
    /// The source's identifier.
    pub id: SourceId,
    /// What is read, and how fast.
    pub file: FileConfig,
    /// What its rows say.
    pub spec: WeatherTableSpec,
    /// The city whose weather it is.
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
    let id = section.text("id_column");
    let text = section.text("text_column");
    let time = section.text("time_column");
    let language = optional(section, "language_column");
    let place = read_place(section);
    let format = section.parse::<TimeFormat>("time_format");
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
    })
}

fn read_weather_spec(section: &Section<'_>) -> Option<WeatherTableSpec> {
    let time = section.text("time_column");
    let temperature_column = section.text("temperature_column");
    let temperature_unit = section.parse("temperature_unit");
    let humidity = optional(section, "humidity_column");
    let precipitation = measured(section, "precipitation_column", "precipitation_unit");
    let wind = measured(section, "wind_column", "wind_unit");
    let cloud = optional(section, "cloud_column");
    let pressure = measured(section, "pressure_column", "pressure_unit");
    let format = section.parse::<TimeFormat>("time_format");
    let shift = read_shift(section);
    let filters = read_filters(section);
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
    })
}

fn optional(section: &Section<'_>, key: &str) -> Option<Option<String>> {
    section.parse_optional(key)
}

/// A column with its unit: both or neither.
fn measured<U>(section: &Section<'_>, column: &str, unit: &str) -> Option<Option<(String, U)>>
where
    U: FromStr,
    U::Err: std::fmt::Display,
{
    let name = optional(section, column);
    let read = section.parse_optional::<U>(unit);
    match (name?, read?) {
        (Some(name), Some(unit)) => Some(Some((name, unit))),
        (None, None) => Some(None),
        (Some(_), None) => {
            section.fault(unit, format!("must be given, as {column} is"));
            None
        }
        (None, Some(_)) => {
            section.fault(column, format!("must be given, as {unit} is"));
            None
        }
    }
}

fn read_place(section: &Section<'_>) -> Option<Option<(String, String)>> {
    let latitude = optional(section, "latitude_column");
    let longitude = optional(section, "longitude_column");
    match (latitude?, longitude?) {
        (Some(latitude), Some(longitude)) => Some(Some((latitude, longitude))),
        (None, None) => Some(None),
        _ => {
            let fault = "latitude_column and longitude_column must be given both, or neither";
            section.fault("latitude_column", fault.to_owned());
            None
        }
    }
}

fn read_shift(section: &Section<'_>) -> Option<TimeDelta> {
    let days = section.number_or("shift_days", -MAX_SHIFT_DAYS..=MAX_SHIFT_DAYS, 0)?;
    Some(TimeDelta::days(days.into()))
}

/// `filter = ["origin=JFK"]`: rows with that value in that column.
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
        section.fault("city", "must be the id of one of the cities".to_owned());
    }
    found.map(|city| city.id)
}
