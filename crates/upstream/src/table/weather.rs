//! Parses the rows of a table into observations.

use chrono::TimeDelta;
use csv::StringRecord;
use moodvane_model::{CityId, Observation, Readings, SourceId, Timestamp, Variable};

use super::error::TableError;
use super::posts::shifted_time;
use super::row::{Column, ColumnResolver, Row, malformed_column};
use super::{PrecipitationUnit, PressureUnit, TemperatureUnit, TimeFormat, WindUnit};
use crate::format::excerpt;
use crate::{DropReason, RawMessage};

/// The columns of a table of weather, and their units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeatherColumns {
    /// The column with the time of the observation.
    pub time: String,
    /// The column with the air temperature.
    pub temperature: (String, TemperatureUnit),
    /// The column with the relative humidity in %.
    pub humidity: Option<String>,
    /// The column with the precipitation per hour.
    pub precipitation: Option<(String, PrecipitationUnit)>,
    /// The column with the wind speed.
    pub wind: Option<(String, WindUnit)>,
    /// The column with the cloud cover in %.
    pub cloud: Option<String>,
    /// The column with the air pressure.
    pub pressure: Option<(String, PressureUnit)>,
}

/// Keeps only rows with `value` in `column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilter {
    /// The name of the column.
    pub column: String,
    /// The required value.
    pub value: String,
}

/// How to parse a table of weather.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherTableSpec {
    /// The columns and their units.
    pub columns: WeatherColumns,
    /// The format of times.
    pub time: TimeFormat,
    /// The offset added to each time.
    pub shift: TimeDelta,
    /// The filters, all of which a row must match.
    pub filters: Vec<RowFilter>,
}

/// Parses the rows of a table into observations. The time of receipt is the time of observation. An
/// empty value or `NA` is missing.
#[derive(Debug)]
pub struct WeatherTableFormat {
    city: CityId,
    source: SourceId,
    time: Column,
    temperature: ValueColumn,
    others: Vec<ValueColumn>,
    filters: Vec<(Column, String)>,
    width: Option<usize>,
    format: TimeFormat,
    shift_ms: i64,
}

#[derive(Debug)]
struct ValueColumn {
    variable: Variable,
    column: Column,
    unit: Unit,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    Percent,
    Temperature(TemperatureUnit),
    Precipitation(PrecipitationUnit),
    Wind(WindUnit),
    Pressure(PressureUnit),
}

impl Unit {
    fn convert(self, value: f64) -> f64 {
        match self {
            Self::Percent => value,
            Self::Temperature(unit) => unit.convert(value),
            Self::Precipitation(unit) => unit.convert(value),
            Self::Wind(unit) => unit.convert(value),
            Self::Pressure(unit) => unit.convert(value),
        }
    }
}

impl WeatherTableFormat {
    /// A format for observations of `source` for `city` in tables with this header
    /// ([`super::RecordReader::header`]; `None` for JSONL).
    ///
    /// # Errors
    /// [`TableError::Columns`] with all columns that the header lacks.
    pub fn new(
        (city, source): (CityId, SourceId),
        spec: &WeatherTableSpec,
        header: Option<&StringRecord>,
    ) -> Result<Self, TableError> {
        let names = &spec.columns;
        let mut columns = ColumnResolver::new(header);
        let time = columns.resolve(&names.time);
        let temperature = ValueColumn {
            variable: Variable::Temperature,
            column: columns.resolve(&names.temperature.0),
            unit: Unit::Temperature(names.temperature.1),
        };
        let others = optional_columns(names)
            .into_iter()
            .map(|(variable, name, unit)| ValueColumn {
                variable,
                column: columns.resolve(name),
                unit,
            })
            .collect();
        let filter = |filter: &RowFilter| (columns.resolve(&filter.column), filter.value.clone());
        let filters = spec.filters.iter().map(filter).collect();
        Ok(Self {
            city,
            source,
            time,
            temperature,
            others,
            filters,
            width: columns.finish()?,
            format: spec.time.clone(),
            shift_ms: spec.shift.num_milliseconds(),
        })
    }

    /// The shifted time of a row's observation; `None` if the row has no valid time or does not match the
    /// filters.
    #[must_use]
    pub fn event_time(&self, raw: &RawMessage) -> Option<Timestamp> {
        let row = Row::parse(raw, self.width).ok()?;
        if !self.matches_filters(&row) {
            return None;
        }
        shifted_time(&row, &self.time, &self.format, self.shift_ms).ok()
    }

    fn matches_filters(&self, row: &Row<'_>) -> bool {
        let matches =
            |(column, value): &(Column, String)| row.trimmed(column).as_deref() == Some(value);
        self.filters.iter().all(matches)
    }

    /// Parses the observation of a row.
    ///
    /// # Errors
    /// [`DropReason`] if the row does not match the filters, has no temperature, or is invalid.
    pub fn parse(&self, raw: &RawMessage) -> Result<Observation, DropReason> {
        let row = Row::parse(raw, self.width)?;
        if !self.matches_filters(&row) {
            return Err(DropReason::Filtered);
        }
        let at = shifted_time(&row, &self.time, &self.format, self.shift_ms)?;
        let celsius = self
            .temperature
            .read(&row)?
            .ok_or(DropReason::NoTemperature)?;
        let mut readings =
            Readings::new(celsius).map_err(|source| self.temperature.invalid(source))?;
        for other in &self.others {
            readings = readings
                .with(other.variable, other.read(&row)?)
                .map_err(|source| other.invalid(source))?;
        }
        Ok(Observation {
            city: self.city,
            source: self.source,
            observed_at: at,
            received_at: at,
            readings,
        })
    }
}

fn optional_columns(names: &WeatherColumns) -> Vec<(Variable, &str, Unit)> {
    let mut found = Vec::new();
    if let Some(name) = &names.humidity {
        found.push((Variable::Humidity, name.as_str(), Unit::Percent));
    }
    if let Some((name, unit)) = &names.precipitation {
        found.push((Variable::Precipitation, name, Unit::Precipitation(*unit)));
    }
    if let Some((name, unit)) = &names.wind {
        found.push((Variable::Wind, name, Unit::Wind(*unit)));
    }
    if let Some(name) = &names.cloud {
        found.push((Variable::Cloud, name, Unit::Percent));
    }
    if let Some((name, unit)) = &names.pressure {
        found.push((Variable::Pressure, name, Unit::Pressure(*unit)));
    }
    found
}

impl ValueColumn {
    /// The value in our unit; `None` if it is missing.
    fn read(&self, row: &Row<'_>) -> Result<Option<f64>, DropReason> {
        let Some(text) = row.trimmed(&self.column).filter(|text| text != "NA") else {
            return Ok(None);
        };
        match text.parse::<f64>() {
            Ok(value) => Ok(Some(self.unit.convert(value))),
            Err(_) => {
                let fault = format!("\"{}\" is not a number or NA", excerpt(&text));
                Err(malformed_column(&self.column, &fault))
            }
        }
    }

    fn invalid(&self, source: moodvane_model::ModelError) -> DropReason {
        DropReason::InvalidValue {
            field: format!("column {}", self.column.name),
            source,
        }
    }
}
