//! Parses the rows of a table into observations.

use chrono::TimeDelta;
use csv::StringRecord;
use moodvane_model::{CityId, Observation, SourceId, Timestamp, Variable};

use super::error::TableError;
use super::posts::shifted_time;
use super::row::{Column, ColumnResolver, Row, malformed_column};
use super::{
    MissingMarkers, PrecipitationUnit, PressureUnit, TemperatureUnit, TimeFormat, WindUnit,
};
use crate::format::excerpt;
use crate::missing::{MarkerUnit, RawValue};
use crate::omitted::{OmitReason, OmittedValue, WeatherBuilder};
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
    /// The markers of missing values.
    pub missing: MissingMarkers,
}

/// The observation of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableObservation {
    /// The observation.
    pub observation: Observation,
    /// The side values that it is recorded without. Their field is the name of the column.
    pub omitted: Vec<OmittedValue>,
}

/// Parses the rows of a table into observations. The time of receipt is the time of observation, so
/// that old files can be replayed. A bad side value costs only itself.
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
    missing: MissingMarkers,
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

    fn for_markers(self) -> MarkerUnit {
        match self {
            Self::Temperature(TemperatureUnit::Celsius) => MarkerUnit::Celsius,
            Self::Precipitation(PrecipitationUnit::Inches) => MarkerUnit::Inches,
            _ => MarkerUnit::Other,
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
        if spec.time.is_auto() {
            return Err(TableError::UndetectedTimes);
        }
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
            missing: spec.missing.clone(),
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
    /// [`DropReason`] if the row does not match the filters, or has no valid time or temperature.
    pub fn parse(&self, raw: &RawMessage) -> Result<TableObservation, DropReason> {
        let row = Row::parse(raw, self.width)?;
        if !self.matches_filters(&row) {
            return Err(DropReason::Filtered);
        }
        let at = shifted_time(&row, &self.time, &self.format, self.shift_ms)?;
        let celsius = self.celsius(&row)?;
        let mut readings =
            WeatherBuilder::new(celsius).map_err(|source| self.temperature.invalid(source))?;
        for other in &self.others {
            let Some(text) = row.text(&other.column) else {
                continue;
            };
            let value = other.read(&text, &self.missing);
            let value = value.map(|raw| raw.convert(|value| other.unit.convert(value)));
            readings.add(other.variable, value, &other.column.name, text.trim());
        }
        let (readings, omitted) = readings.finish();
        let observation = Observation {
            city: self.city,
            source: self.source,
            observed_at: at,
            received_at: at,
            readings,
        };
        Ok(TableObservation {
            observation,
            omitted,
        })
    }

    fn celsius(&self, row: &Row<'_>) -> Result<f64, DropReason> {
        let column = &self.temperature;
        let Some(text) = row.trimmed(&column.column) else {
            return Err(DropReason::NoTemperature);
        };
        match column.read(&text, &self.missing) {
            Ok(raw) => Ok(raw.convert(|value| column.unit.convert(value))),
            Err(OmitReason::Missing) => Err(DropReason::NoTemperature),
            Err(reason) => {
                let fault = match reason {
                    OmitReason::Quality => "is marked as suspect",
                    _ => "is not a number or a marker of a missing value",
                };
                let fault = format!("\"{}\" {fault}", excerpt(&text));
                Err(malformed_column(&column.column, &fault))
            }
        }
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
    /// What a field says, in the column's unit.
    fn read(&self, text: &str, missing: &MissingMarkers) -> Result<RawValue, OmitReason> {
        missing.read_text(self.variable, self.unit.for_markers(), text)
    }

    fn invalid(&self, source: moodvane_model::ModelError) -> DropReason {
        DropReason::InvalidValue {
            field: format!("column {}", self.column.name),
            source,
        }
    }
}
